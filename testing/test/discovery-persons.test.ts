/** One person, two vaults: claiming what a hospital kept, merging what two hospitals kept, and taking that back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client, Traits, Vault } from '@scelle/sdk'
import { toHex } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { CATEGORIES, codeOf, HOUR, item, namesOf } from './scene.ts'

const person = (name: string): Traits => ({
  birthName: name, firstName: 'Jeanne', sex: 'F', birthDate: '1969-05-17', birthPlace: '75056',
})

let world: Constellation
let hospital: Client
let clinic: Client
let state: Client

beforeAll(async () => {
  world = await createConstellation({ seed: 'discovery-persons' })
  await world.discovery()
  hospital = await world.client('organisation')
  clinic = await world.client('organisation')
  state = await world.client(world.register.identity)
})
afterAll(() => world.close())

const kept = async (by: Client, name: string, record: string): Promise<Vault> => {
  const vault = await by.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item(record)])
  await by.bind(vault.id, person(name))
  return vault
}
const hex = (ids: readonly Uint8Array[] | undefined): string[] => (ids ?? []).map(toHex).toSorted()

/**
 * Patients that the trustees have counted for somebody, from the next opening of a vault of its own: the most that any
 * of them says, since the two that answer one opening need not be the two that answer the next.
 */
const counting = (client: Client, counted: { day: number }) => world.client(client.identity, {
  standing: {
    ...world.standingOf(client.identity),
    counted: (_, { day }) => { counted.day = Math.max(counted.day, day) },
  },
})

describe('claiming', () => {
  test('a patient who claimed reads what was kept, by grant, logged and uncounted; new records go to the new vault',
    async () => {
      const before = await kept(hospital, 'Leroy', 'kept')
      const counts: number[] = []
      const counted = (_: Uint8Array, { day }: { readonly day: number }): number => counts.push(day)
      const patient = await world.client('person', { standing: { show: () => ({}), counted } })
      const vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
      const to = patient.identity.id
      await before.share({
        to, categories: ['summary'], purposes: ['patient-request'], basis: 'consent', until: world.now() + 300 * HOUR,
      })
      const open = async () => (await patient.vault(before.id)).open({ purpose: 'patient-request' })
      // Without the claim it is a person whom no register knows: a carer by the custodian's grant, who is counted.
      expect(namesOf((await open()).opened())).toEqual(['kept'])
      expect(counts.splice(0).length).toBeGreaterThan(0)
      const pseudonym = await state.pseudonymOf(person('Leroy'))
      const proof = await world.register.prove({ subject: to, pseudonym, inPerson: true })
      expect(await patient.bind(vault.id, { proof })).toEqual({ bound: true })
      expect(namesOf((await open()).opened())).toEqual(['kept'])
      expect(counts).toEqual([])
      // On record like any access, for the custodian and whoever the part is of.
      const logged = await before.accesses()
      expect(logged.accesses.filter(({ reader }) => reader === toHex(to)).length).toBeGreaterThan(0)
      const found = await clinic.discover(person('Leroy'))
      expect(toHex(found?.vault as Uint8Array)).toBe(toHex(vault.id))
      // Another patient, who claimed another vault, is a stranger here: no more than a carer, and counted.
      const other = await world.client('person', { standing: { show: () => ({}), counted } })
      const theirs = await other.createVault({ mode: 'owner', categories: CATEGORIES })
      await before.share({
        to: other.identity.id, categories: ['summary'], purposes: ['patient-request'], basis: 'consent',
        until: world.now() + 300 * HOUR,
      })
      const proven = await world.register.prove({
        subject: other.identity.id, pseudonym: await state.pseudonymOf(person('Noel')), inPerson: true,
      })
      expect(await other.bind(theirs.id, { proof: proven })).toEqual({ bound: true })
      await (await other.vault(before.id)).open({ purpose: 'patient-request' })
      expect(counts.length).toBeGreaterThan(0)
    })

  test('without the custodian\'s grant a claim opens nothing', async () => {
    const before = await kept(hospital, 'Garnier', 'kept')
    const patient = await world.client('person', { standing: { show: () => ({}) } })
    const vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    const proof = await world.register.prove({
      subject: patient.identity.id, pseudonym: await state.pseudonymOf(person('Garnier')), inPerson: true,
    })
    await patient.bind(vault.id, { proof })
    expect(await codeOf(patient.vault(before.id))).toBe('index-problem')
  })
})

describe('merging', () => {
  test('two custodians merge: each lookup shows both, no grant covers more, no count shrinks; either splits them',
    async () => {
      const [one, two] = [await kept(hospital, 'Faure', 'one'), await kept(clinic, 'Faur', 'two')]
      const counted = { day: 0 }
      const reader = await counting(await world.client('organisation'), counted)
      await one.share({ to: reader.identity.id, categories: ['summary'], basis: 'consent', until: world.now() + HOUR })
      const merge = await hospital.mergeVaults(one.id, two.id, (signed) => clinic.agreeToMerge(signed))
      for (const [name, other] of [['Faure', two], ['Faur', one]] as const) {
        expect(hex((await state.discover(person(name)))?.linked)).toEqual([toHex(other.id)])
      }
      expect(namesOf((await (await reader.vault(one.id)).open()).opened())).toEqual(['one'])
      // The merge gave this reader nothing on the other vault, and gave its custodian's partner nothing either.
      expect(await codeOf(reader.vault(two.id).then((vault) => vault.open({ custodian: clinic.identity.id }))))
        .not.toBe('nothing was thrown')
      expect(await codeOf(hospital.vault(two.id).then((vault) => vault.open({ custodian: clinic.identity.id }))))
        .not.toBe('nothing was thrown')
      // With a grant on each it is two patients, merged or not.
      await two.share({ to: reader.identity.id, categories: ['summary'], basis: 'consent', until: world.now() + HOUR })
      const alone = counted.day
      expect(namesOf((await (await reader.vault(two.id)).open()).opened())).toEqual(['two'])
      expect(counted.day).toBe(alone + 1)
      await clinic.splitVaults(merge, one.id, two.id)
      expect((await state.discover(person('Faure')))?.linked).toEqual([])
      // Another merge of the two is another one, which the first split does not touch.
      const again = await hospital.mergeVaults(one.id, two.id, (signed) => clinic.agreeToMerge(signed))
      expect(hex((await state.discover(person('Faur')))?.linked)).toEqual([toHex(one.id)])
      await hospital.splitVaults(again, one.id, two.id)
      expect((await state.discover(person('Faur')))?.linked).toEqual([])
    })

  test('nobody puts a vault of its own beside another one\'s', async () => {
    const [victim, trap] = [await kept(hospital, 'Blanc', 'real'), await kept(clinic, 'Trap', 'false')]
    const merging = (agreed?: (signed: Uint8Array) => Promise<Uint8Array>) =>
      codeOf(clinic.mergeVaults(trap.id, victim.id, agreed))
    expect(await merging()).toBe('trustee-problem')
    expect(await merging((signed) => clinic.agreeToMerge(signed))).toBe('trustee-problem')
    expect(await merging((signed) => state.agreeToMerge(signed))).toBe('trustee-problem')
    expect((await state.discover(person('Blanc')))?.linked).toEqual([])
  })

  test('a stranger splits nothing', async () => {
    const [one, two] = [await kept(hospital, 'Rey', 'one'), await kept(hospital, 'Reye', 'two')]
    const merge = await hospital.mergeVaults(one.id, two.id)
    expect(await codeOf(clinic.splitVaults(merge, one.id, two.id))).toBe('trustee-problem')
    expect(hex((await state.discover(person('Rey')))?.linked)).toEqual([toHex(two.id)])
  })
})

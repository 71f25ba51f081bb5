/** Finding vaults: the whole way, and what everybody on it can do wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client, SdkError, Traits, Vault } from '@scelle/sdk'
import { Binding, type Codec, decode, decodeSigned, DiscoveryKey, encode, toHex } from '@scelle/seal/verify'
import { blindInput } from '@scelle/seal/voprf'
import { BindingAnswer, EvaluationAnswer, SignedDiscoveryKey, VaultView } from '@scelle/wire/messages'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import { codeOf } from './scene.ts'

const HOUR = 3_600_000
const person = (name: string): Traits => ({
  birthName: name, firstName: 'Jeanne', sex: 'F', birthDate: '1969-05-17', birthPlace: '75056',
})

/** Code of the refusal, as the trustee or this client gave it. */
const refusalOf = async (work: Promise<unknown>): Promise<string> => work.then(() => 'done', (error: SdkError) => {
  const cause = error.cause as SdkError | undefined
  return error.problem ?? cause?.problem ?? cause?.code ?? error.code
})

describe('a constellation that finds vaults', () => {
  let world: Constellation
  let hospital: Client
  let clinic: Client
  let state: Client

  const custody = (client: Client): Promise<Vault> =>
    client.createVault({ mode: 'custody', categories: [{ code: 'summary', strict: false }] })
  const own = (client: Client): Promise<Vault> =>
    client.createVault({ mode: 'owner', categories: [{ code: 'summary', strict: false }] })

  beforeAll(async () => {
    world = await createConstellation({ seed: 'discovery' })
    await world.discovery()
    hospital = await world.client('organisation')
    clinic = await world.client('organisation')
    state = await world.client(world.register.identity)
  })
  afterAll(() => world.close())

  test('what one provider bound, another one finds, however the name is spelt', async () => {
    expect(await hospital.discover(person('Le Goff'))).toBeUndefined()
    const vault = await custody(hospital)
    expect(await hospital.bind(vault.id, person('Le Goff'))).toEqual({ bound: true })
    const found = await clinic.discover(person('LE-GÖFF'))
    expect(toHex(found?.vault as Uint8Array)).toBe(toHex(vault.id))
    expect(await clinic.discover(person('Legoff'))).toBeUndefined()
    await clinic.joinVault(found?.vault as Uint8Array, { categories: [{ code: 'summary', strict: false }] })
  })

  test('a second vault for one identity is refused, and the first one stays', async () => {
    const [first, second] = [await custody(hospital), await custody(clinic)]
    await hospital.bind(first.id, person('Martin'))
    expect(await refusalOf(clinic.bind(second.id, person('Martin')))).toBe('already-bound')
    expect(toHex((await clinic.discover(person('Martin')))?.vault as Uint8Array)).toBe(toHex(first.id))
    expect(await hospital.bind(first.id, person('Martin'))).toEqual({ bound: true })
  })

  test('two that race: one has it, or neither, and never both', async () => {
    for (let round = 0; round < 4; round++) {
      const [mine, theirs] = [await custody(hospital), await custody(clinic)]
      const traits = person(`Race ${'abcd'[round]}`)
      await Promise.allSettled([hospital.bind(mine.id, traits), clinic.bind(theirs.id, traits)])
      const results = await Promise.all([
        refusalOf(hospital.bind(mine.id, traits)), refusalOf(clinic.bind(theirs.id, traits)),
      ])
      expect(results.filter((result) => result === 'done')).toHaveLength(1)
      const winner = results[0] === 'done' ? mine : theirs
      expect(toHex((await state.discover(traits))?.vault as Uint8Array)).toBe(toHex(winner.id))
    }
  })

  test('nobody binds another one\'s vault, nor an owner\'s without proof', async () => {
    const vault = await custody(hospital)
    await clinic.joinVault(vault.id, { categories: [{ code: 'summary', strict: false }] })
    // It does not even show the controller's keys; that showing them does not help is a trustee's test.
    expect(await refusalOf(clinic.bind(vault.id, person('Durand')))).toBe('bad-statement')
    const thief = await world.client('person')
    const trap = await own(thief)
    expect(await refusalOf(thief.bind(trap.id, person('Durand')))).toBe('proof-required')
    expect(await hospital.discover(person('Durand'))).toBeUndefined()
  })

  test('an identity is proven by a listed body, of that person, and is no proof of another', async () => {
    const [patient, thief] = [await world.client('person'), await world.client('person')]
    const pseudonym = await state.pseudonymOf(person('Petit'))
    const proof = await world.register.prove({ subject: patient.identity.id, pseudonym, inPerson: true })
    const trap = await own(thief)
    expect(await refusalOf(thief.bind(trap.id, { proof }))).toBe('proof-required')
    const late = await world.register.prove({
      subject: patient.identity.id, pseudonym, inPerson: true, notBefore: 0, expires: Math.floor(world.now() / 1000),
    })
    const vault = await own(patient)
    expect(await refusalOf(patient.bind(vault.id, { proof: late }))).toBe('proof-required')
    expect(await patient.bind(vault.id, { proof })).toEqual({ bound: true })
    expect(toHex((await hospital.discover(person('Petit')))?.vault as Uint8Array)).toBe(toHex(vault.id))
    const other = await custody(hospital)
    expect(await refusalOf(hospital.bind(other.id, person('Petit')))).toBe('already-bound')
    // The owner itself may move.
    const next = await own(patient)
    expect(await patient.bind(next.id, { proof })).toEqual({ bound: true })
    expect(toHex((await hospital.discover(person('Petit')))?.vault as Uint8Array)).toBe(toHex(next.id))
  })

  test('claiming: in person at once; otherwise after 72 hours that the custodian sees and may stop', async () => {
    const kept = await custody(hospital)
    await hospital.bind(kept.id, person('Moreau'))
    const patient = await world.client('person')
    const vault = await own(patient)
    const pseudonym = await state.pseudonymOf(person('Moreau'))
    const prove = (inPerson: boolean) => world.register.prove({ subject: patient.identity.id, pseudonym, inPerson })
    const asked = await patient.bind(vault.id, { proof: await prove(false) })
    expect(asked.bound).toBe(false)
    const seen = await hospital.discover(person('Moreau'))
    expect([toHex(seen?.vault as Uint8Array), toHex(seen?.pending?.vault as Uint8Array)])
      .toEqual([toHex(kept.id), toHex(vault.id)])
    await world.clock.advance(71 * HOUR)
    expect((await patient.bind(vault.id, { proof: await prove(false) })).bound).toBe(false)
    await hospital.objectTo(person('Moreau'))
    await world.clock.advance(2 * HOUR)
    // Stopped: the wait begins anew.
    expect((await patient.bind(vault.id, { proof: await prove(false) })).bound).toBe(false)
    await world.clock.advance(72 * HOUR)
    expect(await patient.bind(vault.id, { proof: await prove(false) })).toEqual({ bound: true })
    const claimed = await clinic.discover(person('Moreau'))
    expect([toHex(claimed?.vault as Uint8Array), claimed?.pending]).toEqual([toHex(vault.id), undefined])
    expect(await refusalOf(hospital.bind(kept.id, person('Moreau')))).toBe('already-bound')
  })

  test('claiming in person does not wait', async () => {
    const kept = await custody(hospital)
    await hospital.bind(kept.id, person('Roux'))
    const patient = await world.client('person')
    const vault = await own(patient)
    const pseudonym = await state.pseudonymOf(person('Roux'))
    const proof = await world.register.prove({ subject: patient.identity.id, pseudonym, inPerson: true })
    expect(await patient.bind(vault.id, { proof })).toEqual({ bound: true })
  })

  test('whoever is no professional looks nobody up', async () => {
    const stranger = await world.client('person', { standing: { show: () => ({}) } })
    expect(await refusalOf(stranger.discover(person('Martin')))).toBe('status-required')
    const house = await world.client('organisation', { standing: { show: () => ({}) } })
    expect(await refusalOf(house.discover(person('Martin')))).toBe('status-required')
  })
})

describe('what is asked of trustees', () => {
  test('a trustee that is down changes nothing; two that are, everything', async () => {
    const world = await createConstellation({ seed: 'discovery-down' })
    try {
      const hospital = await world.client('organisation')
      expect(await refusalOf(hospital.discover(person('Martin')))).toBe('discovery-absent')
      await world.discovery()
      const vault = await hospital.createVault({ mode: 'custody', categories: [{ code: 'summary', strict: false }] })
      await world.trustees[0]?.kill()
      expect(await hospital.bind(vault.id, person('Martin'))).toEqual({ bound: true })
      expect(toHex((await hospital.discover(person('Martin')))?.vault as Uint8Array)).toBe(toHex(vault.id))
      await world.trustees[0]?.restart()
      await world.trustees[1]?.kill()
      // The one that was away has not signed, so one binding is left: too few, and no second vault on that account.
      expect(await refusalOf(hospital.discover(person('Martin')))).not.toBe('done')
      expect(await hospital.bind(vault.id, person('Martin'))).toEqual({ bound: true })
      await world.trustees[2]?.kill()
      expect(await refusalOf(hospital.discover(person('Martin')))).not.toBe('done')
    } finally {
      await world.close()
    }
  })

  test('shares are renewed, also across a restart, and the pseudonyms stay', async () => {
    const world = await createConstellation({ seed: 'discovery-renew' })
    try {
      await world.discovery()
      const hospital = await world.client('organisation')
      const before = toHex(await hospital.pseudonymOf(person('Martin')))
      await world.clock.advance(25 * HOUR)
      await world.trustees[2]?.restart()
      await world.discovery({ renew: world.trustees[0]! })
      await world.clock.advance(HOUR)
      await world.discovery()
      const generations = await Promise.all(world.trustees.map(async ({ url }) => {
        const answer = await world.network.fetch(`${url}/v1/discovery/key`, { method: 'GET' })
        const signed = decode(SignedDiscoveryKey, new Uint8Array(await answer.arrayBuffer()))
        return signed.map((one) => decode(DiscoveryKey, decodeSigned('discovery-key', one).body).generation)
      }))
      expect(generations).toEqual([[1, 1, 1], [1, 1, 1], [1, 1, 1]])
      expect(toHex(await hospital.pseudonymOf(person('Martin')))).toBe(before)
      const fresh = await world.client('organisation')
      expect(toHex(await fresh.pseudonymOf(person('Martin')))).toBe(before)
    } finally {
      await world.close()
    }
  })

  test('one trustee that lies, in an evaluation or about a binding, is passed over; the index has no say', async () => {
    const world = await createConstellation({ seed: 'discovery-lies' })
    try {
      await world.discovery()
      const hospital = await world.client('organisation')
      const clinic = await world.client('organisation')
      const categories = [{ code: 'summary', strict: false }]
      const vault = await hospital.createVault({ mode: 'custody', categories })
      const trap = await clinic.createVault({ mode: 'custody', categories })
      await hospital.bind(vault.id, person('Martin'))
      const pseudonym = await hospital.pseudonymOf(person('Martin'))
      const [liar] = world.trustees as [PartyHandle, ...PartyHandle[]]
      const lie = <T>(host: string, target: RegExp, codec: Codec<T>, change: (value: T) => T) => world.network.add({
        host, target, effect: {
          kind: 'tamper',
          change: (answer) => answer.status === 200
            ? { ...answer, body: encode(codec, change(decode(codec, answer.body))) } : answer,
        },
      })
      const elsewhere = blindInput(new Uint8Array(3), { now: world.now, random: world.random('elsewhere') }).blinded
      const honest = lie(liar.host, /evaluations/, EvaluationAnswer, (answer) => ({ ...answer, evaluated: elsewhere }))
      for (let n = 0; n < 6; n++) {
        expect(toHex(await hospital.pseudonymOf(person('Martin')))).toBe(toHex(pseudonym))
      }
      honest()
      // A second binding, truly signed by the liar: two others still say what they signed.
      const bound = await liar.identity.sign('binding', encode(Binding, {
        suite: 1, pseudonym, vault: trap.id, time: Math.floor(world.now() / 1000), nonce: new Uint8Array(16),
      }))
      const straight = lie(liar.host, /discovery\/bound/, BindingAnswer, (answer) => ({ ...answer, binding: bound }))
      expect(toHex((await clinic.discover(person('Martin')))?.vault as Uint8Array)).toBe(toHex(vault.id))
      await world.trustees[1]?.kill()
      expect(await codeOf(clinic.discover(person('Martin')))).toBe('discovery-insufficient')
      await world.trustees[1]?.restart()
      straight()
      // The index hands out another vault in the place of the one that was found: the id is the hash of its genesis.
      const other = await clinic.createVault({ mode: 'custody', categories })
      let view: VaultView | undefined
      const seen = lie(world.index.host, /^\/v1\/vaults\/[0-9a-f]{64}$/, VaultView, (answer) => (view = answer))
      await clinic.vault(other.id)
      seen()
      const route = new RegExp(`/v1/vaults/${toHex(vault.id)}$`)
      const wrong = lie(world.index.host, route, VaultView, () => view as VaultView)
      const found = await clinic.discover(person('Martin'))
      expect(await codeOf(clinic.joinVault(found?.vault as Uint8Array, { categories }))).toBe('vault-mismatch')
      wrong()
    } finally {
      await world.close()
    }
  })

  test('a stolen account: so many people a day at a trustee, half as many again over three', async () => {
    const world = await createConstellation({ seed: 'discovery-thief' })
    try {
      await world.discovery()
      const identity = await world.identity('person')
      const status = await world.register.enrol({ subject: identity.id, role: 'officer', number: '1' })
      const standing = { show: () => ({ statuses: [status] }) }
      const thief = await world.client(identity, { standing })
      let found = 0
      let refused = 0
      for (let n = 0; n < 25; n++) {
        const result = await refusalOf(thief.pseudonymOf(person(`Nom ${String.fromCharCode(65 + n)}`)))
        if (result === 'done') found++
        else refused++
        if (result !== 'done') expect(result).toBe('budget-spent')
      }
      // An officer may open 5 a day, so looks up 10 at most, asking two of three in turn; each trustee bounds its part.
      expect(found).toBeLessThanOrEqual(10)
      expect(found).toBeGreaterThanOrEqual(6)
      expect(refused).toBe(25 - found)
      // Another device, another employer: the same person.
      const second = await world.identity('person')
      const again = await world.register.enrol({ subject: second.id, role: 'officer', number: '1' })
      const other = await world.client(second, { standing: { show: () => ({ statuses: [again] }) } })
      expect(await refusalOf(other.pseudonymOf(person('Encore')))).toBe('budget-spent')
      await world.clock.advance(25 * HOUR)
      const fresh = await world.register.enrol({ subject: second.id, role: 'officer', number: '1' })
      const later = await world.client(second, { standing: { show: () => ({ statuses: [fresh] }) } })
      expect(await refusalOf(later.pseudonymOf(person('Encore')))).toBe('done')
    } finally {
      await world.close()
    }
  })
})

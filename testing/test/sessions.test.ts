/** A person of a house opens in sessions that their passkey agreed to: index and trustees verify each by themselves. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rotateIdentity } from '@scelle/seal/identity'
import { createPerson, renewPerson, sealingKeyOf, signOut, signOutBody, unsignedOf } from '@scelle/seal/persons'
import { verifyKeyChain } from '@scelle/seal/verify'
import type { Client, Shown, Vault } from '@scelle/sdk'
import { SoftwareAuthenticator } from '../src/authenticator.ts'
import { createConstellation, seededRandom } from '../src/constellation.ts'
import { CATEGORIES, codeOf, HOUR, item, namesOf } from './scene.ts'

/** A house whose charts open for its people alone, a doctor of it, and a patient's vault that the house keeps. */
const createHouse = async (seed: string) => {
  const world = await createConstellation({ seed })
  const random = seededRandom(`${seed}, people`)
  const context = { random, now: () => world.now() }
  const identity = await rotateIdentity(await world.identity('organisation'), context, { flowOnly: true })
  const house = await world.client(identity)
  const vault = await house.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item('a'), item('b')])
  const authenticator = new SoftwareAuthenticator({ random })
  const sealing = random(32)
  const keys = { signing: random(32), sealingKey: sealingKeyOf(sealing), passkeys: [authenticator.passkey] }
  const chain = [await createPerson(keys, context)]
  const person = await verifyKeyChain(chain)
  await house.people.register(chain)
  const share = (): Promise<unknown> => vault.share({
    basis: 'consent', to: person.id, categories: ['summary'], until: world.now() + 10 * HOUR, depth: 0,
  })
  await share()
  const shown = async (): Promise<Shown> => ({
    statuses: [
      await world.register.enrol({
        subject: person.id, role: 'specialist', organisation: house.identity.id, ownKey: false,
      }),
      await world.register.enrol({ subject: house.identity.id, role: 'hospital' }),
    ],
  })
  return { world, random, context, house, vault, authenticator, sealing, keys, chain, person, shown }
}

type House = Awaited<ReturnType<typeof createHouse>>

interface Wish {
  readonly purposes?: readonly ('treatment' | 'administration')[]
  readonly authenticator?: SoftwareAuthenticator
  readonly chain?: readonly Uint8Array[]
}

/** The person as the house acts for them once they touched their key. */
const signIn = async (
  { world, random, house, authenticator, chain, sealing, shown }: House, wish: Wish = {},
): Promise<Client> => {
  const key = random(32)
  const records = wish.chain ?? chain
  const unsigned = await house.people.ask({
    chain: records, key, device: random(32), purposes: [...wish.purposes ?? ['treatment'] as const],
    until: world.now() + 10 * HOUR,
  })
  const signed = (wish.authenticator ?? authenticator).sign(unsigned)
  const identity = await house.people.hold({ chain: records, key, signed, sealing: records.map(() => sealing) })
  return world.client(identity, { standing: { show: shown } })
}

const openedBy = async (client: Client, vault: Vault): Promise<string[]> => {
  const chart = await (await client.vault(vault.id)).open({ categories: ['summary'], purpose: 'treatment' })
  const names = namesOf(chart.opened())
  chart.close()
  return names
}

let home: House
beforeEach(async () => {
  home = await createHouse('sessions')
})
afterEach(() => home.world.close())

/** What trustees refused with, or the code of another failure. */
const refusalOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: unknown) => {
      const { cause, problem, code } = error as { cause?: { problem?: string }; problem?: string; code?: string }
      return cause?.problem ?? problem ?? String(code)
    },
  )

describe('a chart opens', () => {
  it('in a session, which the access names; the house by itself opens nobody', async () => {
    const { house, vault, world, shown } = home
    const doctor = await signIn(home)
    expect(await openedBy(doctor, vault)).toEqual(['a', 'b'])
    const [listed] = await (await house.vault(vault.id)).listedAccesses()
    expect(listed?.access.session).toEqual(doctor.identity.session?.id)
    const bare = await world.client(house.identity, { standing: { show: shown } })
    expect(await refusalOf(openedBy(bare, vault))).toBe('session-required')
  })

  it('again after the index forgot every session: it is shown anew', async () => {
    const doctor = await signIn(home)
    await openedBy(doctor, home.vault)
    await home.world.index.restart()
    expect(await openedBy(doctor, home.vault)).toEqual(['a', 'b'])
  })

  it('for nothing that the session is not for', async () => {
    const doctor = await signIn(home, { purposes: ['administration'] })
    expect(await refusalOf(openedBy(doctor, home.vault))).toBe('session-required')
  })

  it('under no passkey that can be copied', async () => {
    const { random, keys, chain, house, context } = home
    const synced = new SoftwareAuthenticator({ random, deviceBound: false })
    const more = await renewPerson(chain, { ...keys, passkeys: [...keys.passkeys, synced.passkey] }, context)
    await house.people.register(more)
    const doctor = await signIn(home, { authenticator: synced, chain: more })
    expect(await refusalOf(openedBy(doctor, home.vault))).toBe('session-required')
  })

  it('no more when the session is over', async () => {
    const doctor = await signIn(home)
    await home.world.clock.advance(10 * HOUR - 120_000)
    expect(await openedBy(doctor, home.vault)).toEqual(['a', 'b'])
    await home.world.clock.advance(180_000)
    expect(await refusalOf(openedBy(doctor, home.vault))).toBe('session-ended')
  })
})

/** The index lost what was ended, as from a backup: trustees have it from the log. */
const forgetSignOuts = async ({ index }: House['world']): Promise<void> => {
  await index.kill()
  for (const end of ['', '-wal', '-shm']) rmSync(`${join(index.directory, 'sign-outs.sqlite')}${end}`, { force: true })
  await index.restart()
}

describe('a session ends everywhere', () => {
  it('when its passkey is taken out of the key record: a device is lost', async () => {
    const { random, keys, chain, house, context, vault } = home
    const doctor = await signIn(home)
    await openedBy(doctor, vault)
    const other = new SoftwareAuthenticator({ random })
    const without = await renewPerson(chain, { ...keys, passkeys: [other.passkey] }, context)
    await house.people.register(without)
    expect(await refusalOf(openedBy(doctor, vault))).toBe('session-ended')
    expect(await openedBy(await signIn(home, { authenticator: other, chain: without }), vault)).toEqual(['a', 'b'])
  })

  it('by a word of the session itself, or of a passkey, that anybody may bring', async () => {
    const { authenticator, person, house, context, vault, world } = home
    const doctor = await signIn(home)
    const elsewhere = await signIn(home)
    await house.people.signOut(await signOut(doctor.identity, context, doctor.identity.session?.id))
    expect(await refusalOf(openedBy(doctor, vault))).toBe('session-ended')
    expect(await openedBy(elsewhere, vault)).toEqual(['a', 'b'])
    await world.clock.advance(5_000)
    await house.people.signOut(authenticator.sign(unsignedOf('sign-out', signOutBody(person.id, context), person)))
    expect(await refusalOf(openedBy(elsewhere, vault))).toBe('session-ended')
    await world.clock.advance(5_000)
    expect(await openedBy(await signIn(home), vault)).toEqual(['a', 'b'])
  })

  it('for good: whoever still has its key signs hundreds of other ends, and pushes out none', async () => {
    const { authenticator, person, house, context, vault, world } = home
    const thief = await signIn(home)
    await openedBy(thief, vault)
    const byPasskey = authenticator.sign(unsignedOf('sign-out', signOutBody(person.id, context), person))
    await house.people.signOut(byPasskey)
    const brought: Client[] = []
    for (let i = 0; i < 300; i++) {
      // So many an hour of one principal: it takes several to bring them.
      if (i % 50 === 0) brought.unshift(await world.client('person', { standing: { show: () => ({}) } }))
      await brought[0]?.people.signOut(await signOut(thief.identity, context, world.random(`flood ${i}`)(32)))
    }
    // An index that lets it through: trustees have to know by themselves.
    await forgetSignOuts(world)
    expect(await refusalOf(openedBy(thief, vault))).toBe('session-ended')
    const standing = await thief.standing((await home.shown()).statuses ?? [])
    expect(standing.map(({ locked }) => locked)).toEqual(['signed-out', 'signed-out', 'signed-out'])
  })

  it('for an index that started anew since: it lets nothing of the session through', async () => {
    const { house, context, vault, world } = home
    const doctor = await signIn(home)
    await openedBy(doctor, vault)
    await house.people.signOut(await signOut(doctor.identity, context))
    await world.index.restart()
    // No trustee is asked.
    for (const { host } of world.trustees) world.network.add({ host, effect: { kind: 'refuse' } })
    expect(await refusalOf(openedBy(doctor, vault))).toBe('session-ended')
  })

  it('at trustees too, whatever the index still lets through', async () => {
    const { house, context, vault, world } = home
    const doctor = await signIn(home)
    await openedBy(doctor, vault)
    await house.people.signOut(await signOut(doctor.identity, context))
    await forgetSignOuts(world)
    expect(await refusalOf(openedBy(doctor, vault))).toBe('session-ended')
    const standing = await doctor.standing((await home.shown()).statuses ?? [])
    expect(standing.map(({ locked }) => locked)).toEqual(['signed-out', 'signed-out', 'signed-out'])
  })

  it('by the word of nobody else', async () => {
    const { house, context, person } = home
    await signIn(home)
    const forged = await house.identity.sign('sign-out', signOutBody(person.id, context))
    expect(await codeOf(house.people.signOut(forged))).toBe('index-problem')
  })
})

describe('who has every file of the house', () => {
  it('makes no session: the person agreed to another key', async () => {
    const { house, random, chain, world, authenticator, sealing } = home
    const wish = { chain, device: random(32), purposes: ['treatment'] as const, until: world.now() + HOUR }
    const signed = authenticator.sign(await house.people.ask({ ...wish, key: random(32), purposes: ['treatment'] }))
    const stolen = { chain, key: random(32), signed, sealing: [sealing] }
    expect(await codeOf(house.people.hold(stolen))).toBe('session-invalid')
  })

  it('signs no key record of a person, and brings none that the person did not sign', async () => {
    const { house, chain, random, keys, context } = home
    const thief = new SoftwareAuthenticator({ random })
    await expect(renewPerson(chain, { ...keys, signing: random(32), passkeys: [thief.passkey] }, context))
      .rejects.toThrow('not the keys of this person')
    const stranger = await home.world.client('person')
    expect(await codeOf(stranger.people.register([...chain, ...house.identity.chain]))).toBe('key-chain-broken')
  })
})

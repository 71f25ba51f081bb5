/** Losing things, and getting a root back: each way, and what thieves, guardians and trustees make of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerAsGuardian, GuardianRecovery, openPacket, RootKeeper, type WrapOpener } from '@scelle/sdk/recovery'
import { renewPerson, unsignedOf } from '@scelle/seal/persons'
import { OWN, pairwiseSecrets } from '@scelle/seal/recovery'
import { decode, encode, type WrapEntry } from '@scelle/seal/verify'
import { PartAnswer } from '@scelle/wire/messages'
import { SoftwareAuthenticator } from '../src/authenticator.ts'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import {
  answerOf, cosigned, guard, type Guardians, hex, openerOf, optionsOf, type Person, personIn, problemOf, registerChain,
  startedBy, threeGuardians,
} from './recovery-scene.ts'
import { DAY, HOUR } from './scene.ts'

let world: Constellation
beforeAll(async () => { world = await createConstellation({ seed: 'recovery' }) })
afterAll(() => world.close())

const entryOf = async ({ keeper }: Person, method: WrapEntry['method']): Promise<WrapEntry> => {
  const found = (await keeper.wraps()).find((one) => one.method === method)
  if (found === undefined) throw new Error(`there is no wrap of method ${method}`)
  return found
}

/** Days go by, with somebody else's records in the log, and trustees hear of each other. */
const daysGoBy = async (ms: number): Promise<void> => {
  await world.clock.advance(ms)
  await cosigned(world)
  await world.clock.advance(13 * HOUR)
}

describe('enrolment', () => {
  test('does not end with one way back, nor with two of one place, nor with one that was not tried', async () => {
    const { keeper, prf, passkey } = await personIn(world, 'enrols')
    await keeper.rehearsePasskey(prf)
    expect(await problemOf(keeper.finish())).toBe('enrolment-incomplete')
    const second = world.random('second')(32)
    await keeper.addPasskey(second, { ...passkey, name: 'le même trousseau' })
    await keeper.rehearsePasskey(second)
    expect(await problemOf(keeper.finish())).toBe('enrolment-incomplete')
    const sheet = await keeper.addPrinted('papier')
    expect(await problemOf(keeper.finish())).toBe('enrolment-incomplete')
    expect(await problemOf(keeper.rehearsePrinted(sheet.groups.join(' ').slice(0, -1)))).toBe('printed-invalid')
    await keeper.rehearsePrinted(sheet.groups.join(' '))
    expect(await problemOf(keeper.finish())).toBe('done')
    expect((await keeper.wraps()).map(({ method, name }) => `${method} ${name}`)).toEqual(
      ['passkey téléphone', 'passkey le même trousseau', 'printed papier'])
  })

  test('with guardians counts once each of them has opened its packet', async () => {
    const person = await personIn(world, 'guarded enrolment')
    await person.keeper.rehearsePasskey(person.prf)
    const { identities, packets, locator } = await guard(world, person)
    const codes = await Promise.all(identities.map(async (guardian, i) =>
      (await openPacket(packets[i] as Uint8Array, guardian)).rehearsal))
    expect(() => person.keeper.rehearseGuardians(locator, codes.slice(1))).toThrow('not every guardian')
    expect(await problemOf(person.keeper.finish())).toBe('enrolment-incomplete')
    person.keeper.rehearseGuardians(locator, codes)
    expect(await problemOf(person.keeper.finish())).toBe('done')
  })

  test('the index is told by whom a wrap is by nobody\'s name, and no two by one', async () => {
    world.network.recording = true
    const before = world.network.seen.length
    const person = await personIn(world, 'unlinked')
    await person.keeper.addPrinted('papier')
    world.network.recording = false
    const asked = world.network.seen.slice(before).filter(({ target }) => target.startsWith('/v1/wraps/'))
    const writers = asked.filter(({ method }) => method === 'PUT')
      .map(({ headers, target }) => `${/keyid="(\w+)"/.exec(headers['signature-input'] ?? '')?.[1]} ${target}`)
    expect(new Set(writers).size).toBe(3)
    expect(new Set(writers.map((line) => line.split(' ')[0])).size).toBe(3)
    expect(writers.join()).not.toContain(hex(person.keeper.identity.id))
    const reads = asked.filter(({ method }) => method === 'GET')
    expect(reads.every(({ headers }) => headers['signature-input'] === undefined)).toBe(true)
    const sizes = new Set(asked.filter(({ method }) => method === 'PUT').map(({ body }) => body?.length))
    expect(sizes.size).toBe(1)
  })
})

describe('losing a device', () => {
  test('another wrap gives the same root; what was on the lost one is emptied, and opens nothing from then on',
    async () => {
      const person = await personIn(world, 'loses a device')
      const sheet = await person.keeper.addPrinted('papier')
      const opener = await openerOf(world, 'new device')
      const { root } = await opener.printed(sheet.groups.join(''))
      const keeper = await RootKeeper.open(optionsOf(world, 'new device, enrolled'), root)
      expect(hex(keeper.identity.id)).toBe(hex(person.keeper.identity.id))
      expect((await opener.passkey(person.prf)).root).toEqual(root)
      await keeper.remove(await entryOf(person, 'passkey'))
      expect(await problemOf(opener.passkey(person.prf))).toBe('wrap-invalid')
      const next = world.random('next passkey')(32)
      await keeper.addPasskey(next, { place: next.slice(16), name: 'nouveau' })
      expect((await opener.passkey(next)).root).toEqual(root)
    })
})

describe('losing everything', () => {
  let person: Person
  let guardians: Guardians
  let root: Uint8Array
  beforeAll(async () => {
    person = await personIn(world, 'loses everything')
    guardians = await guard(world, person)
    root = (await (await openerOf(world, 'before')).passkey(person.prf)).root
  })

  test('two guardians of three, three days, two trustees of three; the third guardian may be dead, a trustee away',
    async () => {
      const recovery = await startedBy(world, guardians, [0, 2], 'all lost')
      expect(recovery.code).toMatch(/^(\d{4} ){4}\d{4}$/)
      const waiting = await recovery.finish()
      expect(waiting.state).toBe('waiting')
      expect((waiting as { until: number }).until - world.now()).toBeGreaterThan(71.9 * HOUR)
      await world.clock.advance(71.9 * HOUR)
      expect((await recovery.finish()).state).toBe('waiting')
      await daysGoBy(HOUR)
      await world.trustees[1]?.kill()
      // The device is put away meanwhile.
      const resumed = await GuardianRecovery.resume(optionsOf(world, 'all lost, again'), recovery.stored)
      const opened = await resumed.finish()
      await world.trustees[1]?.restart()
      expect(opened).toEqual({ state: 'opened', root, liars: [] })
    })

  test('the owner who is there is told by trustees and log, and stops it at all of them', async () => {
    const { next } = await person.keeper.logged()
    const stolen = await startedBy(world, guardians, [0, 1], 'two shares stolen')
    expect((await stolen.finish()).state).toBe('waiting')
    const open = (await person.keeper.recoveries()).filter(({ ended, released }) => ended === 0 && released === 0)
    expect(open).toHaveLength(1)
    expect((await person.keeper.logged(next)).leaves).toHaveLength(1)
    expect(await person.keeper.object(open[0] as (typeof open)[0])).toBe(3)
    await daysGoBy(73 * HOUR)
    expect(await problemOf(stolen.finish())).toBe('recovery-ended')
    // Put on record once more, it stays ended: a replay begins nothing.
    await stolen.start()
    await cosigned(world)
    await daysGoBy(73 * HOUR)
    expect(await problemOf(stolen.finish())).toBe('recovery-ended')
  })

  test('a passkey objects as well, without the root', async () => {
    const authenticator = new SoftwareAuthenticator({ random: world.random('authenticator'), deviceBound: false })
    const { signing } = pairwiseSecrets(root, OWN)
    const { chain, keys: { current } } = person.keeper.identity
    const renewed = await renewPerson(chain, {
      signing, sealingKey: current.sealingKey, passkeys: [authenticator.passkey],
    }, { now: world.now, random: world.random('renewal') })
    const options = optionsOf(world, 'with a passkey')
    await registerChain(world, person.keeper.identity, renewed)
    const keeper = await RootKeeper.open(options, root)
    expect(keeper.identity.keys.current).toMatchObject({ version: 1, passkeys: [authenticator.passkey] })
    const stolen = await startedBy(world, guardians, [0, 1], 'against a passkey')
    const open = (await keeper.recoveries()).find(({ ended, released }) => ended === 0 && released === 0)
    if (open === undefined) throw new Error('nothing is open')
    const body = keeper.objectionTo(open)
    const signed = authenticator.sign(unsignedOf('objection', body, keeper.identity.keys))
    const by = new SoftwareAuthenticator({ random: world.random('thief\'s'), deviceBound: false })
    const forged = by.sign(unsignedOf('objection', body, keeper.identity.keys))
    expect(await problemOf(keeper.sendObjection(forged))).not.toBe('done')
    expect((await stolen.finish()).state).toBe('waiting')
    expect(await keeper.sendObjection(signed)).toBe(3)
    expect(await problemOf(stolen.finish())).toBe('recovery-ended')
    person = { ...person, keeper }
  })

  test('a share alone is nothing: no second guardian, no recovery', async () => {
    const recovery = await GuardianRecovery.begin(optionsOf(world, 'one share'))
    await recovery.hear(await answerOf(guardians, 0, recovery.ask))
    expect(await problemOf(recovery.start())).toBe('recovery-insufficient')
    expect(await problemOf(recovery.finish())).toBe('recovery-insufficient')
  })

  test('of two recoveries at once the later one goes on', async () => {
    const first = await startedBy(world, guardians, [0, 1], 'first device')
    await world.clock.advance(HOUR)
    const second = await startedBy(world, guardians, [1, 2], 'second device')
    await daysGoBy(72 * HOUR + 60_000)
    expect(await problemOf(first.finish())).toBe('recovery-ended')
    expect(await second.finish()).toMatchObject({ state: 'opened', root })
    // Shown again later, the first one takes the second one's place no more.
    await first.start()
    await cosigned(world)
    expect(await second.finish()).toMatchObject({ state: 'opened', root })
  })

  test('what is given is given for two weeks, to that device alone', async () => {
    const recovery = await startedBy(world, guardians, [0, 1], 'late')
    await daysGoBy(17 * DAY + HOUR)
    expect(await problemOf(recovery.finish())).toBe('recovery-ended')
  })

  test('a guardian is replaced: shares of the old three are worth nothing, whoever kept them', async () => {
    const old = await entryOf(person, 'guardians')
    const identities = await threeGuardians(world)
    const made = await person.keeper.replaceGuardians(old, {
      guardians: identities.map(({ id }) => id), about: 'Jeanne Leroy', name: 'amis',
    })
    const colluding = await startedBy(world, guardians, [0, 1], 'old guardians')
    const recovery = await startedBy(world, { identities, ...made }, [0, 1], 'new guardians')
    await daysGoBy(72 * HOUR + 60_000)
    expect(['recovery-ended', 'wrap-invalid']).toContain(await problemOf(colluding.finish()))
    expect(await recovery.finish()).toMatchObject({ state: 'opened', root })
  })
})

describe('those who lie', () => {
  let person: Person
  let guardians: Guardians
  beforeAll(async () => {
    person = await personIn(world, 'lied to')
    guardians = await guard(world, person)
  })

  test('a trustee that gives another part is named, and two others are enough', async () => {
    const recovery = await startedBy(world, guardians, [0, 1], 'lying trustee')
    await daysGoBy(72 * HOUR + 60_000)
    const [liar] = world.trustees as readonly [PartyHandle]
    const end = world.network.add({
      host: liar.host, target: /\/v1\/recoveries\/parts$/,
      effect: {
        kind: 'tamper',
        change: (answer) => {
          const told = decode(PartAnswer, answer.body)
          const part = told.part === undefined ? undefined
            : { ...told.part, sealed: told.part.sealed.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }
          return { ...answer, body: encode(PartAnswer, { ...told, ...(part === undefined ? {} : { part }) }) }
        },
      },
    })
    expect((await recovery.finish()).state).toBe('opened')
    const [, away] = world.trustees as readonly [PartyHandle, PartyHandle]
    await away.kill()
    await expect(recovery.finish()).rejects.toMatchObject({ code: 'recovery-insufficient' })
    end()
    await away.restart()
  })

  test('a guardian that gives another share is named', async () => {
    const recovery = await GuardianRecovery.begin(optionsOf(world, 'lying guardian'))
    const [liar] = guardians.identities as [(typeof guardians.identities)[0]]
    const kept = await openPacket(guardians.packets[0] as Uint8Array, liar)
    const share = kept.share.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    await recovery.hear(await answerAsGuardian(recovery.ask, { ...kept, share }, liar))
    await recovery.hear(await answerOf(guardians, 1, recovery.ask))
    await recovery.start()
    await cosigned(world)
    await daysGoBy(72 * HOUR + 60_000)
    await expect(recovery.finish()).rejects.toMatchObject({ code: 'share-invalid', parties: [hex(liar.id)] })
    // The third one is asked as well.
    await recovery.hear(await answerOf(guardians, 2, recovery.ask))
    expect(await recovery.finish()).toMatchObject({ state: 'opened', liars: [hex(liar.id)] })
  })

  test('a clock that runs ahead has nothing given early; one that was put back has it given later', async () => {
    const recovery = await startedBy(world, guardians, [0, 1], 'clocks')
    const [ahead, , behind] = world.trustees as readonly [PartyHandle, PartyHandle, PartyHandle]
    ahead.skew(100 * HOUR)
    expect(await recovery.finish()).toMatchObject({ state: 'waiting' })
    ahead.skew(0)
    expect((await person.keeper.recoveries()).find(({ ended }) => ended === 0)).toMatchObject({ released: 0 })
    await daysGoBy(72 * HOUR + 60_000)
    behind.skew(-10 * HOUR)
    const answered = await recovery.finish()
    behind.skew(0)
    expect(answered.state).toBe('opened')
  })
})

describe('a PIN and a device\'s key', () => {
  const PIN = '739156'
  let opener: WrapOpener
  beforeAll(async () => { opener = await openerOf(world, 'tries PINs') })

  const pinned = async (name: string): Promise<Uint8Array> => {
    const { keeper } = await personIn(world, name)
    const device = world.random(`device/${name}`)(32)
    await keeper.addDevice(device, PIN, { place: device.slice(16), name: 'ordinateur' })
    await keeper.rehearseDevice(device, PIN)
    return device
  }

  test('opens, as often as its owner likes', async () => {
    const device = await pinned('pin')
    for (let i = 0; i < 12; i++) expect((await opener.device(device, PIN)).state).toBe('opened')
    expect(await opener.device(device, '000000')).toMatchObject({ state: 'wrong-pin', left: 9 })
  })

  const guesses = async (device: Uint8Array): Promise<number> => {
    for (let count = 0; ; count++) {
      const tried = await opener.device(device, String(100_000 + count)).catch((error: unknown) => error)
      if (tried instanceof Error) {
        expect(tried).toMatchObject({ problem: 'pin-locked' })
        return count
      }
      expect(tried).toMatchObject({ state: 'wrong-pin' })
    }
  }

  test('a thief of the device has 15 guesses at three trustees at most, and its owner none more', async () => {
    const device = await pinned('brute force')
    const count = await guesses(device)
    expect(count).toBeGreaterThanOrEqual(10)
    expect(count).toBeLessThanOrEqual(15)
    expect(await problemOf(opener.device(device, PIN))).toBe('pin-locked')
  })
})

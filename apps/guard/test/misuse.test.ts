/** The attacks on a guard's door: sessions that are none, that are over, or somebody else's, and servers that lie. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeOrder, signOrder, signWithdrawal } from '@scelle/seal/grants'
import { rotateIdentity } from '@scelle/seal/identity'
import { renewPerson, requestSession, signOutBody, unsignedOf, unsignedSession } from '@scelle/seal/persons'
import { encode, toHex } from '@scelle/seal/verify'
import { sessionName } from '@scelle/wire/http'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { Register } from '@scelle/testing/register'
import { KeyChain } from '@scelle/wire/messages'
import { ask, enter, fieldsOf, type GuardWorld, type Held, HOUR, makeWorld, show, signIn } from './world.ts'

/** What a session that is shown is answered. */
const shownAs = async (home: GuardWorld, held: Held, statuses?: Uint8Array[]): Promise<string> => {
  const { status, code } = await show(home, held, statuses === undefined ? {} : { statuses })
  return `${status} ${code ?? ''}`.trim()
}

describe('a session is not taken', () => {
  let home: GuardWorld
  beforeAll(async () => {
    home = await makeWorld('not taken')
  })
  afterAll(() => home.close())

  test.each([
    ['given to another page', { origin: 'https://passkey.test.evil.test' }],
    ['given within another page', { crossOrigin: true }],
    ['of another relying party', { rpId: 'evil.test' }],
    ['without the person having shown who they are', { flags: 1 }],
    ['of a passkey that says it can be copied', { flags: 5 | 8 }],
    ['that is the making of a passkey, and no assertion', { type: 'webauthn.create' }],
    ['for something else', { challenge: new Uint8Array(32) }],
  ])('by a gesture %s', async (_, gesture) => {
    expect(await shownAs(home, await signIn(home, { gesture }))).toBe('400 bad-statement')
  })

  test('by a passkey of another algorithm than the record says', async () => {
    const weaker = new SoftwareAuthenticator({ random: home.random, algorithm: 'EdDSA' })
    const passkey = { ...weaker.passkey, credential: home.authenticator.passkey.credential }
    const forged = Object.assign(Object.create(weaker) as SoftwareAuthenticator, {})
    forged.sign = (unsigned, gesture) => {
      const made = weaker.sign(unsigned, gesture)
      // The credential's name is all that it takes from the true one.
      const at = Buffer.from(made).indexOf(Buffer.from(weaker.passkey.credential))
      made.set(passkey.credential, at)
      return made
    }
    expect(await shownAs(home, await signIn(home, { authenticator: forged }))).toBe('400 bad-statement')
  })

  test('of another house, whatever that house and its person signed', async () => {
    const other = await home.world.client('organisation')
    expect(await shownAs(home, await signIn(home, { house: other }))).toBe('403 not-permitted')
  })

  test('without a status, with that of somebody else, of another house, or by nobody listed', async () => {
    const held = await signIn(home)
    const { register } = home.world
    const { id } = home.person
    const other = (await home.world.client('organisation')).identity.id
    const elsewhere = [
      await register.enrol({ subject: id, role: 'specialist', organisation: other }),
      await register.enrol({ subject: other, role: 'hospital' }),
    ]
    const about = await register.enrol({ subject: home.machine.id, role: 'specialist' })
    const unlisted = await Register.create(home.context)
    await home.world.client(unlisted.identity)
    const forged = await unlisted.enrol({ subject: id, role: 'specialist', organisation: home.house.identity.id })
    for (const statuses of [[], [about], elsewhere, [forged]]) {
      expect(await shownAs(home, held, statuses)).toBe('403 status-required')
    }
  })

  test('that whoever shows it has not the key of', async () => {
    const [held, thief] = [await signIn(home), await signIn(home)]
    expect(await show(home, held, { by: thief })).toMatchObject({ status: 401, code: 'signature-invalid' })
    expect(await ask(home, held)).toMatchObject({ status: 401, code: 'session-unknown' })
  })

  test('of another network', async () => {
    const { house: { identity }, person, context, authenticator, random, world } = home
    const now = Math.floor(world.now() / 1000)
    const request = await requestSession(identity, {
      audience: random(32), principal: person.id, key: random(32), device: random(32), purposes: ['treatment'],
      notBefore: now, expires: now + 3_600,
    }, context)
    const held = { ...await signIn(home), signed: authenticator.sign(unsignedSession(request, person)) }
    expect(await shownAs(home, held)).toBe('400 bad-statement')
  })

  test('that was not shown, under whatever name', async () => {
    expect(await ask(home, await signIn(home))).toMatchObject({ status: 401, code: 'session-unknown' })
    expect(home.legacy.heard).toEqual([])
  })
})

describe('a session that was good', () => {
  let home: GuardWorld
  let doctor: Held
  beforeEach(async () => {
    home = await makeWorld('was good')
    doctor = await enter(home)
    await ask(home, doctor)
  })
  afterEach(() => home.close())

  const after = async (ms: number) => {
    await home.world.clock.advance(ms)
    return ask(home, doctor)
  }
  const signedOut = () => home.authenticator.sign(
    unsignedOf('sign-out', signOutBody(home.person.id, home.context), home.person),
  )

  test('is over 15 s after the person signed out, wherever they did', async () => {
    await home.house.people.signOut(signedOut())
    expect(await after(15_000)).toMatchObject({ status: 401, code: 'session-ended' })
    expect(await shownAs(home, doctor)).toBe('401 session-ended')
    // The one that was let through before.
    expect(home.legacy.heard).toHaveLength(1)
  })

  test('is over when the newest record has not its passkey any more', async () => {
    const other = new SoftwareAuthenticator({ random: home.random })
    await home.house.people.register(
      await renewPerson(home.chain, { ...home.keys, passkeys: [other.passkey] }, home.context),
    )
    expect(await after(15_000)).toMatchObject({ status: 401, code: 'session-ended' })
    expect(await shownAs(home, await signIn(home, { authenticator: other }))).toBe('204')
  })

  test('is over likewise where the index keeps the newest record to itself', async () => {
    const old = encode(KeyChain, [...home.chain])
    const other = new SoftwareAuthenticator({ random: home.random })
    await home.house.people.register(
      await renewPerson(home.chain, { ...home.keys, passkeys: [other.passkey] }, home.context),
    )
    home.world.network.add({
      host: home.world.index.host, target: new RegExp(`/v1/principals/${toHex(home.person.id)}$`),
      effect: { kind: 'tamper', change: (answer) => ({ ...answer, body: old }) },
    })
    expect(await after(15_000)).toMatchObject({ status: 401, code: 'session-ended' })
  })

  test('is over where the index shows a record that its log does not hold', async () => {
    const thief = await renewPerson(home.chain, home.keys, home.context)
    home.world.network.add({
      host: home.world.index.host, target: new RegExp(`/v1/principals/${toHex(home.person.id)}$`),
      effect: { kind: 'tamper', change: (answer) => ({ ...answer, body: encode(KeyChain, thief) }) },
    })
    expect(await after(15_000)).toMatchObject({ status: 401, code: 'session-ended' })
  })

  test('is over when the register takes its word back', async () => {
    const register = await home.world.client(home.world.register.identity)
    await register.withdraw(await signWithdrawal(home.world.register.identity, home.person.id, home.context))
    expect(await after(15_000)).toMatchObject({ status: 403, code: 'status-withdrawn' })
  })

  test('is over when an officer locks its person', async () => {
    const officer = await home.world.client('person')
    const now = Math.floor(home.world.now() / 1000)
    const order = makeOrder({
      action: 'lock', scope: 'device', target: home.person.id, notBefore: now, expires: now + 600, reason: 'vol',
    }, home.context)
    const statuses = [
      ...await home.statuses(),
      await home.world.register.enrol({
        subject: officer.identity.id, role: 'officer', organisation: home.house.identity.id,
      }),
    ]
    await officer.order([await signOrder(officer.identity, order)], statuses)
    expect(await after(15_000)).toMatchObject({ status: 403, code: 'locked' })
  })

  test('is over when its house has another key since: a stolen one countersigns nothing', async () => {
    await home.world.client(await rotateIdentity(home.house.identity, home.context))
    expect(await after(15_000)).toMatchObject({ status: 401, code: 'session-ended' })
  })

  test('is over at its end, and not before', async () => {
    const short = await enter(home, { until: home.world.now() + HOUR })
    await home.world.clock.advance(HOUR - 30_000)
    expect(await ask(home, short)).toMatchObject({ status: 200 })
    await home.world.clock.advance(30_000)
    expect(await ask(home, short)).toMatchObject({ status: 401, code: 'session-ended' })
  })

  test('is nobody else\'s: not another device\'s, not another person\'s session, not the machine\'s', async () => {
    const other = await enter(home)
    const named = { session: sessionName(new Uint8Array(32)) }
    expect(await ask(home, doctor, { by: other })).toMatchObject({ status: 401, code: 'signature-invalid' })
    expect(await ask(home, doctor, named)).toMatchObject({ status: 401, code: 'session-unknown' })
    expect(await ask(home, doctor, { by: home.machine })).toMatchObject({ status: 401, code: 'session-unknown' })
  })

  test('signs each request anew: for its body, its path, its minute, its server, and once', async () => {
    const fields = await fieldsOf(home, doctor, { method: 'POST', body: 'a' })
    const same = { method: 'POST', body: 'a', change: () => fields }
    expect(await ask(home, doctor, { ...same, body: 'b' })).toMatchObject({ code: 'digest-mismatch' })
    expect(await ask(home, doctor, { ...same, path: '/patients/2' })).toMatchObject({ code: 'signature-invalid' })
    expect(await ask(home, doctor, { at: -120_000 })).toMatchObject({ code: 'signature-expired' })
    const replayed = await fieldsOf(home, doctor)
    expect(await ask(home, doctor, { change: () => replayed })).toMatchObject({ status: 200 })
    expect(await ask(home, doctor, { change: () => replayed })).toMatchObject({ code: 'signature-replayed' })
  })

  describe('where servers do not answer', () => {
    const silence = (hosts: readonly string[]) => {
      for (const host of hosts) home.world.network.add({ host, effect: { kind: 'refuse' } })
    }

    test('carries for a minute, and then nothing', async () => {
      silence([home.world.index.host])
      expect(await after(40_000)).toMatchObject({ status: 200 })
      expect(await after(25_000)).toMatchObject({ status: 503, code: 'view-stale' })
      expect(await shownAs(home, doctor)).toBe('503 view-stale')
    })

    test('goes on with two trustees, and not with one', async () => {
      const [first, second] = home.world.trustees.map(({ host }) => host)
      silence([String(first)])
      expect(await after(HOUR)).toMatchObject({ status: 200 })
      silence([String(second)])
      expect(await after(65_000)).toMatchObject({ status: 503, code: 'view-stale' })
    })

    test('is ended by no trustee alone, and kept alive by none', async () => {
      const liar = String(home.world.trustees[0]?.host)
      const say = (body: Uint8Array) => home.world.network.add({
        host: liar, target: /standing/,
        effect: { kind: 'tamper', change: (answer) => ({ ...answer, status: 200, body }) },
      })
      const stop = say(Uint8Array.of(0xa1, 0x00, 0x66, ...Buffer.from('locked')))
      expect(await after(HOUR)).toMatchObject({ status: 200 })
      stop()
      say(Uint8Array.of(0xa0))
      await home.house.people.signOut(signedOut())
      expect(await after(15_000)).toMatchObject({ status: 401, code: 'session-ended' })
    })
  })

  test('ends with its audit: where no line can be kept, nobody passes', async () => {
    home.parts.audit = async () => { throw new Error('the disk is full') }
    await home.party.restart()
    await home.world.clock.advance(2_000)
    const held = await enter(home)
    expect(await ask(home, held)).toMatchObject({ status: 500, code: 'internal' })
    expect(home.legacy.heard).toHaveLength(1)
  })
})

test('a passkey that can be copied is no professional\'s', async () => {
  const home = await makeWorld('copied')
  try {
    const synced = new SoftwareAuthenticator({ random: home.random, deviceBound: false })
    const passkeys = [...home.keys.passkeys, synced.passkey]
    await home.house.people.register(await renewPerson(home.chain, { ...home.keys, passkeys }, home.context))
    await home.world.clock.advance(5_000)
    expect(await shownAs(home, await signIn(home, { authenticator: synced }))).toBe('403 session-required')
    expect(await shownAs(home, await signIn(home))).toBe('204')
  } finally {
    await home.close()
  }
})

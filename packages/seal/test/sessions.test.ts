/** Passkeys' signatures and sessions: what counts, and everything that does not. WebAuthn level 3, section 7.2. */
import { describe, expect, test } from 'vitest'
import { SoftwareAuthenticator, type Gesture } from '@scelle/testing/authenticator'
import { createIdentity, exportIdentity, rotateIdentity } from '../src/identity.ts'
import {
  createPerson, renewPerson, requestSession, sessionIdentity, signOut, unsignedOf, unsignedSession,
} from '../src/persons.ts'
import {
  Confirmation, decode, encode, endsSession, Fact, KeyRecord, P256_ORDER, type PrincipalKeys, requireCurrentKey,
  requireLive, Session, Signed, signatureInput, SUITE, underSession, verifyKeyChain, verifySession, verifySigned,
  verifySignOut, ZERO32,
} from '../src/verify.ts'
import { ed25519PublicKey, ed25519Signer } from '../src/primitives/signature-node.ts'
import { xwingPublicKey } from '../src/primitives/kem-public-node.ts'

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
const NOW = 1_790_000_000
const context = { random, now: () => NOW * 1000 }
const INDEX = random(32)
const HOURS = 3600

const scene = async (given: { algorithm?: 'ES256' | 'EdDSA'; deviceBound?: boolean } = {}) => {
  const authenticator = new SoftwareAuthenticator({ random, ...given })
  const signing = random(32)
  const sealing = random(32)
  const keys = { signing, sealingKey: xwingPublicKey(sealing), passkeys: [authenticator.passkey] }
  const chain = [await createPerson(keys, context)]
  const person = await verifyKeyChain(chain)
  const house = await createIdentity('organisation', context)
  const key = random(32)
  const wish = {
    audience: INDEX, principal: person.id, device: random(32), purposes: ['treatment'] as const, notBefore: NOW,
    expires: NOW + 10 * HOURS,
  }
  const ask = (over: Partial<typeof wish> = {}, by = house) =>
    requestSession(by, { ...wish, ...over, purposes: ['treatment'], key }, context)
  const request = await ask()
  const signed = authenticator.sign(unsignedSession(request, person))
  return { authenticator, signing, sealing, keys, chain, person, house, key, ask, request, signed }
}

type Scene = Awaited<ReturnType<typeof scene>>

const known = ({ signed, person, house }: Scene) => verifySession(signed, { person, house: house.keys })

describe('a session', () => {
  const algorithms = ['ES256', 'EdDSA'] as const
  test.each(algorithms)('is agreed to by a passkey with %s, for one house and one key', async (algorithm) => {
    const world = await scene({ algorithm })
    const session = await known(world)
    expect(session).toMatchObject({
      principal: world.person.id, house: world.house.id, audience: INDEX, purposes: ['treatment'],
      key: await ed25519PublicKey(world.key), deviceBound: true, expires: NOW + 10 * HOURS,
    })
  })

  test('is one statement of one gesture: ECDSA\'s second signature of it does not hold', async () => {
    const world = await scene()
    const whole = decode(Signed, world.signed)
    const s = BigInt(`0x${Buffer.from(whole.signature.subarray(32)).toString('hex')}`)
    const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex')
    const twin = encode(Signed, { ...whole, signature: new Uint8Array([...whole.signature.subarray(0, 32), ...other]) })
    await expect(verifySession(twin, { person: world.person, house: world.house.keys }))
      .rejects.toThrow('not by that passkey')
  })

  const gestures: readonly (readonly [string, Gesture, string])[] = [
    ['of another origin', { origin: 'https://passkey.test.evil' }, 'another page'],
    ['of a neighbouring port', { origin: 'https://passkey.test:8443' }, 'another page'],
    ['over http', { origin: 'http://passkey.test' }, 'another page'],
    ['within another page', { crossOrigin: true }, 'within another page'],
    ['with a page above it', { topOrigin: 'https://evil.test' }, 'within another page'],
    ['of a registration', { type: 'webauthn.create' }, 'not an assertion'],
    ['over another challenge', { challenge: new Uint8Array(32) }, 'something else'],
    ['for another relying party', { rpId: 'evil.test' }, 'another relying party'],
    ['without user verification', { flags: 1 }, 'nobody touched'],
    ['without a touch', { flags: 4 }, 'nobody touched'],
    ['by a passkey that can be copied', { flags: 5 | 8 }, 'leave its device'],
    ['by a passkey that was copied', { flags: 5 | 8 | 16 }, 'leave its device'],
    ['with contradicting flags', { flags: 5 | 16 }, 'contradict'],
    ['with extension outputs', { flags: 5 | 128 }, 'more than was asked'],
    ['with attested data', { flags: 5 | 64 }, 'more than was asked'],
  ]
  test.each(gestures)('does not begin with a gesture %s', async (_, gesture, why) => {
    const world = await scene()
    const signed = world.authenticator.sign(unsignedSession(world.request, world.person), gesture)
    await expect(verifySession(signed, { person: world.person, house: world.house.keys })).rejects.toThrow(why)
  })

  test('does not begin with a signature by the person\'s own key: that may rest on a disk', async () => {
    const world = await scene()
    const { kind, body, signer, keyVersion } = unsignedSession(world.request, world.person)
    const signature = ed25519Signer(world.signing)(signatureInput(kind, signer, keyVersion, body))
    const signed = encode(Signed, { kind, body, signer, keyVersion, signature })
    await expect(verifySession(signed, { person: world.person, house: world.house.keys }))
      .rejects.toThrow('signed by a passkey')
  })

  test('does not begin with somebody else\'s passkey, nor one that was taken out since', async () => {
    const world = await scene()
    const other = new SoftwareAuthenticator({ random })
    await expect(verifySession(other.sign(unsignedSession(world.request, world.person)), {
      person: world.person, house: world.house.keys,
    })).rejects.toThrow('no such passkey')
    const chain = await renewPerson(world.chain, { ...world.keys, passkeys: [other.passkey] }, context)
    await expect(verifySession(world.signed, { person: await verifyKeyChain(chain), house: world.house.keys }))
      .rejects.toThrow('not good any more')
    const kept = await renewPerson(
      world.chain, { ...world.keys, passkeys: [other.passkey, world.authenticator.passkey] }, context)
    const person = await verifyKeyChain(kept)
    expect((await verifySession(world.signed, { person, house: world.house.keys })).principal).toEqual(person.id)
  })

  test('does not begin with a passkey that the newest record calls something else', async () => {
    const world = await scene({ deviceBound: false })
    const { passkey } = world.authenticator
    const other = new SoftwareAuthenticator({ random })
    for (const changed of [
      { ...passkey, deviceBound: true }, { ...passkey, publicKey: other.passkey.publicKey },
      { ...passkey, origin: 'https://evil.test' }, { ...passkey, rpId: 'test' },
    ]) {
      const chain = await renewPerson(world.chain, { ...world.keys, passkeys: [changed] }, context)
      await expect(verifySession(world.signed, { person: await verifyKeyChain(chain), house: world.house.keys }))
        .rejects.toThrow('not good any more')
    }
  })

  test('is refused where the house did not ask, asked somebody else, or asked for more than ten hours', async () => {
    const world = await scene()
    const by = (request: Uint8Array) => world.authenticator.sign(unsignedSession(request, world.person))
    const stranger = await createIdentity('organisation', context)
    const verify = (signed: Uint8Array, house: PrincipalKeys = world.house.keys) =>
      verifySession(signed, { person: world.person, house })
    await expect(verify(by(await world.ask({}, stranger)))).rejects.toThrow('somebody else than expected')
    await expect(verify(by(await world.ask({ principal: random(32) })))).rejects.toThrow('asked of somebody else')
    await expect(verify(by(await world.ask({ expires: NOW + 10 * HOURS + 1 })))).rejects.toThrow('ten hours')
    await expect(verify(by(await world.ask({ expires: NOW })))).rejects.toThrow('ten hours')
    const machine = await createIdentity('machine', context)
    await expect(verify(by(await world.ask({}, machine)), machine.keys)).rejects.toThrow('of a house')
    const rotated = await rotateIdentity(world.house, context)
    await expect(verify(world.signed, rotated.keys)).rejects.toThrow('replaced key')
  })

  test('is good in one network, from its beginning to its end', async () => {
    const session = await known(await scene())
    const at = (now: number, audience = INDEX) => () => requireLive(session, { audience, now, skew: 30 })
    expect(at(NOW - 30)).not.toThrow()
    expect(at(NOW + 10 * HOURS - 1)).not.toThrow()
    expect(at(NOW - 31)).toThrow('over, or has not begun')
    expect(at(NOW + 10 * HOURS)).toThrow('over, or has not begun')
    expect(at(NOW, random(32))).toThrow('another network')
  })

  test('one bit changed anywhere is refused', async () => {
    const world = await scene()
    for (let i = 0; i < world.signed.length; i += 7) {
      const bad = world.signed.slice()
      bad[i] = (bad[i] ?? 0) ^ 1
      await expect(verifySession(bad, { person: world.person, house: world.house.keys })).rejects.toThrow(/./)
    }
  })
})

describe('what a session signs', () => {
  const held = async (world: Scene) => {
    const session = await known(world)
    return {
      session,
      identity: await sessionIdentity({
        chain: world.chain, known: session, signed: world.signed, key: world.key, sealing: [world.sealing],
        house: world.house.chain,
      }),
    }
  }

  const fact = (organisation: Uint8Array): Uint8Array => encode(Fact, {
    suite: SUITE, type: 'appointment', vault: ZERO32, organisation, notBefore: NOW, expires: NOW + 60,
    nonce: random(16),
  })

  test('holds under the session and under no other keys of the person', async () => {
    const world = await scene()
    const { session, identity } = await held(world)
    const signed = await identity.sign('fact', fact(world.house.id))
    const keys = underSession(world.person, session)
    const verified = await verifySigned('fact', signed, keys)
    expect(verified.signed.session).toEqual(world.signed)
    expect(() => requireCurrentKey(verified.signed, keys)).not.toThrow()
    await expect(verifySigned('fact', signed, world.person)).rejects.toThrow('is not the one known')
    const later = { ...keys, session: { ...session, id: random(32) } }
    await expect(verifySigned('fact', signed, later)).rejects.toThrow('is not the one known')
    const { person: stranger } = await scene()
    expect(() => underSession(stranger, session)).toThrow('of somebody else')
  })

  test('is no grant, no revocation, no confirmation and no key record', async () => {
    const world = await scene()
    const { session, identity } = await held(world)
    const keys = underSession(world.person, session)
    for (const kind of ['grant', 'revocation', 'confirmation', 'key-record', 'manifest', 'session'] as const) {
      await expect(identity.sign(kind, new Uint8Array())).rejects.toThrow('signed in a session')
      const signature = ed25519Signer(world.key)(signatureInput(kind, keys.id, 0, new Uint8Array()))
      const forged = { kind, body: new Uint8Array(), signer: keys.id, keyVersion: 0, signature }
      await expect(verifySigned(kind, encode(Signed, { ...forged, session: world.signed }), keys))
        .rejects.toThrow(/signed in a session|by a passkey/)
      await expect(verifySigned(kind, encode(Signed, forged), keys)).rejects.toThrow(/does not hold|by a passkey/)
    }
  })

  test('leaves no key anywhere: it is exported by nothing', async () => {
    const { identity } = await held(await scene())
    expect(() => exportIdentity(identity)).toThrow('in memory alone')
    expect(identity.secrets.map(({ signing }) => signing)).toEqual([undefined])
  })

  test('ends: one session, or all that began before', async () => {
    const world = await scene()
    const { session, identity } = await held(world)
    const one = await verifySignOut(await signOut(identity, context, session.id), underSession(world.person, session))
    expect(endsSession(one.signOut, session)).toBe(true)
    expect(endsSession(one.signOut, { ...session, id: random(32) })).toBe(false)
    const { signOut: all } = await verifySignOut(await signOut(identity, context), underSession(world.person, session))
    expect(endsSession(all, { ...session, id: random(32) })).toBe(true)
    expect(endsSession(all, { ...session, notBefore: NOW + 1 })).toBe(false)
    expect(endsSession(all, { ...session, principal: random(32) })).toBe(false)
  })
})

describe('a passkey', () => {
  test('signs confirmations of its person, and no statement that machines pass on', async () => {
    const world = await scene()
    const body = encode(Confirmation, {
      suite: SUITE, type: 'step-up', reader: world.person.id, organisation: world.house.id, reason: 'fever', time: NOW,
      nonce: random(16),
    })
    const signed = world.authenticator.sign(unsignedOf('confirmation', body, world.person))
    expect((await verifySigned('confirmation', signed, world.person)).body).toEqual(body)
    // The gesture was for a confirmation: shown as an order, its challenge is another one.
    const asOrder = encode(Signed, { ...decode(Signed, signed), kind: 'order' })
    await expect(verifySigned('order', asOrder, world.person)).rejects.toThrow('something else')
    const access = world.authenticator.sign(unsignedOf('access', body, world.person))
    await expect(verifySigned('access', access, world.person)).rejects.toThrow('no access is signed by one')
  })

  test('is good for what it signed, of the key record that had it', async () => {
    const world = await scene()
    const body = encode(Session, { suite: SUITE, request: world.request })
    const other = { ...world.person, id: random(32) }
    await expect(verifySigned('session', world.authenticator.sign(unsignedOf('session', body, other)), world.person))
      .rejects.toThrow('somebody else')
  })

  test('is of people alone, once, and of its algorithm', async () => {
    const world = await scene()
    const { passkey } = world.authenticator
    const made = async (passkeys: (typeof passkey)[], kind: KeyRecord['kind'] = 'person') => {
      const signing = random(32)
      const body = encode(KeyRecord, {
        suite: SUITE, kind, version: 0, signingKey: await ed25519PublicKey(signing),
        sealingKey: world.keys.sealingKey, time: NOW, salt: random(16), passkeys,
      })
      const signature = ed25519Signer(signing)(signatureInput('key-record', ZERO32, 0, body))
      return [encode(Signed, { kind: 'key-record', body, signer: ZERO32, keyVersion: 0, signature })]
    }
    expect((await verifyKeyChain(await made([passkey]))).current.passkeys).toEqual([passkey])
    await expect(verifyKeyChain(await made([passkey, passkey]))).rejects.toThrow('passkeys are of people')
    await expect(verifyKeyChain(await made([passkey], 'organisation'))).rejects.toThrow('passkeys are of people')
    await expect(verifyKeyChain(await made([{ ...passkey, algorithm: 'EdDSA' }]))).rejects.toThrow('of its algorithm')
    const short = await made([{ ...passkey, publicKey: random(32) }])
    await expect(verifyKeyChain(short)).rejects.toThrow('of its algorithm')
  })

  test('takes the person\'s own key to add or take out', async () => {
    const world = await scene()
    await expect(renewPerson(world.chain, { ...world.keys, signing: random(32) }, context))
      .rejects.toThrow('not the keys of this person')
  })
})

test('a house that opens for its people alone stays so: whoever steals its key cannot say otherwise', async () => {
  const house = await createIdentity('organisation', context, { flowOnly: true })
  const next = await rotateIdentity(house, context)
  expect(next.keys.current.flowOnly).toBe(true)
  const body = encode(KeyRecord, { ...next.keys.current, flowOnly: undefined } as unknown as KeyRecord)
  const forged = await house.sign('key-record', body)
  await expect(verifyKeyChain([...house.chain, forged])).rejects.toThrow('does not follow')
  const open = await createIdentity('organisation', context)
  const closed = await rotateIdentity(open, context, { flowOnly: true })
  expect(closed.keys.current.flowOnly).toBe(true)
})

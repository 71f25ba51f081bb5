/**
 * WebAuthn level 3, section 7.2, held against `@simplewebauthn/server`: what it refuses, we refuse; what we accept, it
 * accepts. Everything here is truly signed by the passkey, so that nothing but the check in question can refuse it.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { SoftwareAuthenticator, type Gesture } from '@scelle/testing/authenticator'
import { challengeOf, createPerson, signedByPasskey, type Unsigned, unsignedOf } from '../src/persons.ts'
import {
  type GivenAssertion, type Passkey, type PrincipalKeys, SealError, verifyKeyChain, verifySigned,
} from '../src/verify.ts'

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
const context = { random, now: () => 1_790_000_000_000 }
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

interface World {
  readonly key: SoftwareAuthenticator
  readonly person: PrincipalKeys
  readonly unsigned: Unsigned
}

const makeWorld = async (algorithm: Passkey['algorithm'], deviceBound = true): Promise<World> => {
  const key = new SoftwareAuthenticator({ random, algorithm, deviceBound })
  const keys = { signing: random(32), sealingKey: new Uint8Array(1216), passkeys: [key.passkey] }
  const person = await verifyKeyChain([await createPerson(keys, context)])
  return { key, person, unsigned: unsignedOf('order', random(40), person) }
}

const BOUND = await makeWorld('ES256')
const WORLDS = [BOUND, await makeWorld('EdDSA'), await makeWorld('ES256', false)]

/** RFC 9053 sections 7.1 and 7.2: the key as registrations give it. */
const coseKey = ({ algorithm, publicKey }: Passkey): Uint8Array<ArrayBuffer> => {
  const [x, y] = [publicKey.subarray(0, 32), publicKey.subarray(32)]
  return new Uint8Array(algorithm === 'ES256'
    ? [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32, ...x, 0x22, 0x58, 32, ...y]
    : [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32, ...x])
}

const theirs = async ({ key: { passkey }, unsigned }: World, given: GivenAssertion): Promise<boolean> => {
  const id = base64url(given.credential)
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id, rawId: id, type: 'public-key', clientExtensionResults: {}, response: {
          clientDataJSON: base64url(given.clientData), authenticatorData: base64url(given.authenticatorData),
          signature: base64url(given.signature),
        },
      },
      expectedChallenge: base64url(challengeOf(unsigned)), expectedOrigin: passkey.origin, expectedRPID: passkey.rpId,
      credential: { id, publicKey: coseKey(passkey), counter: 0 }, requireUserVerification: true,
    })
    return verified
  } catch {
    return false
  }
}

const ours = async ({ key: { passkey }, person, unsigned }: World, given: GivenAssertion): Promise<boolean> => {
  try {
    await verifySigned('order', signedByPasskey(unsigned, passkey, given), person)
    return true
  } catch (error) {
    if (error instanceof SealError) return false
    throw error
  }
}

const both = async (world: World, gesture: Gesture): Promise<{ ours: boolean; theirs: boolean }> => {
  const given = world.key.get(challengeOf(world.unsigned), gesture)
  return { ours: await ours(world, given), theirs: await theirs(world, given) }
}

const world = fc.constantFrom(...WORLDS)
const CHECKED = ['type', 'challenge', 'origin', 'crossOrigin', 'topOrigin'] as const
/** `tokenBinding` is theirs alone: see the last test. `__proto__` is no member of what `JSON.stringify` copies. */
const otherMembers = fc.dictionary(
  fc.string().filter((name) => ![...CHECKED, 'tokenBinding', '__proto__'].includes(name)), fc.jsonValue(),
  { maxKeys: 4 },
)
const jsonBytes = (value: unknown): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(value)))
const saidIn = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

/** One change of a byte string: a byte is another, comes in, or goes; or it ends early. */
const change = fc.record({
  what: fc.constantFrom('replace', 'insert', 'remove', 'cut'), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }),
})
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const changedBy = ({ what, at, byte }: Change, bytes: Uint8Array): Uint8Array => {
  const place = at % bytes.length
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
  if (what === 'cut') return before
  if (what === 'insert') return new Uint8Array([...before, byte, ...after])
  return new Uint8Array([...before, ...(what === 'remove' ? [] : [byte]), ...after.subarray(1)])
}

describe('what is accepted', () => {
  test('is what browsers make, whatever else they say, in any order, with any counter', async () => {
    await fc.assert(fc.asyncProperty(world, otherMembers, fc.boolean(), fc.nat(), async (one, more, first, counter) => {
      const written = (text: string): Uint8Array =>
        jsonBytes(first ? { ...more, ...saidIn(text) } : { ...saidIn(text), ...more })
      fc.pre(written('{}').length < 1_500)
      expect(await both(one, { written, counter })).toEqual({ ours: true, theirs: true })
    }), { numRuns: 150 })
  })

  test('of all 256 values of the flags is what the key record says of the passkey', async () => {
    const held = new Map<World, number[]>()
    for (const one of WORLDS) {
      const flags = Array.from({ length: 256 }, (_, value) => value)
      const found = await Promise.all(flags.map((value) => both(one, { flags: value })))
      expect(found.filter((result) => result.ours && !result.theirs)).toEqual([])
      held.set(one, flags.filter((value) => found[value]?.ours === true))
    }
    // UP and UV; bits 1 and 5, which the standard keeps for later; BE, and then BS, where the passkey can be copied.
    const bound = [5, 7, 37, 39]
    const copied = [13, 15, 29, 31, 45, 47, 61, 63]
    expect(WORLDS.map((one) => held.get(one))).toEqual([bound, bound, copied])
  })
})

describe('what is refused', () => {
  test('is a browser\'s part with any checked member left out or of any other value', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(undefined, false, true, null))
    const given = fc.record({ name: fc.constantFrom(...CHECKED), value })
    await fc.assert(fc.asyncProperty(world, given, async (one, { name, value: said }) => {
      fc.pre(JSON.stringify(said ?? '').length < 1_500)
      const absent = said === undefined && (name === 'topOrigin' || name === 'crossOrigin')
      const same = absent || (name === 'crossOrigin' && said === false)
      const { ours: accepted, theirs: acceptedThere } = await both(one, {
        written: (text) => jsonBytes({ ...saidIn(text), [name]: said }),
      })
      expect(accepted).toBe(same)
      expect(acceptedThere || !accepted).toBe(true)
    }), { numRuns: 300 })
  })

  test('is, of anything that is changed in a browser\'s part and signed so, all that others refuse', async () => {
    let accepted = 0
    await fc.assert(fc.asyncProperty(world, fc.array(change, { minLength: 1, maxLength: 3 }), async (one, changes) => {
      const written = (text: string): Uint8Array =>
        changes.reduce((bytes, each) => (bytes.length === 0 ? bytes : changedBy(each, bytes)), jsonBytes(saidIn(text)))
      const result = await both(one, { written })
      accepted += Number(result.ours)
      expect(result.theirs || !result.ours).toBe(true)
    }), { numRuns: 600 })
    // What says the same in other words is accepted, and little else changes nothing.
    expect(accepted).toBeLessThan(60)
  })

  test('is every byte of both parts and of the signature that is not as it was signed', async () => {
    const part = fc.constantFrom('clientData', 'authenticatorData', 'signature', 'credential')
    await fc.assert(fc.asyncProperty(world, part, change, async (one, name, how) => {
      const given = one.key.get(challengeOf(one.unsigned))
      const bytes = changedBy(how, given[name])
      fc.pre(Buffer.compare(bytes, given[name]) !== 0)
      expect(await ours(one, { ...given, [name]: bytes })).toBe(false)
    }), { numRuns: 400 })
  })

  test('is authenticator data of any other length, or with anything after it', async () => {
    const given = BOUND.key.get(challengeOf(BOUND.unsigned))
    for (const length of [0, 32, 36, 38, 100]) {
      const authenticatorData = new Uint8Array(length)
      authenticatorData.set(given.authenticatorData.subarray(0, length))
      expect(await ours(BOUND, { ...given, authenticatorData })).toBe(false)
    }
  })
})

test('a token binding, which level 3 no longer has, is the one thing that others look at and we do not', async () => {
  const written = (text: string): Uint8Array => jsonBytes({ ...saidIn(text), tokenBinding: { status: 'unheard-of' } })
  expect(await both(BOUND, { written })).toEqual({ ours: true, theirs: false })
})

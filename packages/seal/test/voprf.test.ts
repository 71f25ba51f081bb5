/** The threshold key: any two trustees, no one alone; who lies is named; renewing changes every share and no output. */
import { ristretto255, ristretto255_oprf } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SealErrorCode } from '../src/errors.ts'
import { createIdentity, type Identity } from '../src/identity.ts'
import { sealTo } from '../src/hpke/seal.ts'
import {
  decode, Dealing, decodeSigned, DiscoveryKey, encode, SealError, toHex,
} from '../src/verify.ts'
import {
  blindInput, deal, evaluateBlinded, finishEvaluation, keyOfDealings, type KeyShare, type PartialEvaluation,
  pseudonymOf, requireEvaluation, shareOfDealings, type VerifiedDealing, verifyDealing, verifyDiscoveryKey,
} from '../src/voprf.ts'
import { lagrange } from '../src/voprf/group.ts'
import { seededContext } from './fixtures.ts'

const context = seededContext('voprf')
const { Point } = ristretto255
const { Fn } = Point
const IDENTITY = new Uint8Array(32)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

interface Made {
  readonly key: DiscoveryKey
  readonly shares: readonly KeyShare[]
}

let trustees: Identity[]
let first: Made
let renewed: Made

const dealt = async (ceremony: string, before?: Made): Promise<VerifiedDealing[]> => {
  const named = { ceremony: text(ceremony.padEnd(16, '.')), trustees: trustees.map(({ keys }) => keys) }
  return Promise.all(trustees.map(async (trustee, n) => {
    const renews = before && { key: before.key, share: before.shares[n] as KeyShare }
    return verifyDealing(await deal(trustee, { ...named, renews }, context), trustee.keys, before?.key)
  }))
}

const make = async (dealings: readonly VerifiedDealing[]): Promise<Made> => ({
  key: keyOfDealings(dealings),
  shares: await Promise.all(trustees.map((trustee) => shareOfDealings(dealings, trustee))),
})

const partial = (n: number, blinded: Uint8Array, { shares }: Made = first): PartialEvaluation => ({
  trustee: (trustees[n] as Identity).id, ...evaluateBlinded(blinded, shares[n] as KeyShare, context),
})

const outputOf = (input: Uint8Array, pair: readonly number[], made: Made = first): Uint8Array => {
  const blinding = blindInput(input, context)
  return finishEvaluation(blinding, pair.map((n) => partial(n, blinding.blinded, made)), made.key)
}

/** The key that nobody has: for comparison only. */
const whole = ({ shares }: Made): Uint8Array => Fn.toBytes([1, 2].reduce((sum, place) =>
  Fn.add(sum, Fn.mul(Fn.fromBytes((shares[place - 1] as KeyShare).secret), lagrange(place, [1, 2]))), 0n))

const refusal = async (work: () => unknown): Promise<SealError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof SealError) return error
    throw error
  }
  throw new Error('it was accepted')
}
const expectCode = async (work: () => unknown, code: SealErrorCode): Promise<void> =>
  expect((await refusal(work)).code).toBe(code)

beforeAll(async () => {
  trustees = await Promise.all([1, 2, 3].map(() => createIdentity('trustee', context)))
  first = await make(await dealt('first'))
  renewed = await make(await dealt('second', first))
})

describe('evaluating', () => {
  test('any two trustees give what a server with the whole key would', () => {
    const secret = whole(first)
    expect(toHex(Point.BASE.multiply(Fn.fromBytes(secret)).toBytes())).toBe(toHex(first.key.publicKey))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom([0, 1], [0, 2], [1, 2], [2, 0]),
      (input, pair) => {
        const { voprf } = ristretto255_oprf
        const { blind, blinded } = voprf.blind(input)
        const { evaluated, proof } = voprf.blindEvaluate(secret, first.key.publicKey, blinded)
        const expected = voprf.finalize(input, blind, evaluated, blinded, first.key.publicKey, proof)
        expect(toHex(outputOf(input, pair))).toBe(toHex(expected))
      }), { numRuns: 12 })
  })

  test('one share, taken for the whole key, gives something else', () => {
    const output = outputOf(text('somebody'), [0, 1])
    for (const { secret } of first.shares) {
      const { input, blind, blinded } = blindInput(text('somebody'), context)
      const { oprf } = ristretto255_oprf
      expect(toHex(oprf.finalize(input, blind, oprf.blindEvaluate(secret, blinded)))).not.toBe(toHex(output))
    }
  })

  test('one trustee twice is one trustee', async () => {
    const blinding = blindInput(text('somebody'), context)
    const twice = [partial(0, blinding.blinded), partial(0, blinding.blinded)]
    await expectCode(() => finishEvaluation(blinding, twice, first.key), 'discovery-insufficient')
    await expectCode(() => finishEvaluation(blinding, [], first.key), 'discovery-insufficient')
  })

  test('what is asked tells nothing of the input: the same one twice is two unrelated points', () => {
    const asked = new Set(Array.from({ length: 50 }, () => toHex(blindInput(text('same'), context).blinded)))
    expect(asked.size).toBe(50)
    // Perfectly: any blinded point is that of any other input, under some blind.
    const { blinded, blind } = blindInput(text('one'), context)
    const other = blindInput(text('other'), context)
    const unblinded = Point.fromBytes(other.blinded).multiply(Fn.inv(Fn.fromBytes(other.blind)))
    expect(Point.fromBytes(blinded).multiply(Fn.inv(Fn.fromBytes(blind))).equals(unblinded)).toBe(false)
  })

  test('a trustee that lies is named, whoever the other one is', async () => {
    const blinding = blindInput(text('somebody'), context)
    const honest = partial(0, blinding.blinded)
    const elsewhere = partial(1, blindInput(text('else'), context).blinded)
    const lies: PartialEvaluation[] = [
      { ...partial(1, blinding.blinded), evaluated: honest.evaluated },
      { ...partial(1, blinding.blinded), proof: new Uint8Array(64) },
      { ...honest, trustee: (trustees[1] as Identity).id },
      { ...partial(1, blinding.blinded), evaluated: IDENTITY },
      { ...partial(1, blinding.blinded), evaluated: new Uint8Array(32).fill(0xff) },
      // A replayed answer, and one under the share before it was renewed.
      elsewhere,
      partial(1, blinding.blinded, renewed),
    ]
    for (const lie of lies) {
      for (const partials of [[honest, lie], [lie, honest], [lie]]) {
        const error = await refusal(() => finishEvaluation(blinding, partials, first.key))
        expect(error.code).toBe('discovery-proof-invalid')
        expect(error.parties).toEqual([toHex((trustees[1] as Identity).id)])
      }
    }
  })

  test('a stranger\'s evaluation is none', async () => {
    const { blinded } = blindInput(text('somebody'), context)
    const stranger = { ...partial(0, blinded), trustee: new Uint8Array(32).fill(9) }
    await expectCode(() => requireEvaluation(stranger, blinded, first.key), 'principal-mismatch')
  })

  test('a trustee evaluates neither the identity nor what is no canonical point', async () => {
    const [share] = first.shares as [KeyShare]
    const field = (2n ** 255n - 19n).toString(16).match(/../g)?.toReversed().join('') as string
    // 0 is the identity; p is 0 written otherwise; 1 is negative; the others are off the curve or over the field.
    const bad = [IDENTITY, Uint8Array.from(Buffer.from(field, 'hex')), Uint8Array.of(1, ...new Uint8Array(31)),
      new Uint8Array(32).fill(0xff), new Uint8Array(31), new Uint8Array(33)]
    for (const blinded of bad) {
      await expectCode(() => evaluateBlinded(blinded, share, context), 'discovery-point-invalid')
    }
  })

  test('a pseudonym is 32 bytes, another one than the output', () => {
    const output = outputOf(text('somebody'), [0, 1])
    expect(pseudonymOf(output).length).toBe(32)
    expect(toHex(output)).not.toContain(toHex(pseudonymOf(output)))
  })
})

describe('renewing', () => {
  test('the key and every output stay, every share changes', () => {
    expect(toHex(renewed.key.publicKey)).toBe(toHex(first.key.publicKey))
    expect(renewed.key.generation).toBe(1)
    for (const [n, share] of renewed.shares.entries()) {
      expect(toHex(share.secret)).not.toBe(toHex((first.shares[n] as KeyShare).secret))
      expect(toHex(share.publicShare)).toBe(toHex(renewed.key.publicShares[n] as Uint8Array))
    }
    expect(toHex(outputOf(text('x'), [0, 2], renewed))).toBe(toHex(outputOf(text('x'), [0, 1])))
  })

  test('an old share and a new one make another key', () => {
    for (const pair of [[0, 1], [1, 2], [2, 0]] as const) {
      const [old, fresh] = pair
      const places = [old + 1, fresh + 1]
      const mixed = Fn.add(
        Fn.mul(Fn.fromBytes((first.shares[old] as KeyShare).secret), lagrange(old + 1, places)),
        Fn.mul(Fn.fromBytes((renewed.shares[fresh] as KeyShare).secret), lagrange(fresh + 1, places)))
      expect(Point.BASE.multiply(mixed).equals(Point.fromBytes(first.key.publicKey))).toBe(false)
    }
  })

  test('who deals another value than its own share would change the key, and is named', async () => {
    const [dealer] = trustees as [Identity]
    const named = { ceremony: text('third...........'), trustees: trustees.map(({ keys }) => keys) }
    const lie = { key: first.key, share: renewed.shares[0] as KeyShare }
    const error = await refusal(async () =>
      verifyDealing(await deal(dealer, { ...named, renews: lie }, context), dealer.keys, first.key))
    expect([error.code, ...error.parties]).toEqual(['discovery-dealing-invalid', toHex(dealer.id)])
  })

  test('a new key is not taken for a renewed one, nor the other way round', async () => {
    const [dealer] = trustees as [Identity]
    const named = { ceremony: text('fourth..........'), trustees: trustees.map(({ keys }) => keys) }
    const fresh = await deal(dealer, named, context)
    const renewing = await deal(
      dealer, { ...named, renews: { key: first.key, share: first.shares[0] as KeyShare } }, context)
    await expectCode(() => verifyDealing(fresh, dealer.keys, first.key), 'discovery-dealing-invalid')
    await expectCode(() => verifyDealing(renewing, dealer.keys, undefined), 'discovery-dealing-invalid')
    await expectCode(() => verifyDealing(renewing, dealer.keys, renewed.key), 'discovery-dealing-invalid')
  })
})

describe('dealing', () => {
  /** A dealing by the first trustee, changed and signed again. */
  const changed = async (change: (dealing: Dealing) => Dealing | Promise<Dealing>): Promise<Uint8Array> => {
    const [dealer] = trustees as [Identity]
    const named = { ceremony: text('first...........'), trustees: trustees.map(({ keys }) => keys) }
    const signed = await deal(dealer, named, context)
    const body = decode(Dealing, decodeSigned('dealing', signed).body)
    return dealer.sign('dealing', encode(Dealing, await change(body)))
  }
  const dealer = (): Identity => trustees[0] as Identity

  test('a value that is not on the line is found by whom it was dealt to, who names the dealer', async () => {
    const [, , ...rest] = await dealt('first')
    const [second] = (await dealt('first')).slice(1)
    const lie = await changed(async (dealing) => {
      const info = new TextEncoder().encode('scelle.health/v1/discovery-dealing\0')
      const bound = Buffer.concat([info, dealing.ceremony, new Uint8Array(4), ...dealing.trustees, dealer().id,
        Uint8Array.of(2)])
      const { enc, sealed: share } = await sealTo(
        (trustees[1] as Identity).keys.current.sealingKey, bound, Fn.toBytes(123n))
      return { ...dealing, sealed: dealing.sealed.map((own, n) => (n === 1 ? { enc, share } : own)) }
    })
    const dealings = [await verifyDealing(lie, dealer().keys, undefined), second as VerifiedDealing, ...rest]
    const error = await refusal(() => shareOfDealings(dealings, trustees[1] as Identity))
    expect([error.code, ...error.parties]).toEqual(['discovery-dealing-invalid', toHex(dealer().id)])
    expect(error.message).toContain('not on its line')
    await shareOfDealings(dealings, trustees[2] as Identity)
  })

  test('a value sealed to one trustee does not open in another one\'s place', async () => {
    const lie = await changed((dealing) => ({ ...dealing, sealed: dealing.sealed.toReversed() }))
    const dealings = [await verifyDealing(lie, dealer().keys, undefined), ...(await dealt('first')).slice(1)]
    await expectCode(() => shareOfDealings(dealings, dealer()), 'discovery-dealing-invalid')
  })

  test('who commits to what it does not know (all others\' negative, say) is refused', async () => {
    const others = (await dealt('first')).slice(1)
      .map(({ dealing }) => Point.fromBytes(dealing.commitments[0] as Uint8Array)).reduce((a, b) => a.add(b))
    const lie = await changed((dealing) => ({
      ...dealing, commitments: [others.negate().toBytes(), dealing.commitments[1] as Uint8Array],
    }))
    await expectCode(() => verifyDealing(lie, dealer().keys, undefined), 'discovery-dealing-invalid')
    const stolen = (await dealt('first'))[1] as VerifiedDealing
    const copied = await changed((dealing) => ({
      ...dealing, commitments: stolen.dealing.commitments, possession: stolen.dealing.possession,
    }))
    await expectCode(() => verifyDealing(copied, dealer().keys, undefined), 'discovery-dealing-invalid')
  })

  test.each<[string, (dealing: Dealing) => Dealing]>([
    ['the identity as a commitment', (dealing) => ({ ...dealing, commitments: [IDENTITY, IDENTITY] })],
    ['one commitment', (dealing) => ({ ...dealing, commitments: dealing.commitments.slice(1) })],
    ['two trustees', (dealing) => ({ ...dealing, trustees: dealing.trustees.slice(1) })],
    ['one trustee twice', (dealing) => ({
      ...dealing, trustees: [dealing.trustees[0], dealing.trustees[0], dealing.trustees[2]] as Uint8Array[],
    })],
    ['another ceremony than it was proven for', (dealing) => ({ ...dealing, ceremony: new Uint8Array(16) })],
  ])('%s is refused', async (_, change) => {
    const lie = await changed(change)
    await expectCode(() => verifyDealing(lie, dealer().keys, undefined), 'discovery-dealing-invalid')
  })

  test('dealings of two ceremonies, or of one dealer twice, make no key', async () => {
    const [a, b] = [await dealt('first'), await dealt('other')]
    await expectCode(() => keyOfDealings([...a.slice(0, 2), b[2] as VerifiedDealing]), 'discovery-dealing-invalid')
    await expectCode(() => keyOfDealings([a[0], a[1], a[1]] as VerifiedDealing[]), 'discovery-dealing-invalid')
    await expectCode(() => keyOfDealings(a.slice(1)), 'discovery-insufficient')
  })
})

describe('the key', () => {
  const signed = (key: DiscoveryKey, by: readonly Identity[] = trustees): Promise<Uint8Array[]> =>
    Promise.all(by.map((trustee) => trustee.sign('discovery-key', encode(DiscoveryKey, key))))
  const keys = () => trustees.map((trustee) => trustee.keys)

  test('three trustees sign one body', async () => {
    expect(await verifyDiscoveryKey(await signed(first.key), keys())).toEqual(first.key)
    expect(await verifyDiscoveryKey((await signed(first.key)).toReversed(), keys())).toEqual(first.key)
  })

  test('two are not three, nor is one of them twice, nor a stranger', async () => {
    const two = await signed(first.key, trustees.slice(1))
    await expectCode(() => verifyDiscoveryKey(two, keys()), 'discovery-key-invalid')
    await expectCode(() => verifyDiscoveryKey([...two, two[0] as Uint8Array], keys()), 'discovery-key-invalid')
    const stranger = await createIdentity('trustee', context)
    const strange = await signed(first.key, [stranger, ...trustees.slice(1)])
    await expectCode(() => verifyDiscoveryKey(strange, keys()), 'discovery-key-invalid')
  })

  test('who signs another body breaks it', async () => {
    const other = { ...first.key, publicShares: first.key.publicShares.toReversed() }
    const [lie] = await signed(other, trustees.slice(0, 1))
    const others = await signed(first.key, trustees.slice(1))
    await expectCode(() => verifyDiscoveryKey([lie as Uint8Array, ...others], keys()), 'discovery-key-invalid')
  })

  test('shares that are not of one key are refused even where all three sign', async () => {
    const mixed = await signed({ ...first.key, publicShares: renewed.key.publicShares.map((share, n) =>
      n === 0 ? share : first.key.publicShares[n] as Uint8Array) })
    await expectCode(() => verifyDiscoveryKey(mixed, keys()), 'discovery-key-invalid')
  })
})

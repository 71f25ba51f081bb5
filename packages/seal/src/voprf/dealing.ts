/**
 * A key that was never in one place (Pedersen's generation, Feldman's commitments): each trustee draws a line, shows
 * its two coefficients in the exponent, and seals the value at a trustee's place to that trustee. A share is the sum of
 * three values; the key, the sum of three values at 0, which nobody ever adds up. Renewing deals lines whose values at
 * 0 are the present shares, so that the key stays and the shares change.
 */
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import type { Context } from '../context.ts'
import { Dealing, type DiscoveryKey } from '../discovery.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { SUITE } from '../statements.ts'
import { concatBytes, equalBytes, toHex, u32, u8 } from '../verify/bytes.ts'
import {
  decodeSigned, type PrincipalKeys, requireCurrentKey, requireSuite, statementId, verifySigned,
} from '../verify/identity.ts'
import { evaluationHolds, type KeyShare, placeOf } from './evaluation.ts'
import {
  BASE, decodePoint, decodeScalar, lagrange, type Point, possessionPoint, randomScalar, Scalar,
} from './group.ts'

const PLACES = [1, 2, 3]

const wrong = (dealer: Uint8Array, what: string, cause?: unknown): SealError =>
  new SealError('discovery-dealing-invalid', `a trustee's dealing does not hold: ${what}. Begin a new ceremony`, {
    parties: [toHex(dealer)], cause,
  })

type Named = Pick<Dealing, 'ceremony' | 'generation' | 'trustees'>

/** What a dealing's sealed values and its proof are bound to. */
const bindingOf = ({ ceremony, generation, trustees }: Named, dealer: Uint8Array): Uint8Array =>
  concatBytes(ceremony, u32(generation), ...trustees, dealer)

const sealInfo = (named: Named, dealer: Uint8Array, place: number): Uint8Array =>
  concatBytes(labelBytes('discoveryDealing'), bindingOf(named, dealer), u8(place))

const possessionOf = (named: Named, dealer: Uint8Array, commitments: readonly Uint8Array[]): Uint8Array =>
  possessionPoint(bindingOf(named, dealer), ...commitments).toBytes()

export interface ToDeal {
  readonly ceremony: Uint8Array
  /** Keys of the three trustees, in the order of their places. */
  readonly trustees: readonly PrincipalKeys[]
  /** The key whose shares are renewed, and the dealer's own; absent where a key is made. */
  readonly renews?: { readonly key: DiscoveryKey; readonly share: KeyShare } | undefined
}

/** The value at 0 that renews a share: the key is the sum of these, whoever holds the new shares. */
const renewedValue = (dealer: Identity, { key, share }: NonNullable<ToDeal['renews']>): bigint =>
  Scalar.mul(decodeScalar(share.secret), lagrange(placeOf(dealer.id, key), PLACES))

/** Draws this trustee's line and signs its dealing. */
export const deal = async (dealer: Identity, from: ToDeal, context: Context): Promise<Uint8Array> => {
  const { ceremony, trustees: keys, renews } = from
  const generation = renews === undefined ? 0 : renews.key.generation + 1
  const named = { ceremony, generation, trustees: keys.map(({ id }) => id) }
  const value = renews === undefined ? randomScalar(context) : renewedValue(dealer, renews)
  const slope = randomScalar(context)
  const commitments = [value, slope].map((coefficient) => BASE.multiply(coefficient).toBytes())
  const { evaluated, proof } = ristretto255_oprf.voprf.blindEvaluate(
    Scalar.toBytes(value), commitments[0] as Uint8Array, possessionOf(named, dealer.id, commitments),
    (length = 32) => context.random(length))
  const sealed: Dealing['sealed'] = []
  for (const [index, { current }] of keys.entries()) {
    const share = Scalar.toBytes(Scalar.add(value, Scalar.mul(slope, BigInt(index + 1))))
    const made = await sealTo(current.sealingKey, sealInfo(named, dealer.id, index + 1), share)
    sealed.push({ enc: made.enc, share: made.sealed })
  }
  return dealer.sign('dealing', encode(Dealing, {
    suite: SUITE, ...named, commitments, possession: { evaluated, proof }, sealed,
    time: Math.floor(context.now() / 1000),
  }))
}

/** A dealing whose signature, commitments and proof hold. Its sealed values are for their recipients to check. */
export interface VerifiedDealing {
  readonly id: Uint8Array
  readonly dealer: Uint8Array
  readonly dealing: Dealing
}

/**
 * Throws `discovery-dealing-invalid` naming the dealer, and as `verifySigned` does. A dealer that shows another one's
 * commitment, or the negative of all others', does not know its logarithm, and fails the proof.
 */
export const verifyDealing = async (
  signedBytes: Uint8Array, dealer: PrincipalKeys, key: DiscoveryKey | undefined,
): Promise<VerifiedDealing> => {
  const { body, id, signed } = await verifySigned('dealing', signedBytes, dealer)
  requireCurrentKey(signed, dealer)
  const dealing = decode(Dealing, body)
  requireSuite(dealing)
  const { trustees, commitments, possession, sealed, generation } = dealing
  if (trustees.length !== 3 || new Set(trustees.map(toHex)).size !== 3 || commitments.length !== 2 ||
    sealed.length !== 3) throw wrong(dealer.id, 'it is not for three trustees')
  placeOf(dealer.id, dealing)
  try {
    for (const commitment of commitments) decodePoint(commitment)
  } catch (cause) {
    throw wrong(dealer.id, 'a commitment is no point', cause)
  }
  const value = commitments[0] as Uint8Array
  if (!evaluationHolds(possession, possessionOf(dealing, dealer.id, commitments), value)) {
    throw wrong(dealer.id, 'it does not prove that it knows what it committed to')
  }
  requireGeneration({ id, dealer: dealer.id, dealing }, generation, value, key)
  return { id, dealer: dealer.id, dealing }
}

/** A dealing that its holder has verified before, from its own store. */
export const readDealing = (signedBytes: Uint8Array): VerifiedDealing => {
  const { signer, body } = decodeSigned('dealing', signedBytes)
  return { id: statementId(signedBytes), dealer: signer, dealing: decode(Dealing, body) }
}

/** A first dealing renews nothing; a later one renews exactly its dealer's share of the key that is there. */
const requireGeneration = (
  { dealer, dealing }: VerifiedDealing, generation: number, value: Uint8Array, key: DiscoveryKey | undefined,
): void => {
  if (generation !== (key === undefined ? 0 : key.generation + 1)) throw wrong(dealer, 'it is of another generation')
  if (key === undefined) return
  if (!key.trustees.every((id, place) => equalBytes(id, dealing.trustees[place] as Uint8Array))) {
    throw wrong(dealer, 'its trustees are others than those of the key')
  }
  const place = placeOf(dealer, key)
  const share = decodePoint(key.publicShares[place - 1] as Uint8Array).multiplyUnsafe(lagrange(place, PLACES))
  if (!decodePoint(value).equals(share)) throw wrong(dealer, 'it renews another share than the dealer\'s own')
}

/** Opens the value dealt to this trustee. Throws `discovery-dealing-invalid` where it is not on the dealer's line. */
const openValue = async ({ dealer, dealing }: VerifiedDealing, identity: Identity): Promise<bigint> => {
  const place = placeOf(identity.id, dealing)
  const { enc, share } = dealing.sealed[place - 1] as Dealing['sealed'][number]
  const seeds = identity.secrets.map(({ sealing }) => sealing)
  let value: bigint
  try {
    value = decodeScalar(await openSealed(seeds, sealInfo(dealing, dealer, place), enc, share))
  } catch (cause) {
    throw wrong(dealer, 'it does not open', cause)
  }
  if (value === 0n || !BASE.multiply(value).equals(valueAt(dealing, place))) {
    throw wrong(dealer, 'it is not on its line')
  }
  return value
}

const valueAt = ({ commitments }: Dealing, place: number): Point =>
  decodePoint(commitments[0] as Uint8Array)
    .add(decodePoint(commitments[1] as Uint8Array).multiplyUnsafe(BigInt(place)))

/** Three dealings of one ceremony, in the order of the trustees. Throws `discovery-dealing-invalid`. */
const inOrder = (dealings: readonly VerifiedDealing[]): readonly VerifiedDealing[] => {
  const [first] = dealings
  if (first === undefined || dealings.length !== 3) {
    throw new SealError('discovery-insufficient', 'all three trustees deal: wait for the others')
  }
  const sorted = dealings.toSorted((a, b) => placeOf(a.dealer, first.dealing) - placeOf(b.dealer, first.dealing))
  const name = toHex(bindingOf(first.dealing, new Uint8Array(32)))
  for (const [index, { dealer, dealing }] of sorted.entries()) {
    if (toHex(bindingOf(dealing, new Uint8Array(32))) !== name || placeOf(dealer, first.dealing) !== index + 1) {
      throw wrong(dealer, 'it is of another ceremony')
    }
  }
  return sorted
}

/** The body that each trustee signs: public, and the same for all who saw the same dealings. */
export const keyOfDealings = (dealings: readonly VerifiedDealing[]): DiscoveryKey => {
  const sorted = inOrder(dealings)
  const { dealing: { generation, trustees } } = sorted[0] as VerifiedDealing
  const sum = (points: readonly Point[]): Uint8Array => points.reduce((a, b) => a.add(b)).toBytes()
  return {
    suite: SUITE,
    generation,
    trustees: [...trustees],
    publicKey: sum(sorted.map(({ dealing }) => decodePoint(dealing.commitments[0] as Uint8Array))),
    publicShares: PLACES.map((place) => sum(sorted.map(({ dealing }) => valueAt(dealing, place)))),
    dealings: sorted.map(({ id }) => id),
    time: Math.max(...sorted.map(({ dealing }) => dealing.time)),
  }
}

/**
 * This trustee's share of the key. Throws `discovery-dealing-invalid` naming whoever dealt it a wrong value: it signs
 * nothing then, and without its signature there is no key.
 */
export const shareOfDealings = async (
  dealings: readonly VerifiedDealing[], identity: Identity,
): Promise<KeyShare> => {
  let secret = 0n
  for (const dealing of inOrder(dealings)) secret = Scalar.add(secret, await openValue(dealing, identity))
  return { secret: Scalar.toBytes(secret), publicShare: BASE.multiply(secret).toBytes() }
}

/**
 * One evaluation of RFC 9497 (VOPRF, ristretto255-SHA512), by two of three trustees. A trustee evaluates under its
 * share as the RFC's server does under its key, and proves it; the client puts two together in the exponent. What comes
 * out is what a server with the whole key would have answered, which no one has.
 */
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import type { Context } from '../context.ts'
import type { DiscoveryKey } from '../discovery.ts'
import { SealError } from '../errors.ts'
import { equalBytes, hashOf, toHex } from '../verify/bytes.ts'
import { decodePoint, lagrange } from './group.ts'

const { oprf, voprf } = ristretto255_oprf

/** Blinds a point without changing it. */
const ONE = Uint8Array.of(1, ...new Uint8Array(31))

/** What the client keeps to itself between asking and finishing: input and blind. */
export interface Blinding {
  readonly input: Uint8Array
  readonly blind: Uint8Array
  /** What trustees are sent, 32 bytes: uniform, whatever the input. */
  readonly blinded: Uint8Array
}

/** RFC 9497, 3.3.2, Blind. `input` is at most 65,535 bytes; a new blind each time. */
export const blindInput = (input: Uint8Array, { random }: Context): Blinding => {
  const { blind, blinded } = voprf.blind(input, (length = 32) => random(length))
  return { input, blind, blinded }
}

export interface Evaluation {
  readonly evaluated: Uint8Array
  /** DLEQ: 64 bytes. */
  readonly proof: Uint8Array
}

/** This trustee's share of the key, 32 bytes, and its public side. */
export interface KeyShare {
  readonly secret: Uint8Array
  readonly publicShare: Uint8Array
}

/** RFC 9497, 3.3.2, BlindEvaluate. `blinded` is the asker's. Throws `discovery-point-invalid`. */
export const evaluateBlinded = (
  blinded: Uint8Array, { secret, publicShare }: KeyShare, { random }: Context,
): Evaluation => {
  decodePoint(blinded)
  const { evaluated, proof } = voprf.blindEvaluate(secret, publicShare, blinded, (length = 32) => random(length))
  return { evaluated, proof }
}

/** Whether an evaluation is that of the blinded point under the key behind `publicShare`. For anybody to check. */
export const evaluationHolds = (
  { evaluated, proof }: Evaluation, blinded: Uint8Array, publicShare: Uint8Array,
): boolean => {
  try {
    // Finalize checks the proof before anything else; what it would go on to, nobody needs here.
    voprf.finalize(ONE, ONE, evaluated, blinded, publicShare, proof)
    return true
  } catch {
    return false
  }
}

/** An evaluation and whose it is. */
export interface PartialEvaluation extends Evaluation {
  readonly trustee: Uint8Array
}

/**
 * Throws `discovery-proof-invalid`, with the trustee's id among `parties`, where an evaluation is not proven against
 * the share that this trustee has in the key; `principal-mismatch` where it has none.
 */
export const requireEvaluation = (
  partial: PartialEvaluation, blinded: Uint8Array, key: Pick<DiscoveryKey, 'trustees' | 'publicShares'>,
): void => {
  const publicShare = key.publicShares[placeOf(partial.trustee, key) - 1] as Uint8Array
  if (!evaluationHolds(partial, blinded, publicShare)) {
    const what = 'a trustee answered under another key than its own: ask the others'
    throw new SealError('discovery-proof-invalid', what, { parties: [toHex(partial.trustee)] })
  }
}

/** 1, 2 or 3. Throws `principal-mismatch`. */
export const placeOf = (trustee: Uint8Array, { trustees }: Pick<DiscoveryKey, 'trustees'>): number => {
  const place = trustees.findIndex((id) => equalBytes(id, trustee))
  if (place === -1) throw new SealError('principal-mismatch', 'this trustee has no share of the key for finding vaults')
  return place + 1
}

/**
 * RFC 9497, 3.3.2, Finalize, over the evaluations of two different trustees: 64 bytes. Checks both proofs first. Throws
 * `discovery-insufficient`, or as {@link requireEvaluation}.
 */
export const finishEvaluation = (
  { input, blind, blinded }: Blinding, partials: readonly PartialEvaluation[],
  key: Pick<DiscoveryKey, 'trustees' | 'publicShares'>,
): Uint8Array => {
  for (const partial of partials) requireEvaluation(partial, blinded, key)
  const [first, second] = [...new Map(partials.map((partial) => [placeOf(partial.trustee, key), partial]))]
  if (first === undefined || second === undefined) {
    throw new SealError('discovery-insufficient', 'two different trustees have to evaluate')
  }
  const places = [first[0], second[0]]
  const [a, b] = [first, second].map(([place, { evaluated }]) =>
    decodePoint(evaluated).multiplyUnsafe(lagrange(place, places)))
  if (a === undefined || b === undefined) throw new SealError('discovery-insufficient', 'two evaluations are needed')
  return oprf.finalize(input, blind, a.add(b).toBytes())
}

/** What stands for an identity: 32 bytes that nobody can make from the identity without two trustees. */
export const pseudonymOf = (output: Uint8Array): Uint8Array => hashOf('pseudonym', output)

/** RFC 9497, appendix A.1: our single-key and our threshold evaluation against its vectors. */
import { readFileSync } from 'node:fs'
import { ristretto255, ristretto255_oprf } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { toHex } from '../src/verify.ts'
import { blindInput, evaluateBlinded, evaluationHolds, finishEvaluation } from '../src/voprf.ts'
import { lagrange } from '../src/voprf/group.ts'
import { seededContext } from './fixtures.ts'

interface Vector {
  readonly Batch: number
  readonly Blind: string
  readonly BlindedElement: string
  readonly EvaluationElement: string
  readonly Input: string
  readonly Output: string
  readonly Proof?: { readonly proof: string; readonly r: string }
}
interface Suite {
  readonly mode: number
  readonly skSm: string
  readonly pkSm?: string
  readonly vectors: readonly Vector[]
}

const { suites } = JSON.parse(
  readFileSync(new URL('vectors/rfc9497.json', import.meta.url), 'utf8')) as { suites: readonly Suite[] }
const suiteOf = (mode: number): Suite => suites.find((suite) => suite.mode === mode) as Suite
const unhex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const { Fn } = ristretto255.Point

/** Randomness that makes the library draw exactly this scalar: it reduces what it is given, and adds one. */
const drawing = (scalar: string) => ({
  now: () => 0,
  random: (length: number) => {
    const bytes = new Uint8Array(length)
    bytes.set(Fn.toBytes(Fn.sub(Fn.fromBytes(unhex(scalar)), 1n)))
    return bytes
  },
})

const voprf = suiteOf(1)
const single = voprf.vectors.filter(({ Batch }) => Batch === 1)

test('the vectors are those of the RFC: two of OPRF, two of VOPRF and a batch', () => {
  expect(suiteOf(0).vectors.map(({ Batch }) => Batch)).toEqual([1, 1])
  expect(voprf.vectors.map(({ Batch }) => Batch)).toEqual([1, 1, 2])
})

describe.each(suiteOf(0).vectors)('A.1.1 OPRF, input $Input', (vector) => {
  test('what finishes our evaluations is its Finalize', () => {
    const { oprf } = ristretto255_oprf
    expect(toHex(oprf.blindEvaluate(unhex(suiteOf(0).skSm), unhex(vector.BlindedElement))))
      .toBe(vector.EvaluationElement)
    expect(toHex(oprf.finalize(unhex(vector.Input), unhex(vector.Blind), unhex(vector.EvaluationElement))))
      .toBe(vector.Output)
  })
})

describe.each(single)('A.1.2 VOPRF, input $Input', (vector) => {
  const secret = unhex(voprf.skSm)
  const publicShare = unhex(voprf.pkSm as string)
  const blinded = unhex(vector.BlindedElement)

  test('Blind', () => {
    expect(toHex(blindInput(unhex(vector.Input), drawing(vector.Blind)).blinded)).toBe(vector.BlindedElement)
  })

  test('BlindEvaluate, with the proof', () => {
    const made = evaluateBlinded(blinded, { secret, publicShare }, drawing((vector.Proof as { r: string }).r))
    expect(toHex(made.evaluated)).toBe(vector.EvaluationElement)
    expect(toHex(made.proof)).toBe((vector.Proof as { proof: string }).proof)
    expect(evaluationHolds(made, blinded, publicShare)).toBe(true)
  })

  test('two shares of its key give its Output', () => {
    const slope = Fn.fromBytes(unhex(single[0]?.Blind as string))
    const context = seededContext('rfc9497')
    const shares = [1n, 2n, 3n].map((x) => {
      const value = Fn.add(Fn.fromBytes(secret), Fn.mul(slope, x))
      return { secret: Fn.toBytes(value), publicShare: ristretto255.Point.BASE.multiply(value).toBytes() }
    })
    const trustees = [1, 2, 3].map((n) => new Uint8Array(32).fill(n))
    const key = { trustees, publicShares: shares.map((share) => share.publicShare) }
    for (const pair of [[0, 1], [0, 2], [1, 2], [2, 0]] as const) {
      const partials = pair.map((n) => ({
        trustee: trustees[n] as Uint8Array,
        ...evaluateBlinded(blinded, shares[n] as (typeof shares)[number], context),
      }))
      const blinding = { input: unhex(vector.Input), blind: unhex(vector.Blind), blinded }
      expect(toHex(finishEvaluation(blinding, partials, key))).toBe(vector.Output)
    }
  })
})

test('A.1.2, the batch: each of its elements by itself', () => {
  const [batch] = voprf.vectors.filter(({ Batch }) => Batch === 2)
  const lists = (['Input', 'Blind', 'BlindedElement', 'EvaluationElement', 'Output'] as const)
    .map((name) => (batch as Vector)[name].split(','))
  for (const n of [0, 1]) {
    const [input, blind, blinded, evaluated, output] = lists.map((list) => list[n] as string) as
      [string, string, string, string, string]
    expect(toHex(blindInput(unhex(input), drawing(blind)).blinded)).toBe(blinded)
    expect(toHex(ristretto255_oprf.oprf.blindEvaluate(unhex(voprf.skSm), unhex(blinded)))).toBe(evaluated)
    expect(toHex(ristretto255_oprf.oprf.finalize(unhex(input), unhex(blind), unhex(evaluated)))).toBe(output)
  }
})

test('Lagrange at 0 of a line', () => {
  for (const places of [[1, 2], [1, 3], [2, 3], [1, 2, 3]]) {
    const at = (x: number): bigint => Fn.create(7n + 5n * BigInt(x))
    expect(places.reduce((sum, place) => Fn.add(sum, Fn.mul(at(place), lagrange(place, places))), 0n)).toBe(7n)
  }
})

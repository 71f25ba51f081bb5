/** Points and scalars of ristretto255 (RFC 9496), as they come from others. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import type { Context } from '../context.ts'
import { SealError } from '../errors.ts'
import { labelBytes } from '../labels.ts'
import { concatBytes, toHex } from '../verify/bytes.ts'

/** What is done with a point here. The library's own class cannot be named in what is published. */
export interface Point {
  readonly add: (other: Point) => Point
  readonly multiply: (scalar: bigint) => Point
  /** Where the scalar is public: not in constant time. */
  readonly multiplyUnsafe: (scalar: bigint) => Point
  readonly equals: (other: Point) => boolean
  readonly toBytes: () => Uint8Array
}

interface Group {
  readonly BASE: Point
  readonly ZERO: Point
  readonly fromBytes: (encoded: Uint8Array) => Point
}

const Points = ristretto255.Point as unknown as Group
export const Scalar = ristretto255.Point.Fn
export const BASE: Point = Points.BASE

/**
 * Decodes what somebody sent. Throws `discovery-point-invalid` where it is no canonical encoding, or the identity: an
 * evaluation of the identity is the same under every key, and a public key that is the identity belongs to everybody.
 */
export const decodePoint = (encoded: Uint8Array): Point => {
  let point: Point
  try {
    point = Points.fromBytes(encoded)
  } catch (cause) {
    throw new SealError('discovery-point-invalid', 'a point is not a canonical one of ristretto255', { cause })
  }
  if (point.equals(Points.ZERO)) throw new SealError('discovery-point-invalid', 'a point is the identity')
  return point
}

/** Little-endian, below the group's order. Throws `discovery-point-invalid`. */
export const decodeScalar = (encoded: Uint8Array): bigint => {
  try {
    return Scalar.fromBytes(encoded)
  } catch (cause) {
    throw new SealError('discovery-point-invalid', 'a scalar is not below the order of ristretto255', { cause })
  }
}

/** Uniform, never 0. */
export const randomScalar = ({ random }: Context): bigint => {
  for (;;) {
    const scalar = Scalar.create(BigInt(`0x${toHex(random(64))}`))
    if (scalar !== 0n) return scalar
  }
}

/** A point whose logarithm nobody knows: hash_to_ristretto255 of RFC 9380, under the format's own label. */
export const possessionPoint = (...parts: Uint8Array[]): Point => Points.fromBytes(
  ristretto255_hasher.hashToCurve(concatBytes(...parts), { DST: labelBytes('discoveryPossession') }).toBytes(),
)

/** What share `place` (1, 2 or 3) counts for where `places` are put together: Lagrange at 0. */
export const lagrange = (place: number, places: readonly number[]): bigint =>
  places.filter((other) => other !== place).reduce((product, other) => Scalar.mul(
    product, Scalar.div(Scalar.create(BigInt(other)), Scalar.create(BigInt(other - place)))), 1n)

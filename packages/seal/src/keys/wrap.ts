/** A former epoch's secret under the new one: spec/format.md, Vault, manifest, categories. */
import { aeadKey, aeadOpen, aeadSeal } from '#aead'
import { hkdfSha256 } from '#hash'
import { labelBytes } from '../labels.ts'
import { concatBytes, u32 } from '../verify/bytes.ts'

const EMPTY = new Uint8Array(0)
const ZERO_NONCE = new Uint8Array(12)

export interface EpochPlace {
  readonly vault: Uint8Array
  readonly category: Uint8Array
  /** The newer epoch, whose secret wraps. */
  readonly epoch: number
}

const wrapKey = (secret: Uint8Array, at: EpochPlace): Uint8Array =>
  hkdfSha256(secret, EMPTY, concatBytes(labelBytes('epochWrap'), at.vault, at.category, u32(at.epoch)), 32)

export const wrapEarlier = async (secret: Uint8Array, at: EpochPlace, earlier: Uint8Array): Promise<Uint8Array> =>
  aeadSeal(await aeadKey(wrapKey(secret, at)), ZERO_NONCE, earlier)

/** Undefined where the wrap does not open under this secret. */
export const unwrapEarlier = async (
  secret: Uint8Array, at: EpochPlace, wrapped: Uint8Array,
): Promise<Uint8Array | undefined> => aeadOpen(await aeadKey(wrapKey(secret, at)), ZERO_NONCE, wrapped)

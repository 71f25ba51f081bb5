/** Ids as callers write them. */
import { fromHex } from '@scelle/seal/verify'
import { SdkError } from './errors.ts'

/** 32 bytes, or their 64 lower-case hex digits. */
export type Id = Uint8Array | string

/** Throws `bad-input`. */
export const idBytes = (id: Id): Uint8Array => {
  const bytes = typeof id === 'string' ? fromHex(id) : id
  if (bytes === undefined || bytes.length !== 32) {
    throw new SdkError('bad-input', 'an id is 32 bytes, or 64 lower-case hex digits')
  }
  return bytes
}

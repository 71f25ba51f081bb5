/**
 * The categories of a part, packed into one value of its row: a commit reads them all and a manifest or revocation
 * changes them, always under the vault's lock. Each takes 33 octets: id, epoch, marks, closed.
 */
import type { CategoryState } from '../store.ts'

const SIZE = 33
const STRICT = 1
const ACCESS_LOG = 2

export const packCategories = (states: readonly CategoryState[]): Uint8Array => {
  const packed = Buffer.alloc(states.length * SIZE)
  for (const [place, { category, epoch, strict, accessLog, closed }] of states.entries()) {
    const at = place * SIZE
    packed.set(category, at)
    packed.writeBigUInt64BE(BigInt(epoch), at + 16)
    packed.writeUInt8((strict ? STRICT : 0) | (accessLog ? ACCESS_LOG : 0), at + 24)
    packed.writeBigUInt64BE(BigInt(closed), at + 25)
  }
  return packed
}

export const unpackCategories = (packed: Uint8Array): CategoryState[] => {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.length)
  return Array.from({ length: packed.length / SIZE }, (_, place) => {
    const at = place * SIZE
    return {
      category: packed.slice(at, at + 16),
      epoch: Number(buffer.readBigUInt64BE(at + 16)),
      strict: (buffer.readUInt8(at + 24) & STRICT) !== 0,
      accessLog: (buffer.readUInt8(at + 24) & ACCESS_LOG) !== 0,
      closed: Number(buffer.readBigUInt64BE(at + 25)),
    }
  })
}

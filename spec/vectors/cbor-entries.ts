/** A statement's body taken apart as the map it is, so that a case can change one entry and leave the others' bytes alone. */
import { concatBytes, encode, struct, text, field } from '../../packages/seal/src/verify.ts'

export interface Entry { readonly key: number; readonly value: Uint8Array }

/** Where the item that begins at a place ends. */
const endOf = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at]!
  const [major, info] = [first >> 5, first & 31]
  const width = info < 24 ? 0 : 1 << (info - 24)
  const head = at + 1 + width
  if (major === 7) return at + 1
  let count = info
  if (width > 0) count = bytes.subarray(at + 1, head).reduce((sum, byte) => sum * 256 + byte, 0)
  if (major < 2) return head
  if (major < 4) return head + count
  let end = head
  for (let item = 0; item < count * (major === 5 ? 2 : 1); item++) end = endOf(bytes, end)
  return end
}

/** Of maps with fewer than 24 entries, keys below 24. */
export const entriesOf = (body: Uint8Array): Entry[] => {
  const entries: Entry[] = []
  for (let at = 1; at < body.length;) {
    const end = endOf(body, at + 1)
    entries.push({ key: body[at]!, value: body.slice(at + 1, end) })
    at = end
  }
  return entries
}

export const joined = (entries: readonly Entry[]): Uint8Array =>
  concatBytes(Uint8Array.of(0xa0 + entries.length), ...entries.flatMap(({ key, value }) => [Uint8Array.of(key), value]))

/** CBOR of a text of so many bytes, of a byte string, of a number below 24. */
export const textOf = (length: number): Uint8Array => encode(struct({ a: field(0, text(length)) }), { a: 'x'.repeat(length) }).slice(2)
export const octetsOf = (length: number): Uint8Array =>
  concatBytes(length < 24 ? Uint8Array.of(0x40 + length) : length < 256 ? Uint8Array.of(0x58, length) : Uint8Array.of(0x59, length >> 8, length & 255), new Uint8Array(length))
export const numberOf = (value: number): Uint8Array => Uint8Array.of(value)
/** A list of so many times the same item. */
export const listOf = (item: Uint8Array, count: number): Uint8Array =>
  concatBytes(count < 24 ? Uint8Array.of(0x80 + count) : count < 256 ? Uint8Array.of(0x98, count) : Uint8Array.of(0x99, count >> 8, count & 255), ...Array.from({ length: count }, () => item))

/**
 * Arrays as parameters in PostgreSQL's binary form: `pg` would write each element as text, a body of octets as twice
 * its length in hexadecimal digits. A parameter given as a Buffer is sent in binary.
 */
const BYTEA = 17
const INT8 = 20
const HEADER = 20

const start = (buffer: Buffer, type: number, count: number): number => {
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(1, 4)
  buffer.writeInt32BE(type, 8)
  buffer.writeInt32BE(count, 12)
  buffer.writeInt32BE(1, 16)
  return HEADER
}

/** `bytea[]`; undefined is NULL. */
export const byteArrays = (values: readonly (Uint8Array | undefined)[]): Buffer => {
  const size = values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), HEADER)
  const buffer = Buffer.allocUnsafe(size)
  let at = start(buffer, BYTEA, values.length)
  for (const value of values) {
    at = buffer.writeInt32BE(value?.length ?? -1, at)
    if (value === undefined) continue
    buffer.set(value, at)
    at += value.length
  }
  return buffer
}

/** `bigint[]` of integers that are safe in JavaScript; undefined is NULL. */
export const integers = (values: readonly (number | undefined)[]): Buffer => {
  const buffer = Buffer.allocUnsafe(values.reduce<number>((sum, value) => sum + (value === undefined ? 4 : 12), HEADER))
  let at = start(buffer, INT8, values.length)
  for (const value of values) {
    at = buffer.writeInt32BE(value === undefined ? -1 : 8, at)
    if (value !== undefined) at = buffer.writeBigInt64BE(BigInt(value), at)
  }
  return buffer
}

/** A column of rows, as one parameter. */
export const bytes = <T>(rows: readonly T[], of: (row: T) => Uint8Array | undefined): Buffer => byteArrays(rows.map(of))

export const numbers = <T>(rows: readonly T[], of: (row: T) => number | undefined): Buffer => integers(rows.map(of))

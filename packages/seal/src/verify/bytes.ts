/** Hashes with labels, and the few byte helpers that every statement needs. */
import { sha256 } from '#hash'
import { type Label, labelBytes } from '../labels.ts'

/** `SHA-256(label ‖ 0x00 ‖ parts…)`: spec/format.md, Encoding. */
export const hashOf = (label: Label, ...parts: Uint8Array[]): Uint8Array => sha256(labelBytes(label), ...parts)

export const u8 = (value: number): Uint8Array => Uint8Array.of(value)

export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

export const ZERO32: Uint8Array = new Uint8Array(32)

/** Equality of public bytes. Not for secrets: it stops at the first difference. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export const concatBytes = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Where it runs on Node.js. */
const native = (globalThis as { readonly Buffer?: typeof Buffer }).Buffer

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** In one piece: digit by digit it would be a rope of strings, which takes ten times the memory of its text. */
export const toHex = (bytes: Uint8Array): string => {
  if (native !== undefined) return native.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return Array.from(bytes, (byte) => HEX[byte]).join('')
}

/** Lower-case hex only, an even number of digits; undefined otherwise. */
export const fromHex = (hex: string): Uint8Array<ArrayBuffer> | undefined => {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) return undefined
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16)
  return bytes
}

/**
 * Gives the memory of bytes back at once. By the gigabyte, waiting for the collector costs more than the work itself:
 * it looks at everything that lives each time some megabytes have gone by. Bytes that share theirs are left alone.
 */
export const giveBack = (bytes: Uint8Array): void => {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}

/** Byte helpers: base64 as the formats want it, equality, joining. */
import { LogError, type LogErrorCode } from './errors.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const NONE = 64
/** A letter's value by its code; NONE for what is no letter. */
const VALUES = new Uint8Array(128).fill(NONE)
for (let value = 0; value < NONE; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** RFC 4648 section 4, with padding. */
export const toBase64 = (bytes: Uint8Array): string => {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const left = bytes.length - i
    text += (ALPHABET[word >> 18] as string) + ALPHABET[(word >> 12) & 63]
    text += left > 1 ? ALPHABET[(word >> 6) & 63] : '='
    text += left > 2 ? ALPHABET[word & 63] : '='
  }
  return text
}

/** The bytes, where the text is the one base64 of them: no other padding, no spare bits. Throws with `code`. */
export const fromBase64 = (text: string, code: LogErrorCode): Uint8Array => {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const letters = text.length - padding
  const bytes = new Uint8Array(Math.floor((letters * 3) / 4))
  let [at, word, seen] = [0, 0, 0]
  for (let i = 0; i < letters; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? NONE
    seen |= value
    word = ((word << 6) | value) & 0xff_ff
    if (i % 4 > 0) bytes[at++] = word >> (6 - 2 * (i % 4))
  }
  // What is left of the last letter must be zero: two bits of it where it ends two bytes, four where it ends one.
  const spare = word & ((1 << (2 * padding)) - 1)
  if (seen >= NONE || text.length % 4 !== 0 || spare !== 0) {
    throw new LogError(code, 'this is not base64 in its one form')
  }
  return bytes
}

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export const joinBytes = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** Throws with `code` where the bytes are not UTF-8. */
export const fromUtf8 = (bytes: Uint8Array, code: LogErrorCode): string => {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new LogError(code, 'this is not UTF-8')
  }
}

/** A decimal without leading zeroes that a double holds exactly. Throws with `code`. */
export const decimal = (text: string, code: LogErrorCode): number => {
  const value = Number(text)
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(value)) {
    throw new LogError(code, 'this is not a decimal number without leading zeroes')
  }
  return value
}

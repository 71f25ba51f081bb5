/**
 * Base45, RFC 9285: what a QR code holds best as text. Strict: a text has one value, and bytes have one text. The one
 * package that there is for it takes letters outside the alphabet, and triples above 65,535, without a word.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:'
const BASE = 45

const digits = (value: number, count: number): string =>
  Array.from({ length: count }, (_, place) => ALPHABET[Math.floor(value / BASE ** place) % BASE]).join('')

export const toBase45 = (bytes: Uint8Array): string => {
  let text = ''
  for (let at = 0; at < bytes.length; at += 2) {
    const [first, second] = [bytes[at] as number, bytes[at + 1]]
    text += second === undefined ? digits(first, 2) : digits(first * 256 + second, 3)
  }
  return text
}

/** Undefined for a text that {@link toBase45} writes for no bytes. */
export const fromBase45 = (text: string): Uint8Array | undefined => {
  const rest = text.length % 3
  if (rest === 1) return undefined
  const bytes = new Uint8Array(Math.floor(text.length / 3) * 2 + (rest === 2 ? 1 : 0))
  for (let at = 0, place = 0; at < text.length; at += 3) {
    const group = Array.from(text.slice(at, at + 3), (letter) => ALPHABET.indexOf(letter))
    const value = group.reduce((sum, digit, power) => sum + digit * BASE ** power, 0)
    if (group.includes(-1) || value > (group.length === 3 ? 0xffff : 0xff)) return undefined
    if (group.length === 3) bytes[place++] = value >> 8
    bytes[place++] = value & 0xff
  }
  return bytes
}

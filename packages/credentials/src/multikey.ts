/** Base58, multihash and Ed25519 Multikeys, as far as did:webvh 1.0 uses them: SHA-256 and Ed25519, nothing else. */
import { CredentialError } from './errors.ts'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** A signature of 64 bytes has 88 digits: the conversion is quadratic, so nothing longer is converted. */
const DIGITS_MAX = 100

export const toBase58 = (bytes: Uint8Array): string => {
  const zeros = bytes.findIndex((byte) => byte !== 0)
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  let digits = ''
  for (; number > 0n; number /= 58n) digits = (ALPHABET[Number(number % 58n)] ?? '') + digits
  return '1'.repeat(zeros === -1 ? bytes.length : zeros) + digits
}

/** Of `length` bytes. @throws CredentialError `encoding-invalid` */
export const fromBase58 = (text: string, length: number): Uint8Array => {
  let number = text.length > DIGITS_MAX ? -1n : 0n
  for (const digit of text.length > DIGITS_MAX ? '' : text) {
    const value = ALPHABET.indexOf(digit)
    if (value === -1) throw new CredentialError('encoding-invalid')
    number = number * 58n + BigInt(value)
  }
  const bytes = new Uint8Array(length)
  for (let at = length - 1; at >= 0 && number > 0n; at--, number /= 256n) bytes[at] = Number(number % 256n)
  if (toBase58(bytes) !== text) throw new CredentialError('encoding-invalid')
  return bytes
}

/** Multihash of a SHA-256 digest: code 0x12, 32 bytes. */
export const multihash = (digest: Uint8Array): string => toBase58(Uint8Array.of(0x12, 0x20, ...digest))

/** The key of a Multikey `z6Mk…`: base58, Ed25519. @throws CredentialError `encoding-invalid` */
export const ed25519OfMultikey = (text: string): Uint8Array => {
  const bytes = text.startsWith('z') ? fromBase58(text.slice(1), 34) : new Uint8Array(34)
  if (bytes[0] !== 0xed || bytes[1] !== 0x01) throw new CredentialError('encoding-invalid')
  return bytes.subarray(2)
}

/** The Multikey of an Ed25519 public key, 32 bytes. */
export const multikeyOf = (publicKey: Uint8Array): string => `z${toBase58(Uint8Array.of(0xed, 0x01, ...publicKey))}`

/** @throws CredentialError `encoding-invalid` */
export const signatureOfMultibase = (text: string): Uint8Array => {
  if (!text.startsWith('z')) throw new CredentialError('encoding-invalid')
  return fromBase58(text.slice(1), 64)
}

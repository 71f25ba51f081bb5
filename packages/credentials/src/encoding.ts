/** Base64url and JSON in the one form that is accepted. */
import { CredentialError } from './errors.ts'

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

export const toBase64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/**
 * The bytes of base64url without padding. Refuses whatever does not encode back to the same text: other decoders skip
 * spaces and ignore leftover bits, so that one signed token has many spellings, and a list of seen ones misses some.
 *
 * @throws CredentialError `encoding-invalid`
 */
export const fromBase64url = (text: string): Uint8Array<ArrayBuffer> => {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64url'))
  if (toBase64url(bytes) !== text) throw new CredentialError('encoding-invalid')
  return bytes
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws CredentialError `encoding-invalid` */
export const parseJson = (text: string | Uint8Array): Json => {
  try {
    return JSON.parse(typeof text === 'string' ? text : decoder.decode(text)) as Json
  } catch {
    // The parser's message quotes its input, which may name a person.
    throw new CredentialError('encoding-invalid')
  }
}

/** @throws CredentialError `encoding-invalid` */
export const parseObject = (text: string | Uint8Array): JsonObject => {
  const value = parseJson(text)
  if (!isObject(value)) throw new CredentialError('encoding-invalid')
  return value
}

/** A member of its own: what `JSON.parse` made of `"__proto__"` is one, what every object inherits is none. */
export const memberOf = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined

/** The text of a member, or undefined where it is absent or something else. */
export const textOf = (object: JsonObject, name: string): string | undefined => {
  const value = memberOf(object, name)
  return typeof value === 'string' ? value : undefined
}

/** The whole seconds since 1970 of a member, or undefined. */
export const secondsOf = (object: JsonObject, name: string): number | undefined => {
  const value = memberOf(object, name)
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

export const objectOf = (object: JsonObject, name: string): JsonObject | undefined => {
  const value = memberOf(object, name)
  return isObject(value) ? value : undefined
}

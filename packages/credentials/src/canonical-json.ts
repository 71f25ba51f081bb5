/** JSON Canonicalization Scheme (RFC 8785), for what was parsed from JSON. */
import { isObject, type Json, memberOf } from './encoding.ts'
import { CredentialError } from './errors.ts'

const DEPTH_MAX = 32

const quoted = (text: string): string => {
  // A lone surrogate has no UTF-8, so two parties would hash different bytes.
  if (!text.isWellFormed()) throw new CredentialError('encoding-invalid')
  return JSON.stringify(text)
}

/** @throws CredentialError `encoding-invalid`, `too-large` */
export const canonicalJson = (value: Json, depth = 0): string => {
  if (depth > DEPTH_MAX) throw new CredentialError('too-large')
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map((element) => canonicalJson(element, depth + 1)).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  // By UTF-16 code units (section 3.2.3), which is how JavaScript compares.
  const members = Object.keys(value).toSorted().map((name) =>
    `${quoted(name)}:${canonicalJson(memberOf(value, name) ?? null, depth + 1)}`)
  return `{${members.join(',')}}`
}

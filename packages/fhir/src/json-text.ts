import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'

/**
 * Parses JSON text strictly: bounded size and depth, no duplicate members. Duplicates are refused because two
 * readers would take different ones, and a category rule could see another code than the clinician.
 * @throws FhirError `too-large`, `too-deep`, `not-json`, `duplicate-key`
 */
export function parseJson(text: string, limit: number = LIMITS.resourceText): unknown {
  if (text.length > limit) throw new FhirError('too-large', `the JSON text is longer than ${limit} characters`)
  const scan = scanText(text)
  if (scan.depth > LIMITS.depth) throw new FhirError('too-deep', `JSON nested deeper than ${LIMITS.depth}`)
  const value = parse(text)
  if (countMembers(value) !== scan.members) {
    throw new FhirError('duplicate-key', 'an object of the JSON text has the same member twice')
  }
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The parser's own message quotes the text, which may be a patient's.
    throw new FhirError('not-json', 'the body is not valid JSON')
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** Members (colons outside strings) and depth, in one pass that skips from quote to quote. */
function scanText(text: string): { members: number, depth: number } {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
    } else if (code === COLON) {
      members++
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > deepest) deepest = depth
    } else if (code === 0x7d || code === 0x5d) {
      depth--
    }
  }
  return { members, depth: deepest }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0 && text.charCodeAt(end - 1) === BACKSLASH && escaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

function escaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++
  return slashes % 2 === 1
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) if (typeof item === 'object') count += countMembers(item)
    return count
  }
  const record = value as Record<string, unknown>
  for (const key of Object.keys(record)) {
    count++
    const member = record[key]
    if (typeof member === 'object') count += countMembers(member)
  }
  return count
}

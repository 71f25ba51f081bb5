import { LIMITS } from '../limits.ts'
import { FhirError } from '../outcomes.ts'

/** One parameter of a query, decoded; `raw` is how it was written. */
export interface Pair { name: string, value: string, raw: string }

/** A query's parameters in order. @throws FhirError `invalid-value`, `too-many-values` */
export function parseQuery(query: string): Pair[] {
  if (query.length > LIMITS.queryLength) {
    throw new FhirError('too-many-values', `the query is longer than ${LIMITS.queryLength} characters`)
  }
  const text = query.startsWith('?') ? query.slice(1) : query
  return text.split('&').filter((part) => part !== '').map((part) => {
    const equals = part.indexOf('=')
    if (equals < 0) throw new FhirError('invalid-value', 'a search parameter has no "="', 'http.query')
    return { name: decode(part.slice(0, equals)), value: decode(part.slice(equals + 1)), raw: part }
  })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new FhirError('invalid-value', 'the query is not valid percent-encoded UTF-8', 'http.query')
  }
}

/**
 * Splits at an unescaped separator (R4 search.html#escaping); the parts stay escaped. A backslash before anything
 * but `, | $ \` is refused by `unescape`.
 */
export function splitAt(text: string, separator: ',' | '|' | '$'): string[] {
  if (!text.includes(separator)) return [text]
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === separator) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** Undoes the escapes `\,` `\|` `\$` `\\`; undefined if another escape is used. */
export function unescape(text: string): string | undefined {
  if (!text.includes('\\')) return text
  let plain = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char !== '\\') {
      plain += char
      continue
    }
    const next = text.charAt(++at)
    if (next === '' || !',|$\\'.includes(next)) return undefined
    plain += next
  }
  return plain
}

const LETTERS: readonly (readonly [string, string])[] =
  [['œ', 'oe'], ['Œ', 'OE'], ['æ', 'ae'], ['Æ', 'AE'], ['ß', 'ss'],
    ['ø', 'o'], ['Ø', 'O'], ['ł', 'l'], ['Ł', 'L']]

/**
 * Text as string parameters compare it (R4 search.html#string): no accents, no case; apostrophes and full stops are
 * nothing (`O'Brien` is `obrien`), other punctuation and white space is one space (`Petit-Jean` is `petit jean`).
 */
export function foldText(text: string): string {
  let plain = text
  if (/[^ -~]/.test(text)) {
    plain = text.normalize('NFKD').replace(/\p{M}/gu, '')
    for (const [letter, ascii] of LETTERS) plain = plain.replaceAll(letter, ascii)
  }
  return plain.toLowerCase().replace(/['’ʼ.]/g, '').replace(/[\p{P}\s]+/gu, ' ').trim()
}

import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'

/** A query's parameters in order, decoded. @throws FhirError `invalid-value`, `too-many-values` */
export function parseQuery(query: string): [name: string, value: string][] {
  if (query.length > LIMITS.queryLength) {
    throw new FhirError('too-many-values', `the query is longer than ${LIMITS.queryLength} characters`)
  }
  const text = query.startsWith('?') ? query.slice(1) : query
  return text.split('&').filter((part) => part !== '').map((part) => {
    const equals = part.indexOf('=')
    if (equals < 0) throw new FhirError('invalid-value', 'a search parameter has no "="', 'http.query')
    return [decode(part.slice(0, equals)), decode(part.slice(equals + 1))]
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

/** Text as string parameters compare it: no accents, no case, single spaces (R4 search.html#string). */
export function foldText(text: string): string {
  const plain = !/[^ -~]/.test(text) ? text : text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('œ',
    'oe').replaceAll('Œ', 'OE')
    .replaceAll('æ', 'ae').replaceAll('Æ', 'AE').replaceAll('ß', 'ss').replaceAll('ø', 'o').replaceAll('Ø', 'O')
  return plain.toLowerCase().replace(/\s+/g, ' ').trim()
}

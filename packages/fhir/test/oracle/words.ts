/** Strings, URIs and tokens (R4 search.html#string, #uri, #token). */
import type { Node } from './extract.ts'

type Json = Readonly<Record<string, unknown>>

/** Without case, accents, apostrophes and full stops; other punctuation and space count as one space. */
export const fold = (text: string): string => {
  let plain = ''
  for (const char of text.normalize('NFKD').toLowerCase()) {
    if (/\p{M}/u.test(char) || "'’ʼ.".includes(char)) continue
    plain += /\p{P}/u.test(char) ? ' ' : FOLDS[char] ?? char
  }
  return plain.split(/\s+/).filter((word) => word !== '').join(' ')
}

const FOLDS: Readonly<Record<string, string>> = { œ: 'oe', æ: 'ae', ß: 'ss', ø: 'o' }

const PARTS: Readonly<Record<string, readonly string[]>> = {
  HumanName: ['family', 'given', 'prefix', 'suffix', 'text'],
  Address: ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text'],
  CodeableConcept: ['text'],
  Annotation: ['text'],
}

const textsAt = (json: Json, members: readonly string[]): string[] =>
  members.flatMap((member) => [json[member]].flat()).filter((text) => typeof text === 'string')

export const stringsIn = ({ type, data }: Node): string[] =>
  (typeof data === 'string' ? [data] : textsAt((data ?? {}) as Json, PARTS[type] ?? []))

export const stringMeets = (value: string, modifier: string | undefined, strings: readonly string[]): boolean => {
  if (modifier === 'exact') return strings.includes(value)
  const asked = fold(value)
  return strings.map(fold).some((text) => (modifier === 'contains' ? text.includes(asked) : text.startsWith(asked)))
}

export const uriMeets = (value: string, modifier: string | undefined, nodes: readonly Node[]): boolean =>
  nodes.some(({ data }) => {
    const found = String(data)
    if (modifier === 'below') return found.startsWith(value)
    return modifier === 'above' ? value.startsWith(found) : isSameUri(value, found)
  })

/** `system` undefined: the value has none; `code` undefined: it has a system alone. */
export interface Token {
  readonly system: string | undefined
  readonly code: string | undefined
  /** Of ids and the like: R4 says that they are case sensitive. */
  readonly exact?: boolean
}

/** A canonical that is asked for without its version is meant in every version. */
const isSameUri = (asked: string, found: string): boolean => found === asked || found.startsWith(`${asked}|`)

const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** What R4 lists itself and what is an id: there is no doubt about their case. */
const EXACT: ReadonlySet<string> = new Set(['id', 'code', 'boolean'])

const codingsIn = ({ type, data }: Node): Json[] => {
  const json = (data ?? {}) as Json
  return type === 'CodeableConcept' ? (json['coding'] as Json[] | undefined) ?? [] : type === 'Coding' ? [json] : []
}

export const tokensIn = (node: Node): Token[] => {
  const { type, data } = node
  if (typeof data !== 'object' || data === null) {
    return [{ system: undefined, code: String(data), exact: EXACT.has(type) }]
  }
  const json = data as Json
  if (type === 'Identifier') return [{ system: textIn(json['system']), code: textIn(json['value']) }]
  if (type === 'ContactPoint') return [{ system: undefined, code: textIn(json['value']) }]
  return codingsIn(node).map((coding) => ({ system: textIn(coding['system']), code: textIn(coding['code']) }))
}

/** Systems whose codes R4 itself or UCUM says differ by case. */
const CASED: ReadonlySet<string> = new Set(['http://unitsofmeasure.org'])

const sameCode = (asked: string, { code, system, exact }: Token): boolean => {
  if (code === undefined) return false
  return exact === true || CASED.has(system ?? '') ? code === asked : code.toLowerCase() === asked.toLowerCase()
}

/** `parts`: `[code]` or `[system, code]`, unescaped. */
export const tokenMatches = (parts: readonly string[], token: Token): boolean => {
  const [first = '', code] = parts
  if (code === undefined) return sameCode(first, token)
  if (first === '') return token.system === undefined && sameCode(code, token)
  return token.system === first && (code === '' || sameCode(code, token))
}

/** What `:text` looks at: what people read beside the code. */
export const tokenTextsIn = (node: Node): string[] => {
  const { type, data } = node
  const json = (data ?? {}) as Json
  const own = type === 'CodeableConcept' ? textsAt(json, ['text'])
    : type === 'Identifier' ? textsAt((json['type'] ?? {}) as Json, ['text']) : []
  return [...own, ...codingsIn(node).flatMap((coding) => textsAt(coding, ['display']))]
}

/** `:of-type`: system and code of the identifier's type, and its value. */
export const isOfType = (parts: readonly string[], { data }: Node): boolean => {
  const { type, value } = (data ?? {}) as { type?: { coding?: Json[] }; value?: string }
  const [system = '', code = '', asked = ''] = parts
  return value !== undefined && sameCode(asked, { system: undefined, code: value })
    && (type?.coding ?? []).some((coding) =>
      tokenMatches([system, code], { system: textIn(coding['system']), code: textIn(coding['code']) }))
}

import type { Typed } from '../expression.ts'
import type { Kind } from './kinds.ts'

type Json = Record<string, unknown>

export interface Token {
  /** Absent: the value has no system. */
  system?: string
  /** Empty: a system without code. */
  code: string
}

/** A token as asked: without `system` any system matches; `null` asks for none. Without `code` any code. */
export interface TokenTest { system?: string | null, code?: string }

/** `:of-type`: an identifier by the coding of its type, and its value. */
export interface OfTypeTest { system: string, code: string, value: string }

/** An identifier under one coding of its type. */
export interface OfType { system: string | undefined, code: string, value: string }

const UCUM = 'http://unitsofmeasure.org'

/**
 * Case of codes. R4 search.html#token: "when in doubt, servers SHOULD treat tokens in a case-insensitive manner, on the
 * grounds that including undesired data has less safety implications than excluding desired behavior". No doubt is
 * there for ids and URIs, for codes that R4 lists itself (`exact`), and for UCUM.
 */
export function tokenMatches(test: TokenTest, token: Token, exact: boolean): boolean {
  if (test.code !== undefined && !sameCode(test.code, token, exact)) return false
  if (test.system === undefined) return true
  return test.system === null ? token.system === undefined : test.system === token.system
}

function sameCode(asked: string, { system, code }: Token, exact: boolean): boolean {
  return asked === code || (!exact && system !== UCUM && foldCode(asked) === foldCode(code))
}

export const foldCode = (code: string): string => code.toLowerCase()

export function ofTypeMatches(test: OfTypeTest, value: OfType): boolean {
  return test.system === value.system && foldCode(test.code) === foldCode(value.code) &&
    foldCode(test.value) === foldCode(value.value)
}

export const tokenKind: Kind<Token> = {
  read: readTokens,
  key: ({ code }) => foldCode(code),
  same: (left, right) => left.code === right.code && left.system === right.system,
  order: ({ code }) => code,
}

/** `:identifier` of a reference: the identifier it names its target by. */
export const identifierKind: Kind<Token> = {
  ...tokenKind,
  read: ({ value }) => {
    const identifier = (value as Json | null)?.['identifier'] as Json | undefined
    return identifier ? tokensOf(identifier['system'], identifier['value']) : []
  },
}

export const ofTypeKind: Kind<OfType> = {
  read: ({ type, value }) => (type === 'Identifier' ? readOfType(value as Json) : []),
  key: ({ value }) => foldCode(value),
  same: (left, right) => left.system === right.system && left.code === right.code && left.value === right.value,
  order: ({ value }) => value,
}

function readTokens({ type, value }: Typed): Token[] {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return [{ code: String(value) }]
  if (typeof value !== 'object' || value === null) return []
  const json = value as Json
  if (type === 'CodeableConcept') return codingsOf(json).flatMap(({ system, code }) => tokensOf(system, code))
  if (type === 'Coding') return tokensOf(json['system'], json['code'])
  if (type === 'Identifier') return tokensOf(json['system'], json['value'])
  // A ContactPoint's system (phone, email) is no code system: R4 compares the value alone.
  return type === 'ContactPoint' ? tokensOf(undefined, json['value']) : []
}

function codingsOf(concept: Json | undefined): Json[] {
  return (concept?.['coding'] as Json[] | undefined) ?? []
}

function tokensOf(system: unknown, code: unknown): Token[] {
  if (typeof code !== 'string' && typeof system !== 'string') return []
  const token: Token = { code: typeof code === 'string' ? code : '' }
  if (typeof system === 'string') token.system = system
  return [token]
}

function readOfType(identifier: Json): OfType[] {
  const { value } = identifier
  if (typeof value !== 'string') return []
  return codingsOf(identifier['type'] as Json | undefined).flatMap(({ system, code }) =>
    (typeof code === 'string' ? [{ system: typeof system === 'string' ? system : undefined, code, value }] : []))
}

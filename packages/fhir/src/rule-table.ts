import { isResourceType } from './definitions.ts'
import { isCategoryCode } from './labels.ts'
import type { CategoryCode } from './labels.ts'
import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'
import type { Finding } from './outcomes.ts'

/** A rule matches if every list it has matches; a list matches if any of its members does. */
export interface CategoryRule {
  /** `[a-z0-9.-]{1,64}`, unique in its table; what `categorise` names as its reason. */
  id: string
  category: CategoryCode
  /** Resource types. */
  types?: readonly string[]
  /** `system|code` or `system|prefix*`, matched against every coding in the resource. */
  codes?: readonly string[]
  /** The same, against the top-level `category` element. */
  categories?: readonly string[]
  /** The same, against `meta.security`. */
  security?: readonly string[]
}

export interface RuleTable {
  version: string
  rules: readonly CategoryRule[]
}

/** Short names for code systems in matchers. */
const SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  'loinc': ['http://loinc.org', 'https://loinc.org', 'urn:oid:2.16.840.1.113883.6.1'],
  'snomed': ['http://snomed.info/sct', 'https://snomed.info/sct', 'urn:oid:2.16.840.1.113883.6.96'],
  'icd10': [
    'http://hl7.org/fhir/sid/icd-10', 'http://hl7.org/fhir/sid/icd-10-cm', 'http://hl7.org/fhir/sid/icd-10-fr',
    'http://hl7.org/fhir/sid/icd-10-who', 'urn:oid:2.16.840.1.113883.6.3', 'urn:oid:2.16.840.1.113883.6.90',
    'https://smt.esante.gouv.fr/terminologie-cim-10',
  ],
  'atc': ['http://www.whocc.no/atc', 'urn:oid:2.16.840.1.113883.6.73', 'https://smt.esante.gouv.fr/terminologie-atc'],
  'actcode': ['http://terminology.hl7.org/CodeSystem/v3-ActCode', 'http://hl7.org/fhir/v3/ActCode'],
  'obs-category': [
    'http://terminology.hl7.org/CodeSystem/observation-category', 'http://hl7.org/fhir/observation-category',
  ],
  'media-category': ['http://terminology.hl7.org/CodeSystem/media-type'],
  'v2-0074': ['http://terminology.hl7.org/CodeSystem/v2-0074', 'http://hl7.org/fhir/v2/0074'],
  'scelle': ['urn:scelle:category'],
}

const LISTS = ['types', 'codes', 'categories', 'security'] as const
const MEMBERS: ReadonlySet<string> = new Set(['id', 'category', ...LISTS])

/**
 * A site's table checked and put before `base`: the site's rules are asked first.
 * @throws FhirError `invalid-rule-table` with one finding per bad rule
 */
export function mergeRules(site: unknown, base: RuleTable): RuleTable {
  const table = checkRules(site)
  const taken = new Set(table.rules.map((rule) => rule.id))
  const clash = base.rules.find((rule) => taken.has(rule.id))
  // Same id: the site's rule replaces it, which is how a site says that a built-in rule is wrong for it.
  const rest = clash ? base.rules.filter((rule) => !taken.has(rule.id)) : base.rules
  return { version: `${table.version}+${base.version}`, rules: [...table.rules, ...rest] }
}

/** A rule table from configuration. @throws FhirError `invalid-rule-table` */
export function checkRules(value: unknown): RuleTable {
  const table = value as { version?: unknown, rules?: unknown } | null
  const findings: Finding[] = []
  const refuse = (diagnostics: string, expression: string): void => {
    findings.push({ severity: 'error', diagnostics, expression })
  }
  if (typeof table !== 'object' || table === null || !Array.isArray(table.rules)) {
    throw new FhirError('invalid-rule-table', 'expected {version, rules: []}')
  }
  const unknown = Object.keys(table).find((key) => key !== 'version' && key !== 'rules')
  if (unknown !== undefined) refuse('unknown member; a table has version and rules', 'table')
  if (typeof table.version !== 'string' || !/^[A-Za-z0-9.+-]{1,64}$/.test(table.version)) {
    refuse('version must be 1 to 64 of A-Z a-z 0-9 . + -', 'version')
  }
  if (table.rules.length > LIMITS.rules) refuse(`at most ${LIMITS.rules} rules`, 'rules')
  const ids = new Set<unknown>()
  for (const [at, rule] of (table.rules as unknown[]).slice(0, LIMITS.rules).entries()) {
    const wrong = ruleFault(rule, ids)
    if (wrong) refuse(wrong, `rules[${at}]`)
  }
  if (findings.length > 0) throw FhirError.of('invalid-rule-table', findings)
  return table as RuleTable
}

function ruleFault(value: unknown, ids: Set<unknown>): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'a rule is an object'
  const rule = value as Record<string, unknown>
  if (Object.keys(rule).some((key) => !MEMBERS.has(key))) return `a rule has only ${[...MEMBERS].join(', ')}`
  const { id } = rule
  if (typeof id !== 'string' || !/^[a-z0-9.-]{1,64}$/.test(id)) return 'id must be 1 to 64 of a-z 0-9 . -'
  if (ids.has(id)) return 'id is used twice'
  ids.add(id)
  if (!isCategoryCode(rule['category'])) return 'category is not one of the closed list'
  const present = LISTS.filter((list) => rule[list] !== undefined)
  if (present.length === 0) return 'a rule without types, codes, categories or security would match everything'
  for (const list of present) {
    const wrong = listFault(list, rule[list])
    if (wrong) return wrong
  }
  return undefined
}

function listFault(list: string, value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return `${list} must be a list with members`
  if (value.length > LIMITS.ruleMatchers) return `${list} has more than ${LIMITS.ruleMatchers} members`
  const good = list === 'types' ? (item: unknown) => typeof item === 'string' && isResourceType(item) : isMatcher
  return (value as unknown[]).every(good) ? undefined
    : list === 'types' ? 'types holds an unknown resource type' : `${list} needs system|code or system|prefix*`
}

function isMatcher(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const bar = value.indexOf('|')
  const system = value.slice(0, bar)
  const code = value.slice(bar + 1)
  const known = Object.hasOwn(SYSTEMS, system) || /^(https?:\/\/|urn:)\S+$/.test(system)
  return bar > 0 && known && /^[^\s*|]{1,64}\*?$/.test(code)
}

/** Matchers of one list, ready to ask. */
export interface Matcher {
  exact: ReadonlySet<string>
  /** Prefixes by length, as `system|prefix`. */
  prefixes: ReadonlySet<string>
  /** Systems that have a prefix: most codings are of others. */
  systems: ReadonlySet<string>
}

/** Compiles matchers; ICD codes are compared without their dot, which senders write or leave out. */
export function compileMatchers(matchers: readonly string[]): Matcher {
  const exact = new Set<string>()
  const prefixes = new Set<string>()
  for (const matcher of matchers) {
    const bar = matcher.indexOf('|')
    const name = matcher.slice(0, bar)
    const code = matcher.slice(bar + 1)
    for (const system of Object.hasOwn(SYSTEMS, name) ? SYSTEMS[name] ?? [] : [name]) {
      if (code.endsWith('*')) prefixes.add(normalCoding(`${system}|${code.slice(0, -1)}`))
      else exact.add(normalCoding(`${system}|${code}`))
    }
  }
  const systems = new Set([...prefixes].map((prefix) => prefix.slice(0, prefix.lastIndexOf('|'))))
  return { exact, prefixes, systems }
}

const ICD: ReadonlySet<string> = new Set(SYSTEMS['icd10'])
const ATC: ReadonlySet<string> = new Set(SYSTEMS['atc'])

/** A coding in the form matchers compare: ICD-10 and ATC in capitals, ICD-10 without dot. */
export function normalCoding(coding: string): string {
  const bar = coding.lastIndexOf('|')
  const system = coding.slice(0, bar)
  if (ATC.has(system)) return `${system}|${coding.slice(bar + 1).toUpperCase()}`
  if (!ICD.has(system)) return coding
  return `${system}|${coding.slice(bar + 1).replace('.', '').toUpperCase()}`
}

/** True if any of the (normal) codings matches. */
export function anyMatches(matcher: Matcher, codings: readonly string[]): boolean {
  for (const coding of codings) {
    if (matcher.exact.has(coding)) return true
    if (matcher.prefixes.size === 0) continue
    const bar = coding.lastIndexOf('|')
    if (!matcher.systems.has(coding.slice(0, bar))) continue
    for (let end = Math.min(coding.length, bar + 9); end > bar + 1; end--) {
      if (matcher.prefixes.has(coding.slice(0, end))) return true
    }
  }
  return false
}

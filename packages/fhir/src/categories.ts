/**
 * Which category of a vault a resource lands in.
 * @module
 */
import type { Resource } from '@medplum/fhirtypes'
import { isStrict } from './labels.ts'
import type { CategoryCode } from './labels.ts'
import { DEFAULT_RULES } from './category-rules.ts'
import { anyMatches, compileMatchers, normalCoding } from './rule-table.ts'
import type { CategoryRule, Matcher, RuleTable } from './rule-table.ts'
import { survey } from './survey.ts'

export { CATEGORIES, isCategoryCode, isStrict } from './labels.ts'
export type { CategoryCode } from './labels.ts'
export { DEFAULT_RULES } from './category-rules.ts'
export { checkRules, mergeRules } from './rule-table.ts'
export type { CategoryRule, RuleTable } from './rule-table.ts'

export interface Categorised {
  category: CategoryCode
  /** The category's public strict bit. */
  strict: boolean
  /**
   * Id of the rule that decided; `free-text` or `restricted` where that overruled it, `none` where no rule matched.
   */
  rule: string
  /** Version of the table. */
  version: string
}

interface CompiledRule {
  rule: CategoryRule
  types: ReadonlySet<string> | undefined
  codes: Matcher | undefined
  categories: Matcher | undefined
  security: Matcher | undefined
}

const compiledTables = new WeakMap<RuleTable, readonly CompiledRule[]>()

/** v3 Confidentiality: restricted and very restricted. */
const RESTRICTED: ReadonlySet<string> = new Set(
  ['http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'http://hl7.org/fhir/v3/Confidentiality']
    .flatMap((system) => [`${system}|R`, `${system}|V`]),
)

/**
 * The category of a valid resource: first matching rule, else `unclassified`. Whatever the table says, a resource
 * with free text or labelled restricted never lands in a category without the strict bit: it goes to `notes`.
 * Total and deterministic. Tables from outside must have passed `checkRules` or `mergeRules`.
 */
export function categorise(resource: Resource, table: RuleTable = DEFAULT_RULES): Categorised {
  const seen = survey(resource)
  const codings = seen.codings.map(normalCoding)
  const matched = compiled(table).find((each) => matches(each, seen.type, codings, seen.categories, seen.security))
  const category = matched?.rule.category ?? 'unclassified'
  const { version } = table
  if (!isStrict(category)) {
    if (seen.security.some((label) => RESTRICTED.has(label))) {
      return { category: 'notes', strict: true, rule: 'restricted', version }
    }
    if (seen.freeText !== undefined) return { category: 'notes', strict: true, rule: 'free-text', version }
  }
  return { category, strict: isStrict(category), rule: matched?.rule.id ?? 'none', version }
}

/** Where the first free text of a resource stands, as `Type.member`; undefined if it has none. */
export function freeTextOf(resource: Resource): string | undefined {
  return survey(resource).freeText
}

function matches(
  rule: CompiledRule,
  type: string,
  codings: readonly string[],
  categories: readonly string[],
  security: readonly string[],
): boolean {
  if (rule.types && !rule.types.has(type)) return false
  if (rule.security && !anyMatches(rule.security, security)) return false
  if (rule.categories && !anyMatches(rule.categories, categories)) return false
  return !rule.codes || anyMatches(rule.codes, codings)
}

function compiled(table: RuleTable): readonly CompiledRule[] {
  const known = compiledTables.get(table)
  if (known) return known
  const rules = table.rules.map((rule) => ({
    rule,
    types: rule.types && new Set(rule.types),
    codes: rule.codes && compileMatchers(rule.codes),
    categories: rule.categories && compileMatchers(rule.categories),
    security: rule.security && compileMatchers(rule.security),
  }))
  compiledTables.set(table, rules)
  return rules
}

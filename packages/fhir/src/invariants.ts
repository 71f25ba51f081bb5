import { evalFhirPathTyped, LRUCache, toTypedValue } from '@medplum/core'
import type { FhirPathAtom, TypedValue } from '@medplum/core'
import { installDefinitions, structure } from './definitions.ts'
import { compareMoments } from './periods.ts'
import type { Finding } from './outcomes.ts'
import type { Walk } from './walk-state.ts'

type Json = Record<string, unknown>
type Rule = (value: Json, walk: Walk) => boolean

const has = (value: Json, member: string): boolean => value[member] !== undefined
const hasChoice = (value: Json, element: string): boolean => Object.keys(value).some((key) => choiceOf(key, element))

function choiceOf(name: string, element: string): boolean {
  const key = name.charCodeAt(0) === 0x5f ? name.slice(1) : name
  if (!key.startsWith(element)) return false
  const next = key.charCodeAt(element.length)
  return next >= 65 && next <= 90
}

/**
 * Invariants not evaluated, and why:
 * - dom-3 (contained resources must be referred to) needs `descendants()`, which the evaluator lacks, and real
 *   senders break it harmlessly;
 * - sdf-19 binds HL7's own models only; - txt-1, txt-2 are `narrative.ts`.
 */
const SKIPPED = new Set(['dom-3', 'sdf-19', 'txt-1', 'txt-2'])

const UCUM = 'http://unitsofmeasure.org'
const ALLERGY_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification'
const CONDITION_VERIFICATION = 'http://terminology.hl7.org/CodeSystem/condition-ver-status'

const CONDITION_CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical'
const ENDED = ['resolved', 'remission', 'inactive']
const MEALS = ['C', 'CM', 'CD', 'CV']

const typeIs = (value: Json, ...types: string[]): boolean => types.includes(String(value['type']))
const partOf = (value: Json, name: string): Json => (value[name] ?? {}) as Json
const items = (value: Json, name: string): Json[] => (Array.isArray(value[name]) ? (value[name] as Json[]) : [])
const anyOf = (list: unknown, codes: readonly string[]): boolean =>
  Array.isArray(list) && list.some((code) => codes.includes(String(code)))
const entriesHave = (bundle: Json, name: string, wanted: boolean): boolean =>
  items(bundle, 'entry').every((entry) => has(entry, name) === wanted)
const firstTypeOf = (bundle: Json): unknown =>
  partOf(items(bundle, 'entry')[0] ?? {}, 'resource')['resourceType']
const hasCode = (value: Json, system: string, codes: readonly string[]): boolean =>
  items(partOf(value, 'clinicalStatus'), 'coding').some((coding) =>
    coding['system'] === system && codes.includes(String(coding['code'])))

/** No two entries with the same address and version. */
const distinctEntries = (bundle: Json): boolean => {
  const names = items(bundle, 'entry').filter((entry) => has(entry, 'fullUrl')).map((entry) =>
    [entry['fullUrl'], partOf(partOf(entry, 'resource'), 'meta')['versionId']].join(''))
  return new Set(names).size === names.length
}

/** The invariants that almost every resource meets, by key: the evaluator takes 100 times as long. */
const NATIVE: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['ref-1', localReferenceExists],
  ['ext-1', (value) => has(value, 'extension') !== hasChoice(value, 'value')],
  ['qty-3', (value) => !has(value, 'code') || has(value, 'system')],
  ['cpt-2', (value) => !has(value, 'value') || has(value, 'system')],
  ['att-1', (value) => !has(value, 'data') || has(value, 'contentType')],
  ['per-1', (value) => inOrder(value['start'], value['end'])],
  ['sqty-1', (value) => !has(value, 'comparator')],
  ['age-1', (value) => ucumWithCode(value) && (typeof value['value'] !== 'number' || value['value'] > 0)],
  ['dis-1', ucumWithCode],
  ['drt-1', (value) => !has(value, 'code') || (value['system'] === UCUM && has(value, 'value'))],
  ['dom-2', (value) => contained(value).every((inner) => !has(inner, 'contained'))],
  ['dom-4', (value) => contained(value).every((i) => !metaHas(i, 'versionId') && !metaHas(i, 'lastUpdated'))],
  ['dom-5', (value) => contained(value).every((inner) => !metaHas(inner, 'security'))],
  ['obs-3', (value) => has(value, 'low') || has(value, 'high') || has(value, 'text')],
  ['obs-6', (value) => !has(value, 'dataAbsentReason') || !hasChoice(value, 'value')],
  ['obs-7', (value) => !hasChoice(value, 'value') || !componentRepeatsCode(value)],
  ['pat-1', (value) => ['name', 'telecom', 'address', 'organization'].some((member) => has(value, member))],
  ['org-1', (value) => has(value, 'identifier') || has(value, 'name')],
  ['org-2', (value) => value['use'] !== 'home'],
  ['org-3', (value) => value['use'] !== 'home'],
  ['ait-1', (value) => enteredInError(value, ALLERGY_VERIFICATION) || has(value, 'clinicalStatus')],
  ['ait-2', (value) => !enteredInError(value, ALLERGY_VERIFICATION) || !has(value, 'clinicalStatus')],
  ['con-5', (value) => !enteredInError(value, CONDITION_VERIFICATION) || !has(value, 'clinicalStatus')],
  ['con-1', (value) => has(value, 'summary') || has(value, 'assessment')],
  ['con-2', (value) => has(value, 'code') || has(value, 'detail')],
  ['cpl-3', (value) => !has(value, 'detail') || !has(value, 'reference')],
  ['imm-1', (value) => has(value, 'documentType') || has(value, 'reference')],
  ['cmp-1', (value) => ['text', 'entry', 'section'].some((member) => has(value, member))],
  ['cmp-2', (value) => !has(value, 'emptyReason') || !has(value, 'entry')],
  ['bdl-1', (value) => !has(value, 'total') || typeIs(value, 'searchset', 'history')],
  ['bdl-2', (value) => typeIs(value, 'searchset') || items(value, 'entry').every((entry) => !has(entry, 'search'))],
  ['bdl-3', (value) => entriesHave(value, 'request', typeIs(value, 'batch', 'transaction', 'history'))],
  ['bdl-4', (value) =>
    entriesHave(value, 'response', typeIs(value, 'batch-response', 'transaction-response', 'history'))],
  ['bdl-7', (value) => typeIs(value, 'history') || distinctEntries(value)],
  ['bdl-9', (value) => !typeIs(value, 'document') || (
    has(partOf(value, 'identifier'), 'system') && has(partOf(value, 'identifier'), 'value'))],
  ['bdl-10', (value) => !typeIs(value, 'document') || has(value, 'timestamp')],
  ['bdl-11', (value) => !typeIs(value, 'document') || firstTypeOf(value) === 'Composition'],
  ['bdl-12', (value) => !typeIs(value, 'message') || firstTypeOf(value) === 'MessageHeader'],
  ['con-4', (value) => !hasChoice(value, 'abatement') || hasCode(value, CONDITION_CLINICAL, ENDED)],
  ['tim-9', (value) => !has(value, 'offset') || (has(value, 'when') && !anyOf(value['when'], MEALS))],
  ['bdl-5', (value) => ['resource', 'request', 'response'].some((member) => has(value, member))],
  ['bdl-8', (value) => typeof value['fullUrl'] !== 'string' || !value['fullUrl'].includes('/_history/')],
  ['tim-1', (value) => !has(value, 'duration') || has(value, 'durationUnit')],
  ['tim-2', (value) => !has(value, 'period') || has(value, 'periodUnit')],
  ['tim-4', (value) => !has(value, 'duration') || Number(value['duration']) >= 0],
  ['tim-5', (value) => !has(value, 'period') || Number(value['period']) >= 0],
  ['tim-6', (value) => !has(value, 'periodMax') || has(value, 'period')],
  ['tim-7', (value) => !has(value, 'durationMax') || has(value, 'duration')],
  ['tim-8', (value) => !has(value, 'countMax') || has(value, 'count')],
  ['tim-10', (value) => !has(value, 'timeOfDay') || !has(value, 'when')],
])

/** Evaluates invariants on a value whose shape is already known to be right. */
export function checkInvariants(places: readonly number[], value: unknown, type: string, walk: Walk): void {
  for (const place of places) {
    const constraint = structure.constraints[place]
    if (!constraint || SKIPPED.has(constraint[0])) continue
    const native = NATIVE.get(constraint[0])
    const holds = native ? native(value as Json, walk) : evaluate(constraint[1], value, type, walk)
    if (!holds) walk.findings.push(violation(constraint, walk))
  }
}

function violation([key, , human]: readonly [string, string, string], walk: Walk): Finding {
  return { severity: 'error', code: 'invariant', diagnostics: `${key}: ${human}`, expression: fhirPathOf(walk.path) }
}

function fhirPathOf(path: readonly (string | number)[]): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('')
}

const parsed = new LRUCache<FhirPathAtom>(500)

/** The evaluator of `@medplum/core`, for the invariants without a native rule. Its failure counts as violation. */
export function evaluate(expression: string, value: unknown, type: string, walk: Walk): boolean {
  installDefinitions()
  const context: TypedValue = { type: evaluatorType(type), value }
  const variables: Record<string, TypedValue> = {
    '%context': context,
    '%ucum': toTypedValue(UCUM),
    '%resource': toTypedValue(walk.resources.at(-1)),
    '%rootResource': toTypedValue(walk.resources[0]),
  }
  try {
    const results = evalFhirPathTyped(expression, [context], variables, parsed)
    return results.length === 1 && results[0]?.value === true
  } catch {
    return false
  }
}

/** `Patient.contact` is `PatientContact` to the evaluator. */
function evaluatorType(type: string): string {
  if (!type.includes('.')) return type
  return type.split('.').map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')
}

/** True if an invariant has a native rule (for the test that compares both). */
export function nativeRule(key: string): Rule | undefined {
  return NATIVE.get(key)
}

/** `#x` must name a resource contained in the outermost resource that is not a Bundle; `#` is that resource. */
function localReferenceExists(value: Json, walk: Walk): boolean {
  const reference = value['reference']
  if (typeof reference !== 'string' || reference.charCodeAt(0) !== 0x23) return true
  if (reference === '#') return true
  const root = walk.resources.find((r) => r['resourceType'] !== 'Bundle' && r['resourceType'] !== 'Parameters')
  return root ? contained(root).some((inner) => inner['id'] === reference.slice(1)) : false
}

function contained(value: Json): Json[] {
  const list = value['contained']
  return Array.isArray(list) ? list.filter((item): item is Json => typeof item === 'object' && item !== null) : []
}

function metaHas(value: Json, member: string): boolean {
  const meta = value['meta'] as Json | undefined
  return meta?.[member] !== undefined
}

function ucumWithCode(value: Json): boolean {
  return (has(value, 'code') || !has(value, 'value')) && (!has(value, 'system') || value['system'] === UCUM)
}

/** start <= end; where precisions differ so that the order is unknown, the invariant does not hold it against them. */
function inOrder(start: unknown, end: unknown): boolean {
  if (typeof start !== 'string' || typeof end !== 'string') return true
  return compareMoments(start, end) <= 0
}

interface Coded { coding?: { system?: string, code?: string }[] }

function enteredInError(value: Json, system: string): boolean {
  const status = value['verificationStatus'] as Coded | undefined
  return status?.coding?.some((coding) => coding.system === system && coding.code === 'entered-in-error') ?? false
}

function componentRepeatsCode(value: Json): boolean {
  const own = (value['code'] as Coded | undefined)?.coding ?? []
  const components = (value['component'] as { code?: Coded }[] | undefined) ?? []
  return components.some((component) => component.code?.coding?.some((coding) =>
    own.some((o) => sameCoding(o, coding))))
}

function sameCoding(left: object, right: object): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right))
}

function sorted(value: object): [string, unknown][] {
  return Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
}

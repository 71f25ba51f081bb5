/** Invariants of profiles, by the FHIRPath evaluator of `@medplum/core`. */
import { EqualsAtom, evalFhirPathTyped, LRUCache, NotEqualsAtom, parseFhirPath, toTypedValue } from '@medplum/core'
import type { Atom, AtomContext, FhirPathAtom, TypedValue } from '@medplum/core'
import { installDefinitions } from '../definitions.ts'
import type { Constraint } from './element-tree.ts'
import type { Item } from './items.ts'
import type { Profile } from './compile.ts'
import { fault, warn } from './session.ts'
import type { Session } from './session.ts'

/** Functions that the evaluator lacks, or answers without looking: what rests on them is not evaluated here. */
const BEYOND = /\b(resolve|conformsTo|memberOf|subsumes|subsumedBy|htmlChecks|descendants|elementDefinition|slice)\s*\(/

const parsed = new LRUCache<FhirPathAtom>(500)

export function checkRules(rules: readonly Constraint[], item: Item, profile: Profile, session: Session): void {
  for (const { key, isError, expression, human } of rules) {
    const holds = evaluate(expression, item, session)
    if (holds === undefined) warn(session, profile, item, `the invariant ${key} cannot be evaluated here`)
    else if (!holds && isError) fault(session, profile, item, `${key}: ${human}`, 'invariant')
    else if (!holds) session.report.add('warning', 'invariant', `${profile.name}: ${key}: ${human}`, item)
  }
}

/** Undefined: it cannot be evaluated. */
function evaluate(expression: string, item: Item, session: Session): boolean | undefined {
  if (BEYOND.test(expression)) return undefined
  installDefinitions()
  const context: TypedValue = { type: evaluatorType(item.type), value: item.value }
  const variables: Record<string, TypedValue> = {
    '%context': context,
    '%resource': toTypedValue(session.around.at(-1)),
    '%rootResource': toTypedValue(session.around[0]),
    '%ucum': toTypedValue('http://unitsofmeasure.org'),
    '%sct': toTypedValue('http://snomed.info/sct'),
    '%loinc': toTypedValue('http://loinc.org'),
  }
  try {
    const results = evalFhirPathTyped(parsedRule(expression), [context], variables)
    return results.length === 1 && results[0]?.value === true
  } catch {
    return undefined
  }
}

function parsedRule(expression: string): FhirPathAtom {
  const known = parsed.get(expression)
  if (known !== undefined) return known
  const rule = parseFhirPath(expression)
  comparedByValue(rule)
  parsed.set(expression, rule)
  return rule
}

/**
 * The evaluator compares complex values together with where they were found, so that the same Reference at two places
 * is never equal. Below `=` and `!=`, values go without their place.
 */
function comparedByValue(atom: unknown): void {
  if (typeof atom !== 'object' || atom === null) return
  for (const part of Object.values(atom)) {
    if (Array.isArray(part)) part.forEach(comparedByValue)
    else comparedByValue(part)
  }
  if (!(atom instanceof EqualsAtom || atom instanceof NotEqualsAtom)) return
  const sides = atom as { left: Atom, right: Atom }
  sides.left = withoutPlace(sides.left)
  sides.right = withoutPlace(sides.right)
}

function withoutPlace(atom: Atom): Atom {
  const bare = ({ value }: TypedValue): TypedValue => ({ type: 'Element', value: value as unknown })
  return { eval: (context: AtomContext, input: TypedValue[]) => atom.eval(context, input).map(bare) }
}

/** `Patient.contact` is `PatientContact` to the evaluator. */
function evaluatorType(type: string): string {
  if (!type.includes('.')) return type
  return type.split('.').map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')
}

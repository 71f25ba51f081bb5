/** What a profile demands of one value by itself: its type, a fixed value or pattern, a binding, a length or range. */
import { isResourceType } from '../definitions.ts'
import type { Finding } from '../outcomes.ts'
import { targetType } from '../expression.ts'
import { membership } from './code-lists.ts'
import type { ElementNode, TypeRule } from './element-tree.ts'
import type { Item } from './items.ts'
import { isJson } from './items.ts'
import { equals, fits } from './matching.ts'
import type { Profile } from './compile.ts'
import { fault, warn } from './session.ts'
import type { Session } from './session.ts'

const CORE = 'http://hl7.org/fhir/StructureDefinition/'

/** Types that a profile names otherwise than R4's tables do. */
const SAME: Readonly<Record<string, string>> = { SimpleQuantity: 'Quantity', MoneyQuantity: 'Quantity' }
const ANYTHING: ReadonlySet<string> = new Set(['', 'Resource', 'DomainResource', 'Element', 'BackboneElement'])

/** The rules that a value's type falls under; none: the type is not allowed here. */
export function rulesFor(types: readonly TypeRule[], item: Item): TypeRule[] {
  return types.filter(({ code }) => ANYTHING.has(code) || (SAME[code] ?? code) === (SAME[item.type] ?? item.type))
}

export function checkValue(item: Item, node: ElementNode, profile: Profile, session: Session): void {
  const told = (what: string, code?: Finding['code']): void => fault(session, profile, item, what, code)
  const { value } = item
  if (node.types !== undefined && rulesFor(node.types, item).length === 0) {
    return told(`expected ${node.types.map(({ code }) => code).join(' or ')}`)
  }
  if (node.fixed !== undefined && !equals(value, node.fixed.value)) told('not the value that is fixed here', 'value')
  if (node.pattern !== undefined && !fits(value, node.pattern.value)) told('not of the pattern demanded here', 'value')
  if (node.maxLength !== undefined && typeof value === 'string' && value.length > node.maxLength) {
    told(`longer than ${node.maxLength} characters`, 'too-long')
  }
  if (typeof value === 'number' && (value < (node.least ?? value) || value > (node.most ?? value))) {
    told('outside the range demanded here', 'value')
  }
  if (node.binding !== undefined && value !== undefined) checkBinding(item, node.binding, profile, session)
  if (item.type === 'Reference' && node.types !== undefined) checkTarget(item, node.types, profile, session)
}

/** Codes outside a required list are errors, outside an extensible one warnings; an unknown list is said to be so. */
function checkBinding(
  item: Item, { strength, valueSet }: NonNullable<ElementNode['binding']>, profile: Profile, session: Session,
): void {
  if (strength !== 'required' && strength !== 'extensible') return
  const list = session.set.codes(valueSet)
  const found = list === undefined ? 'unknown' : membership(list, codesOf(item))
  if (found === 'in') return
  if (found === 'out' && strength === 'required') {
    fault(session, profile, item, 'no code of the required value set', 'code-invalid')
  } else if (found === 'out' && isCoded(item)) {
    session.report.add('warning', 'code-invalid', `${profile.name}: no code of the extensible value set`, item)
  } else if (found === 'unknown' && strength === 'required') {
    warn(session, profile, item, 'the required value set is not listed in the loaded packages: not checked')
  }
}

function codesOf({ type, value }: Item): unknown {
  return type === 'Quantity' && isJson(value) ? { system: value['system'], code: value['code'] } : value
}

/** Text alone leaves an extensible binding unbroken. */
function isCoded({ value }: Item): boolean {
  return !isJson(value) || value['coding'] !== undefined || value['code'] !== undefined
}

/** A reference must name a type that its target profiles are for; the target itself is another check. */
function checkTarget(item: Item, types: readonly TypeRule[], profile: Profile, session: Session): void {
  const targets = rulesFor(types, item).flatMap((rule) => rule.targets)
  const type = isJson(item.value) ? targetType(item.value, session.around.at(-1) ?? {}) : undefined
  if (targets.length === 0 || type === undefined || !isResourceType(type)) return
  const allowed = targets.map((url) => typeOfTarget(url, session))
  if (allowed.includes(undefined) || allowed.includes('Resource') || allowed.includes(type)) return
  fault(session, profile, item, `a reference to ${type}, expected ${allowed.join(' or ')}`, 'value')
}

function typeOfTarget(url: string, session: Session): string | undefined {
  if (url.startsWith(CORE)) return url.slice(CORE.length)
  return session.set.get(url)?.type
}

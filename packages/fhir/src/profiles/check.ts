/** Walks a value beside the tree of a profile. */
import { LIMITS } from '../limits.ts'
import type { Finding } from '../outcomes.ts'
import type { ElementNode } from './element-tree.ts'
import { extensionsIn, hasElement, isJson, itemsAt, placeOf, resourcesIn } from './items.ts'
import type { Item, Json } from './items.ts'
import type { Profile } from './compile.ts'
import type { ProfileSet } from './profile-set.ts'
import { checkRules } from './rules.ts'
import { charge, deeper, fault, isSpent, Report, sessionOf, targetOf, warn } from './session.ts'
import type { Session } from './session.ts'
import { candidates, matches } from './slicing.ts'
import { checkValue, rulesFor } from './values.ts'

/**
 * What is to be said of a resource, and of those inside it, by the profiles they declare, by `wanted` ones for the
 * outermost, and by the definitions of their extensions. The resource is valid R4 already.
 */
export function profileFindings(root: Json, set: ProfileSet, wanted: readonly string[] = []): readonly Finding[] {
  const session = sessionOf(set, root)
  const [outermost, ...inner] = resourcesIn(root)
  if (outermost === undefined) return []
  for (const canonical of wanted) checkNamed(outermost, canonical, outermost, session)
  checkDeclared(outermost, session)
  for (const item of inner) checkDeclared(item, within(session, item.value as Json))
  if (isSpent(session)) {
    session.report.add('error', 'too-costly', 'the resource is too large for its profiles: not all was checked',
      outermost)
  }
  return session.report.findings
}

function checkDeclared(item: Item, session: Session): void {
  const meta = (item.value as Json)['meta']
  const declared = isJson(meta) && Array.isArray(meta['profile']) ? meta['profile'] as unknown[] : []
  declared.forEach((canonical, at) => {
    const place = { ...item, path: `${item.path}.meta.profile[${at}]` }
    if (typeof canonical === 'string') checkNamed(item, canonical, place, session)
  })
  for (const extension of extensionsIn(item)) {
    const { url } = extension.value as { url?: unknown }
    const profile = typeof url === 'string' ? session.set.get(url) : undefined
    if (profile?.type === 'Extension') checkProfile(extension, profile, session)
  }
}

function checkNamed(item: Item, canonical: string, place: Item, session: Session): void {
  const profile = session.set.get(canonical)
  if (profile !== undefined) return checkProfile(item, profile, session)
  if (canonical === `http://hl7.org/fhir/StructureDefinition/${item.type}`) return
  session.report.add('information', 'not-supported', 'this profile is not loaded here: not checked', place)
}

function within(session: Session, resource: Json): Session {
  return session.around.includes(resource) ? session : { ...session, around: [...session.around, resource] }
}

function checkProfile(item: Item, profile: Profile, session: Session): void {
  if (profile.type !== item.type) return fault(session, profile, item, `is for ${profile.type}`)
  checkNode(item, profile.tree, profile, session)
}

/** Remembers verdicts, and takes a value under way for one that conforms: references may go round in a circle. */
function conforms(item: Item, canonical: string, session: Session): boolean | undefined {
  const profile = session.set.get(canonical)
  if (profile === undefined) {
    return canonical === `http://hl7.org/fhir/StructureDefinition/${item.type}` ? true : undefined
  }
  if (!isJson(item.value)) return false
  const known = session.verdicts.get(item.value) ?? new Map<string, boolean>()
  session.verdicts.set(item.value, known)
  const before = known.get(canonical)
  if (before !== undefined) return before
  const inner = deeper(session)
  if (inner === undefined) return true
  known.set(canonical, true)
  const alone = { ...inner, report: new Report() }
  checkProfile(item, profile, item.kind === 'resource' ? within(alone, item.value) : alone)
  known.set(canonical, !alone.report.hasErrors)
  return !alone.report.hasErrors
}

function checkNode(item: Item, node: ElementNode, profile: Profile, session: Session): void {
  if (!charge(session)) return
  if (item.path.length > LIMITS.elementId) return fault(session, profile, item, 'nested too deep')
  checkValue(item, node, profile, session)
  checkTypes(item, node, profile, session)
  const inside = item.kind === 'resource' ? within(session, item.value as Json) : session
  if (node.constraints.length > 0) checkRules(node.constraints, item, profile, inside)
  for (const [name, child] of node.children) {
    if (!hasElement(item, name)) {
      warn(inside, profile, item, 'the profile constrains an element that this type does not have')
      continue
    }
    const items = itemsAt(item, name)
    checkCount(items.length, child, placeOf(item, name), '', profile, inside)
    for (const each of items) checkNode(each, child, profile, inside)
    if (child.slices.size > 0) checkSlices(items, name, child, item, profile, inside)
  }
}

function checkCount(
  count: number, { min, max }: ElementNode, place: Item, slice: string, profile: Profile, session: Session,
): void {
  const what = slice === '' ? '' : ` of the slice ${slice}`
  if (count < (min ?? 0)) fault(session, profile, place, `at least ${min}${what}, found ${count}`, 'required')
  if (count > (max ?? Number.POSITIVE_INFINITY)) {
    fault(session, profile, place, max === 0 ? `none${what} allowed` : `at most ${max}${what}, found ${count}`)
  }
}

/** The profiles that a value's type names, of which it meets one; and those of what a reference names. */
function checkTypes(item: Item, node: ElementNode, profile: Profile, session: Session): void {
  const rules = rulesFor(node.types ?? [], item)
  checkOneOf(item, rules.flatMap(({ profiles }) => profiles), item, profile, session)
  if (item.type !== 'Reference') return
  const target = targetOf(session, item.value)
  const targets = rules.flatMap((rule) => rule.targets)
  if (target === undefined || targets.length === 0) return
  checkOneOf(target, targets, item, profile, session)
}

function checkOneOf(
  item: Item, profiles: readonly string[], place: Item, profile: Profile, session: Session,
): void {
  if (profiles.length === 0) return
  const [only] = profiles
  const named = profiles.length === 1 && only !== undefined ? session.set.get(only) : undefined
  if (named !== undefined && item === place) return checkProfile(item, named, session)
  const verdicts = profiles.map((canonical) => conforms(item, canonical, session))
  if (verdicts.includes(true)) return
  if (verdicts.includes(undefined)) {
    session.report.add('information', 'not-supported', `${profile.name}: a profile of this place is not loaded here`,
      place)
  } else fault(session, profile, place, 'meets none of the profiles demanded here')
}

/** Puts each value into its slice, then holds slices and values against what they demand. */
function checkSlices(
  items: readonly Item[], name: string, node: ElementNode, parent: Item, profile: Profile, session: Session,
): void {
  const found = new Map<string, Item[]>([...node.slices.keys()].map((slice) => [slice, []]))
  const order: number[] = []
  const others: Item[] = []
  const names = [...node.slices.keys()]
  for (const item of items) {
    const slice = sliceOf(item, node, profile, session)
    if (slice === undefined && node.slicing?.rules === 'closed') {
      fault(session, profile, item, 'belongs to none of the slices allowed here')
    }
    if (slice === undefined) others.push(item)
    order.push(slice === undefined ? -1 : names.indexOf(slice))
    if (slice !== undefined) found.get(slice)?.push(item)
  }
  checkOrder(order, node, placeOf(parent, name), profile, session)
  for (const [slice, members] of found) {
    const inner = node.slices.get(slice) as ElementNode
    checkCount(members.length, inner, placeOf(parent, name), slice, profile, session)
    if (members.length < (inner.min ?? 0)) explain(others, inner, node, session)
    for (const member of members) checkNode(member, inner, profile, session)
    if (inner.slices.size > 0) checkSlices(members, name, inner, parent, profile, session)
  }
}

function explain(others: readonly Item[], slice: ElementNode, { slicing }: ElementNode, session: Session): void {
  for (const { item, canonical } of candidates(others, slice, slicing, session)) {
    const profile = session.set.get(canonical)
    const inner = deeper(session)
    if (profile === undefined || inner === undefined) continue
    const inside = item.kind === 'resource' ? within(inner, item.value as Json) : inner
    checkProfile(item, profile, inside)
  }
}

function sliceOf(item: Item, node: ElementNode, profile: Profile, session: Session): string | undefined {
  const meets = (each: Item, canonical: string): boolean | undefined => conforms(each, canonical, session)
  for (const [name, slice] of node.slices) {
    const verdict = matches(item, slice, name, node.slicing, session, meets)
    if (verdict === true) return name
    if (verdict === undefined && !isOptional(slice)) {
      warn(session, profile, item, `cannot tell here whether it belongs to the slice ${name}`)
    }
  }
  return undefined
}

const isOptional = (slice: ElementNode): boolean =>
  (slice.min ?? 0) === 0 && slice.children.size === 0 && slice.constraints.length === 0

function checkOrder(
  order: readonly number[], { slicing }: ElementNode, place: Item, profile: Profile, session: Session,
): void {
  const known = order.filter((at) => at >= 0)
  if (slicing?.ordered === true && known.some((at, index) => index > 0 && at < (known[index - 1] ?? 0))) {
    fault(session, profile, place, 'the slices are not in the order demanded here')
  }
  const firstOther = order.indexOf(-1)
  if (slicing?.rules === 'openAtEnd' && firstOther >= 0 && order.slice(firstOther).some((at) => at >= 0)) {
    fault(session, profile, place, 'values outside the slices must come last')
  }
}

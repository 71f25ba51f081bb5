/** Which slice a value belongs to (R4 profiling.html#slicing). */
import type { Discriminator, ElementNode } from './element-tree.ts'
import { membership } from './code-lists.ts'
import { itemsAt } from './items.ts'
import type { Item } from './items.ts'
import { equals, fits } from './matching.ts'
import { charge, targetOf } from './session.ts'
import type { Session } from './session.ts'
import { rulesFor } from './values.ts'

/** Whether a value meets a profile, by canonical; undefined where the profile is not loaded. */
export type Conforms = (item: Item, canonical: string) => boolean | undefined

interface Place {
  readonly items: readonly Item[]
  /** What the slice says of that place: in its own elements, and in the profiles that its types name. */
  readonly nodes: readonly ElementNode[]
  /** The discriminator passes through a reference that cannot be followed here. */
  readonly isLost: boolean
}

/** The verdict on one slice; undefined: nothing in the slice tells its values apart. */
export function matches(
  item: Item, slice: ElementNode, name: string, slicing: ElementNode['slicing'], session: Session, conforms: Conforms,
): boolean | undefined {
  if (!charge(session)) return false
  const discriminators = slicing?.discriminators ?? []
  if (discriminators.length === 0) return byNature(item, slice, name, session)
  const verdicts = discriminators.map((each) => verdict(item, slice, each, session, conforms))
  if (verdicts.includes(false)) return false
  return verdicts.includes(true) ? true : byNature(item, slice, name, session)
}

/** Without a discriminator: a choice is sliced by type, an extension by its URL. */
function byNature(item: Item, slice: ElementNode, name: string, session: Session): boolean | undefined {
  if (item.type === 'Extension') {
    return verdict(item, slice, { type: 'value', path: 'url' }, session, () => undefined)
  }
  if (slice.types !== undefined) return rulesFor(slice.types, item).length > 0
  return name.toLowerCase().endsWith(item.type.toLowerCase()) ? true : undefined
}

function verdict(
  item: Item, slice: ElementNode, { type, path }: Discriminator, session: Session, conforms: Conforms,
): boolean | undefined {
  const place = follow({ items: [item], nodes: nodesOf([slice], item, session), isLost: false }, path, session)
  if (place.nodes.length === 0) return undefined
  if (type === 'exists') return existence(place)
  if (place.isLost) return undefined
  if (type === 'value' || type === 'pattern') return all(place.nodes.map((node) => byValue(place.items, node, session)))
  if (type === 'type') return byType(place)
  if (type === 'profile') return byProfile(place, conforms)
  return undefined
}

/** False if one is, else true if one is: a node that tells nothing apart does not decide. */
function all(verdicts: readonly (boolean | undefined)[]): boolean | undefined {
  if (verdicts.includes(false)) return false
  return verdicts.includes(true) ? true : undefined
}

function existence({ items, nodes }: Place): boolean | undefined {
  return all(nodes.map(({ min, max }) =>
    (max === 0 ? items.length === 0 : (min ?? 0) > 0 ? items.length > 0 : undefined)))
}

function byType({ items, nodes }: Place): boolean | undefined {
  return all(nodes.map(({ types }) => types && items.length > 0 && items.every((item) =>
    rulesFor(types, item).length > 0)))
}

function byProfile({ items, nodes }: Place, conforms: Conforms): boolean | undefined {
  const profiles = nodes.flatMap(({ types }) => types ?? []).flatMap((type) => type.profiles)
  if (profiles.length === 0) return undefined
  return items.length > 0 && items.every((item) => profiles.some((url) => conforms(item, url) === true))
}

/** Fixed values, patterns and listed codes, here or further in; undefined where the node has none. */
function byValue(items: readonly Item[], node: ElementNode, session: Session): boolean | undefined {
  if (!charge(session)) return false
  const { fixed, pattern, binding } = node
  if (fixed !== undefined) return items.some(({ value }) => equals(value, fixed.value))
  if (pattern !== undefined) return items.some(({ value }) => fits(value, pattern.value))
  const inner = [...node.children].map(([name, child]) =>
    byValue(items.flatMap((item) => itemsAt(item, name)), child, session))
  const within = all([...inner, ...[...node.slices.values()].filter(({ min }) => (min ?? 0) > 0).map((slice) =>
    byValue(items, slice, session))])
  if (within !== undefined || binding?.strength !== 'required') return within
  const list = session.set.codes(binding.valueSet)
  return list && items.some(({ value }) => membership(list, value) === 'in')
}

/**
 * Where a slice is told by profile, the values of the right type that failed it, each with the profile: that a slice is
 * missing says little beside what the candidate lacks.
 */
export function candidates(
  items: readonly Item[], slice: ElementNode, slicing: ElementNode['slicing'], session: Session,
): { readonly item: Item, readonly canonical: string }[] {
  return (slicing?.discriminators ?? []).filter(({ type }) => type === 'profile').flatMap(({ path }) =>
    items.flatMap((item) => {
      const place = follow({ items: [item], nodes: nodesOf([slice], item, session), isLost: false }, path, session)
      const [value] = place.items
      const rules = place.nodes.flatMap(({ types }) => types ?? [])
      return value === undefined ? [] : rulesFor(rules, value).flatMap(({ profiles }) =>
        profiles.map((canonical) => ({ item: value, canonical })))
    }))
}

const STEP = /^(?:ofType\((\w+)\)|extension\('([^']+)'\)|(resolve\(\))|(\$this)|([A-Za-z]+(?:\[x\])?))$/

/** Walks a discriminator's path (a narrow FHIRPath) through the values and through what the slice says of them. */
function follow(start: Place, path: string, session: Session): Place {
  let place = start
  for (const step of stepsOf(path)) {
    const [, type, url, resolves, self, name] = STEP.exec(step) ?? []
    if (self !== undefined) continue
    if (resolves !== undefined) place = resolved(place, session)
    else if (type !== undefined) {
      // What the slice says of a choice stands at the choice or at its slice of that type.
      const nodes = place.nodes.flatMap((node) => [node, ...slicesFor(node, type)])
      place = { ...place, nodes, items: place.items.filter((item) => item.type === type) }
    } else if (url !== undefined) place = extension(place, url, session)
    else if (name !== undefined) place = member(place, name, session)
    else return { ...place, nodes: [] }
  }
  return place
}

function stepsOf(path: string): string[] {
  return path.match(/extension\('[^']*'\)|[^.]+/g) ?? []
}

function slicesFor(node: ElementNode, type: string): ElementNode[] {
  return [...node.slices].filter(([name]) => name.endsWith(type.charAt(0).toUpperCase() + type.slice(1)))
    .map(([, slice]) => slice)
}

function member(place: Place, name: string, session: Session): Place {
  const items = place.items.flatMap((item) => itemsAt(item, name))
  const children = place.nodes.flatMap(({ children: all_ }) => all_.get(name) ?? all_.get(`${name}[x]`) ?? [])
  return { ...place, items, nodes: nodesOf(children, items[0], session) }
}

function extension(place: Place, url: string, session: Session): Place {
  const items = place.items.flatMap((item) => itemsAt(item, 'extension'))
    .filter(({ value }) => (value as { url?: unknown }).url === url)
  const slices = place.nodes.flatMap(({ children }) => [...children.get('extension')?.slices.values() ?? []])
    .filter((slice) => slice.types?.some(({ profiles }) => profiles.includes(url)))
  return { ...place, items, nodes: nodesOf(slices, items[0], session) }
}

function resolved(place: Place, session: Session): Place {
  const items = place.items.flatMap((item) => targetOf(session, item.value) ?? [])
  const nodes: ElementNode[] = place.nodes.flatMap(({ types }) => types ?? []).map(({ targets: urls }) => ({
    constraints: [], slices: new Map(), children: new Map(),
    types: urls.map((url) => ({ code: typeOf(url, session), profiles: [url], targets: [] })),
  }))
  return { items, nodes, isLost: place.isLost || items.length < place.items.length }
}

const CORE = 'http://hl7.org/fhir/StructureDefinition/'

function typeOf(url: string, session: Session): string {
  return url.startsWith(CORE) ? url.slice(CORE.length) : session.set.get(url)?.type ?? '?'
}

/** Nodes, and the trees of the profiles that their types name for such a value. */
function nodesOf(nodes: readonly ElementNode[], item: Item | undefined, session: Session): ElementNode[] {
  return nodes.flatMap((node) => {
    const rules = node.types === undefined || item === undefined ? node.types ?? [] : rulesFor(node.types, item)
    const [only, ...others] = rules.flatMap(({ profiles }) => profiles)
    const tree = only === undefined || others.length > 0 ? undefined : session.set.get(only)?.tree
    return tree === undefined ? [node] : [node, tree]
  })
}

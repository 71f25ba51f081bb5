/** From the definitions of packages to trees that stand alone: the definitions themselves are let go of afterwards. */
import { isResourceType, shapeOf, structure } from '../definitions.ts'
import { LIMITS } from '../limits.ts'
import { CodeLists } from './code-lists.ts'
import type { CodeList } from './code-lists.ts'
import { bad, copyOf, emptyNode, isObject, overlay } from './element-tree.ts'
import type { ElementNode } from './element-tree.ts'

type Json = Record<string, unknown>

export interface Profile {
  readonly url: string
  readonly version: string | undefined
  readonly name: string
  /** The resource or data type it constrains. */
  readonly type: string
  readonly tree: ElementNode
}

export interface Compiled {
  /** By canonical, `url` and `url|version`. */
  readonly profiles: ReadonlyMap<string, Profile>
  /** Lists of the value sets that a profile binds, by the canonical it names; undefined: not loaded. */
  readonly codes: ReadonlyMap<string, CodeList | undefined>
  /** Definitions that are set aside, each with the reason. */
  readonly setAside: readonly string[]
}

/**
 * Later definitions stand for a canonical without version.
 * @throws FhirError `invalid-profile` where there are too many
 */
export function compile(resources: Iterable<unknown>): Compiled {
  const held = sorted(resources)
  const profiles = new Map<string, Profile>()
  const setAside: string[] = []
  const byDefinition = new Map<Json, Profile>()
  for (const definition of new Set(held.definitions.values())) {
    try {
      byDefinition.set(definition, profileOf(definition, held.definitions))
    } catch (error) {
      setAside.push(`${String(definition['url'])}: ${error instanceof Error ? error.message : 'unusable'}`)
    }
  }
  for (const [canonical, definition] of held.definitions) {
    const profile = byDefinition.get(definition)
    if (profile !== undefined) profiles.set(canonical, profile)
  }
  return { profiles, codes: codesOf(byDefinition.values(), held, setAside), setAside: setAside.toSorted() }
}

interface Held {
  readonly definitions: Map<string, Json>
  readonly valueSets: Map<string, Json>
  readonly codeSystems: Map<string, Json>
}

function sorted(resources: Iterable<unknown>): Held {
  const held: Held = { definitions: new Map(), valueSets: new Map(), codeSystems: new Map() }
  let count = 0
  for (const resource of resources) {
    if (!isObject(resource) || typeof resource['url'] !== 'string') continue
    const into = mapFor(resource, held)
    if (into === undefined) continue
    if (++count > LIMITS.definitions) throw bad(`the packages hold more than ${LIMITS.definitions} definitions`)
    into.set(resource['url'], resource)
    if (typeof resource['version'] === 'string') into.set(`${resource['url']}|${resource['version']}`, resource)
  }
  return held
}

function mapFor(resource: Json, held: Held): Map<string, Json> | undefined {
  if (resource['resourceType'] === 'ValueSet') return held.valueSets
  if (resource['resourceType'] === 'CodeSystem') return held.codeSystems
  const isProfile = resource['resourceType'] === 'StructureDefinition' && resource['derivation'] === 'constraint'
  return isProfile && resource['kind'] !== 'logical' ? held.definitions : undefined
}

function profileOf(definition: Json, definitions: Held['definitions']): Profile {
  const { url, version, name, type, fhirVersion } = definition
  if (typeof fhirVersion === 'string' && !fhirVersion.startsWith('4.0')) throw bad(`for FHIR ${fhirVersion}`)
  if (typeof type !== 'string' || !(isResourceType(type) || shapeOf(type) !== undefined)) {
    throw bad('of a type that R4 does not have')
  }
  return {
    url: String(url),
    version: typeof version === 'string' ? version : undefined,
    name: typeof name === 'string' ? name.slice(0, LIMITS.label) : String(url),
    type,
    tree: treeOf(definition, definitions, []),
  }
}

const CORE = 'http://hl7.org/fhir/StructureDefinition/'

/** Base R4 is checked beside profiles: what a snapshot repeats of it is left out. */
const baseKeys: ReadonlySet<string> = new Set([
  ...structure.constraints.map(([key]) => key), 'ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5', 'dom-6',
])

/** @throws FhirError `invalid-profile` for a definition that rests on itself, or on one that is not loaded */
function treeOf(definition: Json, definitions: Held['definitions'], over: readonly Json[]): ElementNode {
  if (over.includes(definition)) throw bad('its bases form a circle')
  if (over.length > LIMITS.profileDerivations) throw bad(`more than ${LIMITS.profileDerivations} bases`)
  const base = String(definition['baseDefinition'])
  const parent = definitions.get(base)
  const isCore = base.startsWith(CORE) && shapeOf(base.slice(CORE.length)) !== undefined
  if (parent === undefined && !isCore) return snapshotOf(definition)
  if (parent !== undefined && parent['type'] !== definition['type']) throw bad('its base is for another type')
  const tree = parent === undefined ? emptyNode() : copyOf(treeOf(parent, definitions, [...over, definition]))
  overlay(tree, elementsOf(definition, 'differential') ?? elementsOf(definition, 'snapshot'), baseKeys)
  return tree
}

function snapshotOf(definition: Json): ElementNode {
  const elements = elementsOf(definition, 'snapshot')
  if (elements === undefined) throw bad('its base is not loaded, and it has no snapshot')
  const tree = emptyNode()
  overlay(tree, elements, baseKeys)
  return tree
}

function elementsOf(definition: Json, view: 'differential' | 'snapshot'): unknown {
  const held = definition[view]
  return isObject(held) ? held['element'] : undefined
}

function codesOf(profiles: Iterable<Profile>, held: Held, setAside: string[]): Compiled['codes'] {
  const lists = new CodeLists(held.valueSets, held.codeSystems)
  const codes = new Map<string, CodeList | undefined>()
  for (const canonical of [...profiles].flatMap(({ tree }) => [...bound(tree)])) {
    if (codes.has(canonical)) continue
    try {
      codes.set(canonical, lists.get(canonical))
    } catch (error) {
      codes.set(canonical, undefined)
      setAside.push(`${canonical}: ${error instanceof Error ? error.message : 'unusable'}`)
    }
  }
  return codes
}

function* bound(node: ElementNode): Iterable<string> {
  if (node.binding !== undefined) yield node.binding.valueSet
  for (const inner of [...node.children.values(), ...node.slices.values()]) yield* bound(inner)
}

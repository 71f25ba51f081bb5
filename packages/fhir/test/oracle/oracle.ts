/**
 * Search by brute force, written from R4's text (search.html) and from nothing of the engine's: every resource, every
 * condition, every time. What both agree on, two readings of the standard agree on.
 */
import type { Resource } from '@medplum/fhirtypes'
import { numberMeets, quantityMeets } from './amounts.ts'
import { type Definition, definitionOf } from './definitions.ts'
import { type Node, nodesIn, nodesOn } from './extract.ts'
import { dateMeets } from './moments.ts'
import { isOfType, stringMeets, stringsIn, tokenMatches, tokensIn, tokenTextsIn, uriMeets } from './words.ts'

/** What a search may look at. */
export interface Sight {
  /** Resources of a type that matches come from. */
  readonly searched: (type: string) => Iterable<Resource>
  /** Resources of a type that references may come from or lead to: those searched, and others. */
  readonly every: (type: string) => Iterable<Resource>
  /** The one in sight of that name, `Type/id`. */
  readonly find: (key: string) => Resource | undefined
}

/** Some resources and nothing besides. */
export const sightOf = (resources: readonly Resource[]): Sight => {
  const byKey = new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]))
  const ofType = (type: string): Resource[] => resources.filter(({ resourceType }) => resourceType === type)
  return { searched: ofType, every: ofType, find: (key) => byKey.get(key) }
}

/** One condition: `name[:modifier]` or `name[:Type].rest`. */
export interface Condition {
  readonly name: string
  readonly modifier: string | undefined
  /** What follows the first dot of a chain, modifiers included. */
  readonly rest: string | undefined
  readonly value: string
}

interface Target {
  readonly type: string
  readonly id: string
  readonly version: string | undefined
}

const REFERENCE = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/([A-Za-z0-9.-]{1,64}))?$/

/** Splits where the separator is not escaped. */
export const splitOn = (text: string, separator: string): string[] => {
  const parts = ['']
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === separator) parts.push('')
    else parts[parts.length - 1] += char === '\\' ? `\\${text.charAt(++at)}` : char
  }
  return parts
}

const unescape = (text: string): string => text.replaceAll(/\\(.)/g, '$1')

export const conditionOf = (key: string, value: string): Condition => {
  const dot = key.startsWith('_has:') ? -1 : key.indexOf('.')
  const own = dot < 0 ? key : key.slice(0, dot)
  const colon = own.indexOf(':')
  return {
    name: colon < 0 ? own : own.slice(0, colon),
    modifier: colon < 0 ? undefined : own.slice(colon + 1),
    rest: dot < 0 ? undefined : key.slice(dot + 1),
    value,
  }
}

export class Oracle {
  readonly #sight: Sight
  readonly #bases: readonly string[]
  /** What a reverse chain finds is looked for once: it is the same for every resource asked. */
  readonly #referred = new Map<string, Set<Resource>>()

  /** `bases`: URLs that are this server. */
  constructor(sight: Sight, bases: readonly string[] = []) {
    this.#sight = sight
    this.#bases = bases
  }

  /** Every resource of the type that meets all conditions, in no order. */
  matching(type: string, conditions: readonly Condition[]): Resource[] {
    return [...this.#sight.searched(type)].filter((resource) =>
      conditions.every((condition) => this.meets(resource, condition)))
  }

  /** What of a type may refer to something. */
  every(type: string): Iterable<Resource> {
    return this.#sight.every(type)
  }

  meets(resource: Resource, condition: Condition): boolean {
    const { name, modifier, rest, value } = condition
    if (name === '_has') return this.#hasBackward(resource, modifier ?? '', value)
    const definition = definitionOf(resource.resourceType, name)
    if (definition === undefined) throw new Error(`no parameter ${resource.resourceType}.${name}`)
    const nodes = nodesIn(resource, definition.expression)
    if (rest !== undefined) return this.#hasForward(nodes, modifier, rest, value)
    if (modifier === 'missing') return (nodes.length === 0) === (value === 'true')
    if (modifier === 'not') return !splitOn(value, ',').some((each) => anyToken(each, nodes))
    return splitOn(value, ',').some((each) => this.#meetsOne(resource, definition, modifier, each, nodes))
  }

  /** What a resource's parameter refers to, as far as it is in sight. */
  referred(resource: Resource, definition: Definition): Resource[] {
    return nodesIn(resource, definition.expression).flatMap((node) => this.#resolve(node) ?? [])
  }

  #meetsOne(
    resource: Resource, definition: Definition, modifier: string | undefined, value: string, nodes: readonly Node[],
  ): boolean {
    switch (definition.kind) {
      case 'token': return meetsToken(value, modifier, nodes)
      case 'string': return stringMeets(unescape(value), modifier, nodes.flatMap(stringsIn))
      case 'date': return dateMeets(value, nodes)
      case 'number': return numberMeets(value, nodes)
      case 'quantity': return quantityMeets(splitOn(value, '|').map(unescape), nodes)
      case 'uri': return uriMeets(unescape(value), modifier, nodes)
      case 'reference': return nodes.some((node) => this.#refers(node, definition, modifier, value))
      case 'composite': return this.#meetsTogether(resource, definition, value, nodes)
      case 'special':
      default: throw new Error(`${definition.code} is not evaluated`)
    }
  }

  /** All components on one and the same node. */
  #meetsTogether(resource: Resource, { components }: Definition, value: string, nodes: readonly Node[]): boolean {
    const parts = splitOn(value, '$')
    return nodes.some((node) => components.every(({ expression, definition }, place) =>
      this.#meetsOne(resource, definition, undefined, parts[place] ?? '', nodesOn(resource, node, expression))))
  }

  #local(text: string): string {
    const base = this.#bases.find((each) => text.startsWith(`${each}/`))
    return base === undefined ? text : text.slice(base.length + 1)
  }

  #target(node: Node): Target | undefined {
    const text = typeof node.data === 'string' ? node.data : (node.data as { reference?: unknown }).reference
    const [, type, id, version] = typeof text === 'string' ? REFERENCE.exec(this.#local(text)) ?? [] : []
    return type === undefined || id === undefined ? undefined : { type, id, version }
  }

  #resolve(node: Node): Resource | undefined {
    const target = this.#target(node)
    return target && this.#sight.find(`${target.type}/${target.id}`)
  }

  #refers(node: Node, definition: Definition, modifier: string | undefined, value: string): boolean {
    if (modifier === 'identifier') {
      const { identifier } = node.data as { identifier?: unknown }
      const held = { type: 'Identifier', data: identifier, path: '' }
      return identifier !== undefined && meetsToken(value, undefined, [held])
    }
    const asked = unescape(value)
    const target = this.#target(node)
    const [, type, id, version] = REFERENCE.exec(this.#local(asked)) ?? []
    if (type !== undefined) {
      return target?.type === type && target.id === id && (version === undefined || target.version === version)
    }
    if (/^[A-Za-z0-9.-]{1,64}$/.test(asked)) {
      return target?.id === asked && (modifier === undefined || target.type === modifier)
        && (definition.targets.length === 0 || definition.targets.includes(target.type))
    }
    const written = typeof node.data === 'string' ? node.data : (node.data as { reference?: unknown }).reference
    // A canonical without a version means every version (R4 references.html#canonical).
    return written === asked || (node.type === 'canonical' && String(written).split('|')[0] === asked)
  }

  #hasForward(nodes: readonly Node[], type: string | undefined, rest: string, value: string): boolean {
    return nodes.some((node) => {
      const found = this.#resolve(node)
      if (found === undefined || (type !== undefined && found.resourceType !== type)) return false
      const condition = conditionOf(rest, value)
      if (condition.name !== '_has' && definitionOf(found.resourceType, condition.name) === undefined) return false
      return this.meets(found, condition)
    })
  }

  /** `Type:reference:rest`, where `rest` may be another `_has`. */
  #hasBackward(resource: Resource, text: string, value: string): boolean {
    const name = `${text}=${value}`
    const known = this.#referred.get(name)
    if (known !== undefined) return known.has(resource)
    const [type = '', reference = '', ...rest] = text.split(':')
    const definition = definitionOf(type, reference)
    if (definition === undefined) throw new Error(`no parameter ${type}.${reference}`)
    const condition = conditionOf(rest.join(':'), value)
    const sources = [...this.#sight.every(type)].filter((other) => this.meets(other, condition))
    const found = new Set(sources.flatMap((other) => this.referred(other, definition)))
    this.#referred.set(name, found)
    return found.has(resource)
  }
}

const anyToken = (value: string, nodes: readonly Node[]): boolean => {
  const parts = splitOn(value, '|').map(unescape)
  return nodes.flatMap(tokensIn).some((token) => tokenMatches(parts, token))
}

const meetsToken = (value: string, modifier: string | undefined, nodes: readonly Node[]): boolean => {
  if (modifier === 'text') return stringMeets(unescape(value), undefined, nodes.flatMap(tokenTextsIn))
  if (modifier !== 'of-type') return anyToken(value, nodes)
  const parts = splitOn(value, '|').map(unescape)
  return nodes.some((node) => isOfType(parts, node))
}

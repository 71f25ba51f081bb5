/** Value sets as lists of codes, as far as the loaded packages list them: nothing is asked of a terminology server. */
import { LIMITS } from '../limits.ts'
import { bad, isObject, listOf } from './element-tree.ts'

type Json = Record<string, unknown>

/** Codes by system. Where the list is not `whole`, a code outside it may still belong to the value set. */
export interface CodeList {
  readonly systems: ReadonlyMap<string, ReadonlySet<string>>
  readonly whole: boolean
}

export type Membership = 'in' | 'out' | 'unknown'

interface Collecting {
  systems: Map<string, Set<string>>
  whole: boolean
  count: number
}

export class CodeLists {
  readonly #valueSets: ReadonlyMap<string, Json>
  readonly #codeSystems: ReadonlyMap<string, Json>
  readonly #known = new Map<string, CodeList | undefined>()

  /** Both by canonical URL, with and without version. */
  constructor(valueSets: ReadonlyMap<string, Json>, codeSystems: ReadonlyMap<string, Json>) {
    this.#valueSets = valueSets
    this.#codeSystems = codeSystems
  }

  /** Undefined: no such value set is loaded. */
  get(url: string): CodeList | undefined {
    if (!this.#known.has(url)) this.#known.set(url, this.#expand(url, []))
    return this.#known.get(url)
  }

  #expand(url: string, within: readonly string[]): CodeList | undefined {
    const valueSet = this.#valueSets.get(url) ?? this.#valueSets.get(url.split('|', 1)[0] ?? '')
    if (valueSet === undefined) return undefined
    if (within.includes(url) || within.length > LIMITS.profileDerivations) throw bad('a value set includes itself')
    const list: Collecting = { systems: new Map(), whole: true, count: 0 }
    const compose = isObject(valueSet['compose']) ? valueSet['compose'] : {}
    for (const include of listOf(compose['include'])) this.#include(list, include, [...within, url])
    // Without what is excluded, a code that is listed may not be in it: then nothing is known.
    if (listOf(compose['exclude']).length > 0) return { systems: new Map(), whole: false }
    if (!list.whole || list.count === 0) this.#expansion(list, valueSet)
    return list
  }

  #include(list: Collecting, include: Json, within: readonly string[]): void {
    const { system, concept, filter, valueSet } = include
    if (Array.isArray(valueSet)) {
      const isAlone = valueSet.length === 1 && system === undefined
      const inner = isAlone ? this.#expand(String(valueSet[0]), within) : undefined
      if (inner === undefined || !inner.whole) list.whole = false
      for (const [name, codes] of inner?.systems ?? []) for (const code of codes) add(list, name, code)
      return
    }
    if (typeof system !== 'string' || filter !== undefined) {
      list.whole = false
      return
    }
    if (concept !== undefined) {
      for (const { code } of listOf(concept)) add(list, system, code)
      return
    }
    const codeSystem = this.#codeSystems.get(system)
    if (codeSystem?.['content'] === 'complete') addTree(list, system, codeSystem['concept'])
    else list.whole = false
  }

  /** The expansion that came with the value set, where it says that it is all of it. */
  #expansion(list: Collecting, valueSet: Json): void {
    const expansion = valueSet['expansion']
    if (!isObject(expansion)) return
    const contains = listOf(expansion['contains'])
    for (const { system, code } of contains) add(list, String(system), code)
    if (contains.length > 0 && expansion['total'] === contains.length) list.whole = true
  }
}

function addTree(list: Collecting, system: string, concepts: unknown): void {
  for (const concept of listOf(concepts)) {
    add(list, system, concept['code'])
    addTree(list, system, concept['concept'])
  }
}

function add(list: Collecting, system: string, code: unknown): void {
  if (typeof code !== 'string') return
  if (++list.count > LIMITS.valueSetCodes) {
    list.whole = false
    return
  }
  const codes = list.systems.get(system) ?? new Set<string>()
  list.systems.set(system, codes.add(code))
}

/** Whether a `code`, Coding or CodeableConcept has a code of the list. Other types are never known to be in. */
export function membership(list: CodeList, value: unknown): Membership {
  const outside: Membership = list.whole ? 'out' : 'unknown'
  if (typeof value === 'string') {
    return [...list.systems.values()].some((codes) => codes.has(value)) ? 'in' : outside
  }
  if (!isObject(value)) return 'unknown'
  const codings = value['coding'] === undefined && value['text'] === undefined ? [value] : listOf(value['coding'])
  return codings.some(({ system, code }) => list.systems.get(String(system))?.has(String(code))) ? 'in' : outside
}

/**
 * From an expression to resources: walks `Observation.component.value.ofType(Quantity)` and builds the smallest
 * resource that has a value there. One case for each branch of a union and each type that the value may have.
 */
import type { Resource } from '@medplum/fhirtypes'
import type { Component, Definition } from './definitions.ts'
import { branchesFor } from './extract.ts'
import { sampleOf } from './samples.ts'
import { childOf, type Element } from './structure.ts'

export interface Case {
  readonly what: string
  readonly yes: Resource
  readonly no: Resource
  readonly value: string
}

/** What is not covered, and why. */
export interface Gap {
  readonly what: string
  readonly reason: string
}

type Json = Record<string, unknown>

/** Steps to a place, and what can stand there. */
interface Place {
  readonly steps: readonly Step[]
  readonly element: Element
  readonly type: string
  /** `where(resolve() is Patient)` after it. */
  readonly named: string | undefined
}

interface Step {
  readonly element: Element
  readonly type: string
  /** Members that a `where` asks of the object here. */
  readonly also: Json
}

const segmentsOf = (path: string): string[] => path.replaceAll('[0]', '')
  .match(/\w+(\([^()]*(\(\))?[^()]*\))?/g) ?? []

const stepTypes = (element: Element, asked: string | undefined): readonly string[] =>
  (asked === undefined ? element.types : element.types.filter((type) => type === asked))

/** Every place that a path (below `start`) leads to; undefined if a step is not understood. */
export const placesAt = (start: string, segments: readonly string[], steps: readonly Step[] = []): Place[] => {
  const [name = '', ...after] = segments
  const element = childOf(start, name)
  if (element === undefined) return []
  const functions: string[] = []
  while (/^(ofType|where)\(/.test(after[0] ?? '')) functions.push(after.shift() ?? '')
  const inside = (pattern: RegExp): RegExpExecArray | undefined =>
    functions.map((each) => pattern.exec(each)).find((found) => found !== null) ?? undefined
  const named = inside(/^where\(resolve\(\) is (\w+)\)/)?.[1]
  const [, member, equals] = inside(/^where\((\w+)='([^']*)'\)/) ?? []
  const also: Json = member === undefined ? {} : { [member]: equals }
  const types = stepTypes(element, inside(/^ofType\((\w+)\)/)?.[1])
  const open = types.length === 0 ? ['BackboneElement'] : types
  return open.flatMap((type) => {
    const path = [...steps, { element, type, also }]
    if (after.length === 0) return [{ steps: path, element, type, named }]
    const below = type === 'BackboneElement' || type === 'Element' ? element.path : type
    return placesAt(below, after, path)
  })
}

const memberOf = ({ element, type }: Step): string =>
  (element.isChoice ? `${element.name}${type.charAt(0).toUpperCase()}${type.slice(1)}` : element.name)

/** Puts a value at the end of the steps, into an object that may have something there already. */
export const put = (into: Json, steps: readonly Step[], value: unknown): Json => {
  const [step, ...rest] = steps
  if (step === undefined) return { ...into, ...(value as Json) }
  const member = memberOf(step)
  const held = into[member]
  const there = ((Array.isArray(held) ? held[0] : held) ?? {}) as Json
  const isObject = rest.length > 0 || Object.keys(step.also).length > 0
  const inner = isObject ? { ...put(there, rest, value), ...step.also } : value
  return { ...into, [member]: step.element.isList ? [inner] : inner }
}

const resourceOf = (type: string, id: string, content: Json): Resource =>
  ({ resourceType: type, id, ...content }) as unknown as Resource

export interface Cases {
  readonly cases: Case[]
  readonly gaps: Gap[]
}

/** What is asked of a parameter of any kind. */
export const casesOf = (type: string, definition: Definition): Cases =>
  (definition.kind === 'composite' ? togetherOf(type, definition) : singlesOf(type, definition))

const singlesOf = (type: string, definition: Definition): Cases => {
  const cases: Case[] = []
  const gaps: Gap[] = []
  const name = `${type}.${definition.code}`
  const expression = definition.expression.replace('.exists() and Patient.deceased != false', '')
  for (const branch of branchesFor(expression, type)) {
    const segments = segmentsOf(branch)
    const isRooted = /^[A-Z]/.test(segments[0] ?? '')
    const places = placesAt(type, isRooted ? segments.slice(1) : segments)
    if (places.length === 0) gaps.push({ what: `${name} at ${branch}`, reason: 'no such element' })
    for (const { steps, element, type: of, named } of places) {
      const isDeath = expression !== definition.expression && of === 'dateTime'
      const sample = isDeath ? { yes: '2024-02-29', no: undefined, value: 'true' }
        : sampleOf(definition, of, element, named)
      const what = `${name} at ${branch} as ${of}`
      if (sample === undefined) gaps.push({ what, reason: `a ${of} is nothing that a ${definition.kind} compares` })
      else {
        const make = (id: string, value: unknown): Resource => resourceOf(type, id, put({}, steps, value))
        cases.push({ what, yes: make('yes', sample.yes), no: make('no', sample.no), value: sample.value })
      }
    }
  }
  return { cases, gaps }
}

/** One way to give a composite's component a value, relative to its node; `rooted`: relative to the resource. */
interface Part {
  readonly what: string
  readonly rooted: boolean
  readonly steps: readonly Step[]
  readonly yes: unknown
  readonly no: unknown
  readonly value: string
}

const partsOf = (type: string, start: string, { expression, definition }: Component): Part[] =>
  expression.split(' | ').flatMap((branch) => {
    const rooted = branch.startsWith('%resource.')
    const segments = segmentsOf(branch.replace('%resource.', '').replace('DateTime', 'dateTime'))
    return placesAt(rooted ? type : start, segments).flatMap(({ steps, element, type: of, named }) => {
      const sample = sampleOf(definition, of, element, named)
      return sample === undefined ? [] : [{ what: `${branch} as ${of}`, rooted, steps, ...sample }]
    })
  })

/** Every part at least once, beside the first of each other component. */
const combinations = (components: readonly (readonly Part[])[]): Part[][] => {
  const firsts = components.flatMap(([first]) => first ?? [])
  if (firsts.length < components.length) return []
  return [firsts, ...components.flatMap((parts, place) => parts.slice(1).map((part) => firsts.with(place, part)))]
}

const togetherOf = (type: string, definition: Definition): Cases => {
  const cases: Case[] = []
  const name = `${type}.${definition.code}`
  for (const branch of branchesFor(definition.expression, type)) {
    const segments = segmentsOf(branch).slice(1)
    const [place] = segments.length === 0 ? [] : placesAt(type, segments)
    const node = place === undefined ? type : place.type === 'BackboneElement' ? place.element.path : place.type
    const steps = place?.steps ?? []
    for (const parts of combinations(definition.components.map((each) => partsOf(type, node, each)))) {
      const value = parts.map((part) => part.value.replaceAll('$', String.raw`\$`)).join('$')
      const what = `${name} at ${branch} with ${parts.map((part) => part.what).join(' and ')}`
      cases.push({ what, value, yes: whole(type, 'yes', steps, parts), no: crossed(type, steps, parts) })
    }
  }
  return { cases, gaps: cases.length > 0 ? [] : [{ what: name, reason: 'a component leads nowhere' }] }
}

/** A resource with one node on which every part has its value, but for the one that is `off`. */
const whole = (type: string, id: string, steps: readonly Step[], parts: readonly Part[], off?: Part): Resource => {
  const fill = (into: Json, rooted: boolean): Json => parts.filter((part) => part.rooted === rooted)
    .reduce((json, part) => put(json, part.steps, part === off ? part.no : part.yes), into)
  const node = fill({}, false)
  return resourceOf(type, id, fill(steps.length === 0 ? node : put({}, steps, node), true))
}

/** All values are there, and no node has them together; where there is but one node, one value is another. */
const crossed = (type: string, steps: readonly Step[], parts: readonly Part[]): Resource => {
  const own = parts.filter((part) => !part.rooted)
  const lacking = own.map((part) => whole(type, 'no', steps, parts, part))
  const [first] = steps
  const isOneList = steps.length === 1 && first?.element.isList === true && own.length > 1
  if (!isOneList || first === undefined) return lacking.at(-1) as Resource
  const nodes = lacking.flatMap((resource) => (resource as unknown as Json)[memberOf(first)] as unknown[])
  return { ...lacking[0], [memberOf(first)]: nodes } as Resource
}

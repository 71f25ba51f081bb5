/**
 * Every search parameter that R4 defines, for every type served: a resource that it finds and one that it does not,
 * for each branch of its expression and each type of value there, by the engine and by brute force over FHIRPath.
 */
import type { Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { ChartIndex, findMatches, parametersOf, parseSearch } from '@scelle/fhir/search'
import { resourceTypes } from '@scelle/fhir/validate'
import { ADDED } from '../src/search/added.ts'
import { type Case, casesOf } from './oracle/cases.ts'
import { type Definition, definitionsOf } from './oracle/definitions.ts'
import { conditionOf, Oracle, sightOf } from './oracle/oracle.ts'

interface Row {
  readonly type: string
  readonly definition: Definition
  readonly cases: readonly Case[]
}

const rows: Row[] = resourceTypes().flatMap((type) =>
  definitionsOf(type).map((definition) => ({ type, definition, cases: casesOf(type, definition).cases })))

/** Of every type, and why not: nothing else may be uncovered. */
const UNCOVERED: Readonly<Record<string, string>> = {
  _text: 'full text: R4 gives no expression; refused by name',
  _content: 'full text: R4 gives no expression; refused by name',
  _query: 'a named query: none is defined here; refused by name',
  near: 'distance on the globe; refused by name',
  composition: 'Bundle.entry[0].resource is a resource and no reference: there is nothing to compare',
  message: 'Bundle.entry[0].resource is a resource and no reference: there is nothing to compare',
}

type Question = readonly [name: string, value: string, expected: readonly string[]]

const ask = (name: string, value: string): string => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`

const engine = (resources: readonly Resource[], type: string, query: string): string[] => {
  const index = new ChartIndex((_type, id) => resources.find((each) => each.id === id) as Resource)
  for (const resource of resources) index.add(resource)
  return findMatches({ searched: index, beside: [] }, parseSearch(type, query))
}

const brute = (resources: readonly Resource[], type: string, name: string, value: string): string[] =>
  new Oracle(sightOf(resources)).matching(type, [conditionOf(name, value)]).map(({ id }) => id ?? '').toSorted()

/**
 * Without a `:missing` question: every resource has an id; Patient.deceased is a condition, which is never missing; and
 * of composites R4 does not say what it would mean.
 */
const hasNoMissing = ({ kind, code }: Definition): boolean =>
  kind === 'composite' || code === '_id' || code === 'deceased'

const questionsOn = (definition: Definition, value: string): Question[] => {
  const { code, kind } = definition
  const missing: Question[] = hasNoMissing(definition) ? []
    : [[`${code}:missing`, 'true', ['none']], [`${code}:missing`, 'false', ['no', 'yes']]]
  const not: Question[] = kind === 'token' ? [[`${code}:not`, value, ['no', 'none']]] : []
  return [[code, value, ['yes']], ...missing, ...not]
}

const said = (answer: () => string[]): string => {
  try {
    return answer().join(' ')
  } catch (error) {
    return String(error)
  }
}

describe('every search parameter of R4', () => {
  const covered = rows.filter(({ cases }) => cases.length > 0)

  test('is covered, or has its reason', () => {
    const bare = rows.filter(({ cases }) => cases.length === 0)
    expect(bare.filter(({ definition }) => UNCOVERED[definition.code] === undefined)
      .map(({ type, definition }) => `${type}.${definition.code}`)).toEqual([])
    const kinds = Object.groupBy(covered, ({ definition }) => definition.kind)
    const counts = Object.entries(kinds).map(([kind, each]) => `${each.length} ${kind}`)
    console.log(`search parameters: ${covered.length} of ${rows.length} covered by `
      + `${covered.flatMap(({ cases }) => cases).length} cases (${counts.join(', ')}); the others: `
      + Object.keys(UNCOVERED).join(', '))
    expect([rows.length, covered.length]).toEqual([3011, 2573])
  })

  test('covered is offered, and nothing else is', () => {
    const offered = resourceTypes().flatMap((type) => parametersOf(type).map(({ name }) => `${type}.${name}`))
    const known = new Set(covered.map(({ type, definition }) => `${type}.${definition.code}`))
    // What other standards add is tested by those who speak them.
    const others = new Set(Object.entries(ADDED).flatMap(([type, added]) =>
      Object.keys(added).map((name) => `${type}.${name}`)))
    expect(offered.filter((name) => !known.has(name) && !others.has(name)), 'offered without a test').toEqual([])
    const listed = new Set(offered)
    expect([...known].filter((name) => !listed.has(name)), 'covered and not offered').toEqual([])
  })

  test.each(['token', 'string', 'date', 'number', 'quantity', 'reference', 'uri', 'composite'] as const)(
    '%s: finds the one and not the other, as brute force does', (kind) => {
      const differences: string[] = []
      for (const { type, definition, cases } of covered.filter(({ definition: { kind: own } }) => own === kind)) {
        for (const { what, yes, no, value } of cases) {
          const resources = [yes, no, { resourceType: type, id: 'none' } as Resource]
          const held = what.includes('Patient.deceased') ? [yes, resources[2] as Resource] : resources
          for (const [name, asked, expected] of questionsOn(definition, value)) {
            const wanted = expected.filter((id) => held.some((each) => each.id === id)).join(' ')
            const byForce = said(() => brute(held, type, name, asked))
            const found = said(() => engine(held, type, ask(name, asked)).toSorted())
            if (byForce === wanted && found === wanted) continue
            differences.push(`${what}: ${name}=${asked} expected "${wanted}", brute "${byForce}", engine "${found}"`)
          }
        }
      }
      expect(differences).toEqual([])
    })
})

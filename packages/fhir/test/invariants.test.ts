import * as fc from 'fast-check'
import type { Resource } from '@medplum/fhirtypes'
import { expect, test, describe } from 'vitest'
import { shapeOf, structure } from '../src/definitions.ts'
import type { Shape } from '../src/definitions.ts'
import { evaluate, nativeRule } from '../src/invariants.ts'
import type { Walk } from '../src/walk-state.ts'
import { hasMaterial, ipsTexts, syntheaResources } from './material.ts'

type Json = Record<string, unknown>

/** Every object of a resource with the shape it has. */
function * shaped(value: Json, shape: Shape): Generator<[Json, Shape]> {
  yield [value, shape]
  for (const [key, member] of Object.entries(value)) {
    const slot = shape.slots.get(key)
    if (slot?.shape) for (const item of [member].flat()) yield * shaped(item as Json, slot.shape)
  }
}

describe.skipIf(!hasMaterial)('native invariants', () => {
  test('agree with the evaluator on real values, whole and with any member taken away', () => {
    const resources = [...ipsTexts().map(({ text }) => JSON.parse(text) as Resource),
      ...syntheaResources(1).slice(0, 60)]
    const cases: { value: Json, shape: Shape, resource: Resource, key: string, expression: string }[] = []
    for (const resource of resources) {
      if (resource.resourceType === 'Bundle') continue
      for (const [value, shape] of shaped(resource as unknown as Json, shapeOf(resource.resourceType) as Shape)) {
        for (const place of shape.row.constraints ?? []) {
          const [key = '', expression = ''] = structure.constraints[place] ?? []
          if (nativeRule(key)) cases.push({ value, shape, resource, key, expression })
        }
      }
    }
    const judged = new Map<string, Set<boolean>>()
    fc.assert(fc.property(fc.nat(cases.length - 1), fc.nat(20), (which, drop) => {
      const { value, shape, resource, key, expression } = cases[which] as (typeof cases)[number]
      const members = Object.keys(value)
      const gone = members[drop]
      const tried = gone === undefined ? value : Object.fromEntries(Object.entries(value).filter(([name]) =>
        name !== gone))
      if (Object.keys(tried).length === 0) return // never reaches the rules: refused as an empty object
      // A Reference by display or identifier alone is legal R4; read literally, ref-1 is then neither true nor false.
      if (key === 'ref-1' && tried['reference'] === undefined) return
      const walk: Walk = { findings: [], path: [],
        resources: [shape.row.kind === 'resource' ? tried : resource as unknown as Json] }
      const holds = nativeRule(key)?.(tried, walk) ?? false
      judged.set(key, (judged.get(key) ?? new Set()).add(holds))
      expect(holds, `${key} on ${JSON.stringify(tried)}`).toBe(evaluate(expression, tried, shape.name, walk))
    }), { numRuns: 4000, seed: 3 })
    expect(judged.size).toBeGreaterThan(12)
  })
})

test('native rules refuse what they are there to refuse', () => {
  const walk: Walk = { findings: [], path: [], resources: [{ resourceType: 'Patient' }] }
  const broken: [string, Json][] = [
    ['ref-1', { reference: '#x' }], ['qty-3', { code: 'a' }], ['cpt-2', { value: '1' }], ['att-1', { data: 'QQ==' }],
    ['per-1', { start: '2021', end: '2020' }], ['ext-1', { url: 'x' }],
      ['ext-1', { url: 'x', valueCode: 'x', extension: [] }],
    ['obs-6', { dataAbsentReason: {}, valueString: 'x' }], ['dom-2', { contained: [{ contained: [] }] }],
    ['dom-4', { contained: [{ meta: { versionId: '1' } }] }], ['dom-5', { contained: [{ meta: { security: [] } }] }],
    ['obs-7', { code: { coding: [{ code: 'a' }] }, valueString: 'x',
      component: [{ code: { coding: [{ code: 'a' }] } }] }],
    ['tim-1', { duration: 1 }], ['tim-2', { period: 1 }], ['tim-4', { duration: -1 }], ['org-1', {}], ['pat-1', {}],
    ['age-1', { value: -1, code: 'a', system: 'http://unitsofmeasure.org' }], ['dis-1', { value: 1 }],
      ['drt-1', { code: 'min' }],
  ]
  for (const [key, value] of broken) expect(nativeRule(key)?.(value, walk), key).toBe(false)
})

describe('native invariants agree with the evaluator on made-up values', () => {
  const ruleOf = (key: string): string =>
    structure.constraints.find((constraint) => constraint?.[0] === key)?.[1] ?? ''
  const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
  const whole = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json
  const system = 'http://terminology.hl7.org/CodeSystem/condition-clinical'
  const entry = fc.record({
    fullUrl: maybe(fc.constantFrom('urn:a', 'urn:b')),
    resource: maybe(fc.record({
      resourceType: fc.constantFrom('Composition', 'MessageHeader', 'Patient'),
      meta: maybe(fc.record({ versionId: maybe(fc.constantFrom('1', '2')) })),
    })),
    request: maybe(fc.constant({ method: 'GET', url: 'Patient' })),
    response: maybe(fc.constant({ status: '200' })),
    search: maybe(fc.constant({ mode: 'match' })),
  })
  const types = [
    'document', 'message', 'transaction', 'transaction-response', 'batch', 'batch-response', 'history', 'searchset',
    'collection',
  ]
  const bundle = fc.record({
    resourceType: fc.constant('Bundle'),
    type: fc.constantFrom(...types),
    total: maybe(fc.nat(3)),
    timestamp: maybe(fc.constant('2026-01-01T00:00:00Z')),
    identifier: maybe(fc.record({ system: maybe(fc.constant('urn:x')), value: maybe(fc.constant('1')) })),
    entry: maybe(fc.array(entry, { minLength: 1, maxLength: 3 })),
  })
  const condition = fc.record({
    resourceType: fc.constant('Condition'),
    abatementString: maybe(fc.constant('over')),
    clinicalStatus: maybe(fc.record({ coding: maybe(fc.array(fc.record({
      system: maybe(fc.constantFrom(system, 'urn:x')), code: maybe(fc.constantFrom('resolved', 'active', 'inactive')),
    }), { minLength: 1, maxLength: 2 })) })),
  })
  const repeat = fc.record({
    offset: maybe(fc.constant(5)),
    when: maybe(fc.array(fc.constantFrom('C', 'CM', 'MORN', 'AC'), { minLength: 1, maxLength: 2 })),
  })
  const KEYS = {
    Bundle: ['bdl-1', 'bdl-2', 'bdl-3', 'bdl-4', 'bdl-7', 'bdl-9', 'bdl-10', 'bdl-11', 'bdl-12'],
    Condition: ['con-4'],
    'Timing.repeat': ['tim-9'],
  }
  const VALUES = [['Bundle', bundle], ['Condition', condition], ['Timing.repeat', repeat]] as const
  test.each(VALUES)('%s', (type, values) => {
    const seen = new Set<string>()
    fc.assert(fc.property(values, (drawn) => {
      const value = whole(drawn)
      if (Object.keys(value).length === 0) return
      const walk: Walk = { findings: [], path: [], resources: [value] }
      for (const key of KEYS[type]) {
        const holds = nativeRule(key)?.(value, walk)
        seen.add(`${key} ${holds}`)
        expect(holds, `${key} on ${JSON.stringify(value)}`).toBe(evaluate(ruleOf(key), value, type, walk))
      }
    }), { numRuns: 1_500, seed: 5 })
    expect(seen.size).toBe(2 * KEYS[type].length)
  })
})

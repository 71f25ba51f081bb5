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

/** What a merge changes, what undoing it restores, and A40 and PDQm as pure functions. */
import type { Patient } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { domainsOf, hasLink, inDomains, mergeOfA40, planMerge, withoutMerge } from '../src/persons/persons.ts'
import { person } from './persons-people.ts'

const source = { ...person({ id: 's', number: '1' }), active: true }
const target = person({ id: 't', number: '2' })

describe('merging', () => {
  test('links both, deactivates the source, and keeps its numbers as old ones', () => {
    const plan = planMerge(source, target)
    expect(plan.source).toEqual({ ...source, active: false,
      link: [{ other: { reference: 'Patient/t' }, type: 'replaced-by' }] })
    expect(plan.target.identifier?.map(({ value, use }) => [value, use])).toEqual([['2', undefined], ['1', 'old']])
    expect(hasLink(plan.target, source, 'replaces')).toBe(true)
    expect(hasLink(plan.target, source, 'replaced-by')).toBe(false)
  })

  test('a result that the caller gives is kept as given, with the link', () => {
    const result = { ...target, birthDate: '1960-05-31' }
    expect(planMerge(source, target, result).target).toEqual({ ...result,
      link: [{ other: { reference: 'Patient/s' }, type: 'replaces' }] })
  })

  test('a hundred thousand numbers on either side are compared in one go', () => {
    const many = (id: string): Patient => ({ ...person({ id }),
      identifier: Array.from({ length: 100_000 }, (_, at) => ({ system: `urn:${id}`, value: `${at}` })) })
    const started = process.hrtime.bigint()
    const plan = planMerge(many('s'), many('t'))
    expect(plan.added).toHaveLength(100_000)
    const changed = { ...plan.target, identifier: plan.target.identifier?.toReversed() ?? [] }
    expect(withoutMerge(changed, plan.source, plan.added).identifier).toHaveLength(100_000)
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(5)
  })

  test('taking it back leaves what people wrote since, and nothing of the merge', () => {
    const numbers = fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'))
    const links = fc.uniqueArray(fc.constantFrom('a', 'b'))
    fc.assert(fc.property(numbers, numbers, links, (mine, theirs, others) => {
      const made = (id: string, values: string[]): Patient => ({ ...person({ id }),
        ...(values.length === 0 ? {} : { identifier: values.map((value) => ({ system: 'urn:oid:1.2.3.4', value })) }),
        ...(others.length === 0 ? {} : { link: others.map((other) =>
          ({ other: { reference: `Patient/${other}` }, type: 'seealso' as const })) }) })
      const before = made('t', theirs)
      const plan = planMerge(made('s', mine), before)
      expect(withoutMerge(plan.target, plan.source, plan.added)).toEqual(before)
      const later = { ...plan.target, birthDate: '1970-01-01' }
      expect(withoutMerge(later, plan.source, plan.added)).toEqual({ ...before, birthDate: '1970-01-01' })
    }))
  })
})

describe('an A40', () => {
  const systems = new Map([['CHU', 'urn:oid:1.2.3.4']])
  test('names the target by PID-3 and the source by MRG-1', () => {
    const merge = mergeOfA40([{ value: '2', authority: { namespace: 'CHU' } }],
      [{ value: ' 1 ', authority: { universalId: '1.2.3.9', universalIdType: 'ISO' } }], systems)
    expect(merge?.parameter).toEqual([
      { name: 'source-patient-identifier', valueIdentifier: { system: 'urn:oid:1.2.3.9', value: '1' } },
      { name: 'target-patient-identifier', valueIdentifier: { system: 'urn:oid:1.2.3.4', value: '2' } },
    ])
  })

  test('is no merge where a number has no known authority', () => {
    const known = [{ value: '2', authority: { namespace: 'CHU' } }]
    for (const bad of [{ value: '1' }, { value: '', authority: { namespace: 'CHU' } },
      { value: '1', authority: { namespace: 'X' } },
      { value: '1', authority: { universalId: 'x', universalIdType: 'ISO' } }]) {
      expect(mergeOfA40(known, [bad], systems)).toBeUndefined()
      expect(mergeOfA40([bad], known, systems)).toBeUndefined()
    }
  })
})

describe('domains of a demographics query', () => {
  test.each([
    ['urn:oid:1.2.3|,urn:oid:4.5.6|', ['urn:oid:1.2.3', 'urn:oid:4.5.6']],
    ['urn:oid:1.2.3|7', undefined], ['7', undefined], ['|7', undefined], ['urn:oid:1.2.3|,7', undefined],
  ])('%s', (value, expected) => expect(domainsOf([['family', 'x'], ['identifier', value]])).toEqual(expected))

  test('only their identifiers are left', () => {
    expect(inDomains(target, ['urn:oid:1.2.3.4'])).toBe(target)
    expect(inDomains(target, ['urn:oid:9'])).not.toHaveProperty('identifier')
  })
})

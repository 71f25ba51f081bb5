/** Packages and resources made to hang, to crash, or to pass unchecked. */
import type { Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../src/limits.ts'
import { ProfileSet, profileFindingsOf, requireProfiles } from '../src/profiles.ts'
import { declaring, type Json, profile } from './profiles-material.ts'

const patient = { resourceType: 'Patient', name: [{ family: 'Durand' }] }
const based = (name: string, on: string): Json =>
  profile(name, 'Patient', [{ id: 'photo', min: 1 }], { baseDefinition: `https://example.org/${on}` })

describe('packages', () => {
  test('definitions that rest on each other are set aside, the others serve', () => {
    const set = new ProfileSet([based('a', 'b'), based('b', 'a'), based('self', 'self'),
      profile('good', 'Patient', [{ id: 'photo', min: 1 }])])
    expect(set.report.profiles).toBe(1)
    expect(set.report.setAside).toHaveLength(3)
    expect(set.report.setAside.every((line) => line.endsWith('its bases form a circle'))).toBe(true)
  })

  test('a chain of bases has an end', () => {
    const chain = Array.from({ length: LIMITS.profileDerivations + 3 }, (_, at) => based(`p${at}`, `p${at + 1}`))
    const last = profile(`p${chain.length}`, 'Patient', [])
    expect(new ProfileSet([...chain, last]).report.setAside.length).toBeGreaterThan(0)
  })

  test.each<[string, unknown]>([
    ['no object', 7], ['null', null], ['no url', { resourceType: 'StructureDefinition', derivation: 'constraint' }],
    ['elements that are none', profile('x', 'Patient', [], { differential: { element: 'x' } })],
    ['an element without id', profile('x', 'Patient', [], { differential: { element: [{}] } })],
    ['too many elements', profile('x', 'Patient', [], {
      differential: { element: Array.from({ length: LIMITS.profileElements + 1 }, () => ({ id: 'Patient' })) } })],
    ['a missing base', based('x', 'nowhere')],
    ['a base of another type', profile('x', 'Patient', [], { baseDefinition: 'https://example.org/other' })],
    ['another FHIR', profile('x', 'Patient', [], { fhirVersion: '5.0.0' })],
    ['a type that is none', profile('x', 'Passenger', [])],
    ['__proto__ as type', profile('x', '__proto__', [])],
  ])('%s validates nothing and breaks nothing', (_, definition) => {
    const set = new ProfileSet([definition, profile('other', 'Observation', [])])
    expect(set.get('https://example.org/x')).toBeUndefined()
    expect(set.report.profiles).toBe(1)
  })

  test('names of prototypes are names', () => {
    const set = new ProfileSet([profile('it', 'Patient', [
      { id: '__proto__', min: 1 }, { id: 'constructor', min: 1 }, { id: 'name:__proto__', min: 1 },
    ]), profile('__proto__', 'Patient', [])])
    const findings = profileFindingsOf(declaring('it', patient), set)
    expect(findings.map(({ severity }) => severity).toSorted()).toEqual(['error', 'warning', 'warning'])
    expect(({} as Json)['min']).toBeUndefined()
  })

  test('more definitions than the limit are refused', () => {
    function* many(): Iterable<Json> {
      for (let at = 0; at <= LIMITS.definitions; at++) yield { resourceType: 'ValueSet', url: `u:${at}` }
    }
    expect(() => new ProfileSet(many())).toThrow(`more than ${LIMITS.definitions} definitions`)
  })
})

describe('resources', () => {
  test('references in a circle end', () => {
    const lists = profile('list', 'List', [
      { id: 'entry.item', type: [{ code: 'Reference', targetProfile: ['https://example.org/list'] }] },
    ])
    const list = (id: string, to: string): Json => ({
      fullUrl: `https://example.org/List/${id}`, resource: {
        resourceType: 'List', id, status: 'current', mode: 'working', entry: [{ item: { reference: `List/${to}` } }],
        meta: { profile: ['https://example.org/list'] },
      } })
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [list('a', 'b'), list('b', 'a')] }
    expect(profileFindingsOf(bundle as unknown as Resource, new ProfileSet([lists]))).toEqual([])
  })

  test('a resource that costs too much is refused, not passed', () => {
    const wide = profile('it', 'Patient', [
      { id: 'name', slicing: { discriminator: [{ type: 'value', path: 'family' }], rules: 'open' } },
      ...Array.from({ length: 200 }, (_, at) => ({ id: `name.given:s${at}.extension`, max: '0' })),
    ])
    const name = Array.from({ length: 10_000 }, () => ({ family: 'A', given: Array.from({ length: 200 }, () => 'B') }))
    const started = process.hrtime.bigint()
    const findings = profileFindingsOf(declaring('it', { resourceType: 'Patient', name }), new ProfileSet([wide]))
    expect(findings.some(({ severity, code }) => severity === 'error' && code === 'too-costly')).toBe(true)
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(20)
  })

  test('references one behind the other do not exhaust the stack: refused, not passed', () => {
    const failing = { min: 1, slicing: { discriminator: [{ type: 'profile', path: 'item.resolve()' }], rules: 'open' } }
    const target = { type: [{ code: 'Reference', targetProfile: ['https://example.org/list'] }] }
    const plain = [{ id: 'entry.item', ...target }]
    const sliced = [{ id: 'entry', ...failing }, { id: 'entry:it', min: 1 }, { id: 'entry:it.item', ...target }]
    for (const elements of [plain, sliced]) {
      const set = new ProfileSet([profile('list', 'List', elements)])
      const entry = Array.from({ length: 5000 }, (_, at) => ({ fullUrl: `https://example.org/List/${at}`, resource: {
        ...declaring('list', { resourceType: 'List', status: 'current', mode: 'working' }), id: String(at),
        entry: [{ item: { reference: `List/${at + 1}` } }],
      } }))
      const bundle = { resourceType: 'Bundle', type: 'collection', entry } as unknown as Resource
      expect(profileFindingsOf(bundle, set).some(({ severity, code }) =>
        severity === 'error' && code === 'too-costly')).toBe(true)
    }
  })

  test('references of a large Bundle are found without walking it for each', () => {
    const set = new ProfileSet([profile('list', 'List', [
      { id: 'entry.item', type: [{ code: 'Reference', targetProfile: ['https://example.org/other'] }] },
    ])])
    const item = Array.from({ length: 10 }, (_, at) => ({ item: { reference: `Patient/${at}` } }))
    const entry = Array.from({ length: 6000 }, (_, at) => ({ fullUrl: `https://example.org/List/${at}`, resource: {
      ...declaring('list', { resourceType: 'List', status: 'current', mode: 'working' }), entry: item,
    } }))
    const started = process.hrtime.bigint()
    profileFindingsOf({ resourceType: 'Bundle', type: 'collection', entry } as unknown as Resource, set)
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(6)
  })

  test('a hundred profiles that nobody loaded do not hide what breaks a loaded one', () => {
    const set = new ProfileSet([profile('it', 'Patient', [{ id: 'photo', min: 1 }])])
    const unknown = Array.from({ length: LIMITS.issues }, (_, at) => `https://example.org/unknown${at}`)
    const meta = { profile: [...unknown, 'https://example.org/it'] }
    const resource = { ...patient, meta } as unknown as Resource
    expect(profileFindingsOf(resource, set)).toHaveLength(LIMITS.issues)
    expect(() => requireProfiles(resource, set)).toThrow('at least 1')
  })

  test('many findings are cut off at the limit', () => {
    const set = new ProfileSet([profile('it', 'Patient', [{ id: 'name.given', max: '0' }])])
    const name = Array.from({ length: 500 }, () => ({ given: ['x'] }))
    const findings = profileFindingsOf(declaring('it', { resourceType: 'Patient', name }), set)
    expect(findings).toHaveLength(LIMITS.issues)
  })
})

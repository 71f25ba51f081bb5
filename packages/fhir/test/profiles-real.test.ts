/** Published profiles against the examples published with them, and against the same examples broken. */
import type { Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { profileFindingsOf } from '../src/profiles.ts'
import { findingsOf } from '../src/validate.ts'
import { hasMaterial, ipsTexts } from './material.ts'
import { balpExamples, balpProfiles, hasBalp, ipsProfiles, type Json } from './profiles-material.ts'

const errorsOf = (resource: Json, set: ReturnType<typeof ipsProfiles>): string[] =>
  profileFindingsOf(resource as unknown as Resource, set).filter(({ severity }) => severity === 'error')
    .map(({ expression, diagnostics }) => `${expression}: ${diagnostics}`)

const changed = (resource: Json, change: (copy: Json) => void): Json => {
  const copy = structuredClone(resource)
  change(copy)
  return copy
}

describe.skipIf(!hasBalp)('IHE Basic Audit Log Patterns (differentials only)', () => {
  const set = hasBalp ? balpProfiles() : ipsProfiles()
  const examples = hasBalp ? balpExamples() : []

  test('every definition is used', () => {
    expect(set.report).toEqual({ profiles: 21, valueSets: 7, setAside: [] })
  })

  test('every example meets the profile it declares, and nothing is left unchecked', () => {
    expect(examples).toHaveLength(46)
    for (const { name, json } of examples) {
      expect(profileFindingsOf(json as unknown as Resource, set), name).toEqual([])
    }
  })

  test.each<[string, string, (copy: Json) => void]>([
    ['ex-auditBasicCreate1', 'AuditEvent.entity', (copy) => {
      copy['entity'] = (copy['entity'] as Json[]).filter(({ type }) => (type as Json)['code'] !== '1')
    }],
    ['ex-auditBasicCreate1', 'AuditEvent.agent', (copy) => { copy['agent'] = (copy['agent'] as Json[]).slice(0, 1) }],
    ['ex-auditBasicCreate1', 'AuditEvent.action', (copy) => { copy['action'] = 'D' }],
    ['ex-auditBasicReadServer', 'AuditEvent.subtype', (copy) => {
      copy['subtype'] = [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'create' }]
    }],
    ['ex-auditPrivacyDisclosure-source', 'AuditEvent.agent[0]', (copy) => {
      copy['source'] = { observer: { display: 'another machine' } }
    }],
    ['ex-auditAuthZconsent', 'AuditEvent.entity', (copy) => { delete copy['entity'] }],
  ])('%s, broken at %s, is refused there', (name, where, change) => {
    const example = examples.find((each) => each.name === `AuditEvent-${name}.json`)?.json as Json
    const errors = errorsOf(changed(example, change), set)
    expect(errors.some((error) => error.startsWith(where)), errors.join('\n')).toBe(true)
  })
})

describe('International Patient Summary', () => {
  const set = ipsProfiles()

  test('every profile is used', () => {
    expect(set.report).toMatchObject({ profiles: 29, setAside: [] })
  })

  test.skipIf(!hasMaterial)('every example meets the profile it declares', () => {
    const texts = ipsTexts()
    expect(texts.length).toBeGreaterThan(40)
    for (const { name, text } of texts) expect(errorsOf(JSON.parse(text) as Json, set), name).toEqual([])
  })

  test.skipIf(!hasMaterial).each<[string, string, (copy: Json) => void]>([
    ['Patient-eumfh-39-07', 'Patient.birthDate', (copy) => { delete copy['birthDate'] }],
    ['Bundle-bundle-minimal', 'Bundle.timestamp', (copy) => { delete copy['timestamp'] }],
    ['Bundle-bundle-minimal', 'Bundle.entry[0].resource.section', (copy) => {
      sectionsOf(copy).shift()
    }],
    ['Bundle-bundle-minimal', 'Bundle.entry[0].resource.section[0]', (copy) => {
      delete (sectionsOf(copy)[0] as Json)['entry']
    }],
    ['Composition-composition-minimal', 'Composition.type', (copy) => {
      copy['type'] = { coding: [{ system: 'http://loinc.org', code: '11488-4' }] }
    }],
    ['Observation-hemoglobin', 'Observation.category', (copy) => { delete copy['category'] }],
    ['MedicationStatement-eumfh-39-07-1', 'MedicationStatement.effective', (copy) => {
      delete copy['effectivePeriod']
    }],
  ])('%s, broken at %s, is refused there', (name, where, change) => {
    const text = ipsTexts().find((each) => each.name === `${name}.json`)?.text ?? ''
    const errors = errorsOf(changed(JSON.parse(text) as Json, change), set)
    expect(errors.some((error) => error.startsWith(where)), errors.join('\n')).toBe(true)
  })

  test.skipIf(!hasMaterial)('whatever is taken out or put in, the answer is findings', () => {
    const samples = ipsTexts().map(({ text }) => JSON.parse(text) as Json)
    fc.assert(fc.property(fc.nat(), fc.nat(), fc.nat(), (which, where, how) => {
      const copy = structuredClone(samples[which % samples.length]) as Json
      breakOne(copy, where, how)
      if (findingsOf(copy).length > 0) return
      for (const finding of profileFindingsOf(copy as unknown as Resource, set)) {
        expect(finding.expression).toMatch(/^[A-Z]/)
      }
    }), { numRuns: 1_000, seed: 11 })
  })
})

const sectionsOf = (bundle: Json): Json[] =>
  (bundle['entry'] as { resource: { section: Json[] } }[])[0]?.resource.section ?? []

function breakOne(resource: Json, where: number, how: number): void {
  const objects = objectsIn(resource)
  const object = objects[where % objects.length] as Json
  const keys = Object.keys(object).filter((key) => key !== 'resourceType')
  const key = keys[how % Math.max(1, keys.length)]
  if (key === undefined) return
  if (how % 3 === 0) delete object[key]
  else if (how % 3 === 1 && Array.isArray(object[key])) object[key] = (object[key] as unknown[]).flatMap((x) => [x, x])
  else object['extension'] = [{ url: 'https://example.org/x', valueString: 'x' }]
}

function objectsIn(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(objectsIn)
  return Array.isArray(value) ? inner : [value as Json, ...inner]
}

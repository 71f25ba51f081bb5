import type { Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATEGORIES, categorise, checkRules, DEFAULT_RULES, freeTextOf, isCategoryCode, isStrict,
  mergeRules } from '../src/categories.ts'
import { FhirError } from '../src/outcomes.ts'
import { validateResource } from '../src/validate.ts'
import { hasMaterial, ipsTexts, syntheaResources } from './material.ts'

const LOINC = 'http://loinc.org'
const ICD = 'http://hl7.org/fhir/sid/icd-10'
const subject = { reference: 'Patient/1' }
const coded = (system: string, code: string): object => ({ coding: [{ system, code }] })
const observation = (more: object): Resource =>
  validateResource({ resourceType: 'Observation', status: 'final', code: coded(LOINC, '718-7'), subject, ...more })
const condition = (more: object): Resource => validateResource({ resourceType: 'Condition', subject, ...more })
const laboratory = { category: [coded('http://terminology.hl7.org/CodeSystem/observation-category', 'laboratory')] }
const label = (system: string, code: string): object => ({ meta: { security: [{ system, code }] } })
const ACT = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'

test('the closed list', () => {
  expect(CATEGORIES.map(({ code }) => code)).toEqual(['summary', 'medication', 'laboratory', 'imaging', 'documents',
    'encounters',
    'administrative', 'mental-health', 'sexual-health', 'notes', 'unclassified', 'access-log', 'private'])
  expect(CATEGORIES.filter(({ strict }) => strict).map(({ code }) => code)).toEqual(['mental-health', 'sexual-health',
    'notes', 'private'])
})

describe('rules', () => {
  test.each<[string, Resource, string]>([
    ['a laboratory result', observation(laboratory), 'laboratory'],
    ['an HIV test, though laboratory', observation({ ...laboratory, code: coded(LOINC, '75622-1') }), 'sexual-health'],
    ['a result labelled HIV', observation({ ...laboratory, ...label(ACT, 'HIV') }), 'sexual-health'],
    ['a result labelled psychiatry', observation({ ...laboratory, ...label(ACT, 'PSY') }), 'mental-health'],
    ['a restricted result', observation({ ...laboratory,
      ...label('http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'R') }), 'notes'],
    ['a normal label', observation({ ...laboratory,
      ...label('http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'N') }), 'laboratory'],
    ['an observation without rule', observation({}), 'unclassified'],
    ['ICD-10 with dot', condition({ code: coded(ICD, 'F32.1') }), 'mental-health'],
    ['ICD-10 without dot', condition({ code: coded(ICD, 'F321') }), 'mental-health'],
    ['ICD-10 in small letters', condition({ code: coded(ICD, 'b20') }), 'sexual-health'],
    ['ICD-10 of another chapter', condition({ code: coded(ICD, 'I10') }), 'summary'],
    ['tobacco', condition({ code: coded(ICD, 'F17.2') }), 'summary'],
    ['tobacco and depression', condition({ code: { coding: [{ system: ICD, code: 'F17.2' }, { system: ICD,
      code: 'F32' }] } }), 'mental-health'],
    ['F32 of another code system', condition({ code: coded('http://x.test', 'F32') }), 'summary'],
    ['an encounter for depression', validateResource({ resourceType: 'Encounter', status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        reasonCode: [coded(ICD, 'F32')] }), 'mental-health'],
    ['the patient', validateResource({ resourceType: 'Patient',
      name: [{ family: 'de la Tour', given: ['Jean Pierre'] }] }), 'administrative'],
    ['a drug with its usual dose text', validateResource({ resourceType: 'MedicationRequest', status: 'active',
      intent: 'order', subject,
      medicationCodeableConcept: { text: 'Doliprane 1000 mg cp' },
        dosageInstruction: [{ text: '1 cp matin et soir' }] }), 'medication'],
    ['the patient\'s own label', observation(label('urn:scelle:category', 'private')), 'private'],
  ])('%s', (_name, resource, category) => {
    const result = categorise(resource)
    expect(result.category).toBe(category)
    expect(result.strict).toBe(isStrict(result.category))
    expect(result.version).toBe(DEFAULT_RULES.version)
  })
})

const PROSE = 'Patiente vue ce jour, évoque des violences conjugales.'
const FREE: readonly (readonly [string, Resource])[] = [
  ['note', observation({ ...laboratory, note: [{ text: 'vu' }] })],
  ['valueString', observation({ ...laboratory, valueString: PROSE })],
  ['component valueString', observation({ ...laboratory, component: [{ code: coded(LOINC, '1-8'),
    valueString: PROSE }] })],
  ['uncoded value text', observation({ ...laboratory, valueCodeableConcept: { text: PROSE } })],
  ['uncoded problem', condition({ code: { text: 'séropositif VIH' } })],
  ['extension string', observation({ ...laboratory, extension: [{ url: 'http://x.test/c', valueString: PROSE }] })],
  ['extension markdown', observation({ ...laboratory, extension: [{ url: 'http://x.test/c', valueMarkdown: 'vu' }] })],
  ['extension of a primitive', observation({ ...laboratory, _status: { extension: [{ url: 'http://x.test/c',
    valueString: PROSE }] } })],
  ['narrative by hand', observation({ ...laboratory, text: { status: 'additional',
    div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' } })],
  ['contained note', observation({ ...laboratory, contained: [{ resourceType: 'Device', id: 'd',
    note: [{ text: 'vu' }] }], device: { reference: '#d' } })],
  ['display without code', condition({ code: { coding: [{ display: PROSE }] } })],
  ['reference display', observation({ ...laboratory, subject: { reference: 'Patient/1',
    display: `${PROSE}\n${PROSE}` } })],
  ['conclusion', validateResource({ resourceType: 'DiagnosticReport', status: 'final', code: coded(LOINC, '1-8'),
    subject, conclusion: 'RAS' })],
  ['appointment comment', validateResource({ resourceType: 'Appointment', status: 'proposed', comment: 'VIH',
    participant: [{ actor: subject, status: 'accepted' }] })],
  ['patient comment', validateResource({ resourceType: 'Patient', name: [{ family: 'A' }],
    extension: [{ url: 'http://x.test/c', valueString: PROSE }] })],
  ['text attachment', validateResource({ resourceType: 'DocumentReference', status: 'current', subject,
    content: [{ attachment: { contentType: 'text/plain', data: 'QUJD' } }] })],
  ['PDF attachment', validateResource({ resourceType: 'DocumentReference', status: 'current', subject,
    content: [{ attachment: { contentType: 'application/pdf', data: 'QUJD' } }] })],
  ['data URL', validateResource({ resourceType: 'DocumentReference', status: 'current', subject,
    content: [{ attachment: { contentType: 'text/plain', url: 'data:text/plain,abc' } }] })],
  ['Binary text', validateResource({ resourceType: 'Binary', contentType: 'text/plain', data: 'QUJD' })],
  ['message', validateResource({ resourceType: 'Communication', status: 'completed', subject,
    payload: [{ contentString: 'x' }] })],
  ['answer', validateResource({ resourceType: 'QuestionnaireResponse', status: 'completed',
    item: [{ linkId: '1', answer: [{ valueString: PROSE }] }] })],
  ['drug note', validateResource({ resourceType: 'MedicationStatement', status: 'active', subject,
    medicationCodeableConcept: { text: 'x' }, note: [{ text: 'x' }] })],
]

describe('free text is always strict', () => {
  test.each(FREE)('%s', (_name, resource) => {
    expect(freeTextOf(resource)).toBeDefined()
    expect(categorise(resource).strict).toBe(true)
  })

  test('a site cannot move it out', () => {
    const everything = [...new Set(FREE.map(([, resource]) => resource.resourceType))]
    for (const { code } of CATEGORIES) {
      const table = mergeRules({ version: 'site-1', rules: [{ id: 'all', category: code, types: everything }] },
        DEFAULT_RULES)
      for (const [, resource] of FREE) {
        const result = categorise(resource, table)
        expect(result.strict).toBe(true)
        expect(result.category).toBe(isStrict(code) ? code : 'notes')
      }
    }
  })

  test('wherever a note is put in a real resource, it lands in a strict category', () => {
    const carriers = FREE.map(([, resource]) => resource)
    fc.assert(fc.property(fc.constantFrom(...carriers), fc.string({ minLength: 1 }), (resource, text) => {
      const noted = { ...resource, extension: [{ url: 'http://x.test/n',
        valueAnnotation: { text: `a${text}` } }] } as Resource
      expect(categorise(noted).strict).toBe(true)
    }))
  })
})

describe('tables', () => {
  test('total and deterministic, whatever the table', () => {
    const rule = fc.record({
      category: fc.constantFrom(...CATEGORIES.map(({ code }) => code)),
      types: fc.subarray(['Observation', 'Condition', 'Patient', 'Binary'], { minLength: 1 }),
      codes: fc.subarray(['loinc|718-7', 'icd10|F*', 'http://x.test|A*'], { minLength: 1 }),
    })
    fc.assert(fc.property(fc.array(rule, { maxLength: 8 }), (rules) => {
      const site = { version: 's', rules: rules.map((each, at) => ({ ...each, id: `r${at}` })) }
      const table = mergeRules(site, DEFAULT_RULES)
      for (const [, resource] of FREE) {
        const result = categorise(resource, table)
        expect(isCategoryCode(result.category)).toBe(true)
        expect(result).toEqual(categorise(structuredClone(resource), mergeRules(structuredClone(site), DEFAULT_RULES)))
        expect(result.strict).toBe(true)
      }
    }), { numRuns: 60 })
  })

  test('a site rule is asked first, and replaces a built-in one of its id', () => {
    const table = mergeRules({ version: 'site-2', rules: [
      { id: 'ours', category: 'imaging', types: ['Observation'], codes: ['loinc|718-7'] },
      { id: 'summary', category: 'administrative', types: ['Condition'] },
    ] }, DEFAULT_RULES)
    expect(categorise(observation(laboratory), table)).toEqual(
      { category: 'imaging', strict: false, rule: 'ours', version: 'site-2+scelle-categories-1' })
    expect(categorise(condition({ code: coded(ICD, 'I10') }), table).category).toBe('administrative')
  })

  test('the built-in table passes its own check', () => {
    expect(checkRules(DEFAULT_RULES)).toBe(DEFAULT_RULES)
  })

  test.each<[string, unknown, string]>([
    ['no object', 'x', 'expected {version, rules: []}'],
    ['unknown category', { version: '1', rules: [{ id: 'a', category: 'public', types: ['Patient'] }] },
      'category is not one of the closed list'],
    ['matches everything', { version: '1', rules: [{ id: 'a', category: 'summary' }] }, 'would match everything'],
    ['unknown member', { version: '1', rules: [{ id: 'a', category: 'summary', type: 'Patient' }] }, 'a rule has only'],
    ['unknown type', { version: '1', rules: [{ id: 'a', category: 'summary', types: ['Ship'] }] },
      'unknown resource type'],
    ['bare code', { version: '1', rules: [{ id: 'a', category: 'summary', codes: ['F32'] }] }, 'needs system|code'],
    ['unknown alias', { version: '1', rules: [{ id: 'a', category: 'summary', codes: ['toString|F32'] }] },
      'needs system|code'],
    ['star inside', { version: '1', rules: [{ id: 'a', category: 'summary', codes: ['icd10|F*2'] }] },
      'needs system|code'],
    ['id twice', { version: '1', rules: [{ id: 'a', category: 'notes', types: ['Patient'] },
      { id: 'a', category: 'notes', types: ['Patient'] }] }, 'used twice'],
    ['no version', { rules: [] }, 'version'],
  ])('%s is refused with a reason', (_name, table, reason) => {
    expect(() => checkRules(table)).toThrow(FhirError)
    expect(() => checkRules(table)).toThrow(reason)
  })
})

describe.skipIf(!hasMaterial)('real material', () => {
  test('Synthea lands where a reader expects it', () => {
    const counts = new Map<string, number>()
    for (const resource of syntheaResources(20)) {
      const { category } = categorise(resource)
      const key = `${resource.resourceType} ${category}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(counts.get('Patient administrative')).toBe(20)
    expect(counts.get('Patient notes')).toBeUndefined()
    expect(counts.get('Immunization notes')).toBeUndefined()
    expect(counts.get('MedicationRequest medication')).toBeGreaterThan(0)
    expect(counts.get('Observation laboratory')).toBeGreaterThan(300)
  })

  test('every IPS example gets a category', () => {
    for (const { name, text } of ipsTexts()) expect(isCategoryCode(categorise(JSON.parse(text) as Resource).category),
      name).toBe(true)
  })
})

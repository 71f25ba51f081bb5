import type { Bundle, Composition, Patient, Resource } from '@medplum/fhirtypes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkDocument } from '../src/documents.ts'
import { LIMITS } from '../src/limits.ts'
import { narrativeFault } from '../src/narrative.ts'
import { mapReferences } from '../src/references.ts'
import { languageOf, summarise } from '../src/summary.ts'
import type { SummaryInput } from '../src/summary.ts'
import { validateResource } from '../src/validate.ts'
import { ipsFaults, resolverOf } from './ips-rules.ts'
import { hasMaterial, ipsTexts, syntheaBundles } from './material.ts'
import { BASE, inputOf } from './summary-input.ts'

const patient: Patient = {
  resourceType: 'Patient', id: 'p', name: [{ family: 'Nguyên', given: ['Zoé'] }], birthDate: '1980-02-03',
  gender: 'female',
}
const subject = { reference: 'Patient/p' }
const coded = (text: string, code = 'x') => ({ coding: [{ system: 'urn:test', code, display: text }] })

const made = (resources: readonly Resource[], more: Partial<SummaryInput> = {}): Bundle => {
  const bundle = summarise(inputOf(patient, resources, more))
  expect(ipsFaults(bundle)).toEqual([])
  expect(checkDocument(bundle)?.fullUrl).toBe(`${BASE}/Patient/${more.patient?.id ?? 'p'}`)
  return validateResource(bundle) as Bundle
}
const compositionOf = (bundle: Bundle): Composition => bundle.entry?.[0]?.resource as Composition
const sectionOf = (bundle: Bundle, code: string) =>
  compositionOf(bundle).section?.find((each) => each.code?.coding?.[0]?.code === code)
const divOf = (bundle: Bundle, code: string): string => sectionOf(bundle, code)?.text?.div ?? ''
const idsOf = (bundle: Bundle): string[] => (bundle.entry ?? []).map(({ resource }) => resource?.id ?? '')

const ALLERGIES = '48765-2'
const PROBLEMS = '11450-4'
const MEDICATIONS = '10160-0'

const penicillin: Resource = {
  resourceType: 'AllergyIntolerance', id: 'a1', patient: subject, code: coded('Pénicilline', '91936005'),
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical',
    code: 'active' }] },
  criticality: 'high', reaction: [{ manifestation: [coded('Urticaire')], severity: 'severe' }],
}
const asthma: Resource = {
  resourceType: 'Condition', id: 'c1', subject, code: coded('Asthme', 'J45'), onsetDateTime: '2019-05',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
}

describe.skipIf(!hasMaterial)('the rules', () => {
  test('hold for the guide\'s own documents, and see what is broken', () => {
    const bundles = ipsTexts().map(({ text }) => JSON.parse(text) as Bundle)
      .filter(({ resourceType }) => resourceType === 'Bundle')
    expect(bundles.length).toBe(5)
    for (const bundle of bundles) expect(ipsFaults(bundle)).toEqual([])
    const [first] = bundles
    const broken = structuredClone(first as Bundle)
    const composition = broken.entry?.[0]?.resource as Composition
    composition.section = composition.section?.slice(1) ?? []
    broken.entry?.pop()
    expect(ipsFaults(broken).length).toBeGreaterThan(0)
  })
})

describe('a summary', () => {
  test('of an empty chart says that nothing is known, never that there is nothing', () => {
    const bundle = made([])
    expect(bundle.entry?.map(({ resource }) => resource?.resourceType))
      .toEqual(['Composition', 'Patient', 'Organization', 'Device'])
    for (const code of [ALLERGIES, PROBLEMS, MEDICATIONS]) {
      expect(sectionOf(bundle, code)?.emptyReason?.coding?.[0]?.code).toBe('unavailable')
      expect(divOf(bundle, code)).toContain('Aucune information disponible.')
    }
    expect(compositionOf(bundle).status).toBe('final')
  })

  test('shows entries in tables, in the language of the reader', () => {
    const bundle = made([penicillin, asthma])
    expect(divOf(bundle, ALLERGIES)).toContain(
      '<td>Pénicilline</td><td>élevée</td><td>Urticaire – sévère</td><td>actif</td>')
    expect(divOf(bundle, PROBLEMS)).toContain('<th>Désignation</th><th>Depuis</th><th>Statut</th>')
    expect(divOf(bundle, PROBLEMS)).toContain('<td>Asthme</td><td>05/2019</td><td>actif</td>')
    const english = made([penicillin, asthma], { language: 'en' })
    expect(divOf(english, PROBLEMS)).toContain('<td>Asthme</td><td>2019-05</td><td>active</td>')
    expect(compositionOf(english).title).toBe('Patient summary')
    expect([english.language, compositionOf(english).text?.div.includes('lang="en"')]).toEqual(['en', true])
    expect(compositionOf(bundle).text?.status).toBe('generated')
  })

  test('puts what is over into the past, what was refuted or entered in error nowhere', () => {
    const condition = (id: string, more: object): Resource => ({ ...asthma, id, ...more })
    const status = (code: string) => ({ coding: [{ code }] })
    const bundle = made([
      condition('over', { clinicalStatus: status('resolved') }),
      condition('wrong', { verificationStatus: status('entered-in-error') }),
      condition('not', { verificationStatus: status('refuted') }),
      { resourceType: 'MedicationStatement', id: 'old', status: 'stopped', subject,
        medicationCodeableConcept: coded('Arrêté') },
      { resourceType: 'MedicationRequest', id: 'never', status: 'active', intent: 'order', doNotPerform: true, subject,
        medicationCodeableConcept: coded('Jamais') },
    ])
    expect(sectionOf(bundle, '11348-0')?.entry).toEqual([{ reference: `${BASE}/Condition/over` }])
    expect(idsOf(bundle)).toHaveLength(5)
    expect(sectionOf(bundle, MEDICATIONS)?.emptyReason).toBeDefined()
  })

  test('takes along what entries refer to, and nothing else', () => {
    const beside = new Map<string, Resource>([
      ['Practitioner/d', { resourceType: 'Practitioner', id: 'd', name: [{ family: 'Martin' }] }],
      ['Practitioner/x', { resourceType: 'Practitioner', id: 'x' }],
    ])
    const bundle = made([
      { resourceType: 'MedicationStatement', id: 'm', status: 'active', subject,
        medicationReference: { reference: 'Medication/drug' }, informationSource: { reference: 'Practitioner/d' } },
      { resourceType: 'Medication', id: 'drug', code: coded('Amoxicilline') },
      { resourceType: 'Medication', id: 'unused', code: coded('Inutile') },
      { resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' }, subject },
    ], { beside: (key) => beside.get(key) })
    expect(idsOf(bundle).slice(4)).toEqual(['m', 'drug', 'd'])
    expect(divOf(bundle, MEDICATIONS)).toContain('Amoxicilline')
    const statement = bundle.entry?.find(({ resource }) => resource?.id === 'm')?.resource
    expect(statement).toMatchObject({ _effectiveDateTime: { extension: [{ valueCode: 'unknown' }] } })
  })

  test('calls a patient by one name, whoever was merged into them', () => {
    const before: Resource = { ...penicillin, id: 'old', patient: { reference: 'Patient/before' } }
    const bundle = made([before], { others: ['Patient/before'] })
    expect(checkDocument(bundle)?.patient.id).toBe('p')
    expect(JSON.stringify(bundle)).not.toContain('Patient/before')
  })

  test('shows nothing that was sealed away from it, for its note either', () => {
    const noted: Resource = { ...penicillin, note: [{ text: 'Dit en confidence' }] }
    const { chart } = inputOf(patient, [noted])
    expect(chart[0]?.category).toBe('notes')
    expect(idsOf(summarise(inputOf(patient, [noted])))).toContain('a1')
    for (const category of ['private', 'mental-health', 'sexual-health'] as const) {
      const bundle = made([], { chart: [{ resource: noted, category }] })
      expect(idsOf(bundle)).not.toContain('a1')
      expect(JSON.stringify(bundle)).not.toContain('Pénicilline')
      const asked = made([], { chart: [{ resource: noted, category }], asked: new Set([category]) })
      expect(idsOf(asked)).toContain('a1')
    }
  })

  test('is of bounded size, and says what it leaves out', () => {
    const conditions = Array.from({ length: LIMITS.summarySection + 5 }, (_, at): Resource =>
      ({ ...asthma, id: `c${at}` }))
    const bundle = made(conditions)
    expect(sectionOf(bundle, PROBLEMS)?.entry).toHaveLength(LIMITS.summarySection)
    expect(divOf(bundle, PROBLEMS)).toContain('Éléments plus anciens non repris ici : 5')
    const parts = Array.from({ length: LIMITS.summaryEntries + 5 }, (_, at): Resource =>
      ({ resourceType: 'Observation', id: `o${at}`, status: 'final', subject, code: coded('x') }))
    const panel: Resource = { resourceType: 'DiagnosticReport', id: 'r', status: 'final', subject, code: coded('x'),
      result: parts.map(({ id }) => ({ reference: `Observation/${id}` })) }
    const large = summarise(inputOf(patient, [panel, ...parts]))
    expect(large.entry?.length).toBe(LIMITS.summaryEntries + 4)
  })

  test('takes nothing for its own that another server calls so', () => {
    const practitioner: Resource = { resourceType: 'Practitioner', id: 'd' }
    const by = (reference: string): Bundle => made([{ resourceType: 'MedicationStatement', id: 'm', status: 'active',
      subject, medicationCodeableConcept: coded('x'), informationSource: { reference } }], { beside: (key) =>
      (key === 'Practitioner/d' ? practitioner : undefined) })
    expect(idsOf(by(`${BASE}/Practitioner/d`))).toContain('d')
    expect(idsOf(by('https://else.test/fhir/Practitioner/d'))).not.toContain('d')
  })

  test('tells the latest of a series, and devices that no statement speaks of', () => {
    const weight = (id: string, when: string, value: number): Resource => ({
      resourceType: 'Observation', id, status: 'final', subject, effectiveDateTime: when,
      category: [{ coding: [{ code: 'vital-signs' }] }],
      code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Poids' }] },
      valueQuantity: { value, unit: 'kg' },
    })
    const bundle = made([
      weight('w1', '2024-01-02T01:00:00+01:00', 60), weight('w2', '2024-01-01T23:00:00-03:00', 62.5),
      weight('w0', '2020-01-01', 59),
      { resourceType: 'Device', id: 'pm', patient: subject, status: 'active', type: coded('Stimulateur cardiaque') },
    ])
    expect(divOf(bundle, '8716-3')).toContain('<td>62,5 kg</td>')
    for (const old of ['w0', 'w1']) expect(idsOf(bundle)).not.toContain(old)
    expect(divOf(bundle, '46264-8')).toContain('Stimulateur cardiaque')
    const [use] = sectionOf(bundle, '46264-8')?.entry ?? []
    expect(resolverOf(bundle)(use?.reference ?? '', '')).toMatchObject({ resourceType: 'DeviceUseStatement' })
    expect(idsOf(bundle)).toContain('pm')
  })

  test('keeps the digits that a value was written with', () => {
    const value: Resource = {
      resourceType: 'Observation', id: 'o', status: 'final', subject, category: [{ coding: [{ code: 'laboratory' }] }],
      code: coded('Glycémie'), valueQuantity: { value: 5, unit: 'mmol/L' },
    }
    const digits = (_holder: object, member: string): string | undefined => (member === 'value' ? '5.0' : undefined)
    expect(divOf(made([value], { digits }), '30954-2')).toContain('5,0 mmol/L')
  })

  test('says what the patient\'s record lacks for the profile, and shows no photograph', () => {
    const bundle = made([], { patient: { resourceType: 'Patient', id: 'p',
      photo: [{ contentType: 'image/png', data: 'AAAA' }] } })
    const shown = bundle.entry?.[1]?.resource as Patient
    expect(shown.photo).toBeUndefined()
    expect(shown.meta?.tag?.[0]?.code).toBe('SUBSETTED')
    expect(shown).toMatchObject({ _birthDate: { extension: [{ valueCode: 'unknown' }] } })
  })

  test('with gaps does not look whole', () => {
    const bundle = made([penicillin], { gaps: 3 })
    expect(compositionOf(bundle).status).toBe('preliminary')
    expect(compositionOf(bundle).title).toBe('Synthèse médicale du patient (incomplète)')
    for (const code of [ALLERGIES, PROBLEMS]) expect(divOf(bundle, code)).toContain('Nombre : 3')
  })
})

describe('strict categories', () => {
  const hiv: Resource = { resourceType: 'Condition', id: 'hiv', subject,
    code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'B24', display: 'VIH' }] } }
  const depression: Resource = { resourceType: 'Condition', id: 'dep', subject,
    code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'F32.1', display: 'Dépression' }] } }

  test('stay out, and a summary that leaves something out is the same as one with nothing to leave out', () => {
    const bundle = made([hiv, depression, penicillin])
    expect(bundle).toEqual(made([penicillin]))
    expect(compositionOf(bundle).text?.div).toContain('sauf demande expresse')
  })

  test('come in where they are asked for, one by one', () => {
    const bundle = made([hiv, depression], { asked: new Set(['sexual-health']) })
    expect(idsOf(bundle).slice(4)).toEqual(['hiv'])
    expect(compositionOf(bundle).confidentiality).toBe('R')
  })

  test('an allergy with a note is there without the note', () => {
    const noted: Resource = { ...penicillin, note: [{ text: 'se dit séropositive' }],
      reaction: [{ description: 'elle a peur', manifestation: [coded('Urticaire')] }] }
    const bundle = made([noted])
    expect(divOf(bundle, ALLERGIES)).toContain('Pénicilline')
    expect(JSON.stringify(bundle)).not.toMatch(/séropositive|peur/)
    expect(bundle.entry?.at(-1)?.resource?.meta?.tag?.[0]?.code).toBe('SUBSETTED')
    expect(JSON.stringify(made([noted], { asked: new Set(['notes']) }))).toContain('séropositive')
  })

  test('what only words describe is counted, what is labelled restricted is not even that', () => {
    const words: Resource = { resourceType: 'Condition', id: 'w', subject,
      code: { text: 'violences conjugales depuis deux ans' } }
    const restricted: Resource = { ...penicillin, id: 'r', meta: { security: [
      { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] } }
    const bundle = made([words, restricted])
    expect(divOf(bundle, PROBLEMS)).toContain('à lire dans le dossier : 1')
    expect(JSON.stringify(bundle)).not.toContain('violences')
    expect(sectionOf(bundle, ALLERGIES)).toEqual(sectionOf(made([]), ALLERGIES))
  })

  test('are not followed into by references', () => {
    const report: Resource = { resourceType: 'DiagnosticReport', id: 'r', status: 'final', subject,
      code: coded('Bilan'), result: [{ reference: 'Observation/vih' }] }
    const result: Resource = { resourceType: 'Observation', id: 'vih', status: 'final', subject,
      code: { coding: [{ system: 'http://loinc.org', code: '75622-1' }] }, valueCodeableConcept: coded('positif') }
    expect(idsOf(made([report, result]))).not.toContain('vih')
  })
})

describe('narratives', () => {
  const evil = '<script>alert(1)</script><a href="javascript:x">]]></a><![CDATA[<b>]]>&#60;img onerror=1>'
    + '\u0000\u202E\uD800'

  test('hold words of records as text and nothing else', () => {
    const bundle = summarise(inputOf(patient, [
      { ...penicillin, code: { coding: [{ code: 'x', display: evil }] } },
      { ...asthma, code: { coding: [{ code: 'y' }], text: evil } },
    ], { patient: { ...patient, name: [{ text: evil }], identifier: [{ value: evil }] }, organisation: evil }))
    const composition = compositionOf(bundle)
    for (const { text } of [composition, ...(composition.section ?? [])]) {
      expect(narrativeFault(text?.div ?? '')).toBeUndefined()
      expect(text?.div).not.toMatch(/<(script|a|img|!)/i)
      for (const unfit of ['\u0000', '\u202E']) expect(text?.div).not.toContain(unfit)
      expect(text?.div.isWellFormed()).toBe(true)
    }
  })

  test('are well-formed whatever is written in a record', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string(), (display, unit) => {
      const bundle = summarise(inputOf(patient, [
        { ...penicillin, code: { coding: [{ code: 'x', display }] } },
        { resourceType: 'Observation', id: 'o', status: 'final', subject, code: coded(display),
          category: [{ coding: [{ code: 'laboratory' }] }], valueQuantity: { value: 1, unit } },
      ]))
      const texts = (compositionOf(bundle).section ?? []).map(({ text }) => text?.div ?? '')
      expect(texts.map(narrativeFault)).toEqual(texts.map(() => undefined))
    }))
  })

  test.each([
    ['en-GB,fr;q=0.8', undefined, 'en'], ['de, fr;q=0.5', undefined, 'fr'], ['de', 'en-US', 'en'],
    [undefined, 'de', 'fr'], ['en;q=0', undefined, 'fr'], ['fr;q=0.1,en;q=x', undefined, 'fr'],
  ] as const)('language: %s, %s', (wishes, own, expected) => {
    expect(languageOf(wishes, own, 'fr')).toBe(expected)
  })
})

describe.skipIf(!hasMaterial)('real records', () => {
  test('give valid documents, each entry of which validates', () => {
    for (const { text } of syntheaBundles(6)) {
      const sent = (JSON.parse(text) as Bundle).entry ?? []
      const names = new Map(sent.map(({ fullUrl, resource }) => [fullUrl, `${resource?.resourceType}/${resource?.id}`]))
      const resources = sent.flatMap(({ resource }) =>
        (resource === undefined ? [] : [mapReferences(resource, (reference) => names.get(reference))]))
      const own = resources.find((each): each is Patient => each.resourceType === 'Patient') as Patient
      const bundle = made(resources, { patient: own })
      const entries = (compositionOf(bundle).section ?? []).flatMap(({ entry }) => entry ?? [])
      expect(entries.length).toBeGreaterThan(5)
    }
  })

  test('of the guide itself come out with the sections of the guide', () => {
    const all = ipsTexts().find(({ name }) => name === 'Bundle-bundle-ips-all-sections.json')
    const bundle = JSON.parse(all?.text ?? '') as Bundle
    const resources = (bundle.entry ?? []).flatMap(({ resource }) => resource ?? [])
    const own = resources.find((each): each is Patient => each.resourceType === 'Patient') as Patient
    const asked = new Set(['notes', 'sexual-health', 'mental-health'])
    const sections = compositionOf(made(resources, { patient: own, asked })).section ?? []
    const codes = new Set(sections.map(({ code }) => code?.coding?.[0]?.code))
    const wanted = (compositionOf(bundle).section ?? []).map(({ code }) => code?.coding?.[0]?.code)
    // A patient's story is told by the patient, functional status only where the condition's category says so.
    expect(wanted.filter((code) => !codes.has(code))).toEqual(['81338-6', '47420-5'])
  })
})

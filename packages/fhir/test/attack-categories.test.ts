/** Ways by which notes and sensitive codes once slipped into categories that are shared widely. */
import type { Resource } from '@medplum/fhirtypes'
import { expect, test } from 'vitest'
import { categorise } from '../src/categories.ts'
import { findingsOf } from '../src/validate.ts'

const NOTE = 'Battue par son mari, séropositive depuis 2015, ne pas le dire à la famille. '
const DATA = Buffer.from(NOTE).toString('base64')
const subject = { reference: 'Patient/p' }
const coded = (system: string, code: string) => ({ coding: [{ system, code }] })
const laboratory = coded('http://terminology.hl7.org/CodeSystem/observation-category', 'laboratory')
const result = (more: object) => ({
  resourceType: 'Observation', status: 'final', subject, category: [laboratory],
  code: coded('http://loinc.org', '2339-0'), ...more,
})
const letter = (attachment: object) => ({
  resourceType: 'DocumentReference', status: 'current', subject, content: [{ attachment }],
})
const problem = (system: string, code: string) => ({ resourceType: 'Condition', subject, code: coded(system, code) })

const strictOf = (value: object): boolean => {
  expect(findingsOf(value)).toEqual([])
  return categorise(value as Resource).strict
}

test.each<[string, object]>([
  ['an identifier as long as a note', result({ identifier: [{ system: 'urn:x', value: NOTE.repeat(3) }] })],
  ['base64 in an extension', result({ extension: [{ url: 'urn:x', valueBase64Binary: DATA }] })],
  ['an extension of an extension',
    result({ extension: [{ url: 'urn:x', extension: [{ url: 'y', valueString: NOTE }] }] })],
  ['an extension that changes the meaning', result({ modifierExtension: [{ url: 'urn:x', valueString: NOTE }] })],
  ['an extension of a code', result({ _status: { extension: [{ url: 'urn:x', valueString: NOTE }] } })],
  ['a contained note', result({ contained: [{ ...result({ note: [{ text: NOTE }] }), id: 'c' }] })],
  ['lines by carriage return', result({ performer: [{ display: 'a\rb' }] })],
  ['lines by U+2028', result({ performer: [{ display: 'a\u2028b' }] })],
  ...[
    'application/octet-stream', 'message/rfc822', 'application/x-rtf', 'application/zip', 'multipart/mixed',
    'image/svg+xml', 'application/vnd.apple.pages', 'APPLICATION/PDF', 'application/dicomx',
  ].flatMap((contentType): [string, object][] => [
    [`a letter as ${contentType}`, letter({ contentType, data: DATA })],
    [`a Binary as ${contentType}`, { resourceType: 'Binary', contentType, data: DATA }],
  ]),
])('%s is strict', (_, value) => {
  expect(strictOf(value)).toBe(true)
})

test.each<[string, object]>([
  ['SNOMED CT by OID', problem('urn:oid:2.16.840.1.113883.6.96', '86406008')],
  ['SNOMED CT by https', problem('https://snomed.info/sct', '86406008')],
  ['LOINC by OID', result({ code: coded('urn:oid:2.16.840.1.113883.6.1', '75622-1') })],
  ['ATC in lower case', {
    resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject,
    medicationCodeableConcept: coded('http://www.whocc.no/atc', 'j05ar10'),
  }],
  ['ICD-10 without its dot, in lower case', problem('http://hl7.org/fhir/sid/icd-10', 'b200')],
  ['a code in a contained resource',
    result({ contained: [{ ...problem('http://hl7.org/fhir/sid/icd-10', 'B20'), id: 'c' }] })],
  ['a code in an extension',
    result({ extension: [{ url: 'urn:x', valueCoding: { system: 'http://hl7.org/fhir/sid/icd-10', code: 'B20' } }] })],
])('HIV as %s is sexual health', (_, value) => {
  expect(categorise(value as Resource).category).toBe('sexual-health')
})

test('pictures and sound stay where they were', () => {
  for (const contentType of ['image/png', 'image/jpeg; q=1', 'audio/ogg', 'video/mp4', 'application/dicom']) {
    const { category } = categorise(letter({ contentType, data: DATA }) as Resource)
    expect([contentType, category]).toEqual([contentType, 'documents'])
  }
})

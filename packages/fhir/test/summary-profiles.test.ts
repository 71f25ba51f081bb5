/** What `summarise` makes, held against the guide's own profiles, Composition and entries included. */
import type { Bundle, Patient, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { categorise } from '../src/categories.ts'
import { profileFindingsOf } from '../src/profiles.ts'
import { summarise } from '../src/summary.ts'
import { hasMaterial, syntheaBundles } from './material.ts'
import { ipsProfiles } from './profiles-material.ts'

const summaryOf = (patient: Patient, resources: readonly Resource[]): Bundle => summarise({
  patient,
  chart: resources.map((resource) => ({ resource, category: categorise(resource).category })),
  beside: () => undefined,
  base: 'http://edge.test/fhir',
  organisation: 'Hôpital d’essai',
  asked: new Set(),
  gaps: 0,
  language: 'fr',
  now: Date.parse('2026-03-04T05:06:07Z'),
  documentId: '5f1c2c5e-8b57-4b7c-9d56-0b7a3c1d2e3f',
  idFor: (name) => `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').slice(-12).padStart(12, '0')}`,
})

const errorsOf = (bundle: Bundle): string[] =>
  profileFindingsOf(bundle, ipsProfiles()).filter(({ severity }) => severity === 'error')
    .map(({ expression, diagnostics }) => `${expression}: ${diagnostics}`)

describe('a summary meets the profiles it declares', () => {
  test('of a patient of whom little is known', () => {
    expect(errorsOf(summaryOf({ resourceType: 'Patient', id: 'p', name: [{ text: 'Inconnue' }] }, []))).toEqual([])
  })

  test.skipIf(!hasMaterial)('of whole synthetic lives', () => {
    for (const { name, text } of syntheaBundles(4)) {
      const resources = ((JSON.parse(text) as Bundle).entry ?? []).flatMap(({ resource }) => resource ?? [])
      const patient = resources.find((each): each is Patient => each.resourceType === 'Patient') as Patient
      expect(errorsOf(summaryOf(patient, resources)), name).toEqual([])
    }
  })
})

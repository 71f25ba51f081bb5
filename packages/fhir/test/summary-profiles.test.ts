/** What `summarise` makes, held against the guide's own profiles, Composition and entries included. */
import type { Bundle, Patient, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { profileFindingsOf } from '../src/profiles.ts'
import { summarise } from '../src/summary.ts'
import { hasMaterial, syntheaBundles } from './material.ts'
import { ipsProfiles } from './profiles-material.ts'
import { inputOf } from './summary-input.ts'

const summaryOf = (patient: Patient, resources: readonly Resource[]): Bundle => summarise(inputOf(patient, resources))

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

/** What a summary is made from, with nothing in it that changes from run to run. */
import type { Patient, Resource } from '@medplum/fhirtypes'
import { categorise } from '../src/categories.ts'
import type { SummaryInput } from '../src/summary.ts'

export const BASE = 'http://edge.test/fhir'

export const inputOf = (
  patient: Patient, resources: readonly Resource[], more: Partial<SummaryInput> = {},
): SummaryInput => ({
  patient,
  chart: resources.map((resource) => ({ resource, category: categorise(resource).category })),
  beside: () => undefined,
  base: BASE,
  organisation: 'Hôpital d’essai',
  asked: new Set(),
  gaps: 0,
  language: 'fr',
  now: Date.parse('2026-03-04T05:06:07Z'),
  documentId: '5f1c2c5e-8b57-4b7c-9d56-0b7a3c1d2e3f',
  idFor: (name) => `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').slice(-12).padStart(12, '0')}`,
  ...more,
})

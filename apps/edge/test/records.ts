import type { Observation, Patient } from '@medplum/fhirtypes'

export const patient = (id?: string): Patient => ({
  resourceType: 'Patient', ...(id === undefined ? {} : { id }), name: [{ family: 'Dupont', given: ['Zoé'] }],
    birthDate: '1980-02-03',
})

export const glucose = (of: string, value: number, more: Partial<Observation> = {}): Observation => ({
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category',
    code: 'laboratory' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '2339-0', display: 'Glucose' }] },
  subject: { reference: `Patient/${of}` },
  valueQuantity: { value, unit: 'mmol/L' },
  ...more,
})

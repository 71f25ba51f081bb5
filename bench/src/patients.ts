/** The people whom the rows are about: the demonstration population, as requests that edge and twin both take. */
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { type DemoPatient, population } from '@scelle/testing/population'
import type { Request } from './load/requests.ts'

export const SEED = 'bench'

/** Patients `from` to `to` of the population. */
export const patients = (from: number, to: number): DemoPatient[] => {
  const drawn: DemoPatient[] = []
  let place = 0
  for (const patient of population({ seed: SEED, patients: to })) if (place++ >= from) drawn.push(patient)
  return drawn
}

export const importRequest = (bundle: Bundle): Request => ({
  method: 'POST',
  path: '/fhir',
  body: JSON.stringify(bundle),
  resources: bundle.entry?.length ?? 0,
})

const HEX = 16

/** Another id with the same form, the same for the same arguments. */
const idOf = (patient: number, place: number): string =>
  `${patient.toString(HEX).padStart(8, '0')}-0000-4000-8000-${place.toString(HEX).padStart(12, '0')}`

/** A patient with so many resources in all: their own, repeated under other ids where they are too few. */
export const largePatient = (number: number, size: number): { readonly id: string; readonly requests: Request[] } => {
  const [drawn] = patients(number % 100, (number % 100) + 1)
  if (drawn === undefined) throw new Error('the population has no such patient')
  const [patient, ...others] = drawn.resources
  const id = idOf(number, 0)
  const named = JSON.stringify(others).replaceAll(`Patient/${patient?.id ?? ''}`, `Patient/${id}`)
  const records = JSON.parse(named) as Resource[]
  const resources = [{ ...patient, id } as Resource]
  for (let place = 1; place < size; place++) {
    resources.push({ ...(records[place % records.length] as Resource), id: idOf(number, place) })
  }
  const entry = resources.map((resource) => ({
    resource,
    request: { method: 'PUT' as const, url: `${resource.resourceType}/${resource.id ?? ''}` },
  }))
  return { id, requests: [importRequest({ resourceType: 'Bundle', type: 'transaction', entry })] }
}

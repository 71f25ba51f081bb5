/** `scelle open`: a patient's records, as the edge serves them or as somebody opens them who was granted them. */
import { type OpenedRecord } from '@scelle/sdk'
import { type EdgeClient, jsonOf } from './edge-client.ts'
import { CommandError, EXIT } from './errors.ts'
import type { AnyResource } from './import/read.ts'
import type { Io } from './io.ts'
import { MESSAGES } from './messages.ts'
import { table } from './table.ts'

interface Bundle extends AnyResource {
  readonly entry?: readonly { readonly resource?: AnyResource }[]
  readonly link?: readonly { readonly relation: string; readonly url: string }[]
}

/** `Patient/x`, or `x`. */
export const patientIdOf = (argument: string): string => argument.replace(/^Patient\//, '')

/** Every resource of a patient, page after page. */
export const everything = async (io: Io, edge: EdgeClient, patient: string): Promise<AnyResource[]> => {
  const resources: AnyResource[] = []
  let path: string | undefined = `/fhir/Patient/${encodeURIComponent(patient)}/$everything?_count=1000`
  while (path !== undefined) {
    const answer = await edge('GET', path, { headers: { accept: 'application/fhir+json' } })
    if (answer.status === 404) throw new CommandError('failed', MESSAGES[io.language].noPatient(patient))
    const bundle = jsonOf<Bundle>(answer)
    if (answer.status !== 200) throw new CommandError('failed', MESSAGES[io.language].failed(JSON.stringify(bundle)))
    for (const entry of bundle.entry ?? []) if (entry.resource !== undefined) resources.push(entry.resource)
    const next: string | undefined = bundle.link?.find((link) => link.relation === 'next')?.url
    path = next === undefined ? undefined : new URL(next).pathname + new URL(next).search
  }
  return resources
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

interface Codeable {
  readonly text?: string
  readonly coding?: readonly { readonly display?: string; readonly code?: string }[]
}

const labelOf = (resource: AnyResource): string => {
  for (const key of ['code', 'medicationCodeableConcept', 'vaccineCode', 'type', 'class']) {
    const value = resource[key] as Codeable | Codeable[] | undefined
    const concept = Array.isArray(value) ? value[0] : value
    const label = concept?.text ?? concept?.coding?.[0]?.display ?? concept?.coding?.[0]?.code
    if (label !== undefined) return label
  }
  return ''
}

const dateOf = (resource: AnyResource): string => {
  for (const key of [
    'effectiveDateTime',
    'onsetDateTime',
    'recordedDate',
    'authoredOn',
    'occurrenceDateTime',
    'issued',
    'date',
    'birthDate',
  ]) {
    const value = text(resource[key])
    if (value !== undefined) return value.slice(0, 10)
  }
  return text((resource['period'] as { start?: string } | undefined)?.start)?.slice(0, 10) ?? ''
}

const nameOf = (resources: readonly AnyResource[], fallback: string): string => {
  const patient = resources.find((resource) => resource.resourceType === 'Patient')
  const names = patient?.['name'] as { given?: string[]; family?: string; text?: string }[] | undefined
  const name = names?.[0]
  return name === undefined ? fallback : (name.text ?? `${(name.given ?? []).join(' ')} ${name.family ?? ''}`.trim())
}

/** One line a type: how many, the latest date, what the latest ones are. */
export const summary = (io: Io, resources: readonly AnyResource[], title: string): string[] => {
  const messages = MESSAGES[io.language]
  const byType = new Map<string, AnyResource[]>()
  for (const resource of resources)
    byType.set(resource.resourceType, [...(byType.get(resource.resourceType) ?? []), resource])
  const rows = [...byType]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([type, all]) => {
      const sorted = all.toSorted((a, b) => dateOf(b).localeCompare(dateOf(a)))
      const labels = [...new Set(sorted.map(labelOf).filter((label) => label !== ''))].slice(0, 3).join(', ')
      return [type, String(all.length), dateOf(sorted[0] as AnyResource), labels.slice(0, 72)]
    })
  const head = [messages.columnType, messages.columnCount, messages.columnLatest, messages.columnWhat]
  return [messages.chartOf(nameOf(resources, title)), '', ...table([head, ...rows])]
}

const print = (io: Io, resources: readonly AnyResource[], title: string, json: boolean): number => {
  const lines = json ? resources.map((resource) => JSON.stringify(resource)) : summary(io, resources, title)
  for (const line of lines) io.out(line)
  return EXIT.done
}

/** Through the edge, as its organisation. */
export const openAtEdge = async (io: Io, edge: EdgeClient, patient: string, json: boolean): Promise<number> =>
  print(io, await everything(io, edge, patient), patient, json)

/** The resources of opened records: the newest version of each, deleted ones left out. */
export const resourcesOf = (records: Iterable<OpenedRecord>): AnyResource[] =>
  [...records]
    .filter((record) => record.contentType === 'fhir+json')
    .map((record) => JSON.parse(new TextDecoder().decode(record.content)) as AnyResource)

export const printOpened = (io: Io, records: Iterable<OpenedRecord>, title: string, json: boolean): number =>
  print(io, resourcesOf(records), title, json)

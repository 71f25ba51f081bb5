/**
 * International Patient Summary (hl7.fhir.uv.ips 2.0.0) of one chart: a document Bundle with a generated narrative.
 * @module
 */
import type {
  Bundle, BundleEntry, Composition, CompositionSection, DeviceUseStatement, Patient, Reference, Resource,
} from '@medplum/fhirtypes'
import type { RuleTable } from './categories.ts'
import { mapReferences } from './reference-walk.ts'
import { COLUMNS } from './summary/columns.ts'
import type { Find } from './summary/columns.ts'
import { date, name } from './summary/cells.ts'
import type { Digits, Pen } from './summary/cells.ts'
import { completed } from './summary/completed.ts'
import { gather, keyOf, keyOfReference, supporting } from './summary/gathered.ts'
import type { Filled } from './summary/gathered.ts'
import { readingOf, subsetted } from './summary/readable.ts'
import type { Kept } from './summary/readable.ts'
import { SECTIONS } from './summary/sections.ts'
import type { Section } from './summary/sections.ts'
import { codeWord, word } from './summary/words.ts'
import type { Language } from './summary/words.ts'
import { division, element, table } from './summary/xhtml.ts'
import type { Markup } from './summary/xhtml.ts'

export { languageOf } from './summary/words.ts'
export type { Language } from './summary/words.ts'
export { SECTIONS } from './summary/sections.ts'
export type { Digits } from './summary/cells.ts'
export type { Kept } from './summary/readable.ts'

/** The profiles that a summary declares. */
export const IPS_BUNDLE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips'
export const IPS_COMPOSITION = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips'

export interface SummaryInput {
  readonly patient: Patient
  /** What else the chart's records call this patient: `Patient/id` of whoever was merged into them. */
  readonly others?: readonly string[]
  /** Current versions of the chart that the reader may read, each with the category it was sealed in. */
  readonly chart: readonly Kept[]
  /** A resource outside the chart that an entry refers to, by `Type/id`: practitioners, organisations. */
  readonly beside: (key: string) => Resource | undefined
  /** Address under which the resources are served; every fullUrl of a stored resource begins with it. */
  readonly base: string
  readonly organisation: string
  /** Strict categories that the reader asked for by name. */
  readonly asked: ReadonlySet<string>
  readonly rules?: RuleTable
  /** Records of the chart that could not be opened. */
  readonly gaps: number
  readonly language: Language
  readonly now: number
  /** UUID of this very document. */
  readonly documentId: string
  /** The same UUID for the same name, of this organisation alone. */
  readonly idFor: (name: string) => string
  readonly digits?: Digits
}

/** Whatever the chart holds, this is a valid document: gaps and silence are told, nothing is made up. */
export function summarise(input: SummaryInput): Bundle {
  const readings = input.chart.map((kept) => readingOf(sameSubject(kept, input), input.asked, input.rules))
  const shown = new Map(readings.flatMap((each) =>
    (each.kind === 'shown' ? [[keyOf(each.resource), each.resource] as const] : [])))
  const filled = gather(readings, (device) => statementFor(device, input))
  const listed = [...new Set([...filled.values()].flatMap(({ entries }) => entries))]
  const source = (key: string): Resource | undefined => shown.get(key) ?? input.beside(key)
  const support = supporting(listed, source, input.base)
  const held = new Map([...listed, ...support].map((each) => [keyOf(each), each]))
  const patient = patientEntry(input)
  const makers = makersOf(input)
  const sections = SECTIONS.flatMap((section) => sectionFor(section, filled, held, input))
  const composition = compositionOf(input, patient, makers, sections)
  const entry: BundleEntry[] = [
    { fullUrl: `urn:uuid:${composition.id}`, resource: composition },
    patient,
    ...makers,
    ...[...held.values()].map((each) => ({ fullUrl: urlOf(each, input), resource: completed(each) })),
  ]
  return {
    resourceType: 'Bundle',
    id: input.documentId,
    meta: { profile: [IPS_BUNDLE] },
    language: input.language,
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${input.documentId}` },
    type: 'document',
    timestamp: new Date(input.now).toISOString(),
    entry,
  }
}

/** One patient throughout the document, under one name. */
function sameSubject(kept: Kept, { patient, others = [] }: SummaryInput): Kept {
  if (others.length === 0) return kept
  const resource = mapReferences(kept.resource, (reference) =>
    (others.includes(reference) ? `Patient/${patient.id}` : undefined))
  return { ...kept, resource }
}

/** Made here and served nowhere: known by a UUID. */
const isDerived = (resource: Resource): boolean =>
  resource.resourceType === 'DeviceUseStatement' && resource.meta?.source === DERIVED

const DERIVED = 'urn:scelle:derived'

const urlOf = (resource: Resource, { base }: SummaryInput): string =>
  (isDerived(resource) ? `urn:uuid:${resource.id}` : `${base}/${keyOf(resource)}`)

function statementFor(device: Resource, { base, patient, idFor }: SummaryInput): DeviceUseStatement {
  return {
    resourceType: 'DeviceUseStatement',
    id: idFor(`use/${keyOf(device)}`),
    meta: { source: DERIVED },
    status: 'active',
    subject: { reference: `${base}/Patient/${patient.id}` },
    device: { reference: `${base}/${keyOf(device)}` },
  }
}

/** The parts of a Patient that its summary is about; a photograph and a general practitioner's link are not. */
function patientEntry({ base, patient }: SummaryInput): BundleEntry<Patient> {
  const { photo, ...rest } = patient
  const resource = completed(photo === undefined ? patient : subsetted(rest as Patient) as Patient)
  return { fullUrl: `${base}/Patient/${patient.id}`, resource }
}

/** Who answers for the document, and what made it. */
function makersOf({ organisation, idFor }: SummaryInput): [BundleEntry, BundleEntry] {
  const made = (resource: Resource): BundleEntry => ({ fullUrl: `urn:uuid:${resource.id}`, resource })
  return [
    made({ resourceType: 'Organization', id: idFor('organisation'), name: organisation }),
    made({
      resourceType: 'Device', id: idFor('software'), status: 'active',
      deviceName: [{ name: 'Scellé edge', type: 'user-friendly-name' }],
      owner: { reference: `urn:uuid:${idFor('organisation')}` },
    }),
  ]
}

function compositionOf(
  input: SummaryInput, patient: BundleEntry<Patient>, [organisation, software]: readonly [BundleEntry, BundleEntry],
  section: CompositionSection[],
): Composition {
  const { language, gaps, idFor, now } = input
  const time = new Date(now).toISOString()
  const to = ({ fullUrl = '' }: BundleEntry): Reference => ({ reference: fullUrl })
  return {
    resourceType: 'Composition',
    id: idFor(`document/${input.documentId}`),
    meta: { profile: [IPS_COMPOSITION] },
    language,
    text: { status: 'generated', div: division(language, ...headOf(input)) },
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${idFor(`summary/Patient/${input.patient.id}`)}` },
    status: gaps > 0 ? 'preliminary' : 'final',
    type: { coding: [{ system: 'http://loinc.org', code: '60591-5', display: 'Patient summary Document' }] },
    subject: to(patient),
    date: time,
    author: [to(software), to(organisation)] as Composition['author'],
    title: word(gaps > 0 ? 'incompleteTitle' : 'title', language),
    confidentiality: input.asked.size > 0 ? 'R' : 'N',
    custodian: to(organisation) as NonNullable<Composition['custodian']>,
    event: [{
      code: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActClass', code: 'PCPR' }] }],
      period: { end: time },
    }],
    section,
  }
}

/** The document's own narrative: of whom, by whom, when, and what it does not say. */
function headOf(input: SummaryInput): Markup[] {
  const { language, patient, gaps } = input
  const pen = penOf(input)
  const row = (heading: string, ...cell: readonly string[]): Markup =>
    element('tr', element('th', heading), element('td', cell.filter((line) => line !== '').join(' · ')))
  const rows = [
    row(word('patient', language), name(patient.name?.find(({ use }) => use === 'official') ?? patient.name?.[0])),
    row(word('born', language), date(patient.birthDate, pen)),
    row(word('gender', language), codeWord(patient.gender, language)),
    row(word('identifiers', language), ...(patient.identifier ?? []).map(({ value }) => value ?? '')),
    row(word('made', language), `${date(new Date(input.now).toISOString(), pen)} UTC`),
    row(word('by', language), input.organisation),
  ]
  return [
    element('table', element('tbody', ...rows)),
    element('p', word('automatic', language)),
    element('p', word('leftOut', language)),
    ...(gaps > 0 ? [element('p', element('b', `${word('gaps', language)}${gaps}`))] : []),
  ]
}

const penOf = ({ language, digits }: SummaryInput): Pen => ({ language, digits: digits ?? (() => undefined) })

function sectionFor(
  section: Section, filled: ReadonlyMap<string, Filled>, held: ReadonlyMap<string, Resource>, input: SummaryInput,
): CompositionSection[] {
  const { entries, wordsOnly, more } = filled.get(section.key) ?? { entries: [], wordsOnly: 0, more: 0 }
  if (entries.length === 0 && wordsOnly === 0 && !section.required) return []
  const { language } = input
  const remarks = [
    ...(input.gaps > 0 ? [`${word('gaps', language)}${input.gaps}`] : []),
    ...(wordsOnly > 0 ? [`${word('wordsOnly', language)}${wordsOnly}`] : []),
    ...(more > 0 ? [`${word('more', language)}${more}`] : []),
  ].map((remark) => element('p', remark))
  const content = entries.length > 0
    ? tableOf(section, entries, held, input)
    : element('p', word('none', language))
  return [{
    title: section.title[language],
    code: { coding: [{ system: 'http://loinc.org', code: section.code, display: section.display }] },
    text: { status: 'generated', div: division(language, content, ...remarks) },
    ...(entries.length > 0
      ? { entry: entries.map((each) => ({ reference: urlOf(each, input) })) }
      : { emptyReason: emptyReason(language) }),
  }]
}

/** Never "none known": that a chart says nothing of allergies does not mean that there are none. */
function emptyReason(language: Language): NonNullable<CompositionSection['emptyReason']> {
  const system = 'http://terminology.hl7.org/CodeSystem/list-empty-reason'
  return { coding: [{ system, code: 'unavailable', display: 'Unavailable' }], text: word('unavailable', language) }
}

function tableOf(
  { key }: Section, entries: readonly Resource[], held: ReadonlyMap<string, Resource>, input: SummaryInput,
): Markup {
  const columns = COLUMNS[key]
  const pen = penOf(input)
  const find: Find = (reference) => {
    const target = keyOfReference(reference ?? {}, input.base)
    return target === undefined ? undefined : held.get(target)
  }
  const rows = entries.map((entry) => columns.map(({ cell }) => cell(entry, pen, find)))
  return table(columns.map(({ heading }) => word(heading, input.language)), rows)
}

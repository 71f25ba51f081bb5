/**
 * IHE MHD 4.2 Provide Document Bundle (ITI-65): what a submission must be before it is carried out as a transaction.
 * @module
 */
import type { Binary, Bundle, BundleEntry, DocumentReference, List, Parameters, Resource } from '@medplum/fhirtypes'
import { isDocument } from './documents.ts'
import { checkDocumentReference, checkSubmissionSet, checkSubjects, MHD, MHD_LIST_TYPES } from './mhd/metadata.ts'
import type { MetadataLevel, Told } from './mhd/metadata.ts'
import { FhirError } from './outcomes.ts'
import type { Finding } from './outcomes.ts'

export { MHD, MHD_LIST_TYPES } from './mhd/metadata.ts'
export type { MetadataLevel } from './mhd/metadata.ts'

export interface ProvideOptions {
  /** Base64 of the SHA-1 of some bytes: R4 says so of `Attachment.hash`; it tells a mix-up, it is no proof. */
  readonly sha1: (content: string) => string
  /** Addresses of this server, so that a patient named by one is the one named without. */
  readonly bases: readonly string[]
}

const LEVELS: Readonly<Record<string, MetadataLevel>> = {
  [`${MHD}/StructureDefinition/IHE.MHD.Minimal.ProvideBundle`]: 'minimal',
  [`${MHD}/StructureDefinition/IHE.MHD.UnContained.Comprehensive.ProvideBundle`]: 'uncontained',
  [`${MHD}/StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle`]: 'comprehensive',
}

/** The metadata that a Bundle says it has; undefined for what is no submission. */
export function provideLevel(bundle: Bundle): MetadataLevel | undefined {
  const profiles: unknown = (bundle as { meta?: { profile?: unknown } | null }).meta?.profile
  const named = (Array.isArray(profiles) ? profiles : []).map((each) => String(each).split('|')[0] ?? '')
  return named.flatMap((each) => (Object.hasOwn(LEVELS, each) ? [LEVELS[each]] : []))[0]
}

/**
 * The submission as a transaction that this server carries out: each document tells whose it is, so that it is sealed
 * where its metadata is, and a status patch is a JSON Patch. Not checked: value sets that the guide does not fix.
 * @throws FhirError `invalid-bundle`, `ambiguous-patient`
 */
export function provideTransaction(bundle: Bundle, level: MetadataLevel, options: ProvideOptions): Bundle {
  const findings: Finding[] = []
  const told = (at: string): Told => (fits, diagnostics, member) => {
    if (!fits) findings.push({ severity: 'error', diagnostics, expression: `${at}${member}` })
  }
  const entries = bundle.entry ?? []
  const whole = told('Bundle')
  whole(bundle.type === 'transaction', 'a submission is a transaction', '.type')
  const sets = entries.filter(({ resource }) => isListOf(resource, 'submissionset'))
  whole(sets.length === 1, 'a submission has one List that is its submission set', '.entry')
  const documents = new Set(entries.flatMap(({ resource }) => (isReference(resource) ? [urlOf(resource)] : [])))
  const submission: Submission = { level, options, documents, byUrl: byUrlOf(entries) }
  for (const [place, entry] of entries.entries()) checkEntry(entry, told(`Bundle.entry[${place}]`), submission)
  if (findings.length > 0) throw FhirError.of('invalid-bundle', findings.slice(0, 100))
  checkMembership(sets[0]?.resource as List, entries)
  const subject = checkSubjects(entries, options.bases)
  return { ...bundle, entry: entries.map((entry) => carriedOut(entry, documents, subject)) }
}

interface Submission {
  readonly level: MetadataLevel
  readonly options: ProvideOptions
  /** What the DocumentReferences say to be their documents. */
  readonly documents: ReadonlySet<string>
  /** Entries by fullUrl; the first of a name counts. */
  readonly byUrl: ReadonlyMap<string, BundleEntry>
}

function byUrlOf(entries: readonly BundleEntry[]): ReadonlyMap<string, BundleEntry> {
  return new Map(entries.toReversed().flatMap((entry) =>
    (entry.fullUrl === undefined ? [] : [[entry.fullUrl, entry] as const])))
}

const isReference = (resource: Resource | undefined): resource is DocumentReference =>
  resource?.resourceType === 'DocumentReference'

const urlOf = (reference: DocumentReference): string => reference.content[0]?.attachment.url ?? ''

function isListOf(resource: Resource | undefined, kind: string): resource is List {
  return resource?.resourceType === 'List'
    && resource.code?.coding?.some(({ system, code }) => system === MHD_LIST_TYPES && code === kind) === true
}

function checkEntry({ fullUrl, resource, request }: BundleEntry, told: Told, submission: Submission): void {
  const method = request?.method
  if (isListOf(resource, 'submissionset')) {
    told(method === 'POST', 'a submission set is created', '.request.method')
    checkSubmissionSet(resource, submission.level, told)
  } else if (isListOf(resource, 'folder')) {
    told(method === 'POST' || method === 'PUT', 'a folder is created or updated', '.request.method')
  } else if (isReference(resource)) {
    told(method === 'POST', 'a DocumentReference is created', '.request.method')
    checkDocumentReference(resource, submission.level, told)
    checkContent(resource, told, submission)
  } else if (resource?.resourceType === 'Binary' || (resource !== undefined && isDocument(resource))) {
    const named = fullUrl !== undefined && submission.documents.has(fullUrl)
    const isPatch = method === 'PATCH' && resource.resourceType === 'Binary'
    told(method === 'POST' || isPatch, 'a document is created', '.request.method')
    told(named || isPatch, 'no DocumentReference of the submission has this document', '.fullUrl')
  } else if (resource?.resourceType === 'Parameters') {
    const isStatus = method === 'PATCH' && isSuperseding(resource)
    told(isStatus, 'a DocumentReference is patched to superseded only', '.resource')
  } else {
    const isPatient = resource === undefined ? method === 'GET' : resource.resourceType === 'Patient'
    told(isPatient, 'a submission has no such entry', '.resource')
  }
}

/** The document that the metadata is about, byte for byte. */
function checkContent(reference: DocumentReference, told: Told, { byUrl, options }: Submission): void {
  const { url = '', contentType, size, hash } = reference.content[0]?.attachment ?? {}
  const at = '.resource.content[0].attachment'
  const target = byUrl.get(url)?.resource
  if (target === undefined) {
    told(/^https?:\/\//.test(url), 'the document is an entry of the submission, or elsewhere by http', `${at}.url`)
    return
  }
  if (target.resourceType !== 'Binary') {
    told(isDocument(target), 'the content is a Binary or a document Bundle', `${at}.url`)
    told(size === undefined && hash === undefined, 'a document Bundle has no size and no hash', at)
    return
  }
  const data = target.data ?? ''
  told(target.contentType === contentType, 'the type is not that of the Binary', `${at}.contentType`)
  told(size === undefined || size === bytesIn(data), 'the size is not that of the Binary', `${at}.size`)
  told(hash === undefined || hash === options.sha1(data), 'the hash is not that of the Binary', `${at}.hash`)
}

function bytesIn(base64: string): number {
  const plain = base64.replace(/\s/g, '')
  return (plain.length / 4) * 3 - (plain.endsWith('==') ? 2 : Number(plain.endsWith('=')))
}

function checkMembership(set: List, entries: readonly BundleEntry[]): void {
  const items = new Set((set.entry ?? []).map(({ item }) => item.reference))
  const loose = entries.findIndex(({ fullUrl, resource }) => isReference(resource) && !items.has(fullUrl))
  if (loose < 0) return
  throw new FhirError('invalid-bundle', 'the submission set does not list this DocumentReference',
    `Bundle.entry[${loose}]`)
}

function isSuperseding({ parameter = [] }: Parameters): boolean {
  const [operation] = parameter
  const parts = new Map((operation?.part ?? []).map((part) => [part.name, part.valueCode ?? part.valueString]))
  return parameter.length === 1 && operation?.name === 'operation' && parts.get('type') === 'replace'
    && parts.get('path') === 'DocumentReference.status' && parts.get('value') === 'superseded'
}

const SUPERSEDE = JSON.stringify([{ op: 'replace', path: '/status', value: 'superseded' }])

function carriedOut(entry: BundleEntry, documents: ReadonlySet<string>, subject: string): BundleEntry {
  const { resource, fullUrl = '' } = entry
  if (resource?.resourceType === 'Parameters') {
    const patch: Binary = { resourceType: 'Binary', contentType: 'application/json-patch+json', data: btoa(SUPERSEDE) }
    return { ...entry, resource: patch }
  }
  if (resource?.resourceType !== 'Binary' || !documents.has(fullUrl)) return entry
  return { ...entry, resource: { ...resource, securityContext: { reference: subject } } }
}

/** What MHD's profiles of List and DocumentReference demand beyond R4, by the level of metadata. */
import type { BundleEntry, DocumentReference, Extension, List, Reference } from '@medplum/fhirtypes'
import { FhirError } from '../outcomes.ts'

export const MHD = 'https://profiles.ihe.net/ITI/MHD'
export const MHD_LIST_TYPES = `${MHD}/CodeSystem/MHDlistTypes`

/** `comprehensive` is `uncontained`, and people are told inside the resource. */
export type MetadataLevel = 'minimal' | 'uncontained' | 'comprehensive'

/** Notes a demand that is not met. */
export type Told = (fits: boolean, diagnostics: string, member: string) => void

const extensionsOf = (list: List, name: string): Extension[] =>
  (list.extension ?? []).filter(({ url }) => url === `${MHD}/StructureDefinition/${name}`)

export function checkSubmissionSet(list: List, level: MetadataLevel, told: Told): void {
  const need = (fits: boolean, what: string, member: string): void => told(fits, what, `.resource${member}`)
  const sources = extensionsOf(list, 'ihe-sourceId')
  need(sources.length === 1 && sources[0]?.valueIdentifier?.value !== undefined,
    'a submission set has one ihe-sourceId, an Identifier', '.extension')
  need(list.status === 'current', 'expected current', '.status')
  need(list.mode === 'working', 'expected working', '.mode')
  need(list.date !== undefined, 'a submission set has a date', '.date')
  need(list.encounter === undefined, 'a submission set has no encounter', '.encounter')
  need(list.orderedBy === undefined, 'a submission set has no order', '.orderedBy')
  need(list.emptyReason === undefined, 'a submission set has no reason to be empty', '.emptyReason')
  if (level === 'minimal') return
  need(extensionsOf(list, 'ihe-designationType').length > 0, 'a submission set has an ihe-designationType',
    '.extension')
}

export function checkDocumentReference(reference: DocumentReference, level: MetadataLevel, told: Told): void {
  const need = (fits: boolean, what: string, member: string): void => told(fits, what, `.resource${member}`)
  const [content] = reference.content
  const { attachment } = content ?? {}
  need(reference.masterIdentifier?.value !== undefined, 'a document has a unique id', '.masterIdentifier')
  need(reference.docStatus === undefined, 'not used in a submission', '.docStatus')
  need(reference.content.length === 1, 'one content', '.content')
  need((reference.category ?? []).length < 2, 'one category at most', '.category')
  need(attachment?.contentType !== undefined, 'the type of the document', '.content[0].attachment.contentType')
  need(attachment?.url !== undefined, 'where the document is', '.content[0].attachment.url')
  need(attachment?.data === undefined, 'a document is not inside its metadata', '.content[0].attachment.data')
  if (level === 'minimal') return
  const { context } = reference
  need(reference.type !== undefined, 'needed in comprehensive metadata', '.type')
  need(reference.category?.length === 1, 'needed in comprehensive metadata', '.category')
  need((reference.securityLabel ?? []).length > 0, 'needed in comprehensive metadata', '.securityLabel')
  need(attachment?.language !== undefined, 'needed in comprehensive metadata', '.content[0].attachment.language')
  need(attachment?.creation !== undefined, 'needed in comprehensive metadata', '.content[0].attachment.creation')
  need(content?.format !== undefined, 'needed in comprehensive metadata', '.content[0].format')
  need(context?.facilityType !== undefined, 'needed in comprehensive metadata', '.context.facilityType')
  need(context?.practiceSetting !== undefined, 'needed in comprehensive metadata', '.context.practiceSetting')
  need(context?.sourcePatientInfo !== undefined, 'needed in comprehensive metadata', '.context.sourcePatientInfo')
  if (level === 'uncontained') return
  const people = [...(reference.author ?? []), reference.authenticator, context?.sourcePatientInfo]
  const inside = people.every((each) => each === undefined || each.reference?.startsWith('#') === true)
  need(inside, 'authors, authenticator and source patient are contained', '')
}

/**
 * The reference by which everything in a submission names its patient: one patient, the same everywhere.
 * @throws FhirError `ambiguous-patient`
 */
export function checkSubjects(entries: readonly BundleEntry[], bases: readonly string[]): string {
  const nameOf = (subject: Reference | undefined): string | undefined => {
    const text = subject?.reference
    const base = bases.find((each) => text?.startsWith(`${each}/`))
    const local = base === undefined ? text : text?.slice(base.length + 1)
    return local?.replace(/\/_history\/[^/]+$/, '')
  }
  const subjects = entries.flatMap(({ fullUrl, resource }, place) => {
    if (resource?.resourceType === 'Patient') return [{ place, name: fullUrl }]
    const isMetadata = resource?.resourceType === 'List' || resource?.resourceType === 'DocumentReference'
    return isMetadata ? [{ place, name: nameOf(resource.subject) }] : []
  })
  const [first] = subjects
  const other = subjects.find(({ name }) => name === undefined || name !== first?.name)
  if (other === undefined && first?.name !== undefined) return first.name
  throw new FhirError('ambiguous-patient', other?.name === undefined
    ? 'names no patient as its subject: everything in a submission names the same one'
    : 'names another patient than the rest of the submission', `Bundle.entry[${other?.place ?? 0}].resource.subject`)
}

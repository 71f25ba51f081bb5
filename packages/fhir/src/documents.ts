/**
 * FHIR documents (R4 documents.html): what a document Bundle must be to be kept, and one made from stored resources.
 * @module
 */
import type { Bundle, Composition, Patient, Resource } from '@medplum/fhirtypes'
import { FhirError } from './outcomes.ts'
import type { Finding } from './outcomes.ts'
import { patientOf } from './patient-of.ts'
import type { ResourceOwner } from './patient-of.ts'
import { mapReferences, referencesOf } from './reference-walk.ts'
import { parseReference } from './reference-text.ts'
import { keyOf, supporting } from './summary/gathered.ts'

/** Whom a document is about, as it says itself. */
export interface DocumentSubject {
  readonly fullUrl: string
  readonly patient: Patient
}

/** True for what the rules of documents apply to. */
export function isDocument(resource: Resource): resource is Bundle {
  return resource.resourceType === 'Bundle' && resource.type === 'document'
}

/**
 * Checks a valid Bundle as a document: identifier and timestamp, a Composition first, every entry named once and
 * absolutely, everything that the Composition speaks of inside, one patient throughout. Undefined where it is about no
 * patient.
 * @throws FhirError `invalid-bundle`, `unresolved-reference`, `ambiguous-patient`
 */
export function checkDocument(bundle: Bundle): DocumentSubject | undefined {
  checkForm(bundle)
  const inside = insideOf(bundle)
  checkReferences(bundle, inside)
  return subjectOf(bundle, inside)
}

/** For the entry of `from`, what finds the entry that a reference in it names (R4 bundle.html#references). */
type Inside = (from: string) => (reference: string) => Resource | undefined

const RESTFUL = /^(https?:\/\/[^?#\s]+)\/[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/

function insideOf(bundle: Bundle): Inside {
  const byUrl = new Map((bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl, resource]))
  return (from) => {
    const [, root] = RESTFUL.exec(from) ?? []
    return (reference) => {
      const plain = reference.replace(/\/_history\/[^/]+$/, '')
      return byUrl.get(plain) ?? (root === undefined ? undefined : byUrl.get(`${root}/${plain}`))
    }
  }
}

const ABSOLUTE = /^(?:https?:\/\/[^\s/?#]+\/\S*|urn:(?:uuid|oid):\S+)$/

function checkForm(bundle: Bundle): void {
  const findings: Finding[] = []
  const wrong = (diagnostics: string, expression: string): void => {
    findings.push({ severity: 'error', diagnostics, expression })
  }
  if (bundle.identifier?.value === undefined || bundle.identifier.system === undefined) {
    wrong('a document has an identifier, with system and value', 'Bundle.identifier')
  }
  if (bundle.timestamp === undefined) wrong('a document says when it was put together', 'Bundle.timestamp')
  const [first] = bundle.entry ?? []
  if (first?.resource?.resourceType !== 'Composition') {
    wrong('the first entry of a document is its Composition', 'Bundle.entry[0]')
  }
  const urls = new Set<string>()
  for (const [place, { fullUrl = '', resource, request, response, search }] of (bundle.entry ?? []).entries()) {
    const at = `Bundle.entry[${place}]`
    if (resource === undefined) wrong('an entry of a document holds a resource', at)
    if (request ?? response ?? search) wrong('an entry of a document is no request, answer or match', at)
    if (!ABSOLUTE.test(fullUrl)) wrong('an entry of a document has an absolute fullUrl', `${at}.fullUrl`)
    else if (urls.has(fullUrl)) wrong('two entries have the same fullUrl', `${at}.fullUrl`)
    urls.add(fullUrl)
  }
  if (findings.length > 0) throw FhirError.of('invalid-bundle', findings.slice(0, 100))
}

/** What a document relates to lies outside of it; all else that its Composition names is part of it. */
const OUTSIDE = /^Composition\.(?:relatesTo|extension|contained)\b/

function checkReferences(bundle: Bundle, inside: Inside): void {
  const findings: Finding[] = []
  for (const [place, { fullUrl = '', resource }] of (bundle.entry ?? []).entries()) {
    const target = inside(fullUrl)
    for (const { reference, path } of resource === undefined ? [] : referencesOf(resource)) {
      const { kind } = parseReference(reference)
      const isOwn = place === 0 && kind !== 'contained' && !OUTSIDE.test(path)
      if ((isOwn || kind === 'urn') && target(reference) === undefined) {
        findings.push({ severity: 'error', diagnostics: 'this reference leads to no entry of the document',
          expression: `Bundle.entry[${place}].resource.${path.slice(path.indexOf('.') + 1)}` })
      }
    }
  }
  if (findings.length > 0) throw FhirError.of('unresolved-reference', findings.slice(0, 100))
}

/** Every entry under a name of its own, so that whose it is can be asked without asking who else has its id. */
function subjectOf(bundle: Bundle, inside: Inside): DocumentSubject | undefined {
  const entries = bundle.entry ?? []
  const names = new Map(entries.flatMap(({ resource }, place) =>
    (resource === undefined ? [] : [[resource, `${resource.resourceType}/entry-${place}`] as const])))
  const named = entries.map(({ fullUrl = '', resource }, place) => {
    if (resource === undefined) return undefined
    const find = inside(fullUrl)
    const local = mapReferences(resource, (reference) => {
      const target = find(reference)
      return target === undefined ? undefined : names.get(target)
    })
    return { ...local, id: `entry-${place}` }
  })
  const owners = named.map((resource) => (resource === undefined ? undefined : ownerOf(resource, named)))
  const subject = nameIn(owners[0])
  for (const [place, owner] of owners.entries()) {
    const name = nameIn(owner)
    // Of no patient is only what may be of none: whoever is named by a number alone would leave their own grants.
    const isUnclear = subject === undefined && owner?.kind === 'ambiguous'
    if (!isUnclear && (name === undefined || name === subject)) continue
    throw new FhirError('ambiguous-patient', isUnclear
      ? 'this entry may be about a patient: the subject of such a document is one of its entries'
      : 'this entry is about another patient than the document', `Bundle.entry[${place}].resource`)
  }
  if (subject === undefined) return undefined
  const place = Number(subject.slice(subject.lastIndexOf('-') + 1))
  const { fullUrl = '', resource } = entries[place] ?? {}
  if (resource?.resourceType !== 'Patient') {
    throw new FhirError('ambiguous-patient', 'the patient of a document is one of its entries', 'Composition.subject')
  }
  return { fullUrl, patient: resource }
}

const nameIn = (owner: ResourceOwner | undefined): string | undefined =>
  (owner?.kind === 'patient' ? owner.reference : undefined)

function ownerOf(resource: Resource, named: readonly (Resource | undefined)[]): ResourceOwner {
  const owner = patientOf(resource, {
    patientOfTarget: (type, id) => {
      const target = named[Number(/^entry-(\d+)$/.exec(id)?.[1] ?? -1)]
      if (target === undefined || target === resource || target.resourceType !== type) return undefined
      const beside = patientOf(target)
      return beside.kind === 'patient' ? beside.reference : undefined
    },
  })
  if (owner.kind === 'ambiguous' && owner.reason === 'many') {
    throw new FhirError('ambiguous-patient', 'names more than one patient; split it', resource.resourceType)
  }
  return owner
}

export interface Assembly {
  readonly composition: Composition
  /** A stored resource by `Type/id`, of this patient or of the organisation. */
  readonly source: (key: string) => Resource | undefined
  readonly base: string
  readonly documentId: string
  readonly now: number
}

/**
 * A document from a stored Composition (R4 Composition-operation-document): what it names, and what that refers to.
 * @throws FhirError `unresolved-reference` where something it names is not there: part of a document is none
 */
export function assembleDocument({ composition, source, base, documentId, now }: Assembly): Bundle {
  const direct = new Map<string, Resource>()
  const missing: Finding[] = []
  for (const { reference, path } of referencesOf(composition)) {
    const parsed = parseReference(reference)
    if (parsed.kind === 'contained' || OUTSIDE.test(path)) continue
    const key = parsed.kind === 'literal' && (parsed.base ?? base) === base ? `${parsed.type}/${parsed.id}` : undefined
    const target = key === undefined ? undefined : source(key)
    if (key === undefined || target === undefined) {
      missing.push({ severity: 'error', diagnostics: 'what this refers to cannot be read here', expression: path })
    } else direct.set(key, target)
  }
  if (missing.length > 0) throw FhirError.of('unresolved-reference', missing.slice(0, 100))
  const resources = [composition, ...direct.values()]
  return {
    resourceType: 'Bundle',
    id: documentId,
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${documentId}` },
    type: 'document',
    timestamp: new Date(now).toISOString(),
    entry: [...resources, ...supporting(resources, source, base)]
      .map((resource) => ({ fullUrl: `${base}/${keyOf(resource)}`, resource })),
  }
}

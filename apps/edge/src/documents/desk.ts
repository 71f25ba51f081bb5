/**
 * Whose vault a document goes to. Documents come from elsewhere: the ids inside are their sender's, and a patient who
 * has number 17 there is not the one who has it here.
 */
import type { Identifier, Resource } from '@medplum/fhirtypes'
import { checkDocument, type DocumentSubject, isDocument } from '@scelle/fhir/documents'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import type { Search } from '../search.ts'
import type { Directory } from '../store/directory.ts'
import { ORGANISATION } from '../vaults.ts'

export interface DocumentDeskOptions {
  readonly directory: Directory
  readonly search: Pick<Search, 'matches'>
}

type Asking = Pick<Call, 'base' | 'session' | 'permit'>

const UUID = /^urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i
const ELSEWHERE = /^https?:\/\/[^?#\s]+\/Patient\/[A-Za-z0-9\-.]{1,64}$/

export class DocumentDesk {
  readonly #options: DocumentDeskOptions

  constructor(options: DocumentDeskOptions) {
    this.#options = options
  }

  /**
   * The owner of a document, as the planner names owners; undefined for a resource that is no document. `within`: the
   * patient that its metadata beside it names.
   * @throws FhirError as `checkDocument` does; EdgeError `business-rule` where it cannot be told
   */
  async ownerOf(call: Asking, resource: Resource, within?: string): Promise<string | undefined> {
    if (!isDocument(resource)) return undefined
    const subject = checkDocument(resource)
    if (subject === undefined) return ORGANISATION
    const foreign = nameOf(subject, call.base)
    if (foreign !== undefined && subject.fullUrl.startsWith(`${call.base}/`)) {
      requireSame(within, foreign)
      return foreign
    }
    if (within !== undefined) return this.#agreed(call, subject, within)
    // Where it was put first it stays, also when its patient comes into care later.
    const before = this.#presentOwner(resource)
    if (before !== undefined && before === foreign) return before
    const known = await this.#known(call, subject)
    if (known !== undefined && !known.isDoubtful) return known.patient
    if (foreign !== undefined) return foreign
    throw known === undefined
      ? new EdgeError('business-rule', 'name the patient by a URL, a urn:uuid or an identifier known here',
        'Bundle.entry.fullUrl')
      : bornOnAnotherDay()
  }

  /** Whoever took a patient over has their documents, too. */
  #inUse(patient: string): string {
    const { merges } = this.#options.directory.patients
    for (let at: string | undefined = patient, into = patient; ; at = merges.targetOf(into)) {
      if (at === undefined) return into
      into = at
    }
  }

  async #agreed(call: Asking, subject: DocumentSubject, within: string): Promise<string> {
    const known = await this.#known(call, subject)
    if (known?.isDoubtful === true) throw bornOnAnotherDay()
    if (known !== undefined) requireSame(within, known.patient)
    return within
  }

  #presentOwner({ id }: Resource): string | undefined {
    const { directory } = this.#options
    const locator = directory.locator(`Bundle/${id ?? ''}`)
    return locator === undefined || locator.deleted ? undefined : directory.vault(locator.vault)?.patient
  }

  /**
   * The one patient of this organisation's own who has one of the identifiers; doubtful where the document says another
   * birth date. A partner's patients do not count: by claiming a number it would have documents brought to it.
   */
  async #known(call: Asking, { patient }: DocumentSubject): Promise<Known | undefined> {
    const found = new Set<string>()
    for (const identifier of (patient.identifier ?? []).slice(0, 32)) {
      const query = queryOf(identifier)
      if (query === undefined) continue
      for (const match of await this.#options.search.matches(call, 'Patient', query)) {
        if (this.#isOwn(match)) found.add(this.#inUse(match))
      }
    }
    const [only] = found
    if (found.size > 1) {
      throw new EdgeError('business-rule', 'several patients here have an identifier of the document\'s patient')
    }
    if (only === undefined) return undefined
    if (patient.birthDate === undefined) return { patient: only, isDoubtful: false }
    const id = only.slice(only.indexOf('/') + 1)
    const born = `_id=${encodeURIComponent(id)}&birthdate=ne${patient.birthDate}&birthdate:missing=false`
    return { patient: only, isDoubtful: (await this.#options.search.matches(call, 'Patient', born)).length > 0 }
  }

  #isOwn(patient: string): boolean {
    const { directory } = this.#options
    const locator = directory.locator(patient)
    return locator?.author === directory.self && directory.vault(locator.vault)?.origin === 'own'
  }
}

/** Whom an identifier names here. */
interface Known {
  readonly patient: string
  /** The document says another birth date: it is filed as a stranger's, never as this patient's. */
  readonly isDoubtful: boolean
}

const bornOnAnotherDay = (): EdgeError =>
  new EdgeError('business-rule', 'the patient who has this identifier here was born on another day',
    'Patient.birthDate')

const requireSame = (within: string | undefined, owner: string): void => {
  if (within !== undefined && within !== owner) {
    throw new EdgeError('business-rule', 'the document is about another patient than its metadata',
      'DocumentReference.subject')
  }
}

/** What the document's own naming comes to: a patient here, one of another server, or a UUID that nobody else has. */
const nameOf = ({ fullUrl }: DocumentSubject, base: string): string | undefined => {
  if (fullUrl.startsWith(`${base}/Patient/`)) return fullUrl.slice(base.length + 1)
  if (ELSEWHERE.test(fullUrl)) return fullUrl
  const uuid = UUID.exec(fullUrl)?.[1]
  return uuid === undefined ? undefined : `Patient/${uuid.toLowerCase()}`
}

/** `identifier=system|value`; an identifier of no system names nobody. */
const queryOf = ({ system, value }: Identifier): string | undefined => {
  if (system === undefined || value === undefined) return undefined
  const escaped = [system, value].map((part) => part.replace(/[\\,|$]/g, '\\$&'))
  return `identifier=${encodeURIComponent(escaped.join('|'))}`
}

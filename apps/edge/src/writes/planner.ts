/**
 * From what a request wants to what will be sealed. Everything that can be refused is refused here, before anything
 * is kept.
 */
import type { Resource } from '@medplum/fhirtypes'
import { ACCESS_LOG, handleOf, toHex } from '@scelle/sdk'
import { categorise, type RuleTable } from '@scelle/fhir/categories'
import { isDocument } from '@scelle/fhir/documents'
import { type ProfileSet, requireProfiles } from '@scelle/fhir/profiles'
import type { Octets } from '../attachments/octets.ts'
import { checkAttachments } from '../attachments/references.ts'
import type { Entry, Locator } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import type { Merge } from '../persons/merges.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Directory, VaultRow } from '../store/directory.ts'
import { ORGANISATION } from '../vaults.ts'
import { type NewOctets, octetsFor, octetsWrite, requireSamePlace } from './octets-rules.ts'
import { type Around, ownerAmong, type Siblings } from './owners.ts'
import { ownReferences, plainText, stamped, stampedBytes } from './texts.ts'
import type { PlannedWrite } from './unit.ts'

/** A resource of which everything is known that its text says: see `aside/prepare.ts`. */
export interface PreparedResource {
  /** A patient's reference, or ORGANISATION. */
  readonly owner: string
  readonly category: string
  /** Its JSON text without version and time, and where they go into it. */
  readonly plain: Uint8Array
  readonly head: number
  readonly hasMeta: boolean
}

/** What shall become of one resource. */
export interface Change {
  readonly type: string
  readonly id: string
  /** Absent, as `prepared` is: delete it. */
  readonly resource?: Resource
  /** Instead of `resource`. */
  readonly prepared?: PreparedResource
  /** The id was drawn for it just now: nothing is there. */
  readonly fresh?: true
  /** Whose it is, where that was settled before: a patient's reference, or ORGANISATION. */
  readonly owner?: string
  /** Version that must be the current one. */
  readonly ifMatch?: number
  /** It must not exist yet. */
  readonly ifAbsent?: boolean
  /** This version of a Patient begins or ends a merge. */
  readonly merge?: Merge | 'undone'
  /** Of a Binary whose octets came as they are. */
  readonly octets?: NewOctets
  /** Where the resource stands in the request, for diagnostics. */
  readonly expression?: string
}

/** What a change will do. `owner` is the patient's reference, or ORGANISATION. */
export interface PlannedChange {
  readonly status: 200 | 201 | 204
  /**
   * The version that the change leaves: the new one, or the present one where nothing changes. Absent: nothing was
   * there.
   */
  readonly entry?: Entry
  readonly owner: string
  /** Without the vault, which may have to be made first. */
  readonly writes: readonly PlannedWrite[]
}

export interface PlannerOptions {
  /** Principal id of this organisation, hex: the author of all that is planned. */
  readonly self: string
  readonly directory: Directory
  readonly cabinet: Cabinet
  readonly rules: RuleTable
  readonly profiles: ProfileSet
  readonly now: () => number
}

export class Planner {
  readonly #options: PlannerOptions

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /**
   * Plans one change against the directory. The caller holds the lock of `Type/id`. `siblings`: what the same
   * transaction writes, by `Type/id`.
   * @throws EdgeError `precondition-failed`, `not-author`, `business-rule`; FhirError `ambiguous-patient`,
   * `profile-violated`
   */
  plan(change: Change, bases: readonly string[], siblings: Siblings = new Map()): PlannedChange {
    requireNoEntry(change)
    const { directory, self } = this.#options
    const current = change.fresh === true ? undefined : directory.locator(`${change.type}/${change.id}`)
    const live = current !== undefined && !current.deleted
    if (change.ifMatch !== undefined && (!live || current.version !== change.ifMatch)) {
      throw new EdgeError('precondition-failed', undefined, change.expression)
    }
    if (change.ifAbsent === true && live) throw new EdgeError('precondition-failed', undefined, change.expression)
    // A line of versions is its author's: readers would set aside what this organisation put into another's.
    const isForeign = current !== undefined && current.author !== self
    if (isForeign && (live || !isDeletion(change))) {
      throw new EdgeError('not-author', undefined, change.expression)
    }
    this.#checkMerged(change)
    const before = current === undefined ? undefined : this.#rowOf(current)
    if (change.prepared !== undefined) return this.#put(change, draftOf(change.prepared), current, before)
    if (change.resource === undefined) return this.#remove(current, before)
    return this.#put(change, this.#draft(change, change.resource, this.#around(bases, siblings)), current, before)
  }

  #remove(current: Locator | undefined, row: VaultRow | undefined): PlannedChange {
    const owner = row?.patient ?? ORGANISATION
    if (current === undefined || current.deleted) return { status: 204, owner, writes: [] }
    const locator: Locator = {
      ...current, version: current.version + 1, deleted: true, updated: this.#time(current), digest: '',
    }
    const write = { locator, content: new Uint8Array(0) }
    return { status: 204, owner, writes: [write], entry: { ...locator, bytes: write.content } }
  }

  #put(change: Change, draft: Draft, current: Locator | undefined, row: VaultRow | undefined): PlannedChange {
    const { cabinet, directory, self } = this.#options
    const { type, id } = change
    const { owner } = draft
    const live = current !== undefined && !current.deleted
    if (!live) this.#checkOwner(owner, change)
    if (live && (row?.patient ?? ORGANISATION) !== owner && directory.vaultOf(owner) !== current.vault) {
      throw new EdgeError(
        'business-rule',
        'a resource stays with its patient: delete it, and create it anew for the other one',
        change.expression,
      )
    }
    const octets = draft.octets(current)
    const digest = cabinet.digest(draft.plain)
    if (live && current.digest === digest) {
      const bytes = draft.stamped(current.version, current.updated)
      return { status: 200, owner, writes: [], entry: { ...current, bytes } }
    }
    const category = draft.category()
    requireNoAccessLog(category, change)
    requireSamePlace(octets, change.octets, category, current)
    if (live && current.category !== category && row?.origin === 'granted') {
      throw new EdgeError('business-rule', 'only its custodian can move a record to another category',
        change.expression)
    }
    const version = (current?.version ?? 0) + 1
    const updated = this.#time(current)
    const handle = current?.handle ?? toHex(handleOf(cabinet.handleKey, type, id))
    const locator: Locator = {
      type, id, vault: current?.vault ?? '', category, author: self, handle, version, deleted: false, updated, digest,
      ...(octets === undefined ? {} : { octets }),
    }
    const content = draft.stamped(version, updated)
    const merge = change.merge === undefined ? {} : { merge: change.merge }
    const writes: PlannedWrite[] = [{ locator, content, ...merge }]
    if (change.octets !== undefined) writes.push(octetsWrite(locator, change.octets))
    if (live && current.category !== category) {
      const left = { ...current, version, updated, deleted: true, digest: '' }
      writes.push({ locator: left, content: new Uint8Array(0), shadow: true })
    }
    return { status: live ? 200 : 201, owner, writes, entry: { ...locator, bytes: content } }
  }

  /** What a resource says of itself, beside what the same transaction writes. */
  #draft(change: Change, given: Resource, around: Around): Draft {
    const { profiles, rules } = this.#options
    // A document is kept as it came, or its signature would be of something else.
    const resource = isDocument(given) ? given : ownReferences(given, around.bases)
    const owner = change.owner ?? ownerAmong(resource, around, change.expression)
    const plain = plainText(resource, change.id)
    return {
      owner, plain,
      octets: (current) => {
        this.#checkAttachments(resource, owner, around)
        return octetsFor(resource, change.octets, current)
      },
      category: () => {
        requireProfiles(resource, profiles, change.expression)
        return categorise(resource, rules).category
      },
      stamped: (version, updated) => stamped(plain, version, updated),
    }
  }

  #around(bases: readonly string[], siblings: Siblings): Around {
    const { directory } = this.#options
    return {
      bases, siblings,
      patientHere: (key) => {
        const locator = directory.locator(key)
        return locator === undefined ? undefined : this.#rowOf(locator)?.patient
      },
    }
  }

  /** Who was merged away is no longer written to, and who took somebody over does not go before them. */
  #checkMerged(change: Change): void {
    const { type, id, merge, expression } = change
    if (type !== 'Patient' || merge !== undefined) return
    const { merges } = this.#options.directory.patients
    if (merges.targetOf(`Patient/${id}`) !== undefined) throw new EdgeError('business-rule', REPLACED, expression)
    if (isDeletion(change) && merges.sourcesOf(`Patient/${id}`).length > 0) {
      throw new EdgeError('business-rule', 'another patient was merged into this one: undo that first', expression)
    }
  }

  /** New records go to the patient that remains; those that are there stay, and can be corrected. */
  #checkOwner(owner: string, { type, expression }: Pick<Change, 'type' | 'expression'>): void {
    if (type === 'Patient' || this.#options.directory.patients.merges.targetOf(owner) === undefined) return
    throw new EdgeError('business-rule', REPLACED, expression)
  }

  /** Where a new resource would go. Throws as {@link plan}. */
  place(resource: Resource, bases: readonly string[]): { readonly owner: string; readonly category: string } {
    const own = ownReferences(resource, bases)
    requireNoEntry({ type: own.resourceType })
    const { category } = categorise(own, this.#options.rules)
    requireNoAccessLog(category, {})
    const owner = ownerAmong(own, this.#around(bases, new Map()), undefined)
    this.#checkOwner(owner, { type: own.resourceType })
    return { owner, category }
  }

  #checkAttachments(resource: Resource, owner: string, around: Around): void {
    const { directory } = this.#options
    checkAttachments(resource, around.bases, {
      sibling: (id) => around.siblings.get(`Binary/${id}`),
      isSiblingHere: (sibling) => ownerAmong(sibling, around, undefined) === owner,
      locator: (id) => directory.locator(`Binary/${id}`),
      isHere: (vault) => directory.vaultOf(owner) === vault,
    })
  }

  #rowOf(locator: Locator): VaultRow | undefined {
    return this.#options.directory.vault(locator.vault)
  }

  /** Never before the version it follows, whatever the clock did: clients sort by it. */
  #time(current: Locator | undefined): number {
    return Math.max(this.#options.now(), (current?.updated ?? 0) + 1)
  }
}

/**
 * Who opened what is written by those who open, in the moment in which they do: an application that could add to it, or
 * change it, could make openings look otherwise.
 */
const requireNoEntry = ({ type, expression }: Pick<Change, 'type' | 'expression'>): void => {
  if (type !== 'AuditEvent') return
  throw new EdgeError('business-rule',
    'AuditEvents are read only: this server writes one with every opening', expression)
}

const requireNoAccessLog = (category: string, { expression }: Pick<Change, 'expression'>): void => {
  if (category !== ACCESS_LOG) return
  throw new EdgeError('business-rule', 'the category of the access log takes nothing else', expression)
}

const REPLACED = 'this patient was merged into another one, whom its link names: write to that one, '
  + 'or undo the merge with Patient/$scelle-unmerge'

const isDeletion = ({ resource, prepared }: Change): boolean => resource === undefined && prepared === undefined

/** A resource on its way to its place. What may refuse it is asked for in the order of the refusals. */
interface Draft {
  readonly owner: string
  readonly plain: string | Uint8Array
  /** What a Binary's octets are. Throws where it, or what points at it, does not fit. */
  readonly octets: (current: Locator | undefined) => Octets | undefined
  /** Throws where a profile is violated. */
  readonly category: () => string
  readonly stamped: (version: number, updated: number) => Uint8Array
}

const draftOf = (prepared: PreparedResource): Draft => ({
  owner: prepared.owner,
  plain: prepared.plain,
  octets: () => undefined,
  category: () => prepared.category,
  stamped: (version, updated) => stampedBytes(prepared, version, updated),
})

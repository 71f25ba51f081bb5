/**
 * From what a request wants to what will be sealed. Everything that can be refused is refused here, before anything
 * is kept.
 */
import type { Resource } from '@medplum/fhirtypes'
import { handleOf, toHex } from '@scelle/sdk'
import { categorise, type RuleTable } from '@scelle/fhir/categories'
import { isDocument } from '@scelle/fhir/documents'
import { type ProfileSet, requireProfiles } from '@scelle/fhir/profiles'
import { mapReferences, type OwnerContext, parseReference, patientOf } from '@scelle/fhir/references'
import { checkAttachments, pointsAt } from '../attachments/references.ts'
import { exactJson } from '../decimals.ts'
import { bytesOf, type Entry, type Locator } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import type { Merge } from '../persons/merges.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Directory, VaultRow } from '../store/directory.ts'
import { ORGANISATION } from '../vaults.ts'
import { type NewOctets, octetsFor, octetsWrite, requireSamePlace } from './octets-rules.ts'
import type { PlannedWrite } from './unit.ts'

/** What shall become of one resource. */
export interface Change {
  readonly type: string
  readonly id: string
  /** Absent: delete it. */
  readonly resource?: Resource
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

type Siblings = ReadonlyMap<string, Resource>

interface Around {
  readonly bases: readonly string[]
  readonly siblings: Siblings
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

const OWN_PATIENT = /^Patient\/[A-Za-z0-9\-.]{1,64}$/
const OTHER_PATIENT = /^https?:\/\/[^?#\s]+\/Patient\/[A-Za-z0-9\-.]{1,64}$/

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
    const { directory, self } = this.#options
    const current = directory.locator(`${change.type}/${change.id}`)
    const live = current !== undefined && !current.deleted
    if (change.ifMatch !== undefined && (!live || current.version !== change.ifMatch)) {
      throw new EdgeError('precondition-failed', undefined, change.expression)
    }
    if (change.ifAbsent === true && live) throw new EdgeError('precondition-failed', undefined, change.expression)
    // A line of versions is its author's: readers would set aside what this organisation put into another's.
    const isForeign = current !== undefined && current.author !== self
    if (isForeign && (live || change.resource !== undefined)) {
      throw new EdgeError('not-author', undefined, change.expression)
    }
    this.#checkMerged(change)
    const before = current === undefined ? undefined : this.#rowOf(current)
    if (change.resource === undefined) return this.#remove(current, before)
    return this.#put(change, change.resource, current, before, { bases, siblings })
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

  #put(
    change: Change, given: Resource, current: Locator | undefined, row: VaultRow | undefined, around: Around,
  ): PlannedChange {
    const { cabinet, directory, profiles, rules, self } = this.#options
    const { type, id } = change
    // A document is kept as it came, or its signature would be of something else.
    const resource = isDocument(given) ? given : ownReferences(given, around.bases)
    const owner = change.owner ?? this.#ownerOf(resource, around, change.expression)
    const live = current !== undefined && !current.deleted
    if (!live) this.#checkOwner(owner, change)
    if (live && (row?.patient ?? ORGANISATION) !== owner && directory.vaultOf(owner) !== current.vault) {
      throw new EdgeError(
        'business-rule',
        'a resource stays with its patient: delete it, and create it anew for the other one',
        change.expression,
      )
    }
    this.#checkAttachments(resource, owner, around)
    const octets = octetsFor(resource, change.octets, current)
    const plain = plainText(resource, id)
    const digest = cabinet.digest(plain)
    if (live && current.digest === digest) {
      const bytes = stamped(plain, current.version, current.updated)
      return { status: 200, owner, writes: [], entry: { ...current, bytes } }
    }
    requireProfiles(resource, profiles, change.expression)
    const { category } = categorise(resource, rules)
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
    const content = stamped(plain, version, updated)
    const merge = change.merge === undefined ? {} : { merge: change.merge }
    const writes: PlannedWrite[] = [{ locator, content, ...merge }]
    if (change.octets !== undefined) writes.push(octetsWrite(locator, change.octets))
    if (live && current.category !== category) {
      const left = { ...current, version, updated, deleted: true, digest: '' }
      writes.push({ locator: left, content: new Uint8Array(0), shadow: true })
    }
    return { status: live ? 200 : 201, owner, writes, entry: { ...locator, bytes: content } }
  }

  /** Who was merged away is no longer written to, and who took somebody over does not go before them. */
  #checkMerged({ type, id, resource, merge, expression }: Change): void {
    if (type !== 'Patient' || merge !== undefined) return
    const { merges } = this.#options.directory.patients
    if (merges.targetOf(`Patient/${id}`) !== undefined) throw new EdgeError('business-rule', REPLACED, expression)
    if (resource === undefined && merges.sourcesOf(`Patient/${id}`).length > 0) {
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
    const around = { bases, siblings: new Map() }
    const own = ownReferences(resource, bases)
    const { category } = categorise(own, this.#options.rules)
    const owner = this.#ownerOf(own, around, undefined)
    this.#checkOwner(owner, { type: own.resourceType })
    return { owner, category }
  }

  #checkAttachments(resource: Resource, owner: string, around: Around): void {
    const { directory } = this.#options
    checkAttachments(resource, around.bases, {
      sibling: (id) => around.siblings.get(`Binary/${id}`),
      isSiblingHere: (sibling) => this.#ownerOf(sibling, around, undefined) === owner,
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

  #ownerOf(resource: Resource, { bases, siblings }: Around, expression: string | undefined): string {
    if (isDocument(resource)) {
      throw new EdgeError('business-rule', 'a document is replaced whole: send it by POST or PUT', expression)
    }
    const context: OwnerContext = {
      bases,
      patientOfTarget: (type, id) => {
        const sibling = siblings.get(`${type}/${id}`)
        const beside = sibling === undefined ? undefined : patientOf(sibling, { bases })
        if (beside !== undefined) return beside.kind === 'patient' ? beside.reference : undefined
        const locator = this.#options.directory.locator(`${type}/${id}`)
        return locator === undefined ? undefined : this.#rowOf(locator)?.patient
      },
    }
    const owner = patientOf(resource, context)
    if (owner.kind === 'organisation') return this.#ownerByPointer(resource, { bases, siblings }) ?? ORGANISATION
    if (owner.kind === 'patient') {
      if (OWN_PATIENT.test(owner.reference) || OTHER_PATIENT.test(owner.reference)) return owner.reference
      throw new EdgeError('business-rule', 'the patient is referred to in a way that only a transaction can resolve',
        expression)
    }
    throw new EdgeError('business-rule', AMBIGUOUS[owner.reason], expression)
  }

  /** A Binary that says nothing of its own is whose document of the same transaction it is (IHE MHD sends such). */
  #ownerByPointer(resource: Resource, around: Around): string | undefined {
    const { id } = resource
    if (resource.resourceType !== 'Binary' || resource.securityContext !== undefined || id === undefined) {
      return undefined
    }
    const owners = new Set([...around.siblings.values()]
      .filter((sibling) => pointsAt(sibling, id, around.bases))
      .map((sibling) => this.#ownerOf(sibling, around, undefined)))
    if (owners.size > 1) {
      throw new EdgeError('business-rule', 'documents of several patients point at one Binary: send one for each')
    }
    return [...owners][0]
  }
}

/**
 * References by this server's own address become relative ones. An address is one of several, and nothing that names
 * its patient by one would be found by `patient=Patient/1`: an empty answer where there is an allergy.
 */
const ownReferences = (resource: Resource, bases: readonly string[]): Resource => mapReferences(resource, (text) => {
  const base = bases.find((each) => text.startsWith(`${each}/`))
  const local = base === undefined ? '' : text.slice(base.length + 1)
  return parseReference(local).kind === 'literal' ? local : undefined
})

const REPLACED = 'this patient was merged into another one, whom its link names: write to that one, '
  + 'or undo the merge with Patient/$scelle-unmerge'

const AMBIGUOUS = {
  group: 'the subject is a Group: a record belongs to one patient',
  logical: 'the patient is named by an identifier only: refer to Patient/id',
  unreadable: 'the reference to the patient cannot be resolved here',
  many: 'the resource speaks of several patients: split it',
} as const

/** A resource's JSON text under its id, without the two members of `meta` that the server sets. */
const plainText = (resource: Resource, id: string): string => {
  const { resourceType, id: _id, meta, ...rest } = resource as Resource & Record<string, unknown>
  const { versionId: _version, lastUpdated: _updated, ...kept } = meta ?? {}
  return exactJson({ resourceType, id, ...(Object.keys(kept).length > 0 ? { meta: kept } : {}), ...rest })
}

const HEAD = /^\{"resourceType":"[A-Za-z]+","id":"[A-Za-z0-9\-.]+"/
const META = ',"meta":{'

/** The JSON text as it is sealed and served: `meta` tells version and time. Put into the text, to serialise once. */
const stamped = (plain: string, version: number, updated: number): Uint8Array => {
  const [head = ''] = HEAD.exec(plain) ?? []
  const rest = plain.slice(head.length)
  const set = `"versionId":"${version}","lastUpdated":"${new Date(updated).toISOString()}"`
  return bytesOf(rest.startsWith(META)
    ? `${head}${META}${set},${rest.slice(META.length)}` : `${head}${META}${set}}${rest}`)
}

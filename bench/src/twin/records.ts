/** What the twin does with resources: validated, versioned and stored as they are. */
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { patientOf, planTransaction, transactionLookups } from '@scelle/fhir/references'
import { type ParsedSearch, parseSearch } from '@scelle/fhir/search'
import { Charts } from './charts.ts'
import type { Database, Version } from './database.ts'
import { TwinError } from './errors.ts'

const OPEN_CHARTS = 500
const encoder = new TextEncoder()

export interface RecordsOptions {
  readonly database: Database
  readonly now: () => number
  readonly newId: () => string
}

interface Planned {
  readonly version: Version
  readonly resource: Resource
}

export class Records {
  readonly #options: RecordsOptions
  readonly #charts: Charts
  /** Owner and newest version of names, so that reads and writes do not ask the database: the edge has the same. */
  readonly #names = new Map<string, { owner: string; version: number }>()

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#charts = new Charts(options.database, OPEN_CHARTS)
  }

  read(type: string, id: string): Version {
    const key = `${type}/${id}`
    const known = this.#name(type, id)
    const version = known === undefined ? undefined : this.#charts.use(known.owner).get(key)
    if (version === undefined) throw new TwinError(404, 'not-found', 'there is no such resource')
    return version
  }

  async create(resource: Resource, base: string): Promise<Version> {
    return this.#one(this.#plan({ ...resource, id: this.#options.newId() }, base))
  }

  async update(resource: Resource, base: string): Promise<Version> {
    return this.#one(this.#plan(resource, base))
  }

  /** All entries or none. Creates and updates only: what an import sends. */
  async transaction(bundle: Bundle, base: string): Promise<Map<number, Version>> {
    const lookups = transactionLookups(bundle)
    if (lookups.length > 0) throw new TwinError(400, 'not-supported', 'the twin has no conditional entries')
    const { entries } = planTransaction(bundle, { assignId: () => this.#options.newId() })
    const planned = new Map<number, Planned>()
    for (const entry of entries) {
      if (entry.kind !== 'create' && entry.kind !== 'update')
        throw new TwinError(400, 'not-supported', 'creates and updates only')
      planned.set(entry.index, this.#plan({ ...entry.resource, id: entry.id }, base))
    }
    await this.#store([...planned.values()])
    return new Map([...planned].map(([index, { version }]) => [index, version]))
  }

  search(type: string, query: string, base: string): { total: number; page: Version[]; parsed: ParsedSearch } {
    const parsed = parseSearch(type, query, { bases: [base] })
    return { ...this.#charts.use(ownerAsked(parsed)).search(parsed), parsed }
  }

  everything(patient: string): Version[] {
    if (this.#name('Patient', patient) === undefined) throw new TwinError(404, 'not-found', 'there is no such patient')
    return this.#charts.use(`Patient/${patient}`).all()
  }

  #name(type: string, id: string): { owner: string; version: number } | undefined {
    const key = `${type}/${id}`
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const stored = this.#options.database.newest(type, id)
    if (stored !== undefined) this.#names.set(key, { owner: stored.owner, version: stored.version })
    return this.#names.get(key)
  }

  #plan(resource: Resource, base: string): Planned {
    const { resourceType, id = '', meta, ...rest } = resource as Resource & Record<string, unknown>
    const owner = patientOf(resource, { bases: [base] })
    if (owner.kind === 'ambiguous')
      throw new TwinError(422, 'business-rule', 'the resource belongs to no single patient')
    const name = {
      owner: owner.kind === 'patient' ? owner.reference : '',
      version: (this.#name(resourceType, id)?.version ?? 0) + 1,
    }
    const updated = this.#options.now()
    const { versionId: _version, lastUpdated: _updated, ...kept } = meta ?? {}
    const stamp = { versionId: String(name.version), lastUpdated: new Date(updated).toISOString() }
    const stamped = { resourceType, id, meta: { ...stamp, ...kept }, ...rest } as unknown as Resource
    // At once, so that the next request for the same name gets the next version.
    this.#names.set(`${resourceType}/${id}`, name)
    const version = { type: resourceType, id, updated, bytes: encoder.encode(JSON.stringify(stamped)), ...name }
    return { version, resource: stamped }
  }

  async #one(planned: Planned): Promise<Version> {
    await this.#store([planned])
    return planned.version
  }

  async #store(planned: readonly Planned[]): Promise<void> {
    await this.#options.database.write(planned.map(({ version }) => version))
    for (const { version, resource } of planned) this.#charts.peek(version.owner)?.put(version, resource)
  }
}

/** Whose chart a search is about: one patient named by `patient` or `subject`, or nobody's. */
const ownerAsked = (parsed: ParsedSearch): string => {
  for (const criterion of parsed.criteria) {
    const [reference] = criterion.test === 'reference' ? criterion.references : []
    if (reference?.id !== undefined && ['patient', 'subject'].includes(criterion.parameter.name))
      return `Patient/${reference.id}`
  }
  throw new TwinError(403, 'too-costly', 'name one patient')
}

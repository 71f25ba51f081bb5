/** Changes, one request's or one transaction's, carried out whole or not at all. */
import type { Resource } from '@medplum/fhirtypes'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { Locks } from '../locks.ts'
import type { VaultRow } from '../store/directory.ts'
import type { VaultShelf } from '../vaults.ts'
import type { Change, PlannedChange, Planner } from './planner.ts'
import type { Submitter } from './submitter.ts'
import type { Part, PlannedWrite } from './unit.ts'

export class Writer {
  readonly #planner: Planner
  readonly #vaults: VaultShelf
  readonly #submitter: Pick<Submitter, 'run'>
  readonly #resources = new Locks()
  readonly #conditions = new Locks()

  constructor(planner: Planner, vaults: VaultShelf, submitter: Pick<Submitter, 'run'>) {
    this.#planner = planner
    this.#vaults = vaults
    this.#submitter = submitter
  }

  /** Keeps two requests with the same condition apart, so that both cannot find nothing. Taken before resources. */
  underConditions<T>(conditions: readonly string[], work: () => Promise<T>): Promise<T> {
    return conditions.length === 0 ? work() : this.#conditions.with(conditions, work)
  }

  /** Keeps resources as they are while `work` looks at them and then calls {@link apply}. */
  holding<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    return this.#resources.with(keys, work)
  }

  /** One change under its own lock. */
  change(change: Change, bases: readonly string[]): Promise<PlannedChange> {
    return this.holding([`${change.type}/${change.id}`], async () =>
      (await this.apply([change], bases))[0] as PlannedChange)
  }

  /** Where a new resource would go: its vault, made now if there is none, and its category. Throws as the planner. */
  async place(resource: Resource, bases: readonly string[]): Promise<{ vault: string; category: string }> {
    const { owner, category } = this.#planner.place(resource, bases)
    return { vault: (await this.#vaults.of(owner)).vault, category }
  }

  /** Throws where {@link place} would, and makes nothing. */
  requirePlace(resource: Resource, bases: readonly string[]): void {
    this.#planner.place(resource, bases)
  }

  /** Plans all, then seals and submits all. The caller holds the resources. Throws as planner and submitter do. */
  async apply(changes: readonly Change[], bases: readonly string[]): Promise<PlannedChange[]> {
    const siblings = new Map<string, Resource>()
    if (changes.length > 1) {
      for (const { type, id, resource } of changes) if (resource !== undefined) siblings.set(`${type}/${id}`, resource)
    }
    const planned = changes.map((change) => this.#planner.plan(change, bases, siblings))
    const writing = planned.filter(({ writes }) => writes.length > 0)
    if (writing.length > 0) await this.#submitter.run(await this.#parts(writing))
    return planned
  }

  async #parts(planned: readonly PlannedChange[]): Promise<Part[]> {
    const owners = [...new Set(planned.map(({ owner }) => owner))]
    const rows = new Map<string, VaultRow>(
      await Promise.all(owners.map(async (owner) => [owner, await this.#vaults.of(owner)] as const)),
    )
    const byVault = new Map<string, { row: VaultRow; writes: PlannedWrite[] }>()
    for (const { owner, writes } of planned) {
      const row = rows.get(owner) as VaultRow
      const group = byVault.get(row.vault) ?? { row, writes: [] }
      byVault.set(row.vault, group)
      for (const write of writes) group.writes.push({ ...write, locator: { ...write.locator, vault: row.vault } })
    }
    const parts = [...byVault.values()].map(({ row, writes }): Part => ({
      vault: row.vault, contested: row.origin === 'granted' || row.contested === true, writes,
    }))
    if (parts.some(({ writes }) => writes.length > EDGE_LIMITS.unitRecords)) {
      throw new EdgeError('too-large',
        `a transaction may write ${EDGE_LIMITS.unitRecords} resources of one patient: send it in parts`)
    }
    // The index accepts vault by vault. Where somebody else may write it can still refuse: then nothing else may be in
    // yet.
    if (parts.filter(({ contested }) => contested).length > 1) {
      throw new EdgeError('business-rule', 'a transaction may write to one shared record only: send one for each')
    }
    return parts
  }
}

/** What the edge knows without opening a chart: which vault is whose, where each resource is, who its patients are. */
import { EDGE_LIMITS } from '../limits.ts'
import { type Entry, keyOf, type Locator } from '../entry.ts'
import { Recent } from '../recent.ts'
import type { Merge } from '../persons/merges.ts'
import { PatientIndex } from '../persons/patient-index.ts'
import type { PairState } from '../persons/work-list.ts'
import type { Cabinet } from './cabinet.ts'
import type { Database, Table } from './database.ts'

/**
 * A vault in this organisation's care. `patient` is the reference its records use; absent for the organisation's own.
 */
export interface VaultRow {
  readonly vault: string
  readonly patient?: string
  readonly origin: 'own' | 'granted'
  /** Somebody else may write to it too, by a grant. */
  readonly contested?: boolean
  /** Nobody's: in no list, no search, no export, no number. Whoever opens it by its id is locked by the trustees. */
  readonly decoy?: boolean
  /** Of a granted vault: the grants known to cover it, by hex id, and when each ends, milliseconds since 1970. */
  readonly grants?: Readonly<Record<string, number>>
}

export class Directory {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #locators = new Recent<Locator>(EDGE_LIMITS.locatorCache)
  readonly #patients = new Recent<string>(EDGE_LIMITS.locatorCache)
  readonly #vaults = new Recent<VaultRow>(EDGE_LIMITS.locatorCache)

  /** Who has which number, who may be whom, who was merged into whom. */
  readonly patients: PatientIndex
  /** Hex id of this organisation. */
  readonly self: string

  constructor(db: Database, cabinet: Cabinet, self: string) {
    this.#db = db
    this.#cabinet = cabinet
    this.self = self
    this.patients = new PatientIndex({ db, cabinet, self, person: (key) => this.person(key) })
    if (this.patients.isBehind) this.#index()
  }

  /** Where `Type/id` is now; a deleted resource has a locator too. */
  locator(key: string): Locator | undefined {
    const cached = this.#locators.get(key)
    if (cached !== undefined) return cached
    const found = this.#read<Locator>('locator', key)
    if (found !== undefined) this.#locators.set(key, found)
    return found
  }

  /** The vault of the patient that records refer to as `reference`. */
  vaultOf(reference: string): string | undefined {
    const cached = this.#patients.get(reference)
    if (cached !== undefined) return cached
    const found = this.#read<VaultRow>('patient', reference)?.vault
    if (found !== undefined) this.#patients.set(reference, found)
    return found
  }

  /** Vaults of the patients merged into this one: a reader of theirs is shown these too. */
  vaultsBeside(reference: string): string[] {
    return this.patients.merges.sourcesOf(reference).flatMap((source) => this.vaultOf(source) ?? [])
  }

  vault(id: string): VaultRow | undefined {
    const cached = this.#vaults.get(id)
    if (cached !== undefined) return cached
    const found = this.#read<VaultRow>('vault', id)
    if (found !== undefined) this.#vaults.set(id, found)
    return found
  }

  /**
   * Enters or changes a vault, on the disk when this returns. `reference`: what records call its patient; '' for
   * none.
   */
  addVault(row: VaultRow, reference: string): void {
    this.#enterVault(row, reference, true)
  }

  /** Enters a vault that was just made for a write: on the disk with that write's row of the outbox. */
  addNewVault(row: VaultRow, reference: string): void {
    this.#enterVault(row, reference, false)
  }

  #enterVault(row: VaultRow, reference: string, durable: boolean): void {
    this.#db.write(durable, () => {
      this.#put('vault', row.vault, row)
      this.#put('patient', reference, row)
      if (row.origin === 'granted') this.#put('received', row.vault, row)
    })
    this.#vaults.set(row.vault, row)
  }

  /** Remembers a grant given here, by hex ids: revoking it takes its vault. On the disk when this returns. */
  addGiven(grant: string, vault: string): void {
    this.#db.write(true, () => this.#put('given', grant, { vault }))
  }

  /** The vault of a grant given here. */
  grantVault(grant: string): string | undefined {
    return this.#read<{ vault: string }>('given', grant)?.vault
  }

  /** Remembers that what this principal shares is wanted here; hex id. On the disk when this returns. */
  accept(principal: string): void {
    this.#db.write(true, () => this.#put('accepted', principal, { principal }))
  }

  isAccepted(principal: string): boolean {
    return this.#db.get('accepted', this.#cabinet.lookup('accepted', principal)) !== undefined
  }

  isReceived(vault: string): boolean {
    return this.#db.get('received', this.#cabinet.lookup('received', vault)) !== undefined
  }

  /** Vaults that others shared and that are listed here. */
  *received(): Generator<VaultRow> {
    for (const { row, sealed } of this.#db.all('received')) {
      yield JSON.parse(this.#cabinet.open('received', row, sealed).toString()) as VaultRow
    }
  }

  /**
   * No grant covers it any more: its patient leaves the list. Where the records are stays known, so that nothing
   * clashes.
   */
  endReceived({ vault, patient }: VaultRow): void {
    this.#db.write(false, () => {
      this.#db.drop('received', this.#cabinet.lookup('received', vault))
      if (patient === undefined) return
      this.#db.drop('person', this.#cabinet.lookup('person', patient))
      this.patients.follow(patient, undefined)
    })
  }

  /** Patients with a vault here, whether their Patient resource is known or not; decoys are none. */
  patientCount(): number {
    return this.#db.count('patient') - this.#db.count('decoy') - (this.vaultOf('') === undefined ? 0 : 1)
  }

  /** Whether nobody is meant by this reference. */
  isDecoy(reference: string): boolean {
    return this.vault(this.vaultOf(reference) ?? '')?.decoy === true
  }

  /** Takes a patient out of all lists, on the disk when this returns. */
  markDecoy(row: VaultRow, patient: string): void {
    this.#enterVault({ ...row, decoy: true }, patient, true)
    this.#db.write(true, () => {
      this.#put('decoy', row.vault, { vault: row.vault })
      this.#db.drop('person', this.#cabinet.lookup('person', patient))
      this.patients.follow(patient, undefined)
    })
  }

  /** A sealed Patient resource of this directory; undefined where the chart holds it only. */
  person(key: string): Entry | undefined {
    const row = this.#cabinet.lookup('person', key)
    const sealed = this.#db.get('person', row)
    return sealed === undefined ? undefined : decodePerson(this.#cabinet.open('person', row, sealed))
  }

  *persons(): Generator<Entry> {
    for (const { row, sealed } of this.#db.all('person')) yield decodePerson(this.#cabinet.open('person', row, sealed))
  }

  /** The next persons in the order of their rows, which says nothing; none are left where it answers none. */
  personsAfter(after: Uint8Array | undefined, count: number): { row: Uint8Array; entry: Entry }[] {
    return this.#db.after('person', after, count).map(({ row, sealed }) =>
      ({ row, entry: decodePerson(this.#cabinet.open('person', row, sealed)) }))
  }

  /**
   * Part of a transaction of the caller: a resource is now at this version. `merge`: its patient is no longer used from
   * then on, or is again.
   */
  moved(locator: Locator, person: Entry | undefined, merge?: Merge | 'undone'): void {
    const key = keyOf(locator)
    this.#put('locator', key, locator)
    this.#locators.set(key, locator)
    this.#review(key, locator)
    if (locator.type !== 'Patient') return
    const row = this.#cabinet.lookup('person', key)
    const isDecoy = this.vault(locator.vault)?.decoy === true
    const listed = person === undefined || person.deleted || isDecoy ? undefined : person
    if (listed === undefined) this.#db.drop('person', row)
    else this.#db.put('person', row, this.#cabinet.seal('person', row, encodePerson(listed)))
    if (merge !== undefined) this.patients.merged(key, merge === 'undone' ? undefined : merge)
    this.patients.follow(key, listed)
  }

  /**
   * Enters what others wrote into a vault, once it was opened. A name that is somewhere else already stays there: a
   * stranger must not be able to lead readers of one patient's record into another's.
   */
  learn(vault: string, entries: readonly Entry[]): void {
    const news = entries.filter((entry) => {
      const known = this.locator(keyOf(entry))
      const isListed = entry.type !== 'Patient' || this.person(keyOf(entry)) !== undefined
      const isNews = known === undefined || known.version < entry.version || !isListed
      return isNews && (known === undefined || (known.vault === vault && known.author === entry.author))
    })
    if (news.length === 0) return
    this.#db.write(false, () => {
      for (const { bytes, ...rest } of news) {
        this.moved({ ...rest, vault, digest: '' }, { ...rest, bytes })
      }
    })
  }

  /** Resources that no rule of the category table fits: what a person should look at. */
  *unclassified(): Generator<Locator> {
    for (const { row, sealed } of this.#db.all('review')) {
      yield JSON.parse(this.#cabinet.open('review', row, sealed).toString()) as Locator
    }
  }

  unclassifiedCount(): number {
    return this.#db.count('review')
  }

  /** Enters what a person said of two patients. On the disk when this returns. */
  answerPair(left: string, right: string, state: PairState): void {
    this.#db.write(true, () => this.patients.workList.answer(left, right, state))
  }

  /** A directory of before there was this index, or of another make of it. */
  #index(): void {
    this.#db.write(true, () => {
      for (const person of this.persons()) this.patients.follow(keyOf(person), person)
      this.patients.isWhole()
    })
  }

  #review(key: string, locator: Locator): void {
    if (locator.category === UNCLASSIFIED && !locator.deleted) this.#put('review', key, locator)
    else if (locator.version > 1) this.#db.drop('review', this.#cabinet.lookup('review', key))
  }

  #read<T>(table: Table, key: string): T | undefined {
    const row = this.#cabinet.lookup(table, key)
    const sealed = this.#db.get(table, row)
    return sealed === undefined ? undefined : (JSON.parse(this.#cabinet.open(table, row, sealed).toString()) as T)
  }

  #put(table: Table, key: string, value: unknown): void {
    const row = this.#cabinet.lookup(table, key)
    this.#db.put(table, row, this.#cabinet.seal(table, row, Buffer.from(JSON.stringify(value))))
  }
}

/** The category of what has no rule (`packages/fhir/src/categories.ts`). */
export const UNCLASSIFIED = 'unclassified'

const encodePerson = ({ bytes, ...rest }: Entry): Buffer => {
  const head = Buffer.from(JSON.stringify(rest))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return Buffer.concat([length, head, bytes])
}

const decodePerson = (plain: Buffer): Entry => {
  const end = 4 + plain.readUInt32BE(0)
  const rest = JSON.parse(plain.subarray(4, end).toString()) as Omit<Entry, 'bytes'>
  return { ...rest, bytes: new Uint8Array(plain.subarray(end)) }
}

/** Patients whose records others gave this organisation: they enter the directory like its own. */
import { type Client, type GrantNotice, toHex } from '@scelle/sdk'
import { patientOf } from '@scelle/fhir/references'
import type { Resource } from '@medplum/fhirtypes'
import type { Charts } from './charts.ts'
import { textOf } from './entry.ts'
import { EDGE_LIMITS } from './limits.ts'
import { faultFields, type Log } from './log.ts'
import type { Persons } from './persons.ts'
import type { Records } from './records.ts'
import { EDGE_ITSELF } from './sessions.ts'
import type { Directory, VaultRow } from './store/directory.ts'
import type { VaultShelf } from './vaults.ts'

export interface GrantsOptions {
  readonly client: Pick<Client, 'received'>
  readonly directory: Directory
  readonly charts: Charts
  readonly vaults: VaultShelf
  readonly persons: Persons
  /** Principal ids, hex, of those whose grants are entered without being asked about. */
  readonly partners: readonly string[]
  /** Whether this session opens what is shared: of a house that opens by its people alone, a person's. */
  readonly mayEnter: (session: string) => boolean
  readonly now: () => number
  readonly log: Log
}

export class Grants {
  readonly #options: GrantsOptions
  readonly #partners: ReadonlySet<string>
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  /** Grants seen, so that a new one for a known vault makes its keys be read again. */
  readonly #seen = new Set<string>()
  #offers: readonly GrantNotice[] = []

  constructor(options: GrantsOptions) {
    this.#options = options
    this.#partners = new Set(options.partners)
  }

  /**
   * Grants in force by principals that nobody here accepted. Anybody can send one and put any patient's name inside, so
   * nothing of them is opened.
   */
  get offers(): readonly GrantNotice[] {
    return this.#offers
  }

  /** Enters from now on, after a restart too, what this principal shares; hex id. */
  async accept(principal: string, session: string): Promise<void> {
    this.#options.directory.accept(principal)
    await this.#looking // it may have passed over what is accepted now
    await this.look(session)
  }

  /** Looks now unless it just did. True where it looked, so that a second search in the directory makes sense. */
  async lookOnMiss(session?: string): Promise<boolean> {
    if (this.#options.now() - this.#lookedAt < EDGE_LIMITS.grantsPause) return false
    await this.look(session)
    return true
  }

  /**
   * Fetches the grants given to this organisation and enters the vaults it did not know, in this session: what is
   * opened for it is on record under its person, where the house opens nothing by itself.
   */
  async look(session = EDGE_ITSELF): Promise<void> {
    this.#looking ??= this.#lookNow(session).finally(() => {
      this.#looking = undefined
      this.#lookedAt = this.#options.now()
    })
    await this.#looking
  }

  async #lookNow(session: string): Promise<void> {
    const { client, directory, log } = this.#options
    try {
      const notices = await client.received()
      const inForce = notices.filter(({ state }) => state === 'in-force')
      this.#offers = inForce.filter((notice) => !this.#isAccepted(notice))
      for (const notice of inForce) if (this.#isAccepted(notice)) await this.#take(notice, session)
      const revoked = new Set(notices.filter(({ state }) => state === 'revoked').map(({ id }) => toHex(id)))
      // All rows first: keeping one changes the table that is being read.
      const rows = [...directory.received()]
      for (const row of rows) this.#keep(row, revoked)
    } catch (error) {
      log('grants-not-read', faultFields(error))
    }
  }

  #isAccepted({ custodian, from }: GrantNotice): boolean {
    return [custodian, from].map(toHex).some((id) => this.#partners.has(id) || this.#options.directory.isAccepted(id))
  }

  async #take(notice: GrantNotice, session: string): Promise<void> {
    const { charts, directory, vaults } = this.#options
    const [id, vault] = [toHex(notice.id), toHex(notice.vault)]
    const row = directory.vault(vault)
    if (row?.origin === 'own') return
    const listed = directory.isReceived(vault)
    if (row !== undefined && listed && row.grants?.[id] === undefined) {
      directory.addVault({ ...row, grants: { ...row.grants, [id]: notice.until } }, row.patient ?? '')
    }
    if (this.#seen.has(id) || (!listed && !this.#options.mayEnter(session))) return
    this.#seen.add(id)
    if (listed && !charts.isOpen(vault)) return
    vaults.stale(vault)
    charts.closeVault(vault)
    if (!listed) await this.#enter(notice, session)
  }

  /**
   * Ends what its grants are known to have ended. That a list no longer names them proves nothing: others' grants may
   * have pushed them out of it, or the index may keep them back, and a patient would leave the ward's list.
   */
  #keep(row: VaultRow, revoked: ReadonlySet<string>): void {
    const { directory, now } = this.#options
    const known = Object.entries(row.grants ?? {})
    const left = known.filter(([id, until]) => until > now() && !revoked.has(id))
    if (left.length === known.length) return
    if (left.length === 0) this.#end(row)
    else directory.addVault({ ...row, grants: Object.fromEntries(left) }, row.patient ?? '')
  }

  #end(row: VaultRow): void {
    this.#options.directory.endReceived(row)
    this.#options.charts.closeVault(row.vault)
    this.#options.persons.forget()
  }

  async #enter(notice: GrantNotice, session: string): Promise<void> {
    const { charts, directory, persons, log } = this.#options
    const [id, vault] = [toHex(notice.id), toHex(notice.vault)]
    const end = charts.begin(session)
    try {
      const { records } = await charts.use(session, vault)
      const patient = patientIn(records)
      const known = patient === undefined ? undefined : directory.vaultOf(patient)
      if (patient === undefined || (known !== undefined && known !== vault)) {
        // Two records of one name cannot both be meant by it. Nothing is shown rather than one of them by chance.
        log('granted-vault-set-aside', { reason: patient === undefined ? 'no-patient' : 'patient-known' })
        return
      }
      directory.addVault({ vault, patient, origin: 'granted', grants: { [id]: notice.until } }, patient)
      directory.learn(vault, [...records.at(records.state)])
      persons.forget()
    } catch (error) {
      this.#seen.delete(id) // tried again at the next look
      log('granted-vault-not-opened', faultFields(error))
    } finally {
      charts.close(session, vault) // whoever reads it has an access of their own
      end()
    }
  }
}

/** Whose records these are: what the Patient resource says, or else what all of them refer to. */
const patientIn = (records: Records): string | undefined => {
  const owners = new Set<string>()
  for (const entry of records.at(records.state)) {
    if (entry.type === 'Patient') return `Patient/${entry.id}`
    const owner = ownerOf(JSON.parse(textOf(entry)) as Resource)
    if (owner !== undefined) owners.add(owner)
  }
  const [only] = owners
  return owners.size === 1 ? only : undefined
}

const ownerOf = (resource: Resource): string | undefined => {
  try {
    const owner = patientOf(resource)
    return owner.kind === 'patient' ? owner.reference : undefined
  } catch {
    return undefined
  }
}

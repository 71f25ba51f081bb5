/** Patients whose records others gave this organisation: they enter the directory like its own. */
import { type Client, toHex } from '@scelle/sdk'
import { patientOf } from '@scelle/fhir/references'
import type { Resource } from '@medplum/fhirtypes'
import type { Charts } from './charts.ts'
import { textOf } from './entry.ts'
import { EDGE_LIMITS } from './limits.ts'
import { faultFields, type Log } from './log.ts'
import type { Persons } from './persons.ts'
import type { Records } from './records.ts'
import type { Directory, VaultRow } from './store/directory.ts'
import type { VaultShelf } from './vaults.ts'

export interface GrantsOptions {
  readonly client: Pick<Client, 'grants'>
  readonly directory: Directory
  readonly charts: Charts
  readonly vaults: VaultShelf
  readonly persons: Persons
  readonly now: () => number
  readonly log: Log
}

export class Grants {
  readonly #options: GrantsOptions
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  /** Grants seen, so that a new one for a known vault makes its keys be read again. */
  readonly #seen = new Set<string>()

  constructor(options: GrantsOptions) {
    this.#options = options
  }

  /** Looks now unless it just did. True where it looked, so that a second search in the directory makes sense. */
  async lookOnMiss(): Promise<boolean> {
    if (this.#options.now() - this.#lookedAt < EDGE_LIMITS.grantsPause) return false
    await this.look()
    return true
  }

  /** Fetches the grants given to this organisation and enters the vaults it did not know. */
  async look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined
      this.#lookedAt = this.#options.now()
    })
    await this.#looking
  }

  async #lookNow(): Promise<void> {
    const { client, directory, log } = this.#options
    try {
      const inForce = new Set<string>()
      const listed = new Set([...directory.received()].map(({ vault }) => vault))
      for (const grant of await client.grants()) {
        const vault = toHex(grant.vault)
        inForce.add(vault)
        await this.#take(toHex(grant.id), vault, listed.has(vault))
      }
      for (const row of directory.received()) if (!inForce.has(row.vault)) this.#end(row)
    } catch (error) {
      log('grants-not-read', faultFields(error))
    }
  }

  async #take(id: string, vault: string, listed: boolean): Promise<void> {
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    const { charts, directory, vaults } = this.#options
    if (directory.vault(vault)?.origin === 'own') return
    if (listed && charts.peek(vault) === undefined) return
    vaults.stale(vault)
    charts.close(vault)
    if (!listed) await this.#enter(vault)
  }

  #end(row: VaultRow): void {
    this.#options.directory.endReceived(row)
    this.#options.charts.close(row.vault)
    this.#options.persons.forget()
  }

  async #enter(vault: string): Promise<void> {
    const { charts, directory, persons, log } = this.#options
    try {
      const { records } = await charts.use(vault)
      const patient = patientIn(records)
      const known = patient === undefined ? undefined : directory.vaultOf(patient)
      if (patient === undefined || (known !== undefined && known !== vault)) {
        // Two records of one name cannot both be meant by it. Nothing is shown rather than one of them by chance.
        log('granted-vault-set-aside', { reason: patient === undefined ? 'no-patient' : 'patient-known' })
        charts.close(vault)
        return
      }
      directory.addVault({ vault, patient, origin: 'granted' }, patient)
      directory.learn(vault, [...records.at(records.state)])
      persons.forget()
    } catch (error) {
      this.#seen.clear() // tried again at the next look
      log('granted-vault-not-opened', faultFields(error))
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

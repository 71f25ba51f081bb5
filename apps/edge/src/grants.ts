/** Patients whose records others gave this organisation: they enter the directory like its own. */
import { type Client, toHex } from '@scelle/sdk'
import { patientOf } from '@scelle/fhir/references'
import type { Resource } from '@medplum/fhirtypes'
import type { Charts } from './charts.ts'
import { textOf } from './entry.ts'
import { EDGE_LIMITS } from './limits.ts'
import { faultFields, type Log } from './log.ts'
import type { Records } from './records.ts'
import type { Directory } from './store/directory.ts'
import type { VaultShelf } from './vaults.ts'

export interface GrantsOptions {
  readonly client: Pick<Client, 'grants'>
  readonly directory: Directory
  readonly charts: Charts
  readonly vaults: VaultShelf
  readonly now: () => number
  readonly log: Log
}

export class Grants {
  readonly #options: GrantsOptions
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  /** Grants seen, so that a new one for a known vault makes its keys be read again. */
  readonly #seen = new Set<string>()
  /** Vaults that could not be entered: asked again only when another grant comes. */
  readonly #setAside = new Set<string>()

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
    const { client, directory, vaults, charts, log } = this.#options
    try {
      for (const grant of await client.grants()) {
        const id = toHex(grant.id)
        const vault = toHex(grant.vault)
        if (this.#seen.has(id)) continue
        this.#seen.add(id)
        if (directory.vault(vault) === undefined) await this.#enter(vault)
        else if (charts.peek(vault) !== undefined || this.#setAside.has(vault)) {
          vaults.stale(vault)
          charts.close(vault)
        }
      }
    } catch (error) {
      log('grants-not-read', faultFields(error))
    }
  }

  async #enter(vault: string): Promise<void> {
    const { charts, directory, log } = this.#options
    try {
      const { records } = await charts.use(vault)
      const patient = patientIn(records)
      if (patient === undefined || directory.vaultOf(patient) !== undefined) {
        // Two records of one name cannot both be meant by it. Nothing is shown rather than one of them by chance.
        log('granted-vault-set-aside', { reason: patient === undefined ? 'no-patient' : 'patient-known' })
        this.#setAside.add(vault)
        charts.close(vault)
        return
      }
      directory.addVault({ vault, patient, origin: 'granted' }, patient)
      directory.learn(vault, [...records.at(records.state)])
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

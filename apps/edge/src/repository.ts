/** Reading: by name, by version, by history. The directory says where, the chart says what. */
import type { Charts, Opening } from './charts.ts'
import { type Entry, type Locator } from './entry.ts'
import { EdgeError } from './errors.ts'
import type { Exposure } from './staff/exposure.ts'
import type { Directory } from './store/directory.ts'

export interface RepositoryOptions {
  readonly directory: Directory
  readonly charts: Charts
  /** Looks for grants given meanwhile; false where it was done a moment ago. */
  /** In the session that asks: where a house opens by its people alone, what is new enters in one of theirs. */
  readonly lookForGrants: (session?: string) => Promise<boolean>
  /** Told before a patient of the list is shown. */
  readonly exposure: Pick<Exposure, 'listed'>
}

/** The directory knows it: that it could not be opened does not make it absent. */
const unopened = (): EdgeError =>
  new EdgeError('chart-unavailable', 'this record is there, but it cannot be opened now')

export class Repository {
  readonly #options: RepositoryOptions

  constructor(options: RepositoryOptions) {
    this.#options = options
  }

  /** Where a resource is. Throws `not-found`. */
  async locate(type: string, id: string, session?: string): Promise<Locator> {
    const { directory, lookForGrants } = this.#options
    const key = `${type}/${id}`
    const known = directory.locator(key) ?? ((await lookForGrants(session)) ? directory.locator(key) : undefined)
    if (known === undefined) throw new EdgeError('not-found')
    return known
  }

  /** The current version. Throws `not-found`, `gone`, `forbidden`, `chart-unavailable`. */
  async read(session: string, type: string, id: string): Promise<Entry> {
    const { directory, charts } = this.#options
    const locator = await this.locate(type, id, session)
    if (locator.deleted) throw new EdgeError('gone')
    const row = directory.vault(locator.vault)
    // What somebody else may change as well is not answered from memory.
    const listed = type === 'Patient' && row?.contested !== true && charts.peek(session, locator.vault) === undefined
      && row?.origin === 'own'
    const person = listed ? directory.person(`${type}/${id}`) : undefined
    if (person !== undefined) {
      this.#options.exposure.listed(session, [`${type}/${id}`])
      return person
    }
    const { records } = await charts.use(session, locator.vault)
    const entry = records.latest(`${type}/${id}`)
    if (entry === undefined) throw unopened()
    if (entry.deleted) throw new EdgeError('gone')
    return entry
  }

  /** One version. Throws as {@link read}; `gone` for the version that says the resource was deleted. */
  async version(session: string, type: string, id: string, version: string): Promise<Entry> {
    const { records } = await this.chartOf(session, type, id)
    const entry = /^[1-9]\d{0,9}$/.test(version) ? records.version(`${type}/${id}`, Number(version)) : undefined
    if (entry === undefined) throw new EdgeError('not-found')
    if (entry.deleted) throw new EdgeError('gone')
    return entry
  }

  /** The records that hold a resource. Throws `not-found`, `forbidden`, `chart-unavailable`. */
  async chartOf(session: string, type: string, id: string): Promise<Opening> {
    const locator = await this.locate(type, id, session)
    const opening = await this.#options.charts.use(session, locator.vault)
    if (opening.records.latest(`${type}/${id}`) === undefined) throw unopened()
    return opening
  }

  /** The vault of a patient in this organisation's care, by reference. Throws `not-found`. */
  async vaultOf(reference: string, session?: string): Promise<string> {
    const { directory, lookForGrants } = this.#options
    const look = async (): Promise<string | undefined> =>
      ((await lookForGrants(session)) ? directory.vaultOf(reference) : undefined)
    const known = directory.vaultOf(reference) ?? (await look())
    if (known === undefined) {
      throw new EdgeError('not-found',
        'this organisation has no such patient in its care: nothing can be said about them')
    }
    return known
  }
}

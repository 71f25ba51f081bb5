/** A patient's chart as a whole, for whatever is made of all of it: opened for the session that asks, like any read. */
import type { Resource } from '@medplum/fhirtypes'
import type { Call } from '../call.ts'
import type { Charts, Opening } from '../charts.ts'
import { withDecimals } from '../decimals.ts'
import { type Entry, textOf } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import type { Repository } from '../repository.ts'
import type { Directory } from '../store/directory.ts'
import { ORGANISATION } from '../vaults.ts'

export interface ChartReaderOptions {
  readonly directory: Directory
  readonly charts: Charts
  readonly repository: Repository
}

type Asking = Pick<Call, 'session'>

export class ChartReader {
  readonly #options: ChartReaderOptions

  constructor(options: ChartReaderOptions) {
    this.#options = options
  }

  /** Throws `not-found`, `gone`, `forbidden`, `chart-unavailable`. */
  async open({ session }: Asking, patient: string): Promise<Opening> {
    const { charts, directory, repository } = this.#options
    const vault = await repository.vaultOf(patient)
    if (directory.locator(patient)?.deleted === true) throw new EdgeError('gone')
    return charts.use(session, vault)
  }

  /** The organisation's own records: practitioners, places, what belongs to no patient. */
  async own({ session }: Asking): Promise<Opening | undefined> {
    const vault = this.#options.directory.vaultOf(ORGANISATION)
    return vault === undefined ? undefined : this.#options.charts.use(session, vault)
  }
}

/** Everything that is current, as it is now. */
export const currentOf = ({ records }: Opening): Entry[] => [...records.at(records.state)]

/** A resource as it was sealed, its numbers with the digits they were sent with. */
export const resourceOf = (entry: Entry): Resource => {
  const text = textOf(entry)
  return withDecimals(text, JSON.parse(text) as Resource)
}

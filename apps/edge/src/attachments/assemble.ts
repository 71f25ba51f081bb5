/** The parts that take and give octets, put together. */
import { join } from 'node:path'
import type { Timers } from '@scelle/sdk'
import type { Charts } from '../charts.ts'
import type { Repository } from '../repository.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import type { Directory } from '../store/directory.ts'
import type { VaultShelf } from '../vaults.ts'
import type { Writer } from '../writes/writer.ts'
import { Keeper } from './keeper.ts'
import { Reader } from './reader.ts'
import { Receiver } from './receiver.ts'
import type { BinaryParts } from './routes.ts'
import { Spool, type SpoolOptions } from './spool.ts'
import { Turns } from './streams.ts'
import { Uploads } from './uploads.ts'

export interface BinariesOptions {
  /** Folder of the edge. */
  readonly data: string
  readonly repository: Repository
  readonly charts: Charts
  readonly writer: Writer
  readonly vaults: VaultShelf
  readonly directory: Directory
  readonly db: Database
  readonly cabinet: Cabinet
  readonly timers: Timers
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly newId: () => string
  readonly faultPoint?: SpoolOptions['faultPoint']
  readonly passed?: (octets: number) => void
}

export interface Binaries extends BinaryParts {
  readonly uploads: Uploads
}

export const assembleBinaries = (options: BinariesOptions): Binaries => {
  const { data, repository, charts, writer, vaults, directory, db, cabinet, timers, now, random, newId } = options
  const { faultPoint, passed = () => undefined } = options
  const directoryOfSpool = join(data, 'spool')
  const spool = new Spool({ directory: directoryOfSpool, random, ...(faultPoint === undefined ? {} : { faultPoint }) })
  const uploads = new Uploads({ spool, db, cabinet, now, random })
  const keeper = new Keeper({ spool, writer, vaults, directory, random, passed })
  const turns = new Turns()
  return {
    uploads, timers,
    reader: new Reader({ repository, charts, turns, timers, passed }),
    receiver: new Receiver({ keeper, uploads, spool, turns, timers, newId, random }),
  }
}

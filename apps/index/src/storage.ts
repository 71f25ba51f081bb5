/** What an index keeps: of the embedded engine all in one directory, else blobs there and the rest in PostgreSQL. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Identity } from '@scelle/seal/identity'
import type { Context } from '@scelle/seal/verify'
import { type BlobFilesOptions, openBlobFiles } from './blob-files.ts'
import type { LostLeaves } from './lost-leaves.ts'
import { positionSigner } from './positions.ts'
import type { PostgresOptions } from './postgres-store.ts'
import { openSqliteStore, type SqliteOptions } from './sqlite-store.ts'
import type { Blobs, Store } from './store.ts'

export interface StorageOptions {
  /** Made where it does not exist, readable by its owner alone. */
  readonly directory: string
  readonly identity: Identity
  readonly context: Context
  readonly tick?: SqliteOptions['tick']
  readonly flush?: SqliteOptions['flush']
  readonly faultPoints?: {
    readonly store?: SqliteOptions['faultPoint']
    readonly blobs?: BlobFilesOptions['faultPoint']
  }
}

export interface Storage {
  readonly store: Store
  /** Where a restored index keeps what it has to get back; absent where the engine cannot take anything back. */
  readonly lost?: LostLeaves
  readonly blobs: Blobs
  readonly cursorSecret: Uint8Array
}

const sync = (path: string): void => {
  const handle = openSync(path, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

/** Drawn once. A lost one costs readers their place in a feed, nothing else. */
const cursorSecret = (directory: string, random: Context['random']): Uint8Array => {
  const file = join(directory, 'cursor.key')
  try {
    const kept = new Uint8Array(readFileSync(file))
    if (kept.length === 32) return kept
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
  }
  const secret = random(32)
  const handle = openSync(`${file}.new`, 'w', 0o600)
  writeSync(handle, secret)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(`${file}.new`, file)
  sync(directory)
  return secret
}

/** Opens the data directory. Throws where another process has it. */
export const openStorage = (options: StorageOptions): Storage => {
  const { directory, identity, context, tick, flush, faultPoints } = options
  const store = openSqliteStore({
    directory,
    sign: positionSigner(identity, context.now),
    random: context.random,
    ...(tick === undefined ? {} : { tick }),
    ...(flush === undefined ? {} : { flush }),
    ...(faultPoints?.store === undefined ? {} : { faultPoint: faultPoints.store }),
  })
  const blobs = openBlobFiles({
    directory: join(directory, 'blobs'),
    random: context.random,
    ...(faultPoints?.blobs === undefined ? {} : { faultPoint: faultPoints.blobs }),
  })
  return { store, lost: store.lost, blobs, cursorSecret: cursorSecret(directory, context.random) }
}

export interface PostgresStorageOptions extends Pick<StorageOptions, 'directory' | 'identity' | 'context'> {
  /** `postgres://…`: a database of its own. */
  readonly database: string
  readonly faultPoint?: PostgresOptions['faultPoint']
}

/**
 * Opens the database, and the directory of the blobs, which all processes of one index share. Throws where the
 * directory holds an embedded database: an environment that names a server must not hide what is stored already.
 */
export const openPostgresStorage = async (options: PostgresStorageOptions): Promise<Storage> => {
  const { directory, database, identity, context, faultPoint } = options
  if (existsSync(join(directory, 'index.sqlite'))) {
    throw new Error(
      'the data directory holds an embedded database: start without DATABASE_URL and `database`, or choose another one',
    )
  }
  // Loaded where it is used: an embedded index needs no client of a server.
  const { openPostgresStore } = await import('./postgres-store.ts')
  const opened = await openPostgresStore({
    database,
    sign: positionSigner(identity, context.now),
    random: context.random,
    ...(faultPoint === undefined ? {} : { faultPoint }),
  })
  const blobs = openBlobFiles({
    directory: join(directory, 'blobs'), random: context.random, shared: { now: context.now },
  })
  return { ...opened, blobs }
}

/** Everything that the embedded index keeps in one directory: database, blobs, cursor secret. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Identity } from '@scelle/seal/identity'
import type { Context } from '@scelle/seal/verify'
import { type BlobFilesOptions, openBlobFiles } from './blob-files.ts'
import { positionSigner } from './positions.ts'
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
  return { store, blobs, cursorSecret: cursorSecret(directory, context.random) }
}

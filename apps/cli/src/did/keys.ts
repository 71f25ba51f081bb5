/**
 * Keys that sign one entry of a name's log each: files that are made before they are needed and kept off this machine
 * until then. Only what such a key commits to, its hash, stands in the log meanwhile.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EntryKey, type History, multikeyOf, nextKeyHash } from '@scelle/credentials/organisation-log'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'

/** `next` signs the next entry. `reserve` does where `next` is lost or stolen, and lies elsewhere. */
export type KeyUse = 'next' | 'reserve'

export interface KeptKey extends EntryKey {
  readonly path: string
}

export type KeyFolders = Readonly<Record<KeyUse, string>>

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED = /^[0-9a-f]{64}$/

const keyOf = (seed: Uint8Array, path: string): KeptKey => {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { path, multikey: multikeyOf(raw), sign: (message) => new Uint8Array(sign(null, message, key)) }
}

/** A key for one entry that is signed at once, and never kept: it could sign nothing more. */
export const passingKey = (io: Pick<Io, 'random'>): EntryKey => keyOf(io.random(32), '')

/**
 * A new key, on the disk before anything commits to it. A file that is there is left as it is: it may be the only copy
 * of a key that a log already commits to, and one that somebody put there must not be committed to.
 */
export const drawKey = async (io: Io, folder: string, use: KeyUse, entry: number): Promise<KeptKey> => {
  const path = join(folder, `${use}-${entry}.key`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const seed = io.random(32)
  const key = keyOf(seed, path)
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    throw new CommandError('failed', MESSAGES[io.language].did.keyThere(path), { cause })
  })
  const content = { use, publicKey: key.multikey, seed: Buffer.from(seed).toString('hex') }
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return key
}

/** Takes back a key that no log commits to. */
export const dropKey = (key: KeptKey): Promise<void> => rm(key.path, { force: true })

const readKey = async (path: string): Promise<KeptKey | undefined> => {
  try {
    const { seed } = JSON.parse(await readFile(path, 'utf8')) as { seed?: unknown }
    return typeof seed === 'string' && SEED.test(seed) ? keyOf(Buffer.from(seed, 'hex'), path) : undefined
  } catch {
    return undefined
  }
}

const keysIn = async (folder: string, use: KeyUse): Promise<KeptKey[]> => {
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.startsWith(`${use}-`) && name.endsWith('.key')).toSorted()
  return (await Promise.all(files.map((name) => readKey(join(folder, name))))).filter((key) => key !== undefined)
}

/** The first key, in the order of `uses`, that the log's last entry commits to. Throws CommandError without one. */
export const committedKey = async (
  io: Io, folders: KeyFolders, { nextKeyHashes }: Pick<History, 'nextKeyHashes'>, uses: readonly KeyUse[],
): Promise<KeptKey> => {
  for (const use of uses) {
    const keys = await keysIn(folders[use], use)
    const key = keys.find(({ multikey }) => nextKeyHashes.includes(nextKeyHash(multikey)))
    if (key !== undefined) return key
  }
  throw new CommandError('failed', MESSAGES[io.language].did.noKey(uses.map((use) => folders[use]).join(', ')))
}

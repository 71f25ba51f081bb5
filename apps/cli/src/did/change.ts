/** `scelle did create | rotate | compromise | move | deactivate`: an organisation's name on the web, written here. */
import {
  beginLog, continueLog, type History, nextKeyHash, placeOf, verifyLog, webDocument, type Written,
} from '@scelle/credentials/organisation-log'
import { CredentialError } from '@scelle/credentials/organisation'
import { CommandError, EXIT } from '../errors.ts'
import type { Home } from '../home.ts'
import type { Io } from '../io.ts'
import { MESSAGES } from '../messages.ts'
import { committedKey, drawKey, dropKey, type KeptKey, type KeyFolders, type KeyUse, passingKey } from './keys.ts'

/** Below the home: what is published, as it is. */
export const PUBLIC = ['did', 'public'] as const

export interface ChangeOptions {
  readonly folders: KeyFolders
}

/** The published log. Throws CommandError where there is none. */
export const publishedLog = async (io: Io): Promise<{ readonly log: string; readonly history: History }> => {
  const bytes = await io.home.read(...PUBLIC, 'did.jsonl')
  if (bytes === undefined) throw new CommandError('usage', MESSAGES[io.language].did.none)
  const log = new TextDecoder().decode(bytes)
  const [first = '{}'] = log.split('\n')
  const { parameters } = JSON.parse(first) as { parameters?: { scid?: unknown } }
  return { log, history: verifyLog({ log }, String(parameters?.scid), io.now()) }
}

/** The log first: whoever reads between the two finds a did:web document that waits for it, and is told so. */
const publish = async (home: Home, { log, history }: Written): Promise<void> => {
  await home.write(log, ...PUBLIC, 'did.jsonl')
  await home.write(webDocument(history), ...PUBLIC, 'did.json')
}

const orDrop = async <T>(keys: readonly KeptKey[], work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    for (const key of keys) await dropKey(key)
    throw error
  }
}

const placeFrom = (io: Io, domain: string): string => {
  try {
    return placeOf(domain)
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause
    throw new CommandError('usage', MESSAGES[io.language].did.noDomain(domain), { cause })
  }
}

const draw = async (io: Io, { next, reserve }: KeyFolders, uses: readonly KeyUse[], entry: number) => {
  const keys: KeptKey[] = []
  return orDrop(keys, async () => {
    for (const use of uses) keys.push(await drawKey(io, use === 'next' ? next : reserve, use, entry))
    return keys
  })
}

/** The first entry is signed by a key that nobody keeps; the two that may sign the second one are files. */
export const createName = async (
  io: Io, domain: string, principal: Uint8Array, { folders }: ChangeOptions,
): Promise<number> => {
  const { did } = MESSAGES[io.language]
  const place = placeFrom(io, domain)
  if (await io.home.read(...PUBLIC, 'did.jsonl') !== undefined) {
    throw new CommandError('failed', did.there(io.home.path(...PUBLIC)))
  }
  const keys = await draw(io, folders, ['next', 'reserve'], 2)
  const nextKeyHashes = keys.map(({ multikey }) => nextKeyHash(multikey))
  const written = await orDrop(keys, () =>
    beginLog({ place, principal, key: passingKey(io), nextKeyHashes, now: io.now() }))
  await publish(io.home, written)
  io.out(did.created(written.history.did, Buffer.from(principal).toString('hex')))
  io.out(did.published(io.home.path(...PUBLIC)))
  io.out(did.keysIn(folders.next, folders.reserve))
  io.out(did.toLink)
  return EXIT.done
}

export type Change =
  | { readonly action: 'rotate' | 'compromise' | 'deactivate' }
  | { readonly action: 'move'; readonly domain: string }

/** Which keys may sign, in this order; and which are drawn for the entry after. */
const USES: Readonly<Record<Change['action'], { by: readonly KeyUse[]; drawn: readonly KeyUse[] }>> = {
  rotate: { by: ['next'], drawn: ['next'] },
  move: { by: ['next'], drawn: ['next'] },
  // Either may be the one that is left. Neither is committed to afterwards.
  compromise: { by: ['reserve', 'next'], drawn: ['next', 'reserve'] },
  deactivate: { by: ['next', 'reserve'], drawn: [] },
}

/** One more entry, signed by a key that is used up with it. */
export const changeName = async (io: Io, change: Change, { folders }: ChangeOptions): Promise<number> => {
  const { did } = MESSAGES[io.language]
  const { log, history } = await publishedLog(io)
  if (history.deactivated) throw new CommandError('failed', did.ended)
  const { by, drawn } = USES[change.action]
  const place = change.action === 'move' ? placeFrom(io, change.domain) : undefined
  const key = await committedKey(io, folders, history, by)
  const keys = await draw(io, folders, drawn, history.versionIds.length + 2)
  // A key that stays in reserve stays committed to without being fetched for it.
  const staying = drawn.length === 1 ? history.nextKeyHashes.filter((hash) => hash !== nextKeyHash(key.multikey)) : []
  const written = await orDrop(keys, () => continueLog(log, history.scid, {
    key, now: io.now(), nextKeyHashes: [...keys.map(({ multikey }) => nextKeyHash(multikey)), ...staying],
    ...(place === undefined ? {} : { place }), ...(change.action === 'deactivate' ? { deactivated: true } : {}),
  }))
  await publish(io.home, written)
  await dropKey(key)
  io.out(did.changed(change.action, written.history.did, written.history.versionIds.length))
  if (drawn.length > 0) io.out(did.keysIn(folders.next, folders.reserve))
  if (change.action === 'move') io.out(did.toServe(history.did, written.history.did))
  if (change.action !== 'deactivate') io.out(did.toLink)
  return EXIT.done
}

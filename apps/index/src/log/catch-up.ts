/** What a restored index reads from its trustees: entries out of their mirrors, and the statements that they know. */
import {
  formatNote, LOG_LIMITS, LogError, parseNote, type ReadTile, TileReader, tilePath, treeRoot,
} from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { decode, encode, equalBytes, SealError } from '@scelle/seal/verify'
import { ask, type AskOptions } from '@scelle/wire/ask'
import { logOrigin } from '@scelle/wire/log'
import { LogStatements, LogStatementsRequest } from '@scelle/wire/messages'
import type { LogStore, StoredCheckpoint } from '../log-store.ts'
import type { FoundLeaf, LostLeaves } from '../lost-leaves.ts'
import { LogUnusable } from './errors.ts'
import { foundByTrustee } from './found.ts'
import type { PublishedLog } from './published.ts'
import type { KnownTrustee } from './trustee.ts'

const { tileWidth: WIDTH } = LOG_LIMITS

export interface CatchUpOptions {
  readonly identity: Identity
  readonly asking: AskOptions
  readonly store: LogStore
  readonly lost: LostLeaves
  readonly published: PublishedLog
}

/**
 * Reads the entries that are missing of a checkpoint's tree, each authenticated by the tree, and keeps them. Goes on
 * where it was interrupted. Throws LogUnusable `another-history` where the tree does not begin with the leaves stored
 * here, and what the trustee did wrong otherwise.
 */
export const fetchEntries = async (
  goal: StoredCheckpoint, trustee: KnownTrustee, { asking, store, lost, published }: CatchUpOptions,
): Promise<void> => {
  const read: ReadTile = (tile) => ask(asking, 'GET', `${trustee.address.url}/${tilePath(tile)}`)
  const tree = new TileReader(goal, read)
  const stored = await store.size()
  if (stored > 0 && !equalBytes(await treeRoot(stored, tree.nodes), await published.rootAt(stored))) {
    throw new LogUnusable('another-history')
  }
  for (let at = stored; at < goal.size && !asking.signal.aborted;) {
    const bundle = await tree.entries(Math.floor(at / WIDTH))
    await lost.append(at, bundle.slice(at % WIDTH))
    at += bundle.length - (at % WIDTH)
  }
}

/**
 * Takes over a checkpoint that this index signed, and lost. From then on it signs larger ones only. Throws LogUnusable
 * where the leaves are not those that it signed.
 */
export const adopt = async (goal: StoredCheckpoint, { identity, store, published }: CatchUpOptions): Promise<void> => {
  const after = published.tree.size
  const { tree, tiles } = await published.grow(goal.size)
  if (!equalBytes(tree.root, goal.root)) throw new LogUnusable('another-history')
  const { text, signatures } = parseNote(goal.note)
  const origin = logOrigin(identity.id)
  const note = formatNote({ text, signatures: signatures.filter(({ name }) => name === origin) })
  const checkpoint = { size: goal.size, root: goal.root, note }
  await store.publish(checkpoint, tiles, after)
  published.advance(tree, checkpoint)
}

/** Takes those that the log holds: a trustee that lies about some is no reason to lose the others. */
const verified = async (leaves: LogStatements['leaves'], options: CatchUpOptions): Promise<FoundLeaf[]> => {
  const found: FoundLeaf[] = []
  for (const leaf of leaves) {
    try {
      found.push(await foundByTrustee(leaf, options))
    } catch (error) {
      if (!(error instanceof SealError) && !(error instanceof LogError)) throw error
    }
  }
  return found
}

/** Asks a trustee for all statements of lost leaves that it knows, and keeps them. Throws Unanswered. */
export const fetchStatements = async (trustee: KnownTrustee, options: CatchUpOptions): Promise<void> => {
  const { identity, asking, lost } = options
  const { from, to } = await lost.range()
  for (let at = from; at < to && !asking.signal.aborted;) {
    const body = encode(LogStatementsRequest, { from: at, to, keys: [...identity.chain] })
    const answer = decode(LogStatements, await ask(asking, 'POST', `${trustee.address.url}/v1/log/statements`, body))
    if (answer.next <= at) throw new SealError('release-mismatch', 'a trustee\'s answer leads nowhere')
    await lost.keep(await verified(answer.leaves, options))
    at = answer.next
  }
}

/**
 * What a client was shown of a feed, as one hash for each category: an index that shows less, more or other things
 * before that point cannot make the same hash. One for each category, because a feed rightly changes when grants do.
 */
import { equalBytes, feedHead, SealError, ZERO32 } from '@scelle/seal/verify'
import type { HeadSeen } from './state.ts'

const NOTHING: HeadSeen = { count: 0, head: ZERO32, sum: ZERO32 }

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ (b[i] as number))

/** One commit as a category shows it: its id and the leaves shown, in the order of their places. */
const entryOf = (commit: Uint8Array, leaves: readonly Uint8Array[]): Uint8Array => {
  let entry = feedHead(ZERO32, commit)
  for (const leaf of leaves) entry = feedHead(entry, leaf)
  return entry
}

export const advance = (head: HeadSeen, commit: Uint8Array, leaves: readonly Uint8Array[]): HeadSeen => {
  const entry = entryOf(commit, leaves)
  return { count: head.count + 1, head: feedHead(head.head, entry), sum: xor(head.sum, entry) }
}

/** The heads of one feed while it is read from its beginning. */
export class FeedHeads {
  readonly #seen: ReadonlyMap<string, HeadSeen>
  readonly #now = new Map<string, HeadSeen>()

  /** `seen` is what this client remembers, by the hex of the category's id. */
  constructor(seen: ReadonlyMap<string, HeadSeen>) {
    this.#seen = seen
  }

  /** Throws `feed-reordered` where the same commits came in another order, `feed-rolled-back` where others came. */
  add(category: string, commit: Uint8Array, leaves: readonly Uint8Array[]): void {
    const head = advance(this.#now.get(category) ?? NOTHING, commit, leaves)
    this.#now.set(category, head)
    const seen = this.#seen.get(category)
    if (seen === undefined || seen.count !== head.count || equalBytes(seen.head, head.head)) return
    throw equalBytes(seen.sum, head.sum)
      ? new SealError('feed-reordered', 'the index serves a feed in another order than before')
      : new SealError('feed-rolled-back', 'the index serves another feed than it did before')
  }

  /** At the feed's end. Throws `feed-rolled-back` where a category that is still visible has become shorter. */
  end(visible: ReadonlySet<string>): void {
    for (const [category, seen] of this.#seen) {
      if (visible.has(category) && (this.#now.get(category)?.count ?? 0) < seen.count) {
        throw new SealError('feed-rolled-back', 'the index serves less of a feed than it did before')
      }
    }
  }

  /** What to remember. */
  get now(): ReadonlyMap<string, HeadSeen> {
    return this.#now
  }
}

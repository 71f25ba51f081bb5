/**
 * What a restored index has to get back: leaves that its trustees have mirrored after the last one whose statement it
 * stores. First their entries, then whatever somebody brings back for them; then they are applied, in their order.
 */
import type { Operation, StoredPosition } from './store.ts'

/** Leaves from `from` up to but without `to`. */
export interface LeafRange {
  readonly from: number
  readonly to: number
}

/** What was brought back for a leaf: whoever keeps it knows what it holds (`log/found.ts`). */
export interface FoundLeaf {
  readonly leaf: number
  readonly content: Uint8Array
}

/** An operation and the places that its statements had, in their order: one, or two where it has two statements. */
export interface Restored {
  readonly operation: Operation
  readonly places: readonly StoredPosition[]
}

export interface LostLeaves {
  /** All that are lost: `from` is how many leaves have their statements. Empty where nothing is. */
  range(): Promise<LeafRange>
  /** Adds the entries that follow those known. Durable when it resolves. */
  append(from: number, entries: readonly Uint8Array[]): Promise<void>
  /** The leaf with this entry, among the lost ones. */
  leafOf(entry: Uint8Array): Promise<number | undefined>
  /** Keeps what was brought back; of a leaf the first that was. Durable when it resolves. */
  keep(found: readonly FoundLeaf[]): Promise<void>
  /** Takes it as not brought back: it turned out to be of no use. Durable when it resolves. */
  forget(leaf: number): Promise<void>
  /** What was brought back for the first leaves of the range, without a gap, and for `limit` of them at most. */
  front(limit: number): Promise<FoundLeaf[]>
  /** Leaves for which nothing was brought back: how many, and the first `limit` runs of them. */
  missing(limit: number): Promise<{ readonly count: number; readonly ranges: readonly LeafRange[] }>
  /**
   * Applies operations at the places that they had, which are the first of the range and leave it. All or nothing.
   * Throws RestoreRefused.
   */
  restore(restored: readonly Restored[]): Promise<void>
  /** Leaves stay in the log without their statements: all trustees agreed that those are lost. */
  giveUp(leaves: readonly number[]): Promise<void>
  /** All leaves that were given up, ever. */
  givenUp(): Promise<number[]>
  /** Signed agreements of that kind, and where the log has them. */
  losses(): Promise<{ readonly statement: Uint8Array; readonly sequence: number; readonly salt: Uint8Array }[]>
}

/** An operation that the index once accepted is refused now, or would take another place. */
export class RestoreRefused extends Error {
  override readonly name = 'RestoreRefused'
}

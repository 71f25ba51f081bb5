import type { SealedAttachment } from '@scelle/sdk'
import type { Entry, Locator } from '../entry.ts'
import type { Merge } from '../persons/merges.ts'

/** One record to be sealed: what it will be in the directory, and its content. */
export interface PlannedWrite {
  readonly locator: Locator
  /** JSON text; empty for a tombstone. */
  readonly content: Uint8Array
  /**
   * A tombstone left where the resource was before it moved to another category: the directory follows the other one.
   */
  readonly shadow?: boolean
  /** Entered with this version: its patient is merged into another one, or no longer. */
  readonly merge?: Merge | 'undone'
  /** The record holds octets, not a resource: the directory does not list it either. */
  readonly octets?: OctetsToWrite
}

/** Octets on their way: few ones by themselves, in `content`; many sealed and uploaded already. */
export interface OctetsToWrite {
  /** Hex, 16 bytes. */
  readonly record: string
  readonly sealed?: SealedAttachment
}

/** What the directory does not follow: a place that a resource left, or octets. */
export const isBeside = ({ shadow, octets }: PlannedWrite): boolean => shadow === true || octets !== undefined

/** All that one unit writes into one vault: sealed as part of one commit, so accepted or refused as a whole. */
export interface Part {
  readonly vault: string
  /** Others write into this vault too, so the index may refuse what the directory thought right. */
  readonly contested: boolean
  readonly writes: readonly PlannedWrite[]
}

export const entryOf = ({ locator, content }: PlannedWrite): Entry => ({
  type: locator.type,
  id: locator.id,
  version: locator.version,
  updated: locator.updated,
  category: locator.category,
  author: locator.author,
  handle: locator.handle,
  deleted: locator.deleted,
  bytes: content,
})

/** A request's writes on their way: done once every part is accepted. */
export class Unit {
  readonly parts: readonly Part[]
  readonly done: Promise<void>
  readonly weight: number
  readonly records: number
  #resolve!: () => void
  #reject!: (error: unknown) => void
  readonly #open: Set<Part>
  attempts = 0
  /** In the outbox: from here on it is completed or refused by the index, never forgotten. */
  kept = false
  /** Row of the outbox that holds what is left of it, until the next submission's row does. */
  carried: number | undefined
  settled = false

  constructor(parts: readonly Part[]) {
    this.parts = parts
    this.#open = new Set(parts)
    this.weight = parts.reduce((sum, part) =>
      sum + part.writes.reduce((bytes, write) => bytes + write.content.length, 0), 0)
    this.records = parts.reduce((sum, part) => sum + part.writes.length, 0)
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => undefined) // a unit brought back after a crash has nobody waiting
  }

  /** Parts not accepted yet. */
  get open(): readonly Part[] {
    return [...this.#open]
  }

  /** Whether any of its parts goes to one of these vaults. */
  touches(vaults: ReadonlySet<string>): boolean {
    return this.parts.some(({ vault }) => vaults.has(vault))
  }

  /** What may be submitted now. A contested part goes alone and first: once it is in, nothing can refuse the rest. */
  get due(): readonly Part[] {
    const contested = this.parts.find((part) => part.contested && this.#open.has(part))
    return this.parts.length > 1 && contested !== undefined ? [contested] : this.open
  }

  accepted(part: Part): void {
    this.#open.delete(part)
    if (this.#open.size > 0) return
    this.settled = true
    this.#resolve()
  }

  refused(error: unknown): void {
    this.settled = true
    this.#reject(error)
  }
}

/**
 * What every engine keeps of the log. Leaves come into being with their effects (`Store.apply`); everything here is
 * derived from them after: full tiles, and the signed checkpoint, which must never be signed twice for one size.
 *
 * Leaf `i` is the statement with sequence `i + 1`. All processes of an index may read; one at a time may publish.
 */

/** A leaf as it is published, and what trustees are told of it. */
export interface StoredLeaf {
  /** The bytes of the leaf: `logEntry`. */
  readonly entry: Uint8Array
  /** Of a control leaf: the statement that it commits to, and the salt. */
  readonly control?: { readonly statement: Uint8Array; readonly salt: Uint8Array } | undefined
  /** The same of a denial, with the access that was refused: trustees keep it, as they see accesses. */
  readonly denial?: {
    readonly statement: Uint8Array
    readonly salt: Uint8Array
    readonly access: Uint8Array
  } | undefined
}

/** A checkpoint that the index signed. Nothing of that size but this is ever signed. */
export interface StoredCheckpoint {
  readonly size: number
  readonly root: Uint8Array
  /** The signed note with the log's own signature. */
  readonly note: Uint8Array
}

/** A full tile of hashes: 256 of them, 8,192 bytes. */
export interface StoredTile {
  readonly level: number
  readonly index: number
  readonly bytes: Uint8Array
}

/** Newest notes with cosignatures: `quorum` enough for a release, `final` of all trustees. */
export type CosignedKind = 'quorum' | 'final'

/** Why a checkpoint could not be published. After `uncertain` nothing may be signed before the stored one is read. */
export class PublishError extends Error {
  /** `fenced`: another process leads by now. `conflict`: another checkpoint is stored than the one named. */
  readonly reason: 'fenced' | 'conflict' | 'uncertain'
  constructor(reason: PublishError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PublishError'
    this.reason = reason
  }
}

/** A note with cosignatures. */
export interface CosignedNote {
  readonly size: number
  readonly note: Uint8Array
}

/** What is stored of a log, all at one moment. */
export interface StoredLog {
  readonly checkpoint: StoredCheckpoint | undefined
  readonly quorum: CosignedNote | undefined
  readonly final: CosignedNote | undefined
  /** Leaves wait for their numbers or for a checkpoint. */
  readonly behind: boolean
}

/** Between the processes of one index, where there are several: one leads the log, the others follow. */
export interface LogProcesses {
  stored(): Promise<StoredLog>
  /** Calls back soon after a checkpoint or cosignatures were stored, and now and then; the answer ends it. */
  changed(call: () => void): () => void
  /** Tells the process that leads that somebody waits for this leaf. It may not arrive. */
  want(leaf: number): void
  /** Calls back when another process tells that. */
  wanted(call: (leaf: number) => void): void
  /** Resolves after the first try to lead, with whether that was enough. */
  tried(): Promise<boolean>
  /** This process leads no more, nor tries to: the log stopped here, and another one is to go on with it. */
  resign(): Promise<void>
}

export interface LogStore {
  /** Absent where one process has the log to itself. */
  readonly processes?: LogProcesses
  /** Leaves that are stored durably, without a gap: a checkpoint may cover them. */
  size(): Promise<number>
  /** Leaves from `from` up to but without `to`, which is at most `size()`. */
  leaves(from: number, to: number): Promise<StoredLeaf[]>
  /** Calls back soon after leaves became durable, by whatever process; the answer ends it. */
  grown(call: () => void): () => void

  /**
   * Waits until this process leads: only the leader publishes. Rejects with the signal's reason. The embedded engine,
   * whose directory one process holds, leads at once.
   */
  lead(signal: AbortSignal): Promise<void>
  /** The newest checkpoint that was published. */
  checkpoint(): Promise<StoredCheckpoint | undefined>
  /**
   * Stores a checkpoint and the tiles that it completed in one durable write, where this process leads and `after` is
   * the size of the newest one (0 for none). Throws PublishError; with `uncertain` it may or may not be stored.
   */
  publish(next: StoredCheckpoint, tiles: readonly StoredTile[], after: number): Promise<void>
  /** A full tile of hashes. */
  tile(level: number, index: number): Promise<Uint8Array | undefined>

  /** Keeps a note with cosignatures, where it is of a larger size than the one kept. */
  keepCosigned(kind: CosignedKind, size: number, note: Uint8Array): Promise<void>
  cosigned(kind: CosignedKind): Promise<CosignedNote | undefined>
}

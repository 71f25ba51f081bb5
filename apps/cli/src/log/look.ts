/**
 * One look at a log, from public tiles and checkpoints alone: is it the one seen before and longer, do its trustees
 * see the same, is it fresh. The log, and whoever answers for it, may lie in everything; what is signed is held
 * against what was signed before.
 */
import {
  consistencyProof, LOG_LIMITS, LogError, parseNote, type ReadTile, type SignedCheckpoint, TileReader, tilePath,
  type Tree, treeRoot, verifyCheckpoint, verifyConsistency,
} from '@scelle/log'
import { decode, equalBytes, Head, SealError, toHex, verifySigned } from '@scelle/seal/verify'
import { encodeEvidence, type Evidence, proveFork } from '@scelle/wire/evidence'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { logOrigin, logPolicy, QUORUM, verifyEd25519, witnessName } from '@scelle/wire/log'
import { CLI_LIMITS } from '../limits.ts'
import type { LogMemory } from './memory.ts'
import type { KnownParties, Pins } from './parties.ts'
import { type ReadLog, SourceError } from './source.ts'
import type { LogStatus } from './statuses.ts'

/** What was found, as data: sentences are made of it in `messages-log.ts`. */
export interface Finding {
  readonly status: LogStatus
  /** Hex id of the trustee or principal concerned. */
  readonly party?: string
  readonly leaf?: number
  /** Tree sizes: what was known, and what is shown. */
  readonly sizes?: readonly [number, number]
  /** Seconds, of what is too old. */
  readonly age?: number
  /** Plain words on what does not hold. */
  readonly detail?: string
  /** A file of evidence. */
  readonly evidence?: Uint8Array
}

export interface LookOptions {
  readonly read: ReadLog
  readonly pins: Pins
  readonly parties: KnownParties
  readonly memory: LogMemory | undefined
  /** Seconds since 1970 UTC. */
  readonly now: number
  /** Seconds after which a final checkpoint is too old. */
  readonly maxAge: number
}

export interface Look {
  readonly origin: string
  readonly checkpoint: SignedCheckpoint | undefined
  /** Bytes of its note. */
  readonly note: Uint8Array | undefined
  readonly final: { readonly size: number; readonly time: number } | undefined
  readonly findings: readonly Finding[]
}

/** Tiles of a source, as `TileReader` takes them. */
export const tilesOf = (read: ReadLog): ReadTile => async (tile) => {
  const path = tilePath(tile)
  const bytes = await read(path, CLI_LIMITS.logAnswer)
  if (bytes !== undefined) return bytes
  // c2sp.org/tlog-tiles: a partial tile may be gone once the full one is there, and begins it.
  const whole = tile.level === 'entries' || tile.width === LOG_LIMITS.tileWidth
    ? undefined : await read(tilePath({ ...tile, width: LOG_LIMITS.tileWidth }), CLI_LIMITS.logAnswer)
  if (whole === undefined) throw new SourceError(`${path} is not there`)
  return whole.subarray(0, tile.width * 32)
}

class Looking {
  readonly options: LookOptions
  readonly findings: Finding[] = []

  constructor(options: LookOptions) {
    this.options = options
  }

  find(finding: Finding): void {
    this.findings.push(finding)
  }

  /** Runs one part of the look; what it stumbles over is a finding, about the log or about a trustee. */
  async part<T>(run: () => Promise<T>, party?: string): Promise<T | undefined> {
    const about = party === undefined ? {} : { party }
    try {
      return await run()
    } catch (error) {
      if (error instanceof SourceError) {
        const status = party === undefined ? 'unreachable' : 'trustee-unreachable'
        this.find({ status, ...about, detail: error.message })
      } else if (error instanceof LogError || error instanceof SealError) {
        this.find({ status: 'not-valid', ...about, detail: error.message })
      } else throw error
      return undefined
    }
  }

  verify(note: Uint8Array, quorum: number, required?: string): Promise<SignedCheckpoint> {
    const { index, trustees } = this.options.parties
    const policy = logPolicy({ index, trustees, quorum })
    const witness = required === undefined ? undefined : witnessName(Buffer.from(required, 'hex'))
    return verifyCheckpoint(note, { ...policy, ...(witness === undefined ? {} : { required: witness }) }, verifyEd25519)
  }

  evidence(evidence: Evidence): { evidence: Uint8Array } {
    return { evidence: encodeEvidence(evidence) }
  }

  get accused(): readonly Uint8Array[] {
    return this.options.parties.chains[toHex(this.options.parties.index.id)] ?? []
  }

  /** Two notes that the log signed and that are not one history; `nodes` of the larger where sizes differ. */
  fork(older: Noted, newer: Noted, shown?: Awaited<ReturnType<typeof proveFork>>, party?: string): void {
    this.find({
      status: 'fork', sizes: [older.size, newer.size], ...(party === undefined ? {} : { party }),
      ...this.evidence({
        kind: 'fork', accused: this.accused, first: older.note, second: newer.note, ...shown,
      }),
    })
  }

  /**
   * Whether `newer` begins with `older`; a fork is found where it does not. Throws where the tiles show neither.
   */
  async oneHistory(older: Noted, newer: Noted, tiles: ReadTile, party?: string): Promise<boolean> {
    if (older.size === newer.size) {
      if (equalBytes(older.root, newer.root)) return true
      this.fork(older, newer, undefined, party)
      return false
    }
    if (older.size === 0) return true
    const { nodes } = new TileReader(newer, tiles)
    const shown = await proveFork(older, newer, nodes)
    if (shown !== undefined) {
      this.fork(older, newer, shown, party)
      return false
    }
    verifyConsistency(older, newer, await consistencyProof(older.size, newer.size, nodes))
    return true
  }
}

/** A tree with the note that says so. */
interface Noted extends Tree {
  readonly note: Uint8Array
}

const noteAt = async (at: Looking, path: string, read = at.options.read): Promise<Uint8Array | undefined> =>
  read(path, LOG_LIMITS.note)

const latest = (checkpoint: SignedCheckpoint): number => Math.max(0, ...checkpoint.cosigned.values())

/** A smaller log than before: shown by the index's own word that this is its newest, where it gives one. */
const rolledBack = async (at: Looking, shown: Tree, known: Noted): Promise<void> => {
  const { read, parties } = at.options
  const head = await read('v1/log/head', CLI_LIMITS.logAnswer).catch(() => undefined)
  const chains = parties.trustees.map(({ id }) => [...parties.chains[toHex(id)] ?? []])
  at.find({
    status: 'rolled-back', sizes: [known.size, shown.size],
    // It counts only where two trustees cosigned the larger one long enough before: `checkEvidence` says.
    ...(head === undefined ? {} : at.evidence({
      kind: 'head-stale', accused: at.accused, head, seen: { checkpoint: known.note, witnesses: chains },
    })),
  })
}

const againstMemory = async (at: Looking, now: Noted): Promise<void> => {
  const { memory, read } = at.options
  if (memory === undefined) return
  if (now.size < memory.size) await rolledBack(at, now, memory)
  else await at.part(() => at.oneHistory(memory, now, tilesOf(read)))
}

/**
 * Whether the index signs just now that its log has not grown since this checkpoint: quiet is not silent. It answers
 * for it: a head that is not the newest is evidence (`head-stale`).
 */
const isStillNewest = async (at: Looking, { note }: SignedCheckpoint): Promise<boolean> => {
  const { read, parties, now } = at.options
  const signed = await read('v1/log/head', CLI_LIMITS.logAnswer).catch(() => undefined)
  if (signed === undefined) return false
  try {
    const head = decode(Head, (await verifySigned('head', signed, parties.index)).body)
    return Math.abs(now - head.time) <= WIRE_LIMITS.accessWindow && parseNote(head.checkpoint).text === note.text
  } catch (error) {
    if (error instanceof SealError || error instanceof LogError) return false
    throw error
  }
}

/** The newest final checkpoint: cosigned by all, part of the log, not older than it may be. */
const lookAtFinal = async (at: Looking, now: Noted, note: Uint8Array | undefined): Promise<Look['final']> => {
  const { memory, read, maxAge, now: time } = at.options
  if (note === undefined) {
    at.find({ status: 'not-final' })
    return undefined
  }
  const checkpoint = await at.verify(note, QUORUM.final)
  const final: Noted = { ...checkpoint, note }
  if (final.size > now.size) {
    await rolledBack(at, now, final)
    return undefined
  }
  if (!(await at.oneHistory(final, now, tilesOf(read)))) return undefined
  const known = memory?.final
  if (known !== undefined && final.size < known.size) {
    at.find({ status: 'rolled-back', sizes: [known.size, final.size] })
    return undefined
  }
  const cosigned = latest(checkpoint)
  const age = time - cosigned
  if (age > maxAge && !(await isStillNewest(at, checkpoint))) {
    at.find({ status: 'stale', age, sizes: [final.size, now.size] })
  }
  return { size: final.size, time: cosigned }
}

/** What a trustee shows itself is held against what the index shows: they may be two histories. */
const lookAtTrustee = async (at: Looking, id: string, theirs: ReadLog, now: Noted): Promise<void> => {
  const note = await noteAt(at, 'v1/log/checkpoint', theirs)
  if (note === undefined) throw new SourceError('it shows no checkpoint')
  const shown: Noted = { ...await at.verify(note, 1, id), note }
  if (shown.size <= now.size) await at.oneHistory(shown, now, tilesOf(at.options.read), id)
  // Larger than what the index shows: its mirror has the tiles, or the index has them by now.
  else await at.oneHistory(now, shown, tilesOf(theirs), id)
}

const lookAtTrustees = async (at: Looking, now: Noted): Promise<void> => {
  const { pins, parties } = at.options
  for (const { id, read } of pins.trustees) {
    const known = parties.trustees.some((keys) => toHex(keys.id) === id)
    if (!known) at.find({ status: 'trustee-unreachable', party: id, detail: 'its keys are shown nowhere' })
    else if (read !== undefined) await at.part(() => lookAtTrustee(at, id, read, now), id)
  }
}

export const look = async (options: LookOptions): Promise<Look> => {
  const at = new Looking(options)
  const origin = logOrigin(options.parties.index.id)
  // First what is final, then the newest: in this order the second is never smaller where all is well.
  const final = await at.part(() => noteAt(at, 'v1/log/final'))
  const note = await at.part(() => noteAt(at, 'checkpoint'))
  const checkpoint = note === undefined ? undefined : await at.part(() => at.verify(note, 0))
  if (note === undefined || checkpoint === undefined) {
    if (at.findings.length === 0) at.find({ status: 'unreachable', detail: 'it shows no checkpoint' })
    return { origin, checkpoint: undefined, note: undefined, final: undefined, findings: at.findings }
  }
  const now: Noted = { ...checkpoint, note }
  await againstMemory(at, now)
  const newest = await at.part(() => lookAtFinal(at, now, final))
  await lookAtTrustees(at, now)
  return { origin, checkpoint, note, final: newest, findings: at.findings }
}

/** The root of the tree's first leaves, from authenticated tiles. */
export const rootAt = (tree: Tree, size: number, read: ReadLog): Promise<Uint8Array> =>
  treeRoot(size, new TileReader(tree, tilesOf(read)).nodes)

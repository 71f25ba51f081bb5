/** Checkpoints, c2sp.org/tlog-checkpoint: origin, size, root, signed; and who cosigned them. */
import { decimal, fromBase64, toBase64 } from './bytes.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import { hasControl, heldSignatures, type Note, type NoteKey, parseNote, type VerifyEd25519 } from './note.ts'

export interface Checkpoint {
  readonly origin: string
  /** Leaves. */
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** Not recommended by the standard, and never made here. */
  readonly extensions: readonly string[]
}

/** The text that log and witnesses sign. Throws `checkpoint-malformed`: a line in a line would be signed as two. */
export const checkpointText = ({ origin, size, root }: Omit<Checkpoint, 'extensions'>): string => {
  if (origin === '' || hasControl(origin) || root.length !== 32 || !Number.isSafeInteger(size) || size < 0) {
    throw new LogError('checkpoint-malformed', 'a checkpoint is origin, size and root')
  }
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/** Throws `checkpoint-malformed`. */
export const parseCheckpoint = (text: string): Checkpoint => {
  const malformed = (): LogError => new LogError('checkpoint-malformed', 'a checkpoint is origin, size and root')
  if (!text.endsWith('\n')) throw malformed()
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n')
  const hash = fromBase64(root, 'checkpoint-malformed')
  const lines = extensions.length <= LOG_LIMITS.extensions && extensions.every((line) => line !== '')
  if (origin === '' || [origin, ...extensions].some(hasControl) || hash.length !== 32 || !lines) throw malformed()
  return { origin, size: decimal(size, 'checkpoint-malformed'), root: hash, extensions }
}

/** Whose words are believed: the log's keys (any of them signs), and its witnesses, each with all keys it ever had. */
export interface LogPolicy {
  readonly origin: string
  readonly log: readonly NoteKey[]
  readonly witnesses: readonly { readonly name: string; readonly keys: readonly NoteKey[] }[]
  /**
   * How many witnesses must have cosigned, under as many keys: a cosignature of version 1 does not say who made it, so
   * one that a second witness lends its name to, having registered somebody else's key, counts once.
   */
  readonly quorum: number
  /** A witness that must be among them. */
  readonly required?: string
}

export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note
  /** Times of the cosignatures that hold, seconds since 1970 UTC, by the witness's name. */
  readonly cosigned: ReadonlyMap<string, number>
}

/**
 * Reads a checkpoint and checks who signed it. Throws `note-malformed`, `checkpoint-malformed`, `origin-unknown`,
 * `checkpoint-unsigned`, `cosignatures-insufficient`, and `signature-invalid`: a signature that does not hold, of a key
 * that is known, has the whole note refused.
 */
export const verifyCheckpoint = async (
  bytes: Uint8Array, policy: LogPolicy, verify: VerifyEd25519,
): Promise<SignedCheckpoint> => {
  const note = parseNote(bytes)
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint.origin !== policy.origin) throw new LogError('origin-unknown', 'the checkpoint is of another log')
  if ((await heldSignatures(note, policy.log, verify)).length === 0) {
    throw new LogError('checkpoint-unsigned', 'the log did not sign this checkpoint')
  }
  const cosigned = new Map<string, number>()
  const under = new Set<string>()
  for (const { name, keys } of policy.witnesses) {
    const [newest] = (await heldSignatures(note, keys, verify)).toSorted((a, b) => (b.time ?? 0) - (a.time ?? 0))
    if (newest === undefined) continue
    cosigned.set(name, newest.time ?? 0)
    under.add(toBase64(newest.key.key))
  }
  const enough = Math.min(cosigned.size, under.size) >= policy.quorum
  if (!enough || (policy.required !== undefined && !cosigned.has(policy.required))) {
    throw new LogError('cosignatures-insufficient',
      `${Math.min(cosigned.size, under.size)} witnesses cosigned this checkpoint, ${policy.quorum} have to${
        policy.required === undefined ? '' : ', a certain one among them'}`)
  }
  return { ...checkpoint, note, cosigned }
}

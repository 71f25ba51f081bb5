/** What a witness is asked and how it decides, c2sp.org/tlog-witness. Storage and clock are whoever calls. */
import { decimal, equalBytes, fromBase64, fromUtf8, joinBytes, toBase64, utf8 } from './bytes.ts'
import { type Checkpoint, type LogPolicy, verifyCheckpoint } from './checkpoint.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import type { VerifyEd25519 } from './note.ts'
import { type Tree, verifyConsistency } from './proofs.ts'
import { EMPTY_ROOT, requireSize } from './tree.ts'

/** An `add-checkpoint` request. */
export interface AddCheckpoint {
  /** Size of the tree that the witness cosigned last, as the log believes. */
  readonly old: number
  readonly proof: readonly Uint8Array[]
  /** The signed note, verbatim. */
  readonly checkpoint: Uint8Array
}

export const formatAddCheckpoint = ({ old, proof, checkpoint }: AddCheckpoint): Uint8Array => {
  requireSize(old)
  return joinBytes(utf8(`old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n`), checkpoint)
}

/** Throws `proof-malformed`. */
export const parseAddCheckpoint = (bytes: Uint8Array): AddCheckpoint => {
  const malformed = (): LogError => new LogError('proof-malformed', 'this is not an add-checkpoint request')
  if (bytes.length > LOG_LIMITS.request) throw malformed()
  const whole = fromUtf8(bytes, 'proof-malformed')
  const gap = whole.indexOf('\n\n')
  const [old = '', ...hashes] = whole.slice(0, Math.max(0, gap)).split('\n')
  if (gap < 0 || !old.startsWith('old ') || hashes.length > LOG_LIMITS.proofHashes) throw malformed()
  const proof = hashes.map((line) => fromBase64(line, 'proof-malformed'))
  if (!proof.every(({ length }) => length === 32)) throw malformed()
  return { old: decimal(old.slice(4), 'proof-malformed'), proof, checkpoint: utf8(whole.slice(gap + 2)) }
}

/**
 * What a witness answers where it does not cosign. `unknown-log` 404, `unsigned` 403, `malformed` and `backwards` 400,
 * `stale` 409, `fork` 409, `inconsistent` 422; `size` is that of the tree cosigned last, which the body of a 409 tells.
 */
export type WitnessRefusal =
  | { readonly refused: 'unknown-log' | 'unsigned' | 'malformed' | 'backwards' }
  | { readonly refused: 'stale'; readonly size: number }
  /** Same size, other root: the log signed two histories. `checkpoint` beside the one cosigned before proves it. */
  | { readonly refused: 'fork'; readonly checkpoint: Checkpoint; readonly size: number }
  /**
   * No evidence by itself: nobody signs a request, so anybody can send a good checkpoint with a bad proof. The log is
   * at fault only if its own tiles do not yield a better one.
   */
  | { readonly refused: 'inconsistent'; readonly checkpoint: Checkpoint }

export type WitnessDecision = { readonly cosign: Checkpoint; readonly text: string } | WitnessRefusal

export const WITNESS_STATUS = {
  'unknown-log': 404, unsigned: 403, malformed: 400, backwards: 400, stale: 409, fork: 409, inconsistent: 422,
} as const satisfies Record<WitnessRefusal['refused'], number>

const refusalOf = (error: unknown): WitnessRefusal => {
  if (!(error instanceof LogError)) throw error
  if (error.code === 'origin-unknown') return { refused: 'unknown-log' }
  const unsigned = error.code === 'checkpoint-unsigned' || error.code === 'signature-invalid'
  return { refused: unsigned ? 'unsigned' : 'malformed' }
}

/**
 * Whether to cosign. `last` is what this witness cosigned last, durably; the caller stores what it decides to cosign
 * before it answers, and lets no second request in between. `policy.quorum` is not looked at.
 */
export const decideCosignature = async (
  request: AddCheckpoint, last: Tree | undefined, policy: Pick<LogPolicy, 'origin' | 'log'>, verify: VerifyEd25519,
): Promise<WitnessDecision> => {
  const known: Tree = last ?? { size: 0, root: EMPTY_ROOT }
  try {
    const checkpoint = await verifyCheckpoint(request.checkpoint, { ...policy, witnesses: [], quorum: 0 }, verify)
    if (request.old > checkpoint.size) return { refused: 'backwards' }
    // Before `stale`: a second history is evidence, whatever size the one who shows it says to go on from.
    if (checkpoint.size === known.size && !equalBytes(checkpoint.root, known.root)) {
      return { refused: 'fork', checkpoint, size: known.size }
    }
    if (request.old !== known.size) return { refused: 'stale', size: known.size }
    try {
      verifyConsistency(known, checkpoint, request.proof)
    } catch (error) {
      if (error instanceof LogError) return { refused: 'inconsistent', checkpoint }
      throw error
    }
    return { cosign: checkpoint, text: checkpoint.note.text }
  } catch (error) {
    return refusalOf(error)
  }
}

/** Proofs that stand by themselves, c2sp.org/tlog-proof: index, inclusion proof, checkpoint with cosignatures. */
import { decimal, fromBase64, fromUtf8, joinBytes, toBase64, utf8 } from './bytes.ts'
import { type LogPolicy, type SignedCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import type { VerifyEd25519 } from './note.ts'
import { verifyInclusion } from './proofs.ts'
import { leafHash, requireSize } from './tree.ts'

export interface LogProof {
  readonly index: number
  /** 32 bytes each, from the leaf's sibling up. */
  readonly hashes: readonly Uint8Array[]
  /** The signed note, verbatim. */
  readonly checkpoint: Uint8Array
  /** Opaque and unauthenticated: whoever reads it checks it against the leaf. */
  readonly extra?: Uint8Array | undefined
}

const HEADER = 'c2sp.org/tlog-proof@v1'

export const formatProof = ({ index, hashes, checkpoint, extra }: LogProof): Uint8Array => {
  requireSize(index)
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(toBase64),
    '', '',
  ]
  return joinBytes(utf8(lines.join('\n')), checkpoint)
}

/** Throws `proof-malformed`. Nothing is verified yet. */
export const parseProof = (bytes: Uint8Array): LogProof => {
  const malformed = (): LogError => new LogError('proof-malformed', 'this is not a tlog-proof')
  if (bytes.length > LOG_LIMITS.request) throw malformed()
  const whole = fromUtf8(bytes, 'proof-malformed')
  const gap = whole.indexOf('\n\n')
  const lines = whole.slice(0, Math.max(0, gap)).split('\n')
  if (gap < 0 || lines.shift() !== HEADER) throw malformed()
  const extra = lines[0]?.startsWith('extra ')
    ? fromBase64(lines.shift()?.slice(6) ?? '', 'proof-malformed')
    : undefined
  const index = lines.shift() ?? ''
  if (!index.startsWith('index ') || lines.length > LOG_LIMITS.proofHashes) throw malformed()
  const hashes = lines.map((line) => fromBase64(line, 'proof-malformed'))
  if (!hashes.every(({ length }) => length === 32)) throw malformed()
  return { index: decimal(index.slice(6), 'proof-malformed'), hashes, checkpoint: utf8(whole.slice(gap + 2)), extra }
}

/**
 * Checks that `entry` is in the log at the proof's index, under a checkpoint that the policy accepts. Throws
 * `inclusion-invalid` and what {@link verifyCheckpoint} throws.
 */
export const verifyProof = async (
  proof: LogProof, entry: Uint8Array, policy: LogPolicy, verify: VerifyEd25519,
): Promise<SignedCheckpoint> => {
  const checkpoint = await verifyCheckpoint(proof.checkpoint, policy, verify)
  verifyInclusion(leafHash(entry), { index: proof.index, size: checkpoint.size, root: checkpoint.root }, proof.hashes)
  return checkpoint
}

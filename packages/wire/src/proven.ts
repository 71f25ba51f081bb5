/**
 * A statement with what proves that the log holds it, in one file: for an access, a grant, or a record's whole path,
 * record → commit → checkpoint. Whoever checks it needs nothing but the pinned keys of the log and its trustees.
 */
import type { LogPolicy, SignedCheckpoint } from '@scelle/log'
import {
  bytes, Commit, decode, encode, field, FORMAT_LIMITS, type Kind, list, optional, RecordHeader, recordLeaf, SealError,
  sha256, Signed, statementId, struct, toHex, uint, type Value, verifyPath,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'
import { verifyReceipt } from './log.ts'

export const Proven = struct({
  statement: field(0, bytes(1, FORMAT_LIMITS.statement)),
  /** A tlog-proof whose `extra` is the leaf's salt. */
  receipt: field(1, bytes(1, WIRE_LIMITS.logProof)),
  /** Of a record: what stands in its commit, and the siblings from its leaf up to the commit's root. */
  record: optional(2, struct({
    header: field(0, bytes(1, FORMAT_LIMITS.recordHeader)),
    /** SHA-256 of the sealed body. */
    digest: field(1, bytes(32)),
    place: field(2, uint(FORMAT_LIMITS.commitLeaves)),
    path: field(3, list(bytes(32), 14)),
  })),
})
export type Proven = Value<typeof Proven>

export const encodeProven = (proven: Proven): Uint8Array => encode(Proven, proven)

export interface VerifiedProven {
  readonly kind: Kind
  /** Hex id of the statement, and of who signed it. The statement's own signature is not checked: see below. */
  readonly statement: string
  readonly signer: string
  /** What was signed: of its kind's format. */
  readonly body: Uint8Array
  readonly leaf: number
  readonly checkpoint: SignedCheckpoint
  readonly record: RecordHeader | undefined
}

/**
 * Checks that the log holds the statement, and that the statement, a commit, holds the record. Whether its signer
 * signed it takes the signer's keys: `verifySigned`. That the log holds it means that the index took it as signed.
 * `body`: the sealed octets, where they are at hand. Throws LogError or SealError.
 */
export const verifyProven = async (file: Uint8Array, policy: LogPolicy, body?: Uint8Array): Promise<VerifiedProven> => {
  const { statement, receipt, record } = decode(Proven, file)
  const { proof, checkpoint } = await verifyReceipt(receipt, statement, policy)
  const { kind, signer, body: signed } = decode(Signed, statement)
  if (record !== undefined) {
    if (kind !== 'commit') throw new SealError('commit-proof-invalid', 'only a commit holds a record')
    verifyPath(recordLeaf(record.header, record.digest), record.place, record.path, decode(Commit, signed))
  }
  if (body !== undefined && (record === undefined || toHex(sha256(body)) !== toHex(record.digest))) {
    throw new SealError('record-mismatch', 'these are not the octets that the commit holds')
  }
  return {
    kind, statement: toHex(statementId(statement)), signer: toHex(signer), body: signed, leaf: proof.index, checkpoint,
    record: record === undefined ? undefined : decode(RecordHeader, record.header),
  }
}

/**
 * The log between parties: what it is called, whose keys sign it, and receipts. Names follow from principal ids, which
 * everybody pins, so that no party can be talked into another log or another witness.
 */
import {
  LogError, type LogPolicy, type LogProof, type NoteKey, parseProof, type SignedCheckpoint, verifyProof,
} from '@scelle/log'
import { controlSubject, ed25519Verify, logEntry, type PrincipalKeys, statementId, toHex } from '@scelle/seal/verify'

/** Origin of an index's log. `generation` is 1 for its first log; each successor has the next. */
export const logOrigin = (index: Uint8Array, generation = 1): string =>
  `scelle.health/index/${toHex(index)}${generation === 1 ? '' : `/${generation}`}`

/** Name under which a trustee cosigns. */
export const witnessName = (trustee: Uint8Array): string => `scelle.health/trustee/${toHex(trustee)}`

/** Keys that may sign the index's log: all that it ever had, since old checkpoints stay good. */
export const logKeys = (index: PrincipalKeys, generation = 1): NoteKey[] =>
  index.records.map(({ signingKey }) => ({
    name: logOrigin(index.id, generation), algorithm: 'ed25519', key: signingKey,
  }))

export const witnessKeys = (trustee: PrincipalKeys): NoteKey[] =>
  trustee.records.map(({ signingKey }) => ({
    name: witnessName(trustee.id), algorithm: 'cosignature', key: signingKey,
  }))

/** How many trustees must have cosigned what is relied on, and what is final. */
export const QUORUM = { release: 2, final: 3 } as const

export interface PolicyParties {
  readonly index: PrincipalKeys
  readonly trustees: readonly PrincipalKeys[]
  readonly quorum: number
  /** Principal id of a trustee that must be among those that cosigned. */
  readonly required?: Uint8Array
  readonly generation?: number
}

export const logPolicy = ({ index, trustees, quorum, required, generation = 1 }: PolicyParties): LogPolicy => ({
  origin: logOrigin(index.id, generation),
  log: logKeys(index, generation),
  witnesses: trustees.map((trustee) => ({ name: witnessName(trustee.id), keys: witnessKeys(trustee) })),
  quorum,
  ...(required === undefined ? {} : { required: witnessName(required) }),
})

/** The signature check that `@scelle/log` is handed. */
export const verifyEd25519 = ed25519Verify

export interface VerifiedReceipt {
  readonly proof: LogProof
  readonly checkpoint: SignedCheckpoint
}

/** The bytes of a statement's leaf. `salt` is 16 bytes. */
export const entryOf = (signedBytes: Uint8Array, salt: Uint8Array): Uint8Array =>
  logEntry({ salt, statement: statementId(signedBytes), subject: controlSubject(signedBytes) })

/**
 * Checks that a statement is in the log by its receipt: a tlog-proof whose `extra` is the leaf's salt. Throws LogError.
 * What is not authenticated of it, the salt, is: another one gives another leaf.
 */
export const verifyReceipt = async (
  receipt: Uint8Array, signedBytes: Uint8Array, policy: LogPolicy,
): Promise<VerifiedReceipt> => {
  const proof = parseProof(receipt)
  if (proof.extra?.length !== 16) throw new LogError('proof-malformed', 'a receipt carries its leaf’s salt')
  const entry = entryOf(signedBytes, proof.extra)
  return { proof, checkpoint: await verifyProof(proof, entry, policy, ed25519Verify) }
}

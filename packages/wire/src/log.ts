/**
 * The log between parties: what it is called, whose keys sign it, and receipts. Names follow from principal ids, which
 * everybody pins, so that no party can be talked into another log or another witness.
 */
import {
  LogError, type LogPolicy, type LogProof, type NoteKey, parseProof, type SignedCheckpoint, verifyProof,
} from '@scelle/log'
import {
  bytes, controlSubject, decode, ed25519Verify, equalBytes, field, FORMAT_LIMITS, list, logEntry, type PrincipalKeys,
  SealError, statementId, struct, Successor, SUITE, toHex, type Value, verifyKeyChain, verifySigned,
} from '@scelle/seal/verify'

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

/** A trustee's signed `successor`, with its own key chain. */
export const LossAgreement = struct({
  statement: field(0, bytes(1, FORMAT_LIMITS.statement)),
  keys: field(1, list(bytes(1, FORMAT_LIMITS.statement), FORMAT_LIMITS.keyChain)),
})
export type LossAgreement = Value<typeof LossAgreement>

const notAgreed = (why: string): SealError => new SealError('signature-invalid', `the loss is not agreed on: ${why}`)

/**
 * What is lost of a log that goes on: an ascending list of leaves of the tree that it names, and that tree of the
 * index's own log. Throws SealError.
 */
export const requireLoss = (body: Uint8Array, index: Uint8Array): Successor => {
  const loss = decode(Successor, body)
  const origin = logOrigin(index)
  const ascending = loss.missing.every((leaf, i) => leaf < loss.size && (i === 0 || leaf > (loss.missing[i - 1] ?? 0)))
  const fits = loss.suite === SUITE && equalBytes(loss.index, index) && loss.ended === origin &&
    loss.successor === origin && loss.kept === loss.size && loss.missing.length > 0 && ascending
  if (!fits) throw notAgreed('it is about another log, or names leaves that there are not')
  return loss
}

/** Verifies that all three trustees signed the same. `trustees`: their ids. Throws SealError. */
export const verifyLoss = async (
  agreements: readonly LossAgreement[], parties: { index: Uint8Array; trustees: readonly Uint8Array[] },
): Promise<Successor> => {
  const bodies: Uint8Array[] = []
  const signers = new Set<string>()
  for (const { statement, keys } of agreements) {
    const signer = await verifyKeyChain(keys)
    if (!parties.trustees.some((id) => equalBytes(id, signer.id))) throw notAgreed('a stranger signed it')
    bodies.push((await verifySigned('successor', statement, signer)).body)
    signers.add(toHex(signer.id))
  }
  const [body] = bodies
  if (body === undefined || signers.size < QUORUM.final) throw notAgreed('all three trustees have to sign it')
  if (!bodies.every((other) => equalBytes(other, body))) throw notAgreed('they signed different lists')
  return requireLoss(body, parties.index)
}

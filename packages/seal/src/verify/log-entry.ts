/**
 * What stands in the public log for a statement: a commitment that names nobody, and for statements that trustees must
 * know, a label by which whom it is about finds it. spec/format.md, Log entries.
 */
import { bytes, decode, encode, field, optional, struct, type Value } from '../encoding/schema.ts'
import { SignOut } from '../sessions.ts'
import { Notice } from '../standing.ts'
import { KeyRecord, type Kind, Manifest, Revocation, Signed, Successor } from '../statements.ts'
import { equalBytes, hashOf, ZERO32 } from './bytes.ts'
import { statementId } from './identity.ts'

const hash32 = bytes(32)

export const LogEntry = struct({
  /** `leafCommitment` of a random salt and the statement's id. */
  commitment: field(0, hash32),
  /** `leafSubject` of whom a control leaf is about; absent in others, which all look alike. */
  subject: optional(1, hash32),
})
export type LogEntry = Value<typeof LogEntry>

/** `salt`: 16 random bytes. Whoever has it and the statement can find the leaf; nobody else can even try. */
export const leafCommitment = (salt: Uint8Array, statement: Uint8Array): Uint8Array =>
  hashOf('leafCommitment', salt, statement)

/** The label of control leaves about a principal, a vault or a grant: ids are hashes of random things themselves. */
export const leafSubject = (subject: Uint8Array): Uint8Array => hashOf('leafSubject', subject)

/**
 * The label of notices and sign-outs, of a target's `leafSubject`. Another one than that of its key records, whoever
 * signs the notice: a stranger's must not look to a principal like keys that somebody made for it.
 */
export const noticeLabel = (subject: Uint8Array): Uint8Array => hashOf('noticeSubject', subject)

/** The label of a publisher's releases: whoever reads the log counts them, and sees when there is a new one. */
export const softwareLabel = (publisher: Uint8Array): Uint8Array => hashOf('softwareSubject', publisher)

/**
 * The salt of the leaf of a statement that was sent together with another one: a vault's first manifest with its
 * genesis, a grant's keys with the grant. Whoever has the receipt of the first can find the second.
 */
export const followingSalt = (salt: Uint8Array): Uint8Array => hashOf('followingSalt', salt).slice(0, 16)

/** The bytes of a leaf. `subject` is the label, absent for all but control leaves. */
export const logEntry = (
  leaf: { readonly salt: Uint8Array; readonly statement: Uint8Array; readonly subject?: Uint8Array | undefined },
): Uint8Array => encode(LogEntry, {
  commitment: leafCommitment(leaf.salt, leaf.statement),
  ...(leaf.subject === undefined ? {} : { subject: leaf.subject }),
})

type SubjectOf = (body: Uint8Array, signer: Uint8Array, id: Uint8Array) => Uint8Array | undefined

/** Kinds whose statements trustees apply before they cosign, and whom each is about. */
const SUBJECTS: Partial<Record<Kind, SubjectOf>> = {
  'key-record': (body, signer, id) => {
    decode(KeyRecord, body)
    return equalBytes(signer, ZERO32) ? id : signer
  },
  revocation: (body) => decode(Revocation, body).grant,
  // A vault's first manifest changes nothing for anybody; each later one is an epoch.
  manifest: (body) => {
    const { version, vault } = decode(Manifest, body)
    return version > 1 ? vault : undefined
  },
  // Labelled with the index: whoever follows its log finds what it lost.
  successor: (body) => decode(Successor, body).index,
}

/**
 * The label that the statement's leaf must carry; undefined where it is no control leaf. The signature is not checked.
 * Throws `encoding-…`.
 */
export const controlSubject = (signedBytes: Uint8Array): Uint8Array | undefined => {
  const { kind, body, signer } = decode(Signed, signedBytes)
  if (kind === 'notice') return noticeLabel(decode(Notice, body).subject)
  if (kind === 'software') return softwareLabel(signer)
  if (kind === 'sign-out') return noticeLabel(leafSubject(decode(SignOut, body).principal))
  const subject = SUBJECTS[kind]?.(body, signer, statementId(signedBytes))
  return subject === undefined ? undefined : leafSubject(subject)
}

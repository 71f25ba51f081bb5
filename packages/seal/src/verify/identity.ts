/** Who signed what: key records that chain to a principal's genesis, and signatures under them. */
import { ed25519Verify } from '#signature'
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import type { KnownSession } from '../sessions.ts'
import { KeyRecord, type Kind, KINDS, Signed, SUITE } from '../statements.ts'
import { verifyAssertion } from './assertion.ts'
import { concatBytes, equalBytes, hashOf, toHex, u32, u8, ZERO32 } from './bytes.ts'

/** A principal's verified keys: every record back to the genesis whose hash is its id. */
export interface PrincipalKeys {
  readonly id: Uint8Array
  readonly kind: KeyRecord['kind']
  readonly records: readonly KeyRecord[]
  /** The newest record: seal to this, expect signatures by this. */
  readonly current: KeyRecord
  /** The session under which it acts, whose key `current` then has: see `underSession`. */
  readonly session?: KnownSession | undefined
}

/** A statement whose signature holds. */
export interface VerifiedStatement {
  readonly signed: Signed
  readonly body: Uint8Array
  readonly id: Uint8Array
}

/** The id of a signed statement: the hash of its whole encoding. */
export const statementId = (signedBytes: Uint8Array): Uint8Array => hashOf('statementId', signedBytes)

/** What a statement's signature covers. */
export const signatureInput = (kind: Kind, signer: Uint8Array, keyVersion: number, body: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('signature'), u8(KINDS.indexOf(kind)), signer, u32(keyVersion), body)

/**
 * What the signature of a statement in a session covers: the session too, or whoever passes the statement on could name
 * another one of the same key. `session`: signed.
 */
export const inSessionInput = (input: Uint8Array, session: Uint8Array): Uint8Array =>
  concatBytes(input, statementId(session))

/** Refuses every suite but the one of this version: parameters never come from the other side. */
export const requireSuite = (value: { suite: number }): void => {
  if (value.suite !== SUITE) throw new SealError('suite-unknown', 'made by another version of the format; update')
}

/** Decodes a signed statement and checks its kind. The signature is not checked yet. */
export const decodeSigned = (kind: Kind, signedBytes: Uint8Array): Signed => {
  const signed = decode(Signed, signedBytes)
  if (signed.kind !== kind) throw new SealError('signature-invalid', `expected a ${kind}, got a ${signed.kind}`)
  return signed
}

const inputOf = ({ kind, signer, keyVersion, body, session }: Signed): Uint8Array => {
  const input = signatureInput(kind, signer, keyVersion, body)
  return session === undefined ? input : inSessionInput(input, session)
}

const requireSignature = async (signed: Signed, key: Uint8Array): Promise<void> => {
  if (!(await ed25519Verify(key, inputOf(signed), signed.signature))) {
    throw new SealError('signature-invalid', `the signature of a ${signed.kind} does not hold`)
  }
}

/** What is signed in a session, by the house that holds its key: nothing that gives rights or takes them. */
export const SESSION_KINDS: ReadonlySet<Kind> = new Set(['commit', 'access', 'fact', 'report', 'sign-out'])

/** The key that a session gave to the house. Throws `signature-invalid`, `session-invalid`. */
const sessionKey = ({ kind, session }: Signed, keys: PrincipalKeys): Uint8Array => {
  const known = keys.session
  if (!SESSION_KINDS.has(kind)) throw new SealError('signature-invalid', `no ${kind} is signed in a session`)
  if (known === undefined || session === undefined || !equalBytes(known.id, statementId(session))) {
    throw new SealError('session-invalid', `the session in which a ${kind} was signed is not the one known`)
  }
  return known.key
}

const requireRightSignature = async (signed: Signed, keys: PrincipalKeys, record: KeyRecord): Promise<void> => {
  const { assertion, session, kind } = signed
  if (assertion !== undefined && session !== undefined) {
    throw new SealError('signature-invalid', 'a statement is signed by a passkey or in a session, not by both')
  }
  if (assertion !== undefined) {
    await verifyAssertion({ ...signed, assertion }, record.passkeys ?? [], inputOf(signed))
    return
  }
  // A key that rests on a disk would otherwise do for the gesture of its person.
  if (kind === 'session') throw new SealError('assertion-invalid', 'a session is signed by a passkey')
  await requireSignature(signed, session === undefined ? record.signingKey : sessionKey(signed, keys))
}

/**
 * Checks one signed statement against its signer's keys: the key of a record, one of its passkeys, or a session of it.
 * Throws `principal-mismatch`, `signature-invalid`, `assertion-invalid`, `session-invalid`.
 */
export const verifySigned = async (
  kind: Kind, signedBytes: Uint8Array, keys: PrincipalKeys,
): Promise<VerifiedStatement> => {
  const signed = decodeSigned(kind, signedBytes)
  if (!equalBytes(signed.signer, keys.id)) {
    throw new SealError('principal-mismatch', `a ${kind} is signed by somebody else than expected`)
  }
  const record = keys.records[signed.keyVersion]
  if (record === undefined) throw new SealError('signature-invalid', 'the signer has no key of that version')
  await requireRightSignature(signed, keys, record)
  return { signed, body: signed.body, id: statementId(signedBytes) }
}

/**
 * Refuses what is signed under a key that its signer has replaced: whoever stole that key must not go on with it.
 * `signed` is the decoded statement, `keys` the newest that one knows of the signer. For statements just made: older
 * ones stay valid under the key that they name. Throws `signature-invalid`, `principal-mismatch`.
 */
export const requireCurrentKey = (
  signed: Pick<Signed, 'signer' | 'keyVersion' | 'session'>, keys: PrincipalKeys,
): void => {
  if (!equalBytes(signed.signer, keys.id)) {
    throw new SealError('principal-mismatch', 'these are the keys of somebody else than the signer')
  }
  // A session's own key; whether its passkey is in the newest record was checked with the session.
  if (signed.session !== undefined) return
  if (signed.keyVersion !== keys.current.version) {
    throw new SealError('signature-invalid', "this is signed under a replaced key; sign under the signer's newest one")
  }
}

/** What was said for good. */
const stays = (before: KeyRecord, after: KeyRecord): boolean => before.flowOnly !== true || after.flowOnly === true

const requirePasskeys = ({ kind, passkeys = [] }: KeyRecord): void => {
  const names = new Set(passkeys.map(({ credential }) => toHex(credential)))
  const fits = passkeys.every(({ algorithm, publicKey }) => publicKey.length === (algorithm === 'ES256' ? 64 : 32))
  if (!fits || names.size !== passkeys.length || (passkeys.length > 0 && kind !== 'person')) {
    throw new SealError('key-chain-broken', 'passkeys are of people, each once, each of its algorithm')
  }
}

/** Checks a whole chain of key records, genesis first; the id is the hash of the genesis. Throws `key-chain-broken`. */
export const verifyKeyChain = async (chain: readonly Uint8Array[]): Promise<PrincipalKeys> => {
  const genesis = chain[0]
  if (genesis === undefined || chain.length > LIMITS.keyChain) {
    throw new SealError('key-chain-broken', `a principal has 1 to ${LIMITS.keyChain} key records`)
  }
  const id = statementId(genesis)
  const records: KeyRecord[] = []
  for (const [version, signedBytes] of chain.entries()) {
    const signed = decodeSigned('key-record', signedBytes)
    const record = decode(KeyRecord, signed.body)
    requireSuite(record)
    requirePasskeys(record)
    const previous = records.at(-1)
    const before = chain[version - 1]
    const inOrder =
      record.version === version &&
      signed.keyVersion === Math.max(0, version - 1) &&
      equalBytes(signed.signer, version === 0 ? ZERO32 : id) &&
      (before === undefined
        ? record.previous === undefined
        : record.previous !== undefined && equalBytes(record.previous, statementId(before))) &&
      (previous === undefined || (previous.kind === record.kind && stays(previous, record))) &&
      signed.assertion === undefined && signed.session === undefined
    if (!inOrder) throw new SealError('key-chain-broken', `key record ${version} does not follow its predecessor`)
    await requireSignature(signed, (previous ?? record).signingKey)
    records.push(record)
  }
  const current = records.at(-1) as KeyRecord
  return { id, kind: current.kind, records, current }
}

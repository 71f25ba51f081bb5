/** Who signed what: key records that chain to a principal's genesis, and signatures under them. */
import { ed25519Verify } from '#signature'
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { KeyRecord, type Kind, KINDS, Signed, SUITE } from '../statements.ts'
import { concatBytes, equalBytes, hashOf, u32, u8, ZERO32 } from './bytes.ts'

/** A principal's verified keys: every record back to the genesis whose hash is its id. */
export interface PrincipalKeys {
  readonly id: Uint8Array
  readonly kind: KeyRecord['kind']
  readonly records: readonly KeyRecord[]
  /** The newest record: seal to this, expect signatures by this. */
  readonly current: KeyRecord
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

const requireSignature = async (signed: Signed, key: Uint8Array): Promise<void> => {
  const input = signatureInput(signed.kind, signed.signer, signed.keyVersion, signed.body)
  if (!(await ed25519Verify(key, input, signed.signature))) {
    throw new SealError('signature-invalid', `the signature of a ${signed.kind} does not hold`)
  }
}

/** Checks one signed statement against its signer's keys. Throws `principal-mismatch` or `signature-invalid`. */
export const verifySigned = async (
  kind: Kind, signedBytes: Uint8Array, keys: PrincipalKeys,
): Promise<VerifiedStatement> => {
  const signed = decodeSigned(kind, signedBytes)
  if (!equalBytes(signed.signer, keys.id)) {
    throw new SealError('principal-mismatch', `a ${kind} is signed by somebody else than expected`)
  }
  const record = keys.records[signed.keyVersion]
  if (record === undefined) throw new SealError('signature-invalid', 'the signer has no key of that version')
  await requireSignature(signed, record.signingKey)
  return { signed, body: signed.body, id: statementId(signedBytes) }
}

/**
 * Refuses what is signed under a key that its signer has replaced: whoever stole that key must not go on with it.
 * `signed` is the decoded statement, `keys` the newest that one knows of the signer. For statements just made: older
 * ones stay valid under the key that they name. Throws `signature-invalid`, `principal-mismatch`.
 */
export const requireCurrentKey = (signed: Pick<Signed, 'signer' | 'keyVersion'>, keys: PrincipalKeys): void => {
  if (!equalBytes(signed.signer, keys.id)) {
    throw new SealError('principal-mismatch', 'these are the keys of somebody else than the signer')
  }
  if (signed.keyVersion !== keys.current.version) {
    throw new SealError('signature-invalid', "this is signed under a replaced key; sign under the signer's newest one")
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
    const previous = records.at(-1)
    const before = chain[version - 1]
    const inOrder =
      record.version === version &&
      signed.keyVersion === Math.max(0, version - 1) &&
      equalBytes(signed.signer, version === 0 ? ZERO32 : id) &&
      (before === undefined
        ? record.previous === undefined
        : record.previous !== undefined && equalBytes(record.previous, statementId(before))) &&
      (previous === undefined || previous.kind === record.kind)
    if (!inOrder) throw new SealError('key-chain-broken', `key record ${version} does not follow its predecessor`)
    await requireSignature(signed, (previous ?? record).signingKey)
    records.push(record)
  }
  const current = records.at(-1) as KeyRecord
  return { id, kind: current.kind, records, current }
}

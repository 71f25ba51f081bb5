/** One entry of a did:webvh 1.0 log: its form, its hash, and who signed it (Data Integrity, eddsa-jcs-2022). */
import { concatBytes, ed25519Verify, sha256 } from '@scelle/seal/verify'
import { canonicalJson } from './canonical-json.ts'
import { isObject, type Json, type JsonObject, memberOf, objectOf, parseObject, textOf, utf8 } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { ed25519OfMultikey, multihash, signatureOfMultibase } from './multikey.ts'

export const PLACEHOLDER = '{SCID}'
const MEMBERS = ['versionId', 'versionTime', 'parameters', 'state', 'proof']
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

export interface Entry {
  readonly number: number
  readonly hash: string
  readonly versionId: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly parameters: JsonObject
  readonly state: JsonObject
  readonly proofs: readonly JsonObject[]
  /** The entry without its proofs: what hash and signatures are over. */
  readonly body: JsonObject
}

const malformed = (detail: string): CredentialError => new CredentialError('did-log-invalid', detail)

/**
 * Reads one line of `did.jsonl`.
 *
 * @throws CredentialError `did-log-invalid`, `encoding-invalid`
 */
export const parseEntry = (line: string): Entry => {
  const whole = parseObject(line)
  const [versionId = '', versionTime = ''] = [textOf(whole, 'versionId'), textOf(whole, 'versionTime')]
  const [, number = '', hash = ''] = /^([1-9]\d{0,5})-(Qm[1-9A-Za-z]{44})$/.exec(versionId) ?? []
  const [parameters, state] = [objectOf(whole, 'parameters'), objectOf(whole, 'state')]
  const time = TIME.test(versionTime) ? Date.parse(versionTime) : Number.NaN
  const { proof, ...body } = whole
  if (Object.keys(whole).some((name) => !MEMBERS.includes(name)) || parameters === undefined || state === undefined) {
    throw malformed('an entry has other members')
  }
  if (hash === '' || Number.isNaN(time)) throw malformed('versionId or versionTime')
  // A log whose entries nobody signed has the right hashes too.
  if (!Array.isArray(proof) || proof.length === 0 || !proof.every(isObject)) {
    throw new CredentialError('did-key-unauthorised')
  }
  return { number: Number(number), hash, versionId, time, parameters, state, proofs: proof, body }
}

export const hashOfJson = (value: Json): string => multihash(sha256(utf8(canonicalJson(value))))

/** The hash of an entry that follows a version, or of the first one, which follows the SCID. */
export const entryHash = ({ body }: Entry, predecessor: string): string =>
  hashOfJson({ ...body, versionId: predecessor })

/**
 * The self-certifying identifier: the hash of the first entry with a placeholder wherever the identifier stands.
 *
 * @throws CredentialError `did-log-invalid`
 */
export const scidOf = ({ body }: Entry, scid: string): string => {
  // Two entries, one with the placeholder where the other has the identifier, would share one identifier.
  if (canonicalJson(body).includes(PLACEHOLDER)) throw malformed('a placeholder was left')
  const text = canonicalJson({ ...body, versionId: PLACEHOLDER })
  return hashOfJson(parseObject(text.replaceAll(scid, PLACEHOLDER)))
}

/** The Multikey of `did:key:KEY`, with or without `#KEY`, or undefined. */
export const keyOfMethod = (method: string | undefined): string | undefined => {
  const [, key, fragment] = /^did:key:(z[1-9A-Za-z]{1,80})(?:#(z[1-9A-Za-z]{1,80}))?$/.exec(method ?? '') ?? []
  return fragment === undefined || fragment === key ? key : undefined
}

/** What a proof with these options signs of a document (eddsa-jcs-2022, section 3.3.4). */
export const proofInput = (options: JsonObject, document: JsonObject): Uint8Array =>
  concatBytes(sha256(utf8(canonicalJson(options))), sha256(utf8(canonicalJson(document))))

/**
 * The Multikey whose Data Integrity proof over a document holds, or undefined: strangers make these.
 */
export const signerOf = (document: JsonObject, proof: JsonObject): string | undefined => {
  const { proofValue, ...options } = proof
  const key = keyOfMethod(textOf(proof, 'verificationMethod'))
  const isOurs = memberOf(proof, 'type') === 'DataIntegrityProof' &&
    memberOf(proof, 'cryptosuite') === 'eddsa-jcs-2022' && memberOf(proof, 'proofPurpose') === 'assertionMethod'
  if (key === undefined || !isOurs || typeof proofValue !== 'string') return undefined
  try {
    const signed = proofInput(options, document)
    return ed25519Verify(ed25519OfMultikey(key), signed, signatureOfMultibase(proofValue)) ? key : undefined
  } catch (error) {
    if (error instanceof CredentialError) return undefined
    throw error
  }
}

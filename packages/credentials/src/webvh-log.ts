/**
 * The log of a did:webvh 1.0 identifier, verified from its first entry on. The host serves it and is not believed: the
 * identifier is the hash of the first entry, and each entry is authorised by the one before it.
 */
import { sha256 } from '@scelle/seal/verify'
import { isObject, type Json, type JsonObject, memberOf, parseJson, textOf, utf8 } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import { ed25519OfMultikey, multihash } from './multikey.ts'
import { type Entry, entryHash, keyOfMethod, parseEntry, scidOf, signerOf } from './webvh-entry.ts'

export const METHOD = 'did:webvh:1.0'
const PARAMETERS = [
  'method', 'scid', 'updateKeys', 'nextKeyHashes', 'witness', 'watchers', 'portable', 'deactivated', 'ttl',
]

export interface Witnesses {
  readonly threshold: number
  /** Multikeys. */
  readonly keys: readonly string[]
}

/** What an identifier says of itself now, and the way there. */
export interface History {
  readonly scid: string
  /** The identifier in full, host and path included. */
  readonly did: string
  /** Of every entry, in order. */
  readonly versionIds: readonly string[]
  /** Every identifier that it had: a portable one changes hosts. */
  readonly dids: readonly string[]
  readonly document: JsonObject
  /** Milliseconds since 1970. */
  readonly updated: number
  /** Next keys are committed to: the present ones alone can change nothing. */
  readonly preRotation: boolean
  /** Hashes of the Multikeys that may sign the next entry. */
  readonly nextKeyHashes: readonly string[]
  readonly portable: boolean
  readonly deactivated: boolean
}

interface State {
  updateKeys: readonly string[]
  nextKeyHashes: readonly string[]
  witnesses: Witnesses | undefined
  portable: boolean
  deactivated: boolean
}

/** Who must have approved an entry. */
interface Approval {
  readonly number: number
  readonly witnesses: Witnesses
}

const malformed = (detail: string): CredentialError => new CredentialError('did-log-invalid', detail)

const textsOf = (parameters: JsonObject, name: string): readonly string[] | undefined => {
  const value = memberOf(parameters, name)
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((element) => typeof element === 'string')) throw malformed(name)
  return value
}

const flagOf = (parameters: JsonObject, name: string): boolean | undefined => {
  const value = memberOf(parameters, name)
  if (value !== undefined && typeof value !== 'boolean') throw malformed(name)
  return value
}

/** The witnesses that a parameter names; none where it is empty. */
const witnessesOf = (parameter: Json): Witnesses | undefined => {
  if (!isObject(parameter)) throw malformed('witness')
  const [threshold, listed] = [memberOf(parameter, 'threshold') ?? 0, memberOf(parameter, 'witnesses') ?? []]
  if (!Array.isArray(listed) || listed.length > CREDENTIAL_LIMITS.didWitnesses) throw malformed('witness')
  if (listed.length === 0 && threshold === 0) return undefined
  const keys = listed.map((witness) => {
    const id = isObject(witness) ? textOf(witness, 'id') : undefined
    // One implementation leaves out the method's name; the key is the same.
    const key = id?.startsWith('z') === true ? id : keyOfMethod(id)
    if (key === undefined) throw malformed('witness')
    ed25519OfMultikey(key)
    return key
  })
  // A witness that is listed twice would approve twice.
  const isPossible = typeof threshold === 'number' && Number.isSafeInteger(threshold) && threshold >= 1 &&
    threshold <= keys.length && new Set(keys).size === keys.length
  if (!isPossible) throw malformed('witness')
  return { threshold, keys }
}

/** What an entry commits to a Multikey by. */
export const nextKeyHash = (key: string): string => multihash(sha256(utf8(key)))

/** The keys that may sign an entry (section 3.7.3): with pre-rotation its own, if the one before committed to them. */
const authorisedKeys = (entry: Entry, before: State | undefined): readonly string[] => {
  const own = textsOf(entry.parameters, 'updateKeys')
  if (before === undefined) return own ?? []
  if (before.nextKeyHashes.length === 0) return before.updateKeys
  if (own === undefined || !own.every((key) => before.nextKeyHashes.includes(nextKeyHash(key)))) {
    throw new CredentialError('did-prerotation-broken')
  }
  return own
}

const checkSignatures = (entry: Entry, keys: readonly string[]): void => {
  for (const proof of entry.proofs) {
    const signer = signerOf(entry.body, proof)
    if (signer === undefined || !keys.includes(signer)) throw new CredentialError('did-key-unauthorised')
  }
}

const checkParameters = (entry: Entry, before: State | undefined): void => {
  const { parameters } = entry
  if (Object.keys(parameters).some((name) => !PARAMETERS.includes(name))) throw malformed('unknown parameter')
  const method = memberOf(parameters, 'method')
  if (method !== METHOD && (before === undefined || method !== undefined)) throw malformed('method')
  if (before !== undefined && memberOf(parameters, 'scid') !== undefined) throw malformed('scid')
  // What could be switched on later would let whoever steals a key move the identifier to a host of its own.
  if (before?.portable === false && flagOf(parameters, 'portable') === true) throw malformed('portable')
}

const stateAfter = ({ parameters }: Entry, before: State | undefined): State => {
  const witness = memberOf(parameters, 'witness')
  return {
    updateKeys: textsOf(parameters, 'updateKeys') ?? before?.updateKeys ?? [],
    nextKeyHashes: textsOf(parameters, 'nextKeyHashes') ?? before?.nextKeyHashes ?? [],
    witnesses: witness === undefined ? before?.witnesses : witnessesOf(witness),
    portable: flagOf(parameters, 'portable') ?? before?.portable ?? false,
    deactivated: flagOf(parameters, 'deactivated') ?? before?.deactivated ?? false,
  }
}

const checkPlace = (entry: Entry, scid: string, previous: Entry | undefined, before: State | undefined): void => {
  if (previous === undefined) {
    if (scidOf(entry, scid) !== scid) throw new CredentialError('did-scid-mismatch')
  } else if (entry.time <= previous.time) throw malformed('versionTime')
  const isNext = entry.number === (previous?.number ?? 0) + 1
  if (!isNext || entryHash(entry, previous?.versionId ?? scid) !== entry.hash) {
    throw new CredentialError('did-chain-broken')
  }
  const [did, was] = [textOf(entry.state, 'id') ?? '', previous?.state['id']]
  if (!did.startsWith(`did:webvh:${scid}:`)) throw new CredentialError('did-scid-mismatch')
  if (previous !== undefined && did !== was && before?.portable !== true) throw malformed('not portable')
  if (before?.deactivated === true) throw malformed('deactivated before')
}

/** For each witness the number of the last entry that it approved: an approval covers all entries before. */
const approvalsOf = (file: string, versionIds: readonly string[], known: ReadonlySet<string>): Map<string, number> => {
  const sets = parseJson(file)
  if (!Array.isArray(sets)) throw malformed('did-witness.json')
  const approved = new Map<string, number>()
  let proofs = 0
  for (const set of sets.filter(isObject)) {
    const versionId = textOf(set, 'versionId') ?? ''
    const number = versionIds.indexOf(versionId) + 1
    const listed = memberOf(set, 'proof')
    if (number === 0 || !Array.isArray(listed)) continue
    for (const proof of listed.filter(isObject)) {
      const key = keyOfMethod(textOf(proof, 'verificationMethod'))
      if (key === undefined || !known.has(key) || (approved.get(key) ?? 0) >= number) continue
      if (++proofs > CREDENTIAL_LIMITS.didProofs) throw new CredentialError('too-large')
      if (signerOf({ versionId }, proof) === key) approved.set(key, number)
    }
  }
  return approved
}

const checkWitnesses = (approvals: readonly Approval[], versionIds: readonly string[], file: string): void => {
  const known = new Set(approvals.flatMap(({ witnesses }) => witnesses.keys))
  const approved = known.size === 0 ? new Map<string, number>() : approvalsOf(file, versionIds, known)
  for (const { number, witnesses } of approvals) {
    const count = witnesses.keys.filter((key) => (approved.get(key) ?? 0) >= number).length
    if (count < witnesses.threshold) throw new CredentialError('did-witness-missing')
  }
}

export interface LogFiles {
  /** `did.jsonl` */
  readonly log: string
  /** `did-witness.json`, where there is one. */
  readonly witness?: string | undefined
}

/**
 * Verifies a whole log against the SCID that was asked for (did:webvh 1.0, section 3.6.2 "Read").
 *
 * @param now milliseconds since 1970
 * @throws CredentialError `did-…`, `too-large`, `encoding-invalid`
 */
export const verifyLog = ({ log, witness = '[]' }: LogFiles, scid: string, now: number): History => {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0) throw malformed('no entry')
  if (lines.length > CREDENTIAL_LIMITS.didEntries) throw new CredentialError('too-large')
  const entries = lines.map(parseEntry)
  const approvals: Approval[] = []
  let state: State | undefined
  for (const [at, entry] of entries.entries()) {
    const previous = entries[at - 1]
    if (previous === undefined && textOf(entry.parameters, 'scid') !== scid) {
      throw new CredentialError('did-scid-mismatch')
    }
    checkParameters(entry, state)
    checkPlace(entry, scid, previous, state)
    checkSignatures(entry, authorisedKeys(entry, state))
    const after = stateAfter(entry, state)
    // Those who were witnesses before must approve their own replacement.
    const witnesses = state?.witnesses ?? after.witnesses
    if (witnesses !== undefined) approvals.push({ number: entry.number, witnesses })
    state = after
  }
  const versionIds = entries.map(({ versionId }) => versionId)
  checkWitnesses(approvals, versionIds, witness)
  const last = entries.at(-1)
  if (last === undefined || state === undefined) throw malformed('no entry')
  if (last.time > now + CREDENTIAL_LIMITS.didSkew * 1000) throw malformed('versionTime')
  const dids = entries.map((entry) => textOf(entry.state, 'id') ?? '')
  return {
    scid, did: dids.at(-1) ?? '', versionIds, dids, document: last.state, updated: last.time,
    preRotation: state.nextKeyHashes.length > 0, nextKeyHashes: state.nextKeyHashes, portable: state.portable,
    deactivated: state.deactivated,
  }
}

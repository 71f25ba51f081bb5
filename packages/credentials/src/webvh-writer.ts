/**
 * Writes the did:webvh 1.0 log of an organisation: its first entry, and those that follow. Each entry commits to the
 * keys of the next one, so a key that has signed once signs nothing more, and whoever copies the machine that publishes
 * the log has no key of it. Keys and clock are passed in.
 */
import { type Json, type JsonObject, memberOf } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { toBase58 } from './multikey.ts'
import { addressOf, PRINCIPAL_PREFIX, webDocumentOf } from './organisation.ts'
import { hashOfJson, PLACEHOLDER, proofInput } from './webvh-entry.ts'
import { type History, METHOD, nextKeyHash, verifyLog } from './webvh-log.ts'

export { multikeyOf } from './multikey.ts'
export { addressOf, type DidAddress, PRINCIPAL_PREFIX } from './organisation.ts'
export { type History, nextKeyHash, verifyLog } from './webvh-log.ts'

/** A key that signs one entry. */
export interface EntryKey {
  /** Ed25519, `z6Mk…` */
  readonly multikey: string
  /** An Ed25519 signature, 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

export interface Signing {
  readonly key: EntryKey
  /** Hashes of the Multikeys that may sign the entry after this one. */
  readonly nextKeyHashes: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface Beginning extends Signing {
  /** As {@link placeOf} writes it. */
  readonly place: string
  /** Principal id, 32 bytes. */
  readonly principal: Uint8Array
}

export interface Following extends Signing {
  /** Where it moves, as {@link placeOf} writes it. */
  readonly place?: string
  /** It stands for nobody from here on, and no entry follows. */
  readonly deactivated?: true
}

const SECOND = 1000

/**
 * Where the files of names at a place are, ending in a slash: it is the same for every SCID.
 *
 * @throws CredentialError `did-invalid`, `address-refused`
 */
export const baseOf = (place: string): string => addressOf(`did:webvh:${hashOfJson('')}:${place}`).base

/**
 * A host with an optional port and path, as people write it (`chu.example`, `https://chu.example:8443/clinics/nord`),
 * as a DID has it: `chu.example%3A8443:clinics:nord`.
 *
 * @throws CredentialError `did-invalid`, `address-refused`
 */
export const placeOf = (domain: string): string => {
  const [host = '', ...path] = domain.replace(/^https:\/\//, '').replace(/\/$/, '').split('/')
  const place = [host.toLowerCase().replaceAll(':', '%3A'), ...path].join(':')
  baseOf(place) // only what is resolved later may become a name
  return place
}

const secondsText = (milliseconds: number): string =>
  new Date(Math.floor(milliseconds / SECOND) * SECOND).toISOString().replace('.000', '')

const signedBy = async ({ key: { multikey, sign } }: Signing, body: JsonObject): Promise<string> => {
  const options: JsonObject = {
    type: 'DataIntegrityProof', cryptosuite: 'eddsa-jcs-2022', created: body['versionTime'] as Json,
    verificationMethod: `did:key:${multikey}#${multikey}`, proofPurpose: 'assertionMethod',
  }
  const signature = await sign(proofInput(options, body))
  return JSON.stringify({ ...body, proof: [{ ...options, proofValue: `z${toBase58(signature)}` }] })
}

const keysOf = ({ key, nextKeyHashes }: Signing): JsonObject =>
  ({ updateKeys: [key.multikey], nextKeyHashes: [...nextKeyHashes] })

/** What is written is read again as strangers will read it, before anybody publishes it. */
const checked = (log: string, scid: string, now: number): { readonly log: string; readonly history: History } =>
  ({ log, history: verifyLog({ log }, scid, now) })

export interface Written {
  /** `did.jsonl`, whole. */
  readonly log: string
  readonly history: History
}

/**
 * The log of a new name, portable and with its next keys committed to.
 *
 * @throws CredentialError `did-…`
 */
export const beginLog = async ({ place, principal, ...signing }: Beginning): Promise<Written> => {
  const draft: JsonObject = {
    versionId: PLACEHOLDER,
    versionTime: secondsText(signing.now),
    parameters: { method: METHOD, scid: PLACEHOLDER, portable: true, ...keysOf(signing) },
    state: {
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: `did:webvh:${PLACEHOLDER}:${place}`,
      alsoKnownAs: [`did:web:${place}`, PRINCIPAL_PREFIX + Buffer.from(principal).toString('hex')],
    },
  }
  const scid = hashOfJson(draft)
  const body = JSON.parse(JSON.stringify(draft).replaceAll(PLACEHOLDER, scid)) as JsonObject
  const entry = await signedBy(signing, { ...body, versionId: `1-${hashOfJson(body)}` })
  return checked(`${entry}\n`, scid, signing.now)
}

/** Under a new name the former ones are kept, as did:webvh wants it of what moves; did:web has no history to keep. */
const movedTo = (place: string, { did, scid, document }: History): JsonObject => {
  const id = `did:webvh:${scid}:${place}`
  const names = memberOf(document, 'alsoKnownAs')
  const kept = (Array.isArray(names) ? names : [])
    .filter((name) => typeof name === 'string' && !name.startsWith('did:web:') && name !== id)
  return { ...document, id, alsoKnownAs: [`did:web:${place}`, did, ...kept] }
}

/**
 * The log with one more entry: other keys, another place, or its end. The key must be one that the last entry
 * committed to.
 *
 * @throws CredentialError `did-…`; `did-log-invalid` where a clock stands before the last entry
 */
export const continueLog = async (log: string, scid: string, following: Following): Promise<Written> => {
  const { place, deactivated, now } = following
  const last = verifyLog({ log }, scid, now)
  if (last.deactivated) throw new CredentialError('did-deactivated')
  if (!last.nextKeyHashes.includes(nextKeyHash(following.key.multikey))) {
    throw new CredentialError('did-prerotation-broken')
  }
  // Entries of one second would have the same time, which none may have.
  const time = Math.max(now, last.updated + SECOND)
  const body: JsonObject = {
    versionId: last.versionIds.at(-1) ?? '',
    versionTime: secondsText(time),
    parameters: { ...keysOf(following), ...(deactivated === undefined ? {} : { deactivated }) },
    state: place === undefined ? last.document : movedTo(place, last),
  }
  const versionId = `${last.versionIds.length + 1}-${hashOfJson(body)}`
  const entry = await signedBy(following, { ...body, versionId })
  return checked(`${log.trimEnd()}\n${entry}\n`, scid, now)
}

/** `did.json` beside the log: for those who know did:web alone. */
export const webDocument = (history: History): string => `${JSON.stringify(webDocumentOf(history), undefined, 2)}\n`

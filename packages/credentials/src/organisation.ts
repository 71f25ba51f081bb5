/**
 * Organisations as did:webvh 1.0, with the did:web document beside it: which Scellé principal a hospital's name stands
 * for. The host serves the log and cannot rewrite it; whoever steals the present keys can change nothing, because the
 * next ones are committed to and lie elsewhere.
 */
import { fromHex } from '@scelle/seal/verify'
import { canonicalJson } from './canonical-json.ts'
import { isObject, type Json, type JsonObject, memberOf, parseObject, textOf } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { type Fetch, fetchBounded, publicAddress } from './fetching.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import { type History, verifyLog } from './webvh-log.ts'

export type { Fetch } from './fetching.ts'
export { CREDENTIAL_PROBLEMS, CredentialError, type CredentialErrorCode } from './errors.ts'
export { type History, type LogFiles, verifyLog } from './webvh-log.ts'

/** In a document's `alsoKnownAs`: the organisation's principal id, 64 hexadecimal digits. */
export const PRINCIPAL_PREFIX = 'urn:scelle:principal:'
const PRINCIPAL = /^urn:scelle:principal:([0-9a-f]{64})$/
const WEBVH = /^did:webvh:(Qm[1-9A-Za-z]{44}):([A-Za-z0-9.-]+(?:%3A\d{1,5})?)((?::[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)$/
/** From the identifier that somebody knows to the present one, each verified: more is a loop or a game. */
const MOVES_MAX = 4

/** What to remember of an organisation, for the next time: it is how a log that was rewritten is noticed. */
export interface Known {
  readonly scid: string
  readonly versionIds: readonly string[]
}

export interface Organisation extends Known {
  /** The present identifier: a portable one may have moved since. */
  readonly did: string
  /** 32 bytes. */
  readonly principal: Uint8Array
  /** Milliseconds since 1970. */
  readonly updated: number
}

export interface Resolving {
  readonly fetch: Fetch
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** What was seen of this organisation before. Without it, a host may show any of its true histories. */
  readonly known?: Known | undefined
}

export interface DidAddress {
  readonly scid: string
  /** `did:web` of the same host and path. */
  readonly web: string
  /** Where its files are, ending in a slash. */
  readonly base: string
}

/**
 * Where the files of a did:webvh are.
 *
 * @throws CredentialError `did-invalid`, `address-refused`
 */
export const addressOf = (did: string): DidAddress => {
  const [, scid = '', host = '', path = ''] = WEBVH.exec(did) ?? []
  if (scid === '' || did.length > CREDENTIAL_LIMITS.did) throw new CredentialError('did-invalid')
  const folder = path === '' ? '/.well-known/' : `${path.replaceAll(':', '/')}/`
  return { scid, web: `did:web:${host}${path}`, base: publicAddress(`https://${host.replace('%3A', ':')}${folder}`) }
}

const textAt = async (fetch: Fetch, url: string, limit: number): Promise<string> =>
  Buffer.from(await fetchBounded(fetch, url, limit, 'application/json, text/plain')).toString('utf8')

/** The witnesses' file, asked for only where the log names witnesses. */
const historyAt = async ({ base, scid }: DidAddress, { fetch, now }: Resolving): Promise<History> => {
  const log = await textAt(fetch, `${base}did.jsonl`, CREDENTIAL_LIMITS.didLog)
  try {
    return verifyLog({ log }, scid, now())
  } catch (error) {
    if (!(error instanceof CredentialError) || error.code !== 'did-witness-missing') throw error
    const witness = await textAt(fetch, `${base}did-witness.json`, CREDENTIAL_LIMITS.didLog)
    return verifyLog({ log, witness }, scid, now())
  }
}

/** A history goes on from the one that was seen: the same entries, and perhaps more. */
const checkContinues = (history: History, known: Known | undefined): void => {
  if (known === undefined) return
  if (known.scid !== history.scid) throw new CredentialError('did-scid-mismatch')
  const differs = known.versionIds.some((id, at) => at < history.versionIds.length && history.versionIds[at] !== id)
  if (differs) throw new CredentialError('did-forked')
  if (history.versionIds.length < known.versionIds.length) throw new CredentialError('did-rolled-back')
}

const listOf = (document: JsonObject, name: string): readonly Json[] => {
  const value = memberOf(document, name) ?? []
  if (!Array.isArray(value)) throw new CredentialError('did-web-mismatch')
  return value
}

/** Services that did:webvh adds to every document: `#files` and `#whois`. */
const isImplicit = (service: Json): boolean => isObject(service) && /#(files|whois)$/.test(textOf(service, 'id') ?? '')

/** A document for comparing: names as a set, without the two identifiers themselves and what is implied. */
const comparable = (document: JsonObject, own: readonly string[]): string => {
  const names = listOf(document, 'alsoKnownAs').map((name) => canonicalJson(name))
  const others = [...new Set(names)].filter((name) => !own.includes(JSON.parse(name) as string)).toSorted()
  const services = listOf(document, 'service').filter((service) => !isImplicit(service))
  return canonicalJson({ ...document, alsoKnownAs: others, service: services })
}

/** The did:web document of a log's newest version, as an object: the same document under the other name. */
export const webDocumentOf = ({ did, document, scid }: Pick<History, 'did' | 'document' | 'scid'>): JsonObject => {
  const web = parseObject(JSON.stringify(document).replaceAll(`did:webvh:${scid}:`, 'did:web:'))
  const names = listOf(web, 'alsoKnownAs').filter((name) => name !== web['id'] && name !== did)
  return { ...web, alsoKnownAs: [...names, did] }
}

/**
 * The did:web document (section 3.7.10) must say what the log says: those who know did:web alone must not be told
 * another key or another principal by whoever controls the host's files.
 */
const checkWeb = async ({ did, document, scid }: History, { web, base }: DidAddress, fetch: Fetch): Promise<void> => {
  const found = parseObject(await textAt(fetch, `${base}did.json`, CREDENTIAL_LIMITS.didDocument))
  const derived = parseObject(JSON.stringify(document).replaceAll(`did:webvh:${scid}:`, 'did:web:'))
  const ours = [did, web]
  const says = textOf(found, 'id') === web && listOf(found, 'alsoKnownAs').includes(did)
  if (!says || comparable(found, ours) !== comparable(derived, ours)) throw new CredentialError('did-web-mismatch')
}

const principalOf = (document: JsonObject): Uint8Array => {
  const names = listOf(document, 'alsoKnownAs')
    .flatMap((name) => (typeof name === 'string' ? [PRINCIPAL.exec(name)?.[1] ?? []].flat() : []))
  const principal = names.length === 1 ? fromHex(names[0] ?? '') : undefined
  if (principal === undefined) throw new CredentialError('principal-missing')
  return principal
}

/** Follows a portable identifier to where it is now. Every place must serve a history that goes on from the last. */
const present = async (did: string, resolving: Resolving): Promise<{ history: History; address: DidAddress }> => {
  let { known } = resolving
  for (let next = did, moves = 0; moves <= MOVES_MAX; moves++) {
    const address = addressOf(next)
    const history = await historyAt(address, resolving)
    checkContinues(history, known)
    // The log is another organisation's, or never was at this place.
    if (!history.dids.includes(next)) throw new CredentialError('did-invalid')
    if (history.did === next) return { history, address }
    known = history
    next = history.did
  }
  throw new CredentialError('did-moved')
}

/**
 * Resolves an organisation's did:webvh to its principal. Fetches `did.jsonl`, `did-witness.json` where there are
 * witnesses, and `did.json`, each over HTTPS and bounded. Needs pre-rotation.
 *
 * @throws CredentialError `did-…`, `principal-missing`, `address-refused`, `fetch-failed`, `too-large`
 */
export const resolveOrganisation = async (did: string, resolving: Resolving): Promise<Organisation> => {
  const { history, address } = await present(did, resolving)
  if (history.deactivated) throw new CredentialError('did-deactivated')
  if (!history.preRotation) throw new CredentialError('did-unprotected')
  await checkWeb(history, address, resolving.fetch)
  const { scid, versionIds, updated } = history
  return { scid, versionIds, updated, did: history.did, principal: principalOf(history.document) }
}

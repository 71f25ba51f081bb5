/**
 * Token Status List (JWT form): one bit, or a few, for each credential that an issuer gave out. Whatever is not known
 * for certain counts as revoked: whoever can keep a list from being fetched must not be able to keep a leaver in.
 */
import { inflateSync } from 'node:zlib'
import { fromBase64url, memberOf, objectOf, secondsOf, textOf } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { type Fetch, fetchBounded, listedAddress } from './fetching.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import { type Issuer, issuerKey, parseToken, verifyToken } from './token.ts'

export type { Fetch } from './fetching.ts'
export type { Issuer } from './token.ts'
export { CREDENTIAL_PROBLEMS, CredentialError, type CredentialErrorCode } from './errors.ts'

/** Where a credential's status stands. */
export interface StatusReference {
  readonly uri: string
  readonly index: number
}

export interface StatusList {
  /** Bits of one entry. */
  readonly bits: 1 | 2 | 4 | 8
  readonly bytes: Uint8Array
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expires: number
  /** Seconds for which a copy may be used without asking again. */
  readonly ttl: number
}

const WIDTHS = [1, 2, 4, 8] as const
/** Section 7.1: what an entry says. Others are the issuer's own, and nothing that we would take for valid. */
const VALID = 0
const SUSPENDED = 2

/** @throws CredentialError `claims-invalid` */
const unpack = (packed: string): Uint8Array => {
  try {
    // The bound holds while it unpacks: a kilobyte of zeros' zeros is a gigabyte.
    return inflateSync(fromBase64url(packed), { maxOutputLength: CREDENTIAL_LIMITS.statusList })
  } catch (cause) {
    throw new CredentialError('claims-invalid', 'status_list', { cause })
  }
}

/**
 * Verifies a status list token (section 5.1 and 8.3): signed by this issuer, for this very address, valid now.
 *
 * @param now seconds since 1970
 * @throws CredentialError those of `parseToken` and `verifyToken`, `key-unknown`, `claims-invalid`, `status-stale`
 */
export const verifyStatusList = async (
  compact: string, issuer: Issuer, uri: string, now: number,
): Promise<StatusList> => {
  const token = parseToken(compact, CREDENTIAL_LIMITS.statusToken)
  await verifyToken(token, await issuerKey(issuer, token.header), 'statuslist+jwt')
  const { payload } = token
  const [issuedAt, expires] = [secondsOf(payload, 'iat'), secondsOf(payload, 'exp')]
  // An issuer has more lists than one: another one's entry at this index is about somebody else.
  if (textOf(payload, 'sub') !== uri || issuedAt === undefined || expires === undefined) {
    throw new CredentialError('claims-invalid')
  }
  if (issuedAt > now + CREDENTIAL_LIMITS.skew || expires <= now ||
    expires - issuedAt > CREDENTIAL_LIMITS.statusLifetime) {
    throw new CredentialError('status-stale')
  }
  const list = objectOf(payload, 'status_list') ?? {}
  const [bits, packed, ttl] = [memberOf(list, 'bits'), textOf(list, 'lst'), memberOf(payload, 'ttl')]
  const width = WIDTHS.find((candidate) => candidate === bits)
  if (width === undefined || packed === undefined || (ttl !== undefined && !(typeof ttl === 'number' && ttl > 0))) {
    throw new CredentialError('claims-invalid')
  }
  return { bits: width, bytes: unpack(packed), issuedAt, expires, ttl: ttl ?? CREDENTIAL_LIMITS.statusAge }
}

/**
 * The entry of a credential: 0 is valid. Entries fill a byte from its lowest bit on (section 4.1).
 *
 * @throws CredentialError `status-index-outside`
 */
export const entryOf = ({ bits, bytes }: StatusList, index: number): number => {
  const bit = index * bits
  const byte = Number.isSafeInteger(index) && index >= 0 ? bytes[Math.floor(bit / 8)] : undefined
  if (byte === undefined) throw new CredentialError('status-index-outside')
  return (byte >> (bit % 8)) & ((1 << bits) - 1)
}

interface Copy {
  readonly list: StatusList
  /** Seconds since 1970. */
  readonly fetchedAt: number
}

/** When each list was issued that was seen last, for whoever outlives its process. */
export interface SeenLists {
  /** Seconds since 1970. */
  readonly issuedAt: (name: string) => number | undefined
  readonly saw: (name: string, issuedAt: number) => void
}

/** Fetches status lists, and keeps each for no longer than its issuer allows and `CREDENTIAL_LIMITS.statusAge`. */
export class StatusLists {
  readonly #fetch: Fetch
  readonly #now: () => number
  readonly #age: number
  readonly #seen: SeenLists | undefined
  readonly #copies = new Map<string, Copy>()
  readonly #underWay = new Map<string, Promise<StatusList>>()

  /**
   * @param context the way to the network, and the clock in milliseconds since 1970. `age`: seconds for which a list is
   *   kept, where that is less than `CREDENTIAL_LIMITS.statusAge`. `seen`: without it, a list from before is noticed
   *   only by the process that saw the later one.
   */
  constructor(context: {
    readonly fetch: Fetch; readonly now: () => number; readonly age?: number; readonly seen?: SeenLists
  }) {
    this.#fetch = context.fetch
    this.#now = context.now
    this.#age = Math.min(context.age ?? CREDENTIAL_LIMITS.statusAge, CREDENTIAL_LIMITS.statusAge)
    this.#seen = context.seen
  }

  /**
   * Returns if the issuer still stands by the credential, and throws in every other case.
   *
   * @throws CredentialError `revoked`, `suspended`, `status-unavailable`, `status-stale`, `status-rolled-back`,
   *   `status-index-outside`, `address-refused`, and those of `verifyStatusList`
   */
  async check(issuer: Issuer, { uri, index }: StatusReference): Promise<void> {
    const url = listedAddress(uri, issuer.statusLists)
    const entry = entryOf(await this.#list(issuer, uri, url), index)
    if (entry === SUSPENDED) throw new CredentialError('suspended')
    if (entry !== VALID) throw new CredentialError('revoked')
  }

  async #list(issuer: Issuer, uri: string, url: string): Promise<StatusList> {
    const now = this.#now() / 1000
    const name = `${issuer.name}\n${uri}`
    const copy = this.#copies.get(name)
    if (copy !== undefined) {
      const age = now - copy.fetchedAt
      const isFresh = age >= 0 && age < Math.min(copy.list.ttl, this.#age)
      if (isFresh && now < copy.list.expires) return copy.list
    }
    // Whoever asks while it is being fetched waits for the same answer: a thousand sign-ins are one request.
    const underWay = this.#underWay.get(name)
    if (underWay !== undefined) return underWay
    const renewed = this.#renew(issuer, uri, url, name).finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, renewed)
    return renewed
  }

  async #renew(issuer: Issuer, uri: string, url: string, name: string): Promise<StatusList> {
    // From before it was asked for: a slow server makes its answer older, not younger.
    const fetchedAt = this.#now() / 1000
    const { statusToken } = CREDENTIAL_LIMITS
    const body = await fetchBounded(this.#fetch, url, statusToken, 'application/statuslist+jwt', 'status-unavailable')
    const now = this.#now() / 1000
    const list = await verifyStatusList(Buffer.from(body).toString('latin1').trim(), issuer, uri, now)
    const before = Math.max(this.#copies.get(name)?.list.issuedAt ?? 0, this.#seen?.issuedAt(name) ?? 0)
    // Whoever serves the list could show the one from before somebody left, while that has not expired.
    if (list.issuedAt < before) throw new CredentialError('status-rolled-back')
    this.#seen?.saw(name, list.issuedAt)
    this.#copies.delete(name)
    this.#copies.set(name, { list, fetchedAt })
    const [oldest] = this.#copies.keys()
    if (this.#copies.size > CREDENTIAL_LIMITS.statusLists && oldest !== undefined) this.#copies.delete(oldest)
    return list
  }
}

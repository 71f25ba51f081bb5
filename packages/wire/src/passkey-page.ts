/**
 * What a house asks of the passkey page, and what the page answers. Both travel through the person's browser: the
 * request in the fragment of an address, which no server is sent, the answer as one field of a form.
 */
import {
  bool, bytes, choice, decode, encode, equalBytes, ed25519VerifyAside, field, FORMAT_LIMITS, hashOf, KINDS, list,
  optional,
  type PrincipalKeys, requireSuite, SealError, struct, SUITE, text, uint, type Value, verifyKeyChain,
} from '@scelle/seal/verify'
import { PAGE_LIMITS } from './limits.ts'
import { KeyChain } from './messages.ts'
import {
  GUARDIAN_TASKS, GuardingAnswered, GuardingAsked, PageCall, PinAnswered, PinAsked,
} from './page-recovery.ts'

export * from './page-recovery.ts'

/** What a person does at the page. `recover`: with a printed sheet, after every passkey was lost. */
export const PAGE_TASKS = [
  'sign-in', 'confirm', 'sign-out', 'enrol', 'add-passkey', 'remove-passkey', 'recover', ...GUARDIAN_TASKS,
] as const
export type PageTask = (typeof PAGE_TASKS)[number]

export const PAGE_LANGUAGES = ['fr', 'en'] as const
export type PageLanguage = (typeof PAGE_LANGUAGES)[number]

/** Why a page answers without what it was asked for. Nothing of the browser's own words goes along. */
export const PAGE_PROBLEMS = ['declined', 'no-passkey', 'not-device-bound', 'no-recovery', 'unsupported'] as const
export type PageProblem = (typeof PAGE_PROBLEMS)[number]

/** One wrap of the root secret, as the house keeps it for its person. It opens nothing. */
export const KeptWrap = struct({
  /** Of a passkey: which one's. Absent on a printed sheet's. */
  credential: optional(0, bytes(16, FORMAT_LIMITS.credential)),
  sealed: field(1, bytes(1, PAGE_LIMITS.wrap)),
  /** Of guardians: the id of their set. */
  set: optional(2, bytes(32)),
  /** Of a browser's own key with a PIN. */
  device: optional(3, bool),
})
export type KeptWrap = Value<typeof KeptWrap>

export const PageRequest = struct({
  suite: field(0, uint(0xffff)),
  task: field(1, choice(PAGE_TASKS)),
  /** Seconds since 1970 UTC. A request that was laid aside must not be taken up by somebody else. */
  expires: field(2, uint()),
  /** Where the answer goes, exactly. */
  returnTo: field(3, text(PAGE_LIMITS.returnTo)),
  /** By which the house knows its own request again. */
  state: field(4, bytes(16, 64)),
  language: field(5, choice(PAGE_LANGUAGES)),
  /** Key records of the person; absent at enrolment. */
  person: optional(6, KeyChain),
  /** As the house calls the person, and the application that they work with. */
  personName: optional(7, text(FORMAT_LIMITS.name)),
  application: optional(8, text(FORMAT_LIMITS.name)),
  /** Of what is signed: the signed session-request, or the body of a confirmation, an order or a ticket. */
  kind: optional(9, choice(KINDS)),
  body: optional(10, bytes(1, FORMAT_LIMITS.statement)),
  /** Enrolment of a professional: the X-Wing key that the house made and keeps. Absent: a person of their own. */
  sealingKey: optional(11, bytes(1216)),
  wraps: optional(12, list(KeptWrap, PAGE_LIMITS.wraps)),
  guarding: optional(13, GuardingAsked),
  pin: optional(14, PinAsked),
})
export type PageRequest = Value<typeof PageRequest>

/** A request as it is handed over: signed by the house, which a register that the page knows says the name of. */
export const PageAsk = struct({
  /** An encoded {@link PageRequest}. */
  request: field(0, bytes(1, PAGE_LIMITS.request)),
  /** By the house's newest key. */
  signature: field(1, bytes(64)),
  house: field(2, KeyChain),
  register: field(3, KeyChain),
  /** The house's, signed by the register. */
  status: field(4, bytes(1, FORMAT_LIMITS.statement)),
})
export type PageAsk = Value<typeof PageAsk>

export const PageAnswer = struct({
  suite: field(0, uint(0xffff)),
  state: field(1, bytes(16, 64)),
  /** The statement, with the passkey's assertion. */
  signed: optional(2, bytes(1, FORMAT_LIMITS.statement)),
  /** The person's key records, with the new one. */
  chain: optional(3, KeyChain),
  /** All wraps that are good from now on. */
  wraps: optional(4, list(KeptWrap, PAGE_LIMITS.wraps)),
  problem: optional(5, choice(PAGE_PROBLEMS)),
  guarding: optional(6, GuardingAnswered),
  /** The trustees are to be asked first, then the page once more, for the same. */
  pin: optional(7, PinAnswered),
  /** Tells the trustees that the PIN was right: they forget its tries. */
  known: optional(8, list(PageCall, 3)),
})
export type PageAnswer = Value<typeof PageAnswer>

const signedBytes = (request: Uint8Array): Uint8Array => hashOf('pageRequest', request)

/**
 * The house's side. Without its signature anybody could have the answer to a true session request sent elsewhere, and
 * with it take the session up in another browser.
 */
export const askPage = async (
  from: Omit<PageAsk, 'request' | 'signature'>, request: Omit<PageRequest, 'suite'>,
  signRaw: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> => {
  const body = encode(PageRequest, { ...request, suite: SUITE })
  return encode(PageAsk, { ...from, request: body, signature: await signRaw(signedBytes(body)) })
}

const toBase64url = (plain: Uint8Array): string => {
  const pieces: string[] = []
  for (let at = 0; at < plain.length; at += 0x2000) {
    pieces.push(String.fromCharCode(...plain.subarray(at, at + 0x2000)))
  }
  return btoa(pieces.join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Undefined for anything but unpadded base64url. */
export const fromBase64url = (encoded: string): Uint8Array<ArrayBuffer> | undefined => {
  if (!/^[\w-]*$/.test(encoded) || encoded.length % 4 === 1) return undefined
  const decoded = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0))
}

/** The address that the house sends the browser to. `page`: the page's own address, without a fragment. */
export const pageAddress = (page: string, ask: Uint8Array): string => `${page}#${toBase64url(ask)}`

const malformed = (what: string): SealError => new SealError('encoding-wrong-type', what)

/**
 * Decodes what stands behind the `#`, and verifies that the house with these keys asks. Who that house is stays to be
 * seen from its status. Throws `encoding-…`, `suite-unknown`, `key-chain-broken`, `signature-invalid`.
 */
export const readAsk = async (
  fragment: string,
): Promise<{ readonly ask: PageAsk; readonly request: PageRequest; readonly house: PrincipalKeys }> => {
  if (fragment.length > PAGE_LIMITS.fragment) throw malformed('a request to the page is too long')
  const octets = fromBase64url(fragment)
  if (octets === undefined) throw malformed('a request to the page is base64url')
  const ask = decode(PageAsk, octets)
  const house = await verifyKeyChain(ask.house)
  if (!(await ed25519VerifyAside(house.current.signingKey, signedBytes(ask.request), ask.signature))) {
    throw new SealError('signature-invalid', 'the house did not sign this request to the page; begin again there')
  }
  const request = decode(PageRequest, ask.request)
  requireSuite(request)
  return { ask, request, house }
}

/** The value of the form's field. */
export const writeAnswer = (answer: Omit<PageAnswer, 'suite'>): string =>
  toBase64url(encode(PageAnswer, { ...answer, suite: SUITE }))

/**
 * The house's side: the answer, if it is to the request with this state; without one, the caller looks for its own
 * request by the answer's. Nothing in it is verified yet. Throws `encoding-…`, `suite-unknown`, `principal-mismatch`.
 */
export const readAnswer = (sent: string, state?: Uint8Array): PageAnswer => {
  if (sent.length > PAGE_LIMITS.fragment) throw malformed('an answer of the page is too long')
  const octets = fromBase64url(sent)
  if (octets === undefined) throw malformed('an answer of the page is base64url')
  const answer = decode(PageAnswer, octets)
  requireSuite(answer)
  if (state !== undefined && !equalBytes(answer.state, state)) {
    throw new SealError('principal-mismatch', 'this answers another request than the one of this browser; begin again')
  }
  return answer
}

/**
 * Who asks, and for what: everything that the page shows is taken from here, after it was verified. The fragment comes
 * from whoever made the link, so nothing in it is believed for being there.
 */
import {
  Confirmation, decode, equalBytes, FORMAT_LIMITS, Order, ORGANISATION_ROLES, type PrincipalKeys,
  requireCurrentKey, requireSuite, SealError, SessionRequest, Status, Ticket, verifyKeyChain, verifySigned,
} from '@scelle/seal/verify'
import { PAGE_LIMITS } from '@scelle/wire/limits'
import {
  GUARDIAN_TASKS, type GuardianTask, type PageAsk, type PageRequest, type PageTask, readAsk,
} from '@scelle/wire/passkey-page'
import {
  GuardianAskProblem, type GuardianWish, guardianWishOf, type TrusteeAsked, trusteesIn,
} from './asked-guardians.ts'
import type { Constellation } from './constellation.ts'

/** Why the page stops before it shows anything to agree to. */
export type StopCode =
  | 'nothing-asked'
  | 'malformed'
  | 'not-from-house'
  | 'house-unknown'
  | 'expired'
  | 'return-refused'
  | 'other-network'
  | 'other-person'
  | 'not-for-this-page'
  | 'framed'
  | 'wrong-origin'
  | 'unsupported'

export class Stop extends Error {
  readonly code: StopCode
  constructor(code: StopCode, options?: ErrorOptions) {
    super(code, options)
    this.name = 'Stop'
    this.code = code
  }
}

/** What the person is to agree to. */
export type Wish =
  | { readonly task: 'sign-in'; readonly person: PrincipalKeys; readonly body: Uint8Array
    readonly session: SessionRequest }
  | { readonly task: 'confirm'; readonly person: PrincipalKeys; readonly body: Uint8Array
    readonly confirmation: Confirmation }
  | { readonly task: 'order'; readonly person: PrincipalKeys; readonly body: Uint8Array; readonly order: Order }
  | { readonly task: 'ticket'; readonly person: PrincipalKeys; readonly body: Uint8Array; readonly ticket: Ticket }
  | { readonly task: 'sign-out'; readonly person: PrincipalKeys }
  | { readonly task: 'passkeys'; readonly person: PrincipalKeys
    readonly change: 'add-passkey' | 'remove-passkey' | 'recover' }
  /** `chain`: of the first visit, where a PIN is tried before an enrolment ends. */
  | { readonly task: 'enrol'; readonly tried: PrincipalKeys | undefined }
  | { readonly task: 'guardians'; readonly person: PrincipalKeys; readonly step: GuardianWish }

export interface Asked {
  readonly house: PrincipalKeys
  /** By the register's word. */
  readonly houseName: string
  readonly request: PageRequest
  readonly returnOrigin: string
  readonly wish: Wish
  /** Who count tries of a PIN: those that the page was built with, or none where the house names none. */
  readonly trustees: readonly TrusteeAsked[]
}

/** Runs `check`, and stops with `code` where it does not hold. */
const orStop = async <T>(code: StopCode, check: () => T | Promise<T>): Promise<T> => {
  try {
    return await check()
  } catch (cause) {
    throw cause instanceof SealError ? new Stop(code, { cause }) : cause
  }
}

const isHouse = (role: Status['role']): boolean => ORGANISATION_ROLES.some((one) => one === role)

/** The name of the house, by a listed register that says so now. */
const nameOfHouse = async (
  ask: PageAsk, house: PrincipalKeys, { registers }: Constellation, now: number,
): Promise<string> => {
  const register = await verifyKeyChain(ask.register)
  if (!registers.some((id) => equalBytes(id, register.id))) throw new Stop('house-unknown')
  const { body, signed } = await verifySigned('status', ask.status, register)
  requireCurrentKey(signed, register)
  const status = decode(Status, body)
  requireSuite(status)
  const good = equalBytes(status.subject, house.id) && isHouse(status.role) &&
    status.notBefore <= now && now < status.expires
  if (!good || status.name === undefined || status.name.trim() === '') throw new Stop('house-unknown')
  return status.name
}

const LOOPBACK = /^(localhost|127\.0\.0\.1)$/

/** https, or this very machine: elsewhere whoever listens on the way has the answer. */
export const originToReturnTo = (returnTo: string): string => {
  const url = URL.parse(returnTo)
  const safe = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)))
  // A name before an @ is what people take for the host.
  if (!safe || url.username !== '' || url.password !== '') throw new Stop('return-refused')
  return url.origin
}

const bodyOf = ({ body }: PageRequest): Uint8Array => {
  if (body === undefined) throw new Stop('malformed')
  return body
}

const sessionAsked = async (
  request: PageRequest, person: PrincipalKeys, house: PrincipalKeys, { index }: Constellation, now: number,
): Promise<Wish> => {
  const body = bodyOf(request)
  const verified = await orStop('not-from-house', async () => {
    const { body: inner, signed } = await verifySigned('session-request', body, house)
    requireCurrentKey(signed, house)
    return decode(SessionRequest, inner)
  })
  requireSuite(verified)
  if (!equalBytes(verified.audience, index)) throw new Stop('other-network')
  if (!equalBytes(verified.principal, person.id)) throw new Stop('other-person')
  const { notBefore, expires } = verified
  // One that begins later than now is not ended by signing out everywhere now: a breached house would lay it aside.
  if (notBefore > now + PAGE_LIMITS.requestSeconds) throw new Stop('expired')
  if (now >= expires || expires - notBefore > FORMAT_LIMITS.sessionSeconds) throw new Stop('expired')
  return { task: 'sign-in', person, body, session: verified }
}

/** A sponsor lets a vendor into the very house that asks. */
const ticketAsked = (body: Uint8Array, person: PrincipalKeys, house: PrincipalKeys): Wish => {
  const ticket = decode(Ticket, body)
  requireSuite(ticket)
  if (!equalBytes(ticket.organisation, house.id)) throw new Stop('not-from-house')
  return { task: 'ticket', person, body, ticket }
}

const confirmationAsked = (request: PageRequest, person: PrincipalKeys, house: PrincipalKeys): Wish => {
  const body = bodyOf(request)
  if (request.kind === 'order') {
    const order = decode(Order, body)
    requireSuite(order)
    return { task: 'order', person, body, order }
  }
  if (request.kind === 'ticket') return ticketAsked(body, person, house)
  if (request.kind !== 'confirmation') throw new Stop('not-for-this-page')
  const confirmation = decode(Confirmation, body)
  requireSuite(confirmation)
  if (!equalBytes(confirmation.organisation, house.id)) throw new Stop('not-from-house')
  // Whoever steps up answers for their own opening; everybody else for somebody else's.
  const own = confirmation.type === 'step-up' || confirmation.type === 'session'
  if (own !== equalBytes(confirmation.reader, person.id)) throw new Stop('other-person')
  return { task: 'confirm', person, body, confirmation }
}

const isGuardianTask = (task: PageTask): task is GuardianTask => GUARDIAN_TASKS.some((one) => one === task)

const orStopOf = async <T>(check: () => Promise<T>): Promise<T> => {
  try {
    return await check()
  } catch (cause) {
    throw cause instanceof GuardianAskProblem ? new Stop(cause.code, { cause }) : cause
  }
}

const wishOf = async (
  request: PageRequest, house: PrincipalKeys, constellation: Constellation, now: number,
): Promise<Wish> => {
  const { task } = request
  if (task === 'enrol') {
    // Somebody is there already only where the PIN of this very enrolment was asked for.
    if ((request.person === undefined) !== (request.pin?.heard === undefined)) throw new Stop('malformed')
    return { task, tried: request.person === undefined ? undefined : await verifyKeyChain(request.person) }
  }
  if (request.person === undefined) throw new Stop('malformed')
  const person = await verifyKeyChain(request.person)
  if (person.kind !== 'person') throw new Stop('other-person')
  if (task === 'sign-in') return sessionAsked(request, person, house, constellation, now)
  if (task === 'confirm') return confirmationAsked(request, person, house)
  if (isGuardianTask(task)) {
    const step = await orStopOf(() => guardianWishOf(task, request, person, constellation))
    return { task: 'guardians', person, step }
  }
  return task === 'sign-out' ? { task, person } : { task: 'passkeys', person, change: task }
}

/** `now`: seconds. Throws {@link Stop}. */
export const readAsked = async (fragment: string, constellation: Constellation, now: number): Promise<Asked> => {
  if (fragment === '') throw new Stop('nothing-asked')
  const { ask, request, house } = await orStop('malformed', () => readAsk(fragment).catch((cause: unknown) => {
    const isForged = cause instanceof SealError && cause.code === 'signature-invalid'
    throw isForged ? new Stop('not-from-house', { cause }) : cause
  }))
  const houseName = await orStop('house-unknown', () => nameOfHouse(ask, house, constellation, now))
  if (house.kind !== 'organisation' && house.kind !== 'vendor') throw new Stop('house-unknown')
  if (now >= request.expires || request.expires > now + PAGE_LIMITS.requestSeconds) throw new Stop('expired')
  const returnOrigin = originToReturnTo(request.returnTo)
  const wish = await orStop('malformed', () => wishOf(request, house, constellation, now))
  const { pin } = request
  // Houses offer a PIN wherever there are trustees; a page that was built without any deals none.
  const isOffered = pin !== undefined && (pin.heard !== undefined || constellation.trustees.length > 0)
  const trustees = !isOffered ? []
    : await orStop('malformed', () => orStopOf(() => trusteesIn(pin.trustees, constellation)))
  return { house, houseName, request, returnOrigin, wish, trustees }
}

/**
 * Officers' orders. One officer locks; two, who are counted as two people and signed the same words, clear a lock, open
 * a surge or replace a lost key. An officer answers for its own organisation; one whom the register names without an
 * organisation, for all: such a one it takes to clear what a whole organisation was locked for.
 */
import {
  decode, decodeSigned, equalBytes, Order, type PrincipalKeys, requireCurrentKey, requireSuite, type Status, toHex,
  verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { OrderNotice } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { isOwnWord } from '../sessions.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { KnownChanges } from './changes.ts'
import { isHouse, type ShownStatuses, verifyStatuses } from './standing.ts'

interface Signer {
  readonly keys: PrincipalKeys
  readonly status: Status | undefined
}

/** An officer who signed: of an organisation, or for all where there is none. */
export interface Officer {
  readonly organisation: Uint8Array | undefined
  readonly meter: Uint8Array
}

export interface VerifiedOrder {
  readonly order: Order
  /** By the order's own nonce: each counts once. */
  readonly nonce: string
  readonly officers: readonly Officer[]
}

const refuse = (what: string): never => {
  throw new Problem('not-permitted', what)
}

const signersOf = async (
  { orders }: OrderNotice, principals: ShownPrincipals, statuses: ShownStatuses,
): Promise<{ order: Order; signers: Signer[] }> => {
  const [first] = orders
  if (first === undefined) throw new Problem('bad-statement', 'There is no order.')
  const { body } = decodeSigned('order', first)
  const order = decode(Order, body)
  requireSuite(order)
  const signers: Signer[] = []
  for (const bytes of orders) {
    const keys = principals.need(decodeSigned('order', bytes).signer, 'officer')
    const { signed } = await verifySigned('order', bytes, keys)
    requireCurrentKey(signed, keys)
    if (!equalBytes(signed.body, body)) throw new Problem('bad-statement', 'Officers who agree sign the same order.')
    const status = statuses.of(keys.id)
    // A lock of one's own device is signed by the very key that is to be locked.
    const ofItself = order.action === 'lock' && order.scope === 'device' && equalBytes(order.target, keys.id)
    if (!ofItself && status !== undefined && keys.kind === 'person' && !isOwnWord(keys, signed, status)) {
      refuse('Officers sign orders with a passkey that cannot leave its device.')
    }
    signers.push({ keys, status })
  }
  return { order, signers }
}

const requireTime = ({ action, notBefore, expires }: Order, now: number): void => {
  const last = Math.min(expires, notBefore + TRUSTEE_LIMITS.orderWindow)
  const late = now < notBefore - TRUSTEE_LIMITS.accessAhead || now >= last
  if (late || expires <= notBefore) throw new Problem('bad-statement', 'The order is too old, or not valid yet.')
  if (action === 'surge' && expires - notBefore > TRUSTEE_LIMITS.surgeTime) {
    throw new Problem('bad-statement', 'A surge lasts four hours at most.')
  }
  if (action === 'replace' && expires - notBefore > TRUSTEE_LIMITS.replacementTime) {
    throw new Problem('bad-statement', 'A lost key is replaced for fourteen hours at most.')
  }
}

/**
 * Another key for one of the people whom the officers answer for, under that person's own meter. No officer is replaced
 * so, or two would make themselves a third; none gets a key by its own word.
 */
const requireReplacement = (
  { action, scope, target, replacement }: Order, signers: readonly Signer[], statuses: ShownStatuses,
): void => {
  if (action !== 'replace') {
    if (replacement !== undefined) throw new Problem('bad-statement', 'This order replaces no key.')
    return
  }
  if (scope !== 'device' || replacement === undefined || equalBytes(replacement, target)) {
    throw new Problem('bad-statement', 'A key is replaced by another one, and it is a device\'s.')
  }
  const status = statuses.of(target)
  if (status === undefined || isHouse(status.role) || status.role === 'officer') {
    refuse('The key of a person is replaced, whose status is shown, and of no officer.')
  }
  const own = signers.some(({ keys, status: its }) => equalBytes(keys.id, replacement) ||
    (status !== undefined && its !== undefined && equalBytes(its.meter, status.meter)))
  if (own) refuse('No officer replaces its own key, or is the replacement.')
}

/** Whether that officer answers for the target: by its organisation, where a status that is shown says so. */
const answersFor = (officer: Status, { action, scope, target }: Order, statuses: ShownStatuses): boolean => {
  const own = officer.organisation
  // Whose glass it was, the meter knows.
  if (own === undefined || action === 'review') return true
  if (scope === 'organisation') return equalBytes(own, target)
  if (scope === 'vendor') return false
  const status = scope === 'device' ? statuses.of(target) : statuses.withMeter(target)
  return status?.organisation !== undefined && equalBytes(status.organisation, own)
}

/** A device may be locked by its own holder: its keys alone, which is all that a thief would have of it. */
const isOwnLock = ({ action, scope, target }: Order, [signer, ...more]: readonly Signer[]): boolean =>
  action === 'lock' && scope === 'device' && more.length === 0 && signer !== undefined &&
  equalBytes(signer.keys.id, target)

interface OrderRules {
  readonly issuers: readonly Uint8Array[]
  /** Seconds. */
  readonly now: number
  readonly changes: KnownChanges
}

/**
 * Checks who orders what. Whether it takes an officer for all, `requireReach` says once the lock is known. Throws
 * `not-permitted`, `bad-statement`, `status-required` or SealError.
 */
export const verifyOrder = async (
  notice: OrderNotice, principals: ShownPrincipals, { issuers, now, changes }: OrderRules,
): Promise<VerifiedOrder> => {
  // Who stands in for somebody gives no orders in that one's place.
  const statuses = await verifyStatuses(notice.statuses, {
    issuers, principals, now, changes: { ...changes, standIns: [] },
  })
  const { order, signers } = await signersOf(notice, principals, statuses)
  requireTime(order, now)
  const nonce = toHex(order.nonce)
  if (isOwnLock(order, signers)) return { order, nonce, officers: [] }
  const officers = signers.flatMap(({ keys, status }) =>
    keys.kind === 'person' && status?.role === 'officer' && answersFor(status, order, statuses) ? [status] : [])
  if (officers.length < signers.length) refuse('Somebody who signed is no officer of whom the order is about.')
  const people = new Set(officers.map(({ meter }) => toHex(meter)))
  const takesTwo = order.action !== 'lock' && order.action !== 'review'
  if (takesTwo && people.size < 2) refuse('This takes two officers, who are two people.')
  if (order.action === 'surge' && order.scope !== 'organisation' && order.scope !== 'person') {
    refuse('A surge is an organisation\'s, or a person\'s.')
  }
  requireReplacement(order, signers, statuses)
  return { order, nonce, officers: officers.map(({ organisation, meter }) => ({ organisation, meter })) }
}

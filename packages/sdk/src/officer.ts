/**
 * What officers do: lock, clear, open a surge, replace a lost key, look through broken glass. At trustees directly, and
 * on record.
 */
import { makeOrder, signOrder } from '@scelle/seal/grants'
import { type Context, decode, decodeSigned, encode, Order, toHex } from '@scelle/seal/verify'
import { EmergencyList, MeterRequest, OrderNotice } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { type Id, idBytes } from './ids.ts'
import { chainsOf, inSession } from './signers.ts'
import { tellTrustees, type Told } from './telling.ts'

/** Somebody broke the glass. Ids are lower-case hex. */
export interface BrokenGlass {
  /** Statement id of the access. */
  readonly access: string
  readonly vault: string
  /** Milliseconds since 1970. */
  readonly time: number
  /** The reader's signed reason. */
  readonly reason: Uint8Array
  /** Milliseconds since 1970; undefined where no trustee was told that somebody looked at it. */
  readonly reviewed: number | undefined
}

/** What an officer orders. Times in milliseconds since 1970. */
export interface NewOrder {
  readonly action: Order['action']
  readonly scope: Order['scope']
  /** Principal id, or a meter id of a person. */
  readonly target: Id
  readonly from?: number
  readonly until: number
  readonly reason: string
  /** Of a lost key (`replace`, a device's): the principal that stands in its place, for fourteen hours at most. */
  readonly replacement?: Id
}

const orderOf = (
  { action, scope, target, from, until, reason, replacement }: NewOrder, context: Context,
): Order => {
  if (reason.trim() === '') throw new SdkError('bad-input', 'an order says why')
  if ((action === 'replace') !== (replacement !== undefined)) {
    throw new SdkError('bad-input', 'an order that replaces a key names the one that stands in its place')
  }
  return makeOrder({
    action, scope, target: idBytes(target), reason,
    notBefore: Math.floor((from ?? context.now()) / 1000), expires: Math.floor(until / 1000),
    ...(replacement === undefined ? {} : { replacement: idBytes(replacement) }),
  }, context)
}

/** The body of an order, for an officer's passkey. Throws `bad-input`. */
export const orderBody = (order: NewOrder, context: Context): Uint8Array => encode(Order, orderOf(order, context))

/** A signed order; where it takes two officers, the other one agrees to it. Throws `bad-input`. */
export const newOrder = async ({ identity, context }: Connection, order: NewOrder): Promise<Uint8Array> =>
  signOrder(identity, orderOf(order, context))

/** The same order, signed by this officer too, who looked at it. Throws SealError. */
export const agreeToOrder = ({ identity }: Connection, signed: Uint8Array): Promise<Uint8Array> =>
  signOrder(identity, decode(Order, decodeSigned('order', signed).body))

/**
 * Tells all trustees what officers ordered: the same order, signed by each of them, with their statuses and that of
 * whom it is about; and has it logged, sealed to them, for one that is down now or is restored one day. Where some were
 * not reached, or it is not logged, send it again: it counts once. Throws as they refuse; what all of them refuse is
 * not logged.
 */
export const sendOrder = async (
  connection: Connection, orders: readonly Uint8Array[], statuses: readonly Uint8Array[],
): Promise<Told> => {
  const [first = new Uint8Array(0)] = orders
  const { target } = decode(Order, decodeSigned('order', first).body)
  const content = encode(OrderNotice, {
    orders: [...orders], statuses: [...statuses], keys: await chainsOf(connection, [...orders, ...statuses]),
  })
  return tellTrustees(connection, { about: 'order', path: '/v1/orders', target, content })
}

/**
 * Broken glass of the officer's organisation, newest first. Each took two trustees, so any two tell of all: where only
 * one answers this throws as a request to another one does.
 */
export const brokenGlass = async (
  connection: Connection, statuses: readonly Uint8Array[],
): Promise<BrokenGlass[]> => {
  const body = encode(MeterRequest, {
    statuses: [...statuses], keys: await chainsOf(connection, statuses), ...inSession(connection),
  })
  const asked = await Promise.allSettled(connection.trusteeIds.map(async (id) => {
    const { target } = await connection.trustee(id)
    return decode(EmergencyList, await connection.transport.ask(target, {
      method: 'POST', path: '/v1/emergencies', body, attempts: 2,
    }))
  }))
  const lists = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const refused = failed.find((error) => !(error instanceof SdkError) || error.problem !== undefined)
  if (refused !== undefined || lists.length < 2) throw refused ?? failed[0]
  const known = new Map<string, BrokenGlass>()
  for (const { access, vault, time, reason, reviewed } of lists.flat()) {
    const before = known.get(toHex(access))
    known.set(toHex(access), {
      access: toHex(access), vault: toHex(vault), time: time * 1000, reason,
      reviewed: before?.reviewed ?? (reviewed === undefined ? undefined : reviewed * 1000),
    })
  }
  return [...known.values()].toSorted((a, b) => b.time - a.time)
}

/** What officers do: lock, clear, open a surge, and look through broken glass. At the trustees directly. */
import { decode, encode, toHex } from '@scelle/seal/verify'
import { EmergencyList, MeterRequest, OrderNotice } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { signersOf } from './standing.ts'

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

const keysOf = async (connection: Connection, signed: readonly Uint8Array[]): Promise<Uint8Array[][]> => {
  const ids = [connection.identity.id, ...signersOf({ statuses: signed })]
  const unique = new Map(ids.map((id) => [toHex(id), id]))
  const known = await Promise.all([...unique.values()].map((id) => connection.directory.of(id)))
  return known.map(({ chain }) => [...chain])
}

/**
 * Tells all trustees what officers ordered: the same order, signed by each of them, with their statuses and that of
 * whom it is about. Resolves with the ids of those that were not reached: tell them again. Throws as they refuse.
 */
export const sendOrder = async (
  connection: Connection, orders: readonly Uint8Array[], statuses: readonly Uint8Array[],
): Promise<{ readonly pending: readonly Uint8Array[] }> => {
  const body = encode(OrderNotice, {
    orders: [...orders], statuses: [...statuses], keys: await keysOf(connection, [...orders, ...statuses]),
  })
  const missing = await Promise.all(connection.trusteeIds.map(async (id) => {
    try {
      const { target } = await connection.trustee(id)
      await connection.transport.ask(target, { method: 'POST', path: '/v1/orders', body, attempts: 2 })
      return []
    } catch (error) {
      if (!(error instanceof SdkError) || error.problem !== undefined) throw error
      return [id]
    }
  }))
  return { pending: missing.flat() }
}

/** Broken glass of the officer's organisation, newest first, as all trustees that answer tell it. */
export const brokenGlass = async (
  connection: Connection, statuses: readonly Uint8Array[],
): Promise<BrokenGlass[]> => {
  const body = encode(MeterRequest, { statuses: [...statuses], keys: await keysOf(connection, statuses) })
  const lists = await Promise.all(connection.trusteeIds.map(async (id) => {
    const { target } = await connection.trustee(id)
    return decode(EmergencyList, await connection.transport.ask(target, {
      method: 'POST', path: '/v1/emergencies', body, attempts: 2,
    }))
  }))
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

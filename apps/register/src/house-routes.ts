/** What houses ask of the desk, each request signed by the house's newest key; and what operators of it order. */
import { decode, encode, equalBytes, fromHex, type PrincipalKeys, toHex } from '@scelle/seal/verify'
import { type Client, SdkError } from '@scelle/sdk'
import { Problem } from '@scelle/wire/errors'
import { EnrolmentAsk, EnrolmentBegun, LeaverNotice, StatusesAnswer, StatusesAsk } from '@scelle/wire/register'
import type { Server, ServerOptions } from '@scelle/wire/server'
import type { Enrolments } from './enrolments.ts'
import { problemOfDesk } from './errors.ts'
import { DESK_LIMITS } from './limits.ts'
import type { House } from './reading.ts'
import type { Statuses } from './statuses.ts'
import type { DeskStore } from './store.ts'

export interface HouseRoutesOptions {
  /** By hex id. */
  readonly houses: ReadonlyMap<string, House>
  /** Hex ids of principals that take back any status: whoever hears first that somebody was struck off. */
  readonly operators: ReadonlySet<string>
  readonly enrolments: Pick<Enrolments, 'open'>
  readonly statuses: Pick<Statuses, 'takeBack'>
  readonly store: DeskStore
  readonly now: () => number
  /** Tells what was just taken back, without waiting for the next look. */
  readonly tell: () => Promise<void>
}

/** Newest keys on record of houses and operators that are listed; of nobody else is anything looked up. */
export const listedKeys = (
  listed: (id: string) => boolean, client: () => Promise<Client>,
): ServerOptions['keyOf'] => async (id): Promise<PrincipalKeys | undefined> => {
  if (!listed(toHex(id))) return undefined
  try {
    const met = await client()
    const chain = await met.people.registered(id)
    if (chain.length === 0) return undefined
    await met.people.register(chain)
    return await met.principal(id)
  } catch (cause) {
    if (!(cause instanceof SdkError)) throw cause
    throw new Problem('overloaded', 'The index does not answer. Try again in a moment.', { cause })
  }
}

const inProtocol = async <T>(work: () => T | Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw problemOfDesk(error)
  }
}

export const addHouseRoutes = (server: Pick<Server, 'route'>, options: HouseRoutesOptions): void => {
  const { houses, operators, enrolments, statuses, store, now, tell } = options
  const houseOf = ({ id }: PrincipalKeys): House => {
    const house = houses.get(toHex(id))
    if (house === undefined) throw new Problem('not-permitted', 'Houses that this register lists enrol their people.')
    return house
  }
  server.route({
    method: 'POST',
    url: '/v1/enrolments',
    policy: 'signed',
    maxBody: DESK_LIMITS.body,
    handler: async ({ principal, body }) => {
      const house = houseOf(principal)
      const ask = decode(EnrolmentAsk, body)
      return { body: encode(EnrolmentBegun, { url: await inProtocol(() => enrolments.open(house, ask)) }) }
    },
  })
  server.route({
    method: 'POST',
    url: '/v1/statuses',
    policy: 'signed',
    maxBody: DESK_LIMITS.body,
    handler: ({ principal, body }) => {
      const { id } = houseOf(principal)
      const seconds = now() / 1000
      const found = decode(StatusesAsk, body).persons.flatMap((person) => {
        const known = store.of(person)
        // Of another house's people nothing is said, not that they are enrolled either.
        const holds = known?.standing === 'good' && equalBytes(known.house, id) && known.ends > seconds
        return holds ? [{ person, status: known.status }] : []
      })
      return { body: encode(StatusesAnswer, { statuses: found }) }
    },
  })
  server.route({
    method: 'POST',
    url: '/v1/leavers',
    policy: 'signed',
    maxBody: DESK_LIMITS.body,
    handler: async ({ principal, body }) => {
      const { person } = decode(LeaverNotice, body)
      const known = store.of(person)
      const mayEnd = operators.has(toHex(principal.id)) ||
        (known !== undefined && equalBytes(known.house, principal.id))
      if (!mayEnd || known === undefined) throw new Problem('not-permitted')
      await statuses.takeBack(known, 'gone')
      await tell()
      return { status: 204 }
    },
  })
}

/** Throws TypeError. */
export const principalIn = (hex: string): Uint8Array => {
  const id = fromHex(hex)
  if (id?.length !== 32) throw new TypeError('the id of a principal is 64 hexadecimal digits')
  return id
}

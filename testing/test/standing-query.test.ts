/** `POST /v1/standing`: what whoever guards a legacy system is told about somebody's session, and nobody else is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPerson, renewPerson, sealingKeyOf } from '@scelle/seal/persons'
import { decode, encode, verifyKeyChain } from '@scelle/seal/verify'
import type { Client } from '@scelle/sdk'
import { signRequest } from '@scelle/wire/http'
import { StandingQuery, StandingTold } from '@scelle/wire/messages'
import { SoftwareAuthenticator } from '../src/authenticator.ts'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { HOUR } from './scene.ts'

let world: Constellation
let random: (length: number) => Uint8Array
let house: Client
let guard: Client
let session: Uint8Array
let statuses: Uint8Array[]
let chain: Uint8Array[]
let newer: Uint8Array[]
beforeAll(async () => {
  world = await createConstellation({ seed: 'standing query' })
  random = world.random('people')
  const context = { random, now: () => world.now() }
  house = await world.client('organisation')
  guard = await world.client('machine')
  const authenticator = new SoftwareAuthenticator({ random })
  const keys = { signing: random(32), sealingKey: sealingKeyOf(random(32)), passkeys: [authenticator.passkey] }
  chain = [await createPerson(keys, context)]
  newer = await renewPerson(chain, keys, context)
  await house.people.register(chain)
  const { id } = await verifyKeyChain(chain)
  session = authenticator.sign(await house.people.ask({
    chain, key: random(32), device: random(32), purposes: ['treatment'], until: world.now() + HOUR,
  }))
  statuses = [
    await world.register.enrol({ subject: id, role: 'gp', organisation: house.identity.id, ownKey: false }),
    await world.register.enrol({ subject: house.identity.id, role: 'hospital' }),
  ]
})
afterAll(() => world.close())

/** What a trustee tells the guard; the code of its refusal. */
const ask = async (query: Partial<StandingQuery>): Promise<StandingTold | string> => {
  const [trustee] = world.trustees
  const url = `${trustee?.url}/v1/standing`
  const shown = [guard.identity.chain, chain, house.identity.chain, world.register.identity.chain]
  const body = encode(StandingQuery, { keys: shown.map((records) => [...records]), ...query })
  const headers = await signRequest({
    method: 'POST', url, body, identity: guard.identity, now: world.now, random,
  })
  const answer = await world.network.fetch(url, { method: 'POST', body: new Uint8Array(body), headers: { ...headers } })
  if (answer.status === 200) return decode(StandingTold, new Uint8Array(await answer.arrayBuffer()))
  return ((await answer.json()) as { code: string }).code
}

describe('a trustee', () => {
  it('tells whoever shows session and statuses that nothing speaks against it', async () => {
    expect(await ask({ shown: { session, statuses } })).toEqual({})
  })

  it('tells nothing to whoever has the session alone, or somebody else\'s statuses', async () => {
    expect(await ask({ shown: { session, statuses: [] } })).toBe('status-required')
    expect(await ask({ shown: { session, statuses: statuses.slice(1) } })).toBe('status-required')
    expect(await ask({ shown: { session, statuses: statuses.slice(0, 1) } })).toBe('status-required')
  })

  it('tells nothing of a session that is over, or whose parties are not shown', async () => {
    const keys = [guard.identity.chain, world.register.identity.chain].map((records) => [...records])
    expect(await ask({ keys, shown: { session, statuses } })).toBe('bad-statement')
    await world.clock.advance(HOUR)
    expect(await ask({ shown: { session, statuses } })).toBe('session-ended')
  })

  it('takes no key chain for the newest that the log knows to be older', async () => {
    expect(await ask({})).toEqual({})
    await house.people.register(newer)
    await world.clock.advance(5_000)
    expect(await ask({})).toBe('bad-statement')
  })
})

/** Keys that an index makes up for somebody: found by their owner in the log, refused by others outside of it. */
import { type Client, createIdentity, type ForeignKey, type Identity, rotateIdentity } from '@scelle/sdk'
import { encode, toHex } from '@scelle/seal/verify'
import { checkEvidence } from '@scelle/wire/evidence'
import { KeyChain, KeyPlaces } from '@scelle/wire/messages'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FixtureLeaf } from '../src/log-fixture.ts'
import { seededRandom } from '../src/random.ts'
import { createLyingIndex, type LyingIndex, NOW, SECOND } from './lying-log.ts'

const MINUTE = 60_000
const context = { now: () => NOW, random: seededRandom('key directory') }

let index: LyingIndex
const entries = new Map<string, Uint8Array>()
const state = {
  get: async (key: string) => entries.get(key),
  set: async (key: string, value: Uint8Array) => void entries.set(key, value),
}

/** Serves a principal's key chain and where the log holds it. */
const serve = (chain: readonly Uint8Array[], leaves: readonly (FixtureLeaf | undefined)[], id: Uint8Array): void => {
  index.served.set(`/v1/principals/${toHex(id)}`, encode(KeyChain, [...chain]))
  index.served.set(`/v1/principals/${toHex(id)}/places`, encode(KeyPlaces, leaves.flatMap((leaf) =>
    (leaf === undefined ? [] : [{ sequence: leaf.sequence, salt: leaf.salt }]))))
}

/** Somebody else, with a memory of its own. */
const stranger = async (): Promise<Client> => index.client(undefined, await createIdentity('person', context))

/** Lets what is under way come to its end, however many turns it takes. */
const comes = (what: () => unknown, expected: unknown): Promise<void> =>
  expect.poll(what, { interval: 5 }).toEqual(expected)

const failure = (work: Promise<unknown>): Promise<{ code: string; problem?: string }> =>
  work.then(() => ({ code: 'nothing was thrown' }), (error: { code: string }) => error)

beforeEach(async () => {
  entries.clear()
  index = await createLyingIndex(300)
  await index.publish()
})
afterEach(() => index.clock.stop())

describe('a key that somebody else made for a principal', () => {
  /** The victim, whose old key was stolen, and what the thief makes of it. */
  let victim: Client
  let genesis: FixtureLeaf
  let stolen: Identity
  const told: ForeignKey[] = []
  const failures: unknown[] = []

  beforeEach(async () => {
    told.length = 0
    failures.length = 0
    victim = await index.client(state)
    genesis = index.log.leaves.at(-1) as FixtureLeaf
    stolen = await rotateIdentity(victim.identity, context)
    serve(victim.identity.chain, [genesis], victim.identity.id)
    await index.log.fill(20)
    await index.publish(index.log.size, [SECOND, SECOND + 1, SECOND + 2])
  })

  test('is told to the victim within one interval, with its leaf and the time', async () => {
    const stop = victim.watchOwnKeys((found) => told.push(found), (error) => failures.push(error), MINUTE)
    await comes(() => entries.size > 0 && [...entries.keys()].some((key) => key.endsWith('own-keys')), true)
    expect(told).toEqual([])
    await index.log.fill(300)
    const rogue = index.log.append(stolen.chain[1] as Uint8Array)
    await index.log.fill(10)
    await index.publish(index.log.size, [SECOND + 80, SECOND + 81, SECOND + 82])
    // The index hands the thief's record out as the victim's own.
    serve(stolen.chain, [genesis, rogue], victim.identity.id)
    await index.clock.advance(MINUTE)
    await comes(() => told, [{ leaf: rogue.sequence - 1, between: [SECOND, SECOND + 80] }])
    await index.clock.advance(5 * MINUTE)
    expect(told).toHaveLength(1)
    expect(failures).toEqual([])
    stop()
    // After a restart it is told again, though its leaf was read before.
    const restarted = await index.client(state, victim.identity)
    const again = restarted.watchOwnKeys((found) => told.push(found), (error) => failures.push(error), MINUTE)
    await comes(() => [told.length, failures], [2, []])
    again()
  })

  test('that the victim made itself, and the log holds, is nothing to tell', async () => {
    const renewed = index.log.append(stolen.chain[1] as Uint8Array)
    await index.publish(index.log.size, [SECOND + 5, SECOND + 5, SECOND + 5])
    serve(stolen.chain, [genesis, renewed], stolen.id)
    const client = await index.client(state, stolen)
    const stop = client.watchOwnKeys((found) => told.push(found), (error) => failures.push(error), MINUTE)
    await comes(() => [...entries.keys()].some((key) => key.endsWith('own-keys')), true)
    expect([told, failures]).toEqual([[], []])
    stop()
  })

  test('is refused by everybody else where the log does not hold it', async () => {
    const other = await stranger()
    serve(stolen.chain, [genesis], stolen.id)
    expect(await failure(other.principal(stolen.id))).toMatchObject({ code: 'key-unlogged' })
    // A place that holds something else, or the record under another salt.
    for (const place of [index.log.leaves[10], { ...genesis, salt: context.random(16) }]) {
      serve(stolen.chain, [genesis, place], stolen.id)
      expect(await failure(other.principal(stolen.id))).toMatchObject({ code: 'key-unlogged' })
    }
    serve(victim.identity.chain, [genesis], victim.identity.id)
    expect((await other.principal(victim.identity.id)).current.version).toBe(0)
  })

  test('is relied on once a quorum cosigned its leaf, not before', async () => {
    const other = await stranger()
    const logged = index.log.append(stolen.chain[1] as Uint8Array)
    serve(stolen.chain, [genesis, logged], stolen.id)
    const early: unknown[] = []
    void failure(other.principal(stolen.id)).then((error) => early.push(error))
    for (let turns = 0; early.length === 0 && turns < 10_000; turns++) await index.clock.advance(100)
    expect(early[0]).toMatchObject({ code: 'index-problem', problem: 'not-cosigned' })
    await index.publish()
    expect((await other.principal(stolen.id)).current.version).toBe(1)
  })
})

test('a log forked for one client alone is found by what it remembers, with evidence', async () => {
  const client = await index.client(state)
  serve(client.identity.chain, [], client.identity.id)
  await client.log.checkpoint('quorum')
  const honest = index.log
  // Trustees cosign one history: the other client's, from here on.
  const forked = honest.fork(100)
  await forked.fill(300)
  const thief = await rotateIdentity(await createIdentity('person', context), context)
  forked.append(thief.chain[1] as Uint8Array)
  await honest.fill(10)
  index.log = forked
  for (const path of ['/checkpoint', '/v1/log/quorum', '/v1/log/final']) {
    index.served.set(path, await forked.checkpoint(forked.size, [SECOND, SECOND]))
  }
  const failures: { code: string; evidence: Uint8Array }[] = []
  const stop = client.watchOwnKeys(() => {}, (error) => failures.push(error as never), MINUTE)
  await comes(() => failures[0]?.code, 'log-forked')
  const verdict = await checkEvidence(failures[0]!.evidence)
  expect(verdict).toMatchObject({ kind: 'fork', shows: 'lie', liar: { role: 'index', id: index.log.parties.index.id } })
  stop()
})

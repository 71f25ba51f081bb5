/** The trustees, seen from the index: slow, silent, lying, behind, ahead; and that all are asked for the same. */
import {
  cosignNote, formatAddCheckpoint, formatSignature, parseAddCheckpoint, parseNote, parseProof, verifyCheckpoint,
} from '@scelle/log'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { decode, encode } from '@scelle/seal/verify'
import { logPolicy, verifyEd25519, witnessKeys, witnessName } from '@scelle/wire/log'
import { LogPush, LogPushed } from '@scelle/wire/messages'
import type { LogEvent } from '@scelle/wire/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import { IndexLog } from '../src/log/log.ts'
import type { LogStore } from '../src/log-store.ts'
import { ManualClock, MemoryLog, turns, until } from './memory-log.ts'
import { type Witness, Witnesses } from './witnesses.ts'
import { seeded, START } from './world.ts'

let clock: ManualClock
let store: MemoryLog
let identity: Identity
let trustees: Identity[]
let witnesses: Witnesses
let events: LogEvent[]
let log: IndexLog
const random = seeded('leaves')

const start = async (): Promise<void> => {
  log = await started(store)
}

const started = async (on: LogStore): Promise<IndexLog> => {
  const one = new IndexLog({
    identity, store: on, trustees: witnesses.addresses, context: { now: () => clock.now, random }, timers: clock.timers,
    fetch: witnesses.fetch, events: (event) => events.push(event), restoring: undefined,
  })
  await one.requireRunning()
  return one
}

beforeEach(async () => {
  clock = new ManualClock(START)
  store = new MemoryLog(clock)
  events = []
  const context = { now: () => START, random: seeded('principals') }
  identity = await createIdentity('index', context)
  trustees = await Promise.all([0, 1, 2].map(() => createIdentity('trustee', context)))
  witnesses = new Witnesses(identity.keys, trustees, () => clock.now)
  await start()
})
afterEach(() => log.end())

const witness = (place: number): Witness => witnesses.all[place] as Witness

/** Pushes are answered so; everything else as ever. */
const pushesOf = (place: number, answer: (body: Uint8Array) => Promise<Uint8Array>): void => {
  witnesses.faults.set(place, (path, body) =>
    path === '/v1/log/push' ? answer(body) : witness(place).answer(path, body))
}

const never = (): Promise<never> => new Promise(() => {})

const kept = (kind: 'quorum' | 'final', size: number) =>
  until(() => store.kept.get(kind)?.size === size, `${kind} of ${size}`)

/** Who cosigned the kept note, by place; everything in it is verified. */
const cosigners = async (kind: 'quorum' | 'final'): Promise<number[]> => {
  const policy = logPolicy({ index: identity.keys, trustees: trustees.map(({ keys }) => keys), quorum: 2 })
  const { cosigned } = await verifyCheckpoint(store.kept.get(kind)?.note as Uint8Array, policy, verifyEd25519)
  return [0, 1, 2].filter((place) => cosigned.has(witnessName((trustees[place] as Identity).id)))
}

const statesOf = (place: number): string[] =>
  events.flatMap((event) => (event.event === 'witness' && event.trustee === place + 1 ? [event.state] : []))

test('all three cosign what is published; each has every leaf', async () => {
  store.add(5, random)
  await kept('final', 5)
  expect(await cosigners('final')).toEqual([0, 1, 2])
  for (const place of [0, 1, 2]) expect(witness(place).entries).toEqual(store.stored.map(({ entry }) => entry))
  expect(statesOf(0)).toEqual(['cosigning'])
})

test('a slow one delays nobody: the others are a quorum; once it answers, it catches up', async () => {
  pushesOf(1, never)
  store.add(3, random)
  await kept('quorum', 3)
  expect(await cosigners('quorum')).toEqual([0, 2])
  for (let i = 0; i < 5; i++) {
    store.add(2, random)
    await clock.advance(INDEX_LIMITS.cosignEvery)
  }
  await kept('quorum', 13)
  expect(store.kept.get('final')).toBeUndefined()
  await clock.advance(INDEX_LIMITS.witnessTimeout)
  expect(statesOf(1)).toEqual(['silent'])
  witnesses.faults.delete(1)
  await clock.advance(2 * INDEX_LIMITS.witnessPauseMax)
  await kept('final', 13)
  expect(statesOf(1)).toEqual(['silent', 'cosigning'])
})

test('at full speed trustees are asked about twice a second, all for the same checkpoint', async () => {
  const asked: number[][] = [[], [], []]
  for (const place of [0, 1, 2]) {
    pushesOf(place, async (body) => {
      const { request } = decode(LogPush, body)
      if (request !== undefined) {
        asked[place]?.push(Number(parseNote(parseAddCheckpoint(request).checkpoint).text.split('\n')[1]))
      }
      return witness(place).answer('/v1/log/push', body)
    })
  }
  for (let i = 0; i < 300; i++) {
    store.add(20, random)
    await clock.advance(10)
  }
  await clock.advance(1_000)
  await kept('final', 6_000)
  expect(asked[0]?.length).toBeGreaterThanOrEqual(6)
  expect(asked[0]?.length).toBeLessThanOrEqual(9)
  expect(asked[1]).toEqual(asked[0])
  expect(asked[2]).toEqual(asked[0])
})

test('whoever waits for a receipt has it published and cosigned at once', async () => {
  store.add(1, random)
  await kept('final', 1)
  await clock.advance(1)
  const now = clock.now
  for (const leaf of [1, 2, 3]) {
    store.add(1, random)
    await log.receipt(leaf, random(16))
  }
  expect(clock.now).toBe(now)
  expect(store.kept.get('quorum')?.size).toBe(4)
})

test('many that wait at once share a checkpoint; none of them is starved by those that come after', async () => {
  const sizes = new Set<number>()
  const waiting: Promise<unknown>[] = []
  for (let leaf = 0; leaf < 200; leaf++) {
    store.add(1, random)
    waiting.push(log.receipt(leaf, random(16)).then(() => sizes.add(store.kept.get('quorum')?.size ?? 0)))
    if (leaf % 7 === 0) await turns(2)
  }
  await Promise.all(waiting)
  expect(store.kept.get('quorum')?.size).toBe(200)
  expect(witness(0).pushes).toBeLessThan(200)
})

test('nobody there: not-cosigned after five seconds; whoever asks again wakes the pauses', async () => {
  for (const place of [0, 1]) pushesOf(place, async () => { throw new Error('down') })
  store.add(1, random)
  await turns()
  const refused = log.receipt(0, random(16)).catch((error: unknown) => error)
  await clock.advance(INDEX_LIMITS.receiptWait)
  expect(await refused).toMatchObject({ code: 'not-cosigned' })
  await clock.advance(600_000)
  witnesses.faults.clear()
  const receipt = log.receipt(0, random(16))
  await clock.advance(INDEX_LIMITS.witnessPause)
  await receipt
})

test('a false cosignature is never passed on, and who sent it is told', async () => {
  const thief = await createIdentity('trustee', { now: () => START, random: seeded('thief') })
  pushesOf(2, async (body) => {
    const answer = decode(LogPushed, await witness(2).answer('/v1/log/push', body))
    const { request } = decode(LogPush, body)
    if (request === undefined) return encode(LogPushed, answer)
    const { text } = parseNote(parseAddCheckpoint(request).checkpoint)
    const key = witnessKeys((trustees[2] as Identity).keys)[0]!
    const forged = await cosignNote(text, Math.floor(START / 1000), key, thief.signRaw)
    return encode(LogPushed, { ...answer, cosignature: formatSignature(forged) })
  })
  store.add(4, random)
  await kept('quorum', 4)
  await clock.advance(1_000)
  expect(await cosigners('quorum')).toEqual([0, 1])
  expect(store.kept.get('final')).toBeUndefined()
  expect(statesOf(2)).toEqual(['lying'])
})

test.each<[string, (cosignature: string) => string]>([
  ['of another checkpoint, or another\'s', () => 'x'],
  ['two at once', (one) => one + one],
  ['not a line', (one) => one.slice(0, -1)],
])('a cosignature that is none: %s', async (_, change) => {
  let first: string | undefined
  pushesOf(0, async (body) => {
    const answer = decode(LogPushed, await witness(0).answer('/v1/log/push', body))
    if (answer.cosignature === undefined) return encode(LogPushed, answer)
    first ??= answer.cosignature
    const changed = change(answer.cosignature)
    return encode(LogPushed, { ...answer, cosignature: changed === 'x' ? await ofOther() : changed })
  })
  const ofOther = async (): Promise<string> => {
    const key = witnessKeys((trustees[0] as Identity).keys)[0]!
    return formatSignature(await cosignNote('another\n', 1, key, (trustees[0] as Identity).signRaw))
  }
  store.add(2, random)
  await kept('quorum', 2)
  await clock.advance(300)
  expect(await cosigners('quorum')).toEqual([1, 2])
  expect(statesOf(0)).toContain('lying')
})

test('another principal under a trustee\'s address cosigns nothing', async () => {
  witnesses.faults.set(1, (path, body) => witness(path === '/v1/self' ? 2 : 1).answer(path, body))
  await log.end()
  await start()
  store.add(2, random)
  await kept('quorum', 2)
  expect(await cosigners('quorum')).toEqual([0, 2])
  await until(() => statesOf(1).includes('lying'), 'told')
})

test('one that lost its mirror is sent everything again, with a pause', async () => {
  store.add(600, random)
  await kept('final', 600)
  witness(1).entries.length = 10
  Object.assign(witness(1), { last: undefined })
  await clock.advance(1_000)
  store.add(1, random)
  await kept('quorum', 601)
  await clock.advance(1_000)
  await kept('final', 601)
  expect(witness(1).entries).toHaveLength(601)
})

test('numbers that go back without end do not have the log sent again and again', async () => {
  store.add(3_000, random)
  await kept('final', 3_000)
  let asked = 0
  pushesOf(0, async () => {
    asked++
    return encode(LogPushed, { mirrored: Math.max(0, 1_000 - 10 * asked), cosigned: 0 })
  })
  store.add(1, random)
  await clock.advance(60_000)
  expect(asked).toBeLessThan(20)
  expect(await cosigners('quorum')).toEqual([1, 2])
})

test('a mirror far behind is sent in batches, the checkpoint with the last one', async () => {
  await log.end()
  store.add(10_000, random)
  const batches: { from: number; count: number; asks: boolean }[] = []
  pushesOf(0, async (body) => {
    const { from, leaves, request } = decode(LogPush, body)
    batches.push({ from, count: leaves.length, asks: request !== undefined })
    return witness(0).answer('/v1/log/push', body)
  })
  await start()
  await kept('final', 10_000)
  expect(batches).toEqual([
    { from: 0, count: 0, asks: false },
    { from: 0, count: 4_096, asks: false },
    { from: 4_096, count: 4_096, asks: false },
    { from: 8_192, count: 1_808, asks: true },
  ])
})

test('a checkpoint that somebody passed on to a trustee does not keep the others from a quorum', async () => {
  pushesOf(2, never)
  let hold = true
  pushesOf(1, async (body) => (hold ? never() : witness(1).answer('/v1/log/push', body)))
  store.add(1, random)
  await until(() => store.published.length === 1, 'published')
  await turns()
  // The round is for size 1; trustee 0 cosigned it, and the two others hang. Meanwhile trustee 1 is shown size 3.
  store.add(2, random)
  await clock.advance(60)
  const newest = store.published.at(-1)!
  hold = false
  const entries = store.stored.map(({ entry }) => ({ entry }))
  const request = formatAddCheckpoint({ old: 0, proof: [], checkpoint: newest.note })
  await witness(1).push(encode(LogPush, {
    from: witness(1).entries.length, leaves: entries.slice(witness(1).entries.length), request,
    keys: [...identity.chain],
  }))
  expect(witness(1).last?.size).toBe(3)
  await clock.advance(INDEX_LIMITS.witnessTimeout + 2_000)
  await kept('quorum', 3)
  expect(await cosigners('quorum')).toEqual([0, 1])
})

test('after a restart what was cosigned is served, and trustees go on from what they have', async () => {
  store.add(5, random)
  await kept('final', 5)
  await log.end()
  const before = witness(0).pushes
  await start()
  expect(parseNote(await log.cosigned('final')).text).toBe(parseNote(store.kept.get('final')?.note as Uint8Array).text)
  await turns()
  expect(witness(0).pushes - before).toBeLessThanOrEqual(2)
  store.add(1, random)
  await clock.advance(INDEX_LIMITS.cosignEvery)
  await kept('final', 6)
})

test('a process that does not lead takes operations and gives receipts of what the leader had cosigned', async () => {
  store.add(300, random)
  await kept('final', 300)
  const pushes = witness(0).pushes
  const follower = await started(store.followed())
  expect(await follower.checkpoint()).toEqual(await log.checkpoint())
  store.add(1, random)
  const receipt = follower.receipt(300, random(16))
  await clock.advance(INDEX_LIMITS.cosignEvery + INDEX_LIMITS.publishEvery)
  const { index, checkpoint } = parseProof(await receipt)
  expect(index).toBe(300)
  expect(parseNote(checkpoint).text).toBe(parseNote(store.kept.get('quorum')?.note as Uint8Array).text)
  expect(await follower.tile('tile/0/001.p/45')).toEqual(await log.tile('tile/0/001.p/45'))
  expect(await follower.proof(299)).toEqual(await log.proof(299))
  // The leader alone asked for a cosignature.
  expect(witness(0).pushes).toBe(pushes + 1)
  await follower.end()
})

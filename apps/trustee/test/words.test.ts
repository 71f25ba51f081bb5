/** What a trustee says about accesses: to the index, until it answers, and to whoever the part is of. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAccess } from '@scelle/seal/grants'
import { rotateIdentity, type Identity } from '@scelle/seal/identity'
import {
  decode, decodeSigned, Denial, encode, Release, type Signed, statementId, toHex, verifySigned,
} from '@scelle/seal/verify'
import { problemDocument, type ProblemCode } from '@scelle/wire/errors'
import { ReleasesAnswer, ReleasesRequest } from '@scelle/wire/messages'
import type { Timers } from '@scelle/wire/timers'
import { TRUSTEE_LIMITS } from '../src/limits.ts'
import { TrusteeStore } from '../src/trustee.ts'
import type { Word } from '../src/words/word-store.ts'
import { askRelease } from './logged.ts'
import {
  grantsToDoctor, makeCapsule, makeWorld, NOW, post, prepare, type Prepared, type Running, startTrustee, type World,
} from './world.ts'

let world: World
let running: Running
let due: { ms: number; run: () => void }[]
/** What the index was sent, and what it answers next; 200 where nothing is planned. */
let sent: { path: string; body: Uint8Array }[]
let answers: (ProblemCode | 'silence' | 200)[]

const timers: Timers = {
  after: (ms, run) => {
    const one = { ms, run }
    due.push(one)
    return () => { due = due.filter((other) => other !== one) }
  },
}

const fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
  const path = new URL(url).pathname
  sent.push({ path, body: init.body as Uint8Array })
  const planned = path === '/v1/releases' ? answers.shift() ?? 200 : 200
  if (planned === 'silence') throw new TypeError('fetch failed')
  if (planned === 200) return new Response(new Uint8Array())
  return new Response(JSON.stringify(problemDocument(planned)), { status: problemDocument(planned).status })
}

const start = (store?: string): Running => startTrustee(world, 0, store, { fetch, timers })

beforeEach(async () => {
  world = await makeWorld('words')
  due = []
  sent = []
  answers = []
  running = start()
})
afterEach(() => {
  running.trustee.halt()
  running.store.close()
})

const trustee = (): Identity => world.trustees[0] as Identity
const posted = (): string[] => sent.filter(({ path }) => path === '/v1/releases').map(({ body }) => toHex(body))
const pause = async (): Promise<number> => {
  await expect.poll(() => due.filter(({ ms }) => ms !== TRUSTEE_LIMITS.askTimeout).length).toBe(1)
  const next = due.find(({ ms }) => ms !== TRUSTEE_LIMITS.askTimeout) as (typeof due)[number]
  due = due.filter((one) => one !== next)
  next.run()
  return next.ms
}

const released = async (): Promise<Prepared> => {
  const prepared = await prepare(world, { capsules: [await makeCapsule(world)], reader: world.hospital })
  expect((await askRelease(world, running, prepared.request, world.hospital)).status).toBe(200)
  return prepared
}

const ask = (since = 0, signer = world.hospital, change: Partial<ReleasesRequest> = {}) =>
  post(world, running, '/v1/released', encode(ReleasesRequest, {
    genesis: world.vault.genesisSigned, custodian: world.hospital.id, since,
    keys: [...new Set([world.hospital, signer])].map(({ chain }) => [...chain]), ...change,
  }), signer)

const listed = async (since = 0): Promise<ReleasesAnswer> => decode(ReleasesAnswer, (await ask(since)).bytes)

describe('a release', () => {
  test('is told to the index, signed, as often as it takes, and once', async () => {
    answers = ['silence', 'overloaded', 'not-cosigned', 200]
    const { access } = await released()
    const pauses = [await pause(), await pause(), await pause()]
    await expect.poll(() => posted().length).toBe(4)
    expect(pauses).toEqual([500, 1_000, 2_000])
    expect(new Set(posted()).size).toBe(1)
    const { body } = await verifySigned('release', sent[0]?.body as Uint8Array, trustee().keys)
    const word = decode(Release, body)
    expect([toHex(word.access), toHex(word.vault), word.capsules]).toEqual(
      [toHex(access.id), toHex(world.vault.vault), 1])
    expect(running.store.words.due()).toBeUndefined()
  })

  test('asked for again is the same one: told once', async () => {
    const { request } = await released()
    await askRelease(world, running, request, world.hospital)
    await expect.poll(() => running.store.words.due()).toBeUndefined()
    expect(posted()).toHaveLength(1)
    expect((await listed()).releases).toHaveLength(1)
  })

  test('that the index has not answered waits, and those after it too: in order', async () => {
    answers = ['silence']
    await released()
    await released()
    await pause()
    await expect.poll(() => new Set(posted()).size).toBe(2)
    expect(posted()).toEqual([posted()[0], posted()[0], posted()[2]])
  })

  test('that the index refuses for good is told in the log, and keeps no other waiting', async () => {
    answers = ['bad-statement']
    await released()
    await expect.poll(() => running.lines.join('')).toContain('release-refused')
    await released()
    await expect.poll(() => posted().length).toBe(2)
    expect((await listed()).releases).toHaveLength(2)
  })

  test('by a trustee that the index does not know: registers all its key records first', async () => {
    const rotated = await rotateIdentity(trustee(), world.clock)
    running.trustee.halt()
    running.store.close()
    running = startTrustee({ ...world, trustees: [rotated] }, 0, ':memory:', { fetch, timers })
    answers = ['principal-unknown']
    await released()
    await expect.poll(() => posted().length).toBe(2)
    expect(sent.filter(({ path }) => path === '/v1/principals').map(({ body }) => toHex(body)))
      .toEqual(rotated.chain.map(toHex))
  })

  test('is told after a restart, where it was not before', async () => {
    answers = ['silence']
    await released()
    await expect.poll(() => due.some(({ ms }) => ms === TRUSTEE_LIMITS.sendPause)).toBe(true)
    expect(running.store.words.due()).toBeDefined()
    running.trustee.halt()
    const { store } = running
    due = []
    running = startTrustee(world, 0, ':memory:', { fetch, timers, store })
    await expect.poll(() => store.words.due()).toBeUndefined()
  })
})

describe('the list of a part', () => {
  test('is the custodian\'s: every release with its access, signed by this trustee', async () => {
    const first = await released()
    world.clock.move(5)
    const second = await released()
    const { releases, more } = await listed()
    expect(releases.map(({ access }) => toHex(statementId(access)))).toEqual([first, second].map(({ access }) =>
      toHex(access.id)))
    expect(more).toBe(false)
    for (const { word } of releases) await verifySigned('release', word, trustee().keys)
    expect((await listed(NOW / 1000 + 1)).releases).toHaveLength(1)
    expect((await listed(NOW / 1000 + 6)).releases).toEqual([])
  })

  test('is nobody else\'s', async () => {
    await released()
    for (const other of [world.doctor, world.practice, world.writer]) {
      expect((await ask(0, other)).code).toBe('not-permitted')
    }
    const own = { custodian: world.practice.id }
    expect(decode(ReleasesAnswer, (await ask(0, world.practice, own)).bytes).releases).toEqual([])
    const genesis = Uint8Array.from(world.vault.genesisSigned)
    genesis[genesis.length - 1] = (genesis[genesis.length - 1] as number) ^ 1
    expect((await ask(0, world.hospital, { genesis })).code).toBe('bad-statement')
  })
})

const wordAt = (time: number, bytes: number): Word => ({
  vault: world.vault.vault, custodian: world.hospital.id, reader: world.doctor.id, kind: 'denial', time,
  access: new Uint8Array(bytes).fill(1), word: Uint8Array.of(1),
})

describe('a long list', () => {
  test('comes in pages that end between two seconds', async () => {
    const size = TRUSTEE_LIMITS.listBytes / 100
    for (let i = 0; i < 250; i++) running.store.words.add(wordAt(1_000 + Math.floor(i / 20), size))
    const pages: number[] = []
    let since = 0
    for (let more = true; more;) {
      const found = running.store.words.of(world.vault.vault, world.hospital.id, since, 5_000)
      const page = await listed(since)
      pages.push(page.releases.length)
      since = (found[page.releases.length - 1]?.time ?? 0) + 1
      more = page.more
    }
    expect(pages).toEqual([100, 100, 50])
  })

  test('keeps its order where a clock goes back, and forgets after three years', () => {
    const { words } = running.store
    words.add(wordAt(2_000, 1))
    words.add(wordAt(1_000, 2))
    const all = () => words.of(world.vault.vault, world.hospital.id, 0, 10)
      .map(({ access, time }) => [access.length, time])
    expect(all()).toEqual([[1, 2_000], [2, 2_000]])
    words.drop(2_000)
    expect(all()).toHaveLength(2)
    words.drop(2_001)
    expect(all()).toEqual([])
  })
})

describe('a refusal', () => {
  const refused = async (): Promise<ProblemCode> => {
    const grants = await grantsToDoctor(world)
    const { signed } = await createAccess({
      vault: world.vault.vault, custodian: world.hospital.id, reader: world.doctor, purpose: 'legal',
      capsules: [world.clock.random(32)], chain: grants.map(({ id }) => id),
    }, world.clock)
    const { request } = await prepare(world, { capsules: [await makeCapsule(world)], chain: grants })
    return (await askRelease(world, running, { ...request, access: signed })).code as ProblemCode
  }

  const denials = async (): Promise<Signed[]> =>
    (await listed()).releases.map(({ word }) => decodeSigned('denial', word))

  test('of a verified reader is kept, signed, with its rule; it is not told to the index', async () => {
    const code = await refused()
    const [first, ...others] = await denials()
    expect(others).toEqual([])
    const denial = decode(Denial, first?.body as Uint8Array)
    expect([denial.problem, toHex(denial.reader), toHex(denial.server)]).toEqual(
      [code, toHex(world.doctor.id), toHex(trustee().id)])
    expect(sent).toEqual([])
  })

  test('is kept so many times an hour for one reader, and no more', async () => {
    const { words } = running.store
    for (let i = 0; i < TRUSTEE_LIMITS.denialsOfReader - 1; i++) words.add(wordAt(NOW / 1000, 1))
    await refused()
    await refused()
    expect(words.denials(world.doctor.id, 0).own).toBe(TRUSTEE_LIMITS.denialsOfReader)
    world.clock.move(TRUSTEE_LIMITS.denialWindow + 1)
    await refused()
    expect(words.denials(world.doctor.id, 0).own).toBe(TRUSTEE_LIMITS.denialsOfReader + 1)
  })

  test('of all readers together likewise', async () => {
    const store = new TrusteeStore(':memory:')
    for (let i = 0; i < TRUSTEE_LIMITS.denials; i++) {
      store.words.add({ ...wordAt(NOW / 1000, 1), reader: world.stranger.id })
    }
    const { store: own } = running
    running = startTrustee(world, 0, ':memory:', { fetch, timers, store })
    own.close()
    await refused()
    expect(store.words.denials(world.doctor.id, 0)).toEqual({ own: 0, all: TRUSTEE_LIMITS.denials })
  })
})

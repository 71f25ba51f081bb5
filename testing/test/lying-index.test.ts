/**
 * An index that lies, in the whole constellation: who finds out, how soon, and what a stranger makes of the evidence,
 * in another process without a network. docs/threat-model.md has the same as a table.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatAddCheckpoint, formatNote } from '@scelle/log'
import { type Client, type SdkError, type Vault, wordOf } from '@scelle/sdk'
import { decode, encode, Head, statementId, SUITE, toHex } from '@scelle/seal/verify'
import { encodeEvidence } from '@scelle/wire/evidence'
import { CommitAnswers, CommitBatch, Receipt } from '@scelle/wire/messages'
import { Door, type Lie, LyingIndex, serving } from '../src/lying-index.ts'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import type { LogFixture } from '../src/log-fixture.ts'
import { checkOffline } from './offline.ts'
import { CATEGORIES, codeOf, DAY, item } from './scene.ts'

const MINUTE = 60_000

let world: Constellation
/** Is lied to, through its own door. */
let hospital: Client
let door: Door
let vault: Vault
/** Is told the truth. */
let other: Client
let others: Vault

beforeEach(async () => {
  world = await createConstellation({ seed: 'lying-index', gossipEvery: MINUTE })
  door = new Door(world)
  hospital = await world.client('organisation', { fetch: door.fetch })
  vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  other = await world.client('organisation')
  others = await other.createVault({ mode: 'custody', categories: CATEGORIES })
  await Promise.all([vault.write([item('a')]), others.write([item('b')])])
  await settled()
})
afterEach(() => world.close())

/** Everything so far is in the log, cosigned by all, and the hospital has seen that. */
const settled = async (): Promise<number> => {
  await world.clock.advance(5_000)
  const { size } = await hospital.log.checkpoint('final')
  expect(size).toBe(await world.indexStore.log.size())
  return size
}

const seconds = (): number => Math.floor(world.now() / 1000)

/** A checkpoint that the index signed and an accomplice cosigned. */
const aided = (log: LogFixture): Promise<Uint8Array> => log.checkpoint(log.size, [undefined, undefined, seconds()])

/** The error's code, and what it shows to a stranger. */
const shownBy = async (work: Promise<unknown>): Promise<{ code: string; kind?: string; shows?: string }> => {
  const error = (await work.then(() => ({ code: 'nothing was thrown' }), (why: unknown) => why)) as SdkError
  return { code: error.code, ...(error.evidence === undefined ? {} : await shown(error.evidence)) }
}

const shown = async (evidence: Uint8Array): Promise<{ kind: string; shows: string }> => {
  const { kind, shows, liar, says } = await checkOffline(world, evidence)
  expect(liar).toEqual({ id: toHex(world.index.id), role: 'index' })
  expect(says).toMatch(/[Tt]he index /)
  return { kind, shows }
}

const evidenceOf = async (trustee: Constellation['index']): Promise<Uint8Array | undefined> => {
  const answer = await world.network.fetch(`${trustee.url}/v1/log/evidence`)
  return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined
}

/** Commits are acknowledged at this place and time, and thrown away. `said` is called with the word. */
const throwAway = (index: LyingIndex, sequence: number, time: number, said?: (word: Uint8Array) => void): Lie =>
  (path, body) => (path === '/v1/commits' ? (async () => {
    const commits = decode(CommitBatch, body!).map(({ commit }) => statementId(commit))
    const positions = await index.positions(commits, sequence, time)
    said?.(positions)
    return encode(CommitAnswers, { answers: commits.map(() => ({})), positions })
  })() : undefined)

/** Whoever is not lied to goes on, until the log has so many leaves more. */
const goOn = async (leaves: number): Promise<void> => {
  for (let i = 0; i < leaves; i++) await others.write([item(`more ${world.now()} ${i}`)])
  await world.clock.advance(5_000)
}

describe('a log forked for one hospital', () => {
  test('is found out by the hospital, by what it saw before, as soon as it looks', async () => {
    const index = await LyingIndex.beside(world)
    const fork = index.honest.fork(index.honest.size - 1)
    await fork.fill(4)
    // No honest trustee cosigns it; an accomplice does.
    door.lie = serving(fork, await aided(fork))
    expect(await shownBy(hospital.log.checkpoint('newest'))).toEqual({
      code: 'log-forked', kind: 'fork', shows: 'lie',
    })
    expect(hospital.log.alarms.map(({ code }) => code)).toEqual(['log-forked'])
  })

  test('never becomes final for a hospital that saw nothing before: silence, within the hour', async () => {
    const index = await LyingIndex.beside(world)
    const fork = index.honest.fork(3)
    await fork.fill(3)
    const newcomers = new Door(world)
    const newcomer = await world.client('organisation', { fetch: newcomers.fetch })
    newcomers.lie = serving(fork, await aided(fork))
    expect((await newcomer.log.checkpoint('newest')).size).toBe(fork.size)
    for (const kind of ['quorum', 'final'] as const) {
      expect(await codeOf(newcomer.log.checkpoint(kind))).toBe('answer-invalid')
    }
    // And as soon as it hears of the real one, from whomever.
    newcomers.lie = undefined
    expect(await shownBy(newcomer.log.checkpoint('final'))).toEqual({ code: 'log-forked', kind: 'fork', shows: 'lie' })
  })

  test('is found out by a trustee that is asked to cosign it, by its mirror, at once', async () => {
    const index = await LyingIndex.takeOver(world)
    const fork = index.honest.fork(index.honest.size - 1)
    const [trustee] = world.trustees
    await fork.fill(3)
    expect(index.cosignatureOf(await index.push(trustee!, fork))).toBeUndefined()
    const request = { old: index.honest.size, proof: [], checkpoint: await fork.checkpoint(index.honest.size) }
    const told = await index.post(trustee!, '/add-checkpoint', formatAddCheckpoint(request))
    expect([told.status, told.code]).toEqual([503, 'log-forked'])
    expect(await shown((await evidenceOf(trustee!))!)).toEqual({ kind: 'fork', shows: 'lie' })
  })

  test('in two halves, each cosigned by other trustees, who find out from each other in two minutes', async () => {
    const index = await LyingIndex.takeOver(world)
    const halves = [index.honest.fork(index.honest.size), index.honest.fork(index.honest.size)]
    for (const [i, half] of halves.entries()) {
      await half.fill(2 + i)
      expect(index.cosignatureOf(await index.push(world.trustees[i]!, half))).toBeDefined()
    }
    await world.clock.advance(2 * MINUTE + 5_000)
    for (const trustee of world.trustees.slice(0, 2)) {
      expect(await shown((await evidenceOf(trustee))!)).toEqual({ kind: 'fork', shows: 'lie' })
      expect((await world.network.fetch(`${trustee.url}/readyz`)).status).toBe(503)
    }
  })
})

test('a dropped leaf is found out by its author, once another one stands in its place', async () => {
  const index = await LyingIndex.beside(world)
  door.lie = throwAway(index, index.honest.size + 1, seconds())
  await vault.write([item('dropped')])
  door.lie = undefined
  expect(await hospital.log.confirmKept()).toMatchObject({ waiting: 1 })
  await goOn(1)
  expect(await shownBy(hospital.log.confirmKept())).toEqual({
    code: 'leaf-dropped', kind: 'leaf-dropped', shows: 'lie',
  })
})

describe('an index that dates back', () => {
  test('is found out by the author: trustees saw the log since, without the leaf', async () => {
    const index = await LyingIndex.beside(world)
    door.lie = throwAway(index, index.honest.size + 1, seconds() - 3_600)
    await vault.write([item('late')])
    expect(await shownBy(hospital.log.confirmKept())).toEqual({ code: 'leaf-late', kind: 'leaf-late', shows: 'delay' })
  })

  test('has said a later time of an earlier place: two of its own words', async () => {
    const index = await LyingIndex.beside(world)
    const words: Uint8Array[] = []
    door.lie = throwAway(index, index.honest.size + 1, seconds(), (word) => words.push(word))
    await vault.write([item('on time')])
    door.lie = throwAway(index, index.honest.size + 2, seconds() - 3_600, (word) => words.push(word))
    await vault.write([item('dated back')])
    const [before, late] = words.map((word) => ({ word, place: 0 }))
    const accused = world.index.identity.chain
    const evidence = encodeEvidence({ kind: 'back-dated', accused, late: late!, before: before! })
    expect(await shown(evidence)).toEqual({ kind: 'back-dated', shows: 'lie' })
  })
})

describe('an old checkpoint', () => {
  test('is found out by a client that saw a newer one; a signed word that it is the newest is evidence', async () => {
    const index = await LyingIndex.beside(world)
    const old = formatNote((await hospital.log.checkpoint('final')).note)
    await goOn(2)
    await hospital.log.checkpoint('final')
    await world.clock.advance(5 * MINUTE)
    const checkpoint = old
    const head = encode(Head, { suite: SUITE, index: world.index.id, checkpoint, time: seconds() })
    const signed = await index.identity.sign('head', head)
    const tiles = serving(index.honest, old)
    door.lie = (path, body) => (path === '/v1/log/head' ? Promise.resolve(signed) : tiles(path, body))
    expect(await shownBy(hospital.log.checkpoint('final'))).toEqual({
      code: 'log-rolled-back', kind: 'head-stale', shows: 'lie',
    })
  })

  test('is not cosigned again, and a client that saw nothing newer hears the hour', async () => {
    const old = await hospital.log.checkpoint('final')
    const index = await LyingIndex.takeOver(world)
    const told = await index.push(world.trustees[0]!, index.honest.fork(old.size), formatNote(old.note))
    expect(index.cosignatureOf(told)).toBeDefined()
    const older = { old: old.size - 1, proof: [], checkpoint: await index.honest.checkpoint(old.size - 1) }
    expect((await index.post(world.trustees[0]!, '/add-checkpoint', formatAddCheckpoint(older))).status).toBe(409)
    door.lie = serving(index.honest, formatNote(old.note))
    world.clock.set(world.now() + 61 * MINUTE)
    expect(await codeOf(hospital.log.freshFinal())).toBe('log-stale')
  })
})

describe('an answer without an entry', () => {
  test('of an access: the reader believes none, nobody is asked for a share', async () => {
    const doctors = new Door(world)
    const doctor = await world.client('person', { fetch: doctors.fetch })
    await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
    const chart = await doctor.vault(vault.id)
    await settled()
    const index = await LyingIndex.beside(world)
    const log = index.honest.fork(index.honest.size)
    let forging = false
    let position = new Uint8Array()
    doctors.lie = (path, body) => (path === '/v1/accesses' ? (async () => {
      const { sequence, salt } = log.append(body!)
      position = Uint8Array.from(await log.position({ statement: body!, sequence, salt }, seconds()))
      const leaf = log.leaves.at(-1)!
      const proof = await log.receipt(leaf, await aided(log))
      return encode(Receipt, forging ? { position, proof } : { position })
    })() : undefined)
    world.network.recording = true
    for (forging of [false, true]) expect(await codeOf(chart.open())).toBe('receipt-invalid')
    world.network.recording = false
    expect(world.network.seen.filter(({ target }) => target === '/v1/releases')).toEqual([])
    // The reader has the index's signed word, in whose place something else stands soon.
    await goOn(2)
    expect(await shownBy(doctor.log.confirm([wordOf({ signed: position })]))).toEqual({
      code: 'leaf-dropped', kind: 'leaf-dropped', shows: 'lie',
    })
  })

  test('of a commit: its author finds out in two minutes', async () => {
    const index = await LyingIndex.beside(world)
    // A place that nobody else comes to soon.
    door.lie = throwAway(index, index.honest.size + 1_000, seconds())
    await vault.write([item('never')])
    door.lie = undefined
    await world.clock.advance(2 * MINUTE)
    await goOn(1)
    expect(await shownBy(hospital.log.confirmKept())).toEqual({ code: 'leaf-late', kind: 'leaf-late', shows: 'delay' })
    expect(hospital.log.alarms.map(({ code }) => code)).toEqual(['leaf-late'])
  })
})

test('an honest index: an hour of work alarms nobody, and nobody has evidence', async () => {
  const doctor = await world.client('person')
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  const chart = await doctor.vault(vault.id)
  for (let i = 0; i < 6; i++) {
    await vault.write([item(`honest ${i}`)])
    await chart.open()
    await world.clock.advance(10 * MINUTE)
    for (const client of [hospital, other, doctor]) {
      for (const kind of ['newest', 'quorum', 'final'] as const) await client.log.checkpoint(kind)
      await client.log.confirmKept()
      expect(client.log.alarms).toEqual([])
    }
  }
  for (const trustee of world.trustees) expect(await evidenceOf(trustee)).toBeUndefined()
})

/** What was opened is overwritten when it closes: all of it, its source too, and never under whoever still reads it. */
import { randomBytes } from 'node:crypto'
import type { Chart, OpenedRecord, Vault } from '@scelle/sdk'
import { describe, expect, test } from 'vitest'
import { Charts, type ChartsOptions } from '../src/charts.ts'
import { bytesOf, type Entry, textOf } from '../src/entry.ts'
import { Records } from '../src/records.ts'
import { Sessions } from '../src/sessions.ts'
import { Slabs } from '../src/slabs.ts'
import { Underway } from '../src/underway.ts'
import { glucose } from './records.ts'

const SELF = 'ab'.repeat(32)
const NOW = Date.UTC(2026, 0)

const record = (id: string, value = 1): OpenedRecord => ({
  category: 'laboratory', handle: id.padStart(32, '0'), version: 1, record: id, author: SELF, time: NOW / 1000,
  contentType: 'fhir+json',
  content: bytesOf(JSON.stringify({
    ...glucose('p', value), id, meta: { versionId: '1', lastUpdated: new Date(NOW).toISOString() },
  })),
})

const entry = (id: string): Entry => {
  const { category, handle, author, content } = record(id)
  return { type: 'Observation', id, version: 1, updated: NOW, category, author, handle, deleted: false, bytes: content }
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Charts over vaults that open to given records. */
const charts = (given: () => OpenedRecord[], more: Partial<ChartsOptions> = {}): Charts => {
  const chart = (news: OpenedRecord[]): Partial<Chart> => ({
    take: () => news.splice(0), close: () => undefined, problems: [], closed: false,
  })
  const vault: Partial<Vault> = { custodians: [SELF], open: async () => chart(given()) as Chart }
  return new Charts({
    opener: async () => vault as Vault,
    directory: {
      vault: () => ({ vault: 'v', patient: 'Patient/p', origin: 'own' }),
      locator: () => undefined, learn: () => undefined, vaultsBeside: () => [],
    } as unknown as ChartsOptions['directory'],
    limits: { open: 10, perSession: 10, bytes: 1_000_000, idle: 1_000, absolute: 1_000, refresh: 1_000 },
    self: SELF, isLive: () => true, now: () => NOW, random: (length) => new Uint8Array(length).fill(7),
    learned: () => undefined, about: () => ({}), log: () => undefined, ...more,
  })
}

describe('slabs', () => {
  test('keep copies, one after the other, and overwrite every one', () => {
    const slabs = new Slabs()
    const given = Array.from({ length: 300 }, (_, at) => new Uint8Array(at * 7).fill(at % 255 + 1))
    const kept = given.map((bytes) => slabs.keep(bytes))
    for (const bytes of given) bytes.fill(0)
    const fits = (bytes: Uint8Array, at: number): boolean =>
      bytes.length === at * 7 && bytes.every((byte) => byte === at % 255 + 1)
    expect(kept.every(fits)).toBe(true)
    const total = given.reduce((sum, { length }) => sum + length, 0)
    expect(slabs.bytes).toBeLessThan(total * 1.5)
    slabs.wipe()
    expect(kept.every(isZero)).toBe(true)
    expect(slabs.bytes).toBe(0)
  })

  test('take what was announced in one piece', () => {
    const slabs = new Slabs()
    slabs.reserve(100_000)
    for (let at = 0; at < 100; at++) slabs.keep(new Uint8Array(1_000))
    expect(slabs.bytes).toBe(100_000)
  })
})

describe('requests under way', () => {
  test('hold back what was closed while they ran, and not what closes for later ones', () => {
    const underway = new Underway()
    const done: string[] = []
    underway.after('s', () => done.push('none'))
    const first = underway.begin('s')
    underway.after('s', () => done.push('first'))
    underway.after('other', () => done.push('other'))
    const second = underway.begin('s')
    underway.after('s', () => done.push('second'))
    expect(done).toEqual(['none', 'other'])
    first()
    first()
    expect(done).toEqual(['none', 'other', 'first'])
    second()
    expect(done).toEqual(['none', 'other', 'first', 'second'])
  })

  test('of every session hold back what all of them read', () => {
    const underway = new Underway()
    const done: string[] = []
    underway.afterAll(() => done.push('none'))
    const [alices, bobs] = [underway.begin('alice'), underway.begin('bob')]
    underway.afterAll(() => done.push('both'))
    const later = underway.begin('alice')
    alices()
    expect(done).toEqual(['none'])
    bobs()
    expect(done).toEqual(['none', 'both'])
    later()
    expect(done).toEqual(['none', 'both'])
  })

  test('that never stop coming do not hold it back for ever', () => {
    const underway = new Underway()
    let wiped = false
    let end = underway.begin('s')
    underway.after('s', () => {
      wiped = true
    })
    for (let turn = 0; turn < 3; turn++) {
      const next = underway.begin('s')
      end()
      end = next
    }
    expect(wiped).toBe(true)
  })
})

describe('records', () => {
  test('hold their own copy: their giver may overwrite theirs', () => {
    const records = new Records()
    const given = entry('a')
    const text = textOf(given)
    records.put(given)
    given.bytes.fill(0)
    expect(textOf(records.latest('Observation/a') as Entry)).toBe(text)
  })

  test('read as nothing after wiping, and weigh nothing but themselves', () => {
    const records = new Records()
    const before = records.weight
    for (let at = 0; at < 50; at++) records.put(entry(`${at}`))
    const held = [...records.at(records.state)]
    expect(records.weight).toBeGreaterThan(50 * 500)
    records.wipe()
    expect(held).toHaveLength(50)
    expect(held.every(({ bytes }) => isZero(bytes))).toBe(true)
    expect([[...records.at(records.state)].length, records.latest('Observation/1')]).toEqual([0, undefined])
    expect(records.weight).toBe(before)
  })
})

describe('a chart', () => {
  test('overwrites what the sdk handed over once it has its own copy', async () => {
    const source = [record('a'), record('b')]
    const { records } = await charts(() => [...source]).use('alice', 'v')
    expect(source.every(({ content }) => isZero(content))).toBe(true)
    expect(textOf(records.latest('Observation/b') as Entry)).toContain('Glucose')
  })

  test('that closes under a request stays whole for it, and is zeros as soon as it has ended', async () => {
    for (const close of ['closeSession', 'closeVault', 'close'] as const) {
      const all = charts(() => [record('a')])
      const end = all.begin('alice')
      const { records } = await all.use('alice', 'v')
      const { bytes } = records.latest('Observation/a') as Entry
      if (close === 'closeVault') all.closeVault('v')
      else all[close]('alice', 'v')
      expect(all.peek('alice', 'v')).toBeUndefined()
      expect(Buffer.from(bytes).toString()).toContain('Glucose')
      end()
      expect(isZero(bytes)).toBe(true)
    }
  })

  test('that all sessions share is zeros only once every request that may read it has ended', async () => {
    const directory = {
      vault: () => ({ vault: 'v', origin: 'own' }),
      locator: () => undefined, learn: () => undefined, vaultsBeside: () => [],
    } as unknown as ChartsOptions['directory']
    const all = charts(() => [record('a')], { directory })
    const ends = ['alice', 'bob'].map((who) => all.begin(who))
    const { bytes } = (await all.use('alice', 'v')).records.latest('Observation/a') as Entry
    // Somebody else's request finds that it must be opened anew.
    all.closeVault('v')
    ends[1]?.()
    expect(Buffer.from(bytes).toString()).toContain('Glucose')
    ends[0]?.()
    expect(isZero(bytes)).toBe(true)
  })

  test('of several vaults of which one does not open is none, and what did open is closed', async () => {
    const shut: string[] = []
    const get = async (id: string): Promise<Vault> => ({
      custodians: [SELF],
      open: async () => {
        if (id !== 'v') throw new Error('no')
        return { take: () => [record('a')], close: () => shut.push(id), problems: [], closed: false }
      },
    }) as unknown as Vault
    const directory = {
      vault: () => ({ vault: 'v', patient: 'Patient/p', origin: 'own' }),
      locator: () => undefined, learn: () => undefined, vaultsBeside: () => ['w'],
    } as unknown as ChartsOptions['directory']
    const all = charts(() => [], { directory, opener: (_, vault) => get(vault) })
    await expect(all.use('alice', 'v')).rejects.toMatchObject({ code: 'chart-unavailable' })
    expect([shut, all.count]).toEqual([['v'], 0])
  })

  test('is wiped when its session or its own time is over, without being asked for', async () => {
    let now = NOW
    const limits = { open: 10, perSession: 10, bytes: 1_000_000, idle: 1_000, absolute: 2_000, refresh: 1_000 }
    const all = charts(() => [record('a')], { now: () => now, limits, isLive: (session) => sessions.isLive(session) })
    const sessions = new Sessions({
      limits: { idle: 500, absolute: 5_000, perApplication: 2 },
      now: () => now, random: (length) => randomBytes(length),
      ended: (session) => all.closeSession(session),
    })
    const read = async (name: string): Promise<Uint8Array> => {
      const session = sessions.of('app', name)
      const end = all.begin(session)
      const { records } = await all.use(session, 'v')
      end()
      return (records.latest('Observation/a') as Entry).bytes
    }
    const first = await read('alice')
    now += 501
    sessions.sweep()
    expect([isZero(first), sessions.count, all.count]).toEqual([true, 0, 0])
    const [second, third, fourth] = [await read('a'), await read('b'), await read('c')]
    expect([second, third, fourth].map(isZero)).toEqual([true, false, false]) // two sessions at once
    for (let turn = 0; turn < 3; turn++) {
      now += 400
      sessions.of('app', 'b')
      sessions.of('app', 'c')
    }
    all.sweep()
    expect([third, fourth].map(isZero)).toEqual([true, true])
    expect(sessions.count).toBe(2)
  })

  test('of one session is no other\'s memory', async () => {
    const all = charts(() => [record('a')])
    const alices = (await all.use('alice', 'v')).records.latest('Observation/a') as Entry
    const bobs = (await all.use('bob', 'v')).records.latest('Observation/a') as Entry
    all.accepted('v', [entry('w')])
    const written = ['alice', 'bob'].map((who) => all.peek(who, 'v')?.records.latest('Observation/w') as Entry)
    all.closeSession('alice')
    expect([alices, bobs, ...written].map(({ bytes }) => isZero(bytes))).toEqual([true, false, true, false])
  })

  test('opened for a session that ended meanwhile, or of a vault that changed, is wiped unseen', async () => {
    const source: OpenedRecord[] = []
    let live = true
    const all = charts(() => [source[source.push(record('a')) - 1] as OpenedRecord], { isLive: () => live })
    const [asked, other] = [all.use('alice', 'v'), all.use('bob', 'v')]
    live = false
    await expect(asked).rejects.toMatchObject({ code: 'session-ended' })
    await expect(other).rejects.toMatchObject({ code: 'session-ended' })
    expect([all.count, source.every(({ content }) => isZero(content))]).toEqual([0, true])
    live = true
    const stale = all.use('alice', 'v')
    all.closeVault('v')
    await expect(stale).rejects.toMatchObject({ code: 'chart-unavailable' })
    expect(all.count).toBe(0)
  })

  test('larger than all the memory there is for charts is refused by name', async () => {
    const limits = { open: 10, perSession: 10, bytes: 20_000, idle: 1_000, absolute: 1_000, refresh: 1_000 }
    const all = charts(() => Array.from({ length: 40 }, (_, at) => record(`${at}`)), { limits })
    await expect(all.use('alice', 'v')).rejects.toMatchObject({
      code: 'chart-too-large', message: expect.stringContaining('charts.bytes'),
    })
    expect([all.count, all.weight]).toEqual([0, 0])
  })
})

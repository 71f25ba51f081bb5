/** `scelle monitor`: alarms, and keys of watched principals. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createIdentity, exportIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { type Context, toHex } from '@scelle/seal/verify'
import { type FixtureParties, LogFixture, logParties } from '@scelle/testing/log-fixture'
import { seededRandom } from '@scelle/testing/random'
import { EXIT } from '../src/errors.ts'
import { LOG_STATUSES } from '../src/log/statuses.ts'
import { LOG_EN, LOG_FR } from '../src/messages-log.ts'
import { notOwn, watchedIn } from '../src/log/watch.ts'
import { LogWorld, NOW } from './log-world.ts'

const context: Context = { now: () => NOW * 1000, random: seededRandom('monitor') }

let parties: FixtureParties
let person: Identity
let log: LogFixture
let world: LogWorld

beforeAll(async () => {
  parties = await logParties(context)
  person = await createIdentity('person', context)
})
beforeEach(async () => {
  world = new LogWorld()
  log = new LogFixture(parties, context.random)
  await log.fill(40)
  log.append(person.chain[0] as Uint8Array)
  await log.fill(10)
})
afterEach(() => world.close())

const watch = (): string[] => ['--watch', toHex(person.id)]

describe('a watched principal', () => {
  test('that gets a key which nobody here knows is named, with the leaf, until somebody accepted it', async () => {
    const folder = await world.mirror(log, 'mirror')
    const asked = ['monitor', folder, '--once', '--json', ...world.pins(log), ...watch()]
    expect(await world.run(...asked)).toMatchObject({ status: EXIT.done, json: [{ status: 'good' }] })
    log.append((await rotateIdentity(person, context)).chain[1] as Uint8Array)
    await log.fill(300)
    await world.mirror(log, 'mirror')
    for (let again = 0; again < 2; again++) {
      expect(await world.run(...asked)).toMatchObject({
        status: EXIT.alarm, json: [{ status: 'key-changed', party: toHex(person.id), leaf: 51, severity: 'alarm' }],
      })
    }
    expect((await world.run(...asked, '--accept')).status).toBe(EXIT.done)
    expect((await world.run(...asked)).status).toBe(EXIT.done)
  })

  test('that is watched from now on is looked for in what was read before', async () => {
    const folder = await world.mirror(log, 'mirror')
    await world.run('monitor', folder, '--once', ...world.pins(log))
    expect((await world.run('monitor', folder, '--once', ...world.pins(log), ...watch())).status).toBe(EXIT.done)
    log.append((await rotateIdentity(person, context)).chain[1] as Uint8Array)
    await world.mirror(log, 'mirror')
    expect((await world.run('monitor', folder, '--once', ...world.pins(log), ...watch())).status).toBe(EXIT.alarm)
  })

  test('of this home: its own records are known by their salts, another one never is', async () => {
    await world.home.write(exportIdentity(person), 'people', 'anne', 'identity')
    const [watched] = await watchedIn({ home: world.home } as never, [])
    if (watched === undefined) throw new Error('nobody is watched')
    const [own] = log.leaves.slice(40)
    if (own === undefined) throw new Error('there is no leaf')
    const stolen = log.append((await rotateIdentity(person, context)).chain[1] as Uint8Array)
    const leaves = [own, stolen].map(({ sequence, entry }) => ({ leaf: sequence - 1, label: watched.label, entry }))
    const tell = (known: typeof own[]) => async () => known.map(({ sequence, salt }) => ({ sequence, salt }))
    expect((await notOwn(watched, leaves, tell([own, stolen]))).map(({ leaf }) => leaf)).toEqual([51])
    expect(await notOwn(watched, leaves, tell([]))).toHaveLength(2)
    expect(await notOwn(watched, leaves, tell([{ ...own, salt: stolen.salt }]))).toHaveLength(2)
    const failing = async () => Promise.reject(new TypeError('fetch failed'))
    expect(await notOwn(watched, leaves, failing)).toHaveLength(2)
  })
})

describe('following', () => {
  test('goes on until it is stopped, and tells people what changed only', async () => {
    const folder = await world.mirror(log, 'mirror')
    let waits = 0
    world.pause = async () => {
      world.now += 1_900
      return ++waits === 4
    }
    const { status, out } = await world.run('monitor', folder, ...world.pins(log))
    expect(status).toBe(EXIT.silent)
    expect(out.filter((line) => line.startsWith('SILENT'))).toHaveLength(1)
    expect(waits).toBe(4)
  })

  test('raises the alarm on a fork within one look, and keeps it', async () => {
    const folder = await world.mirror(log, 'mirror')
    const forked = log.fork(20)
    await forked.fill(60)
    let waits = 0
    world.pause = async () => {
      if (waits === 0) await world.mirror(forked, 'mirror')
      return ++waits === 3
    }
    const { status, json } = await world.run('monitor', folder, ...world.pins(log), '--json')
    expect(status).toBe(EXIT.alarm)
    expect(json.map((line) => line['status'])).toEqual(['good', 'fork', 'fork'])
    expect(json[1]?.['evidence']).toBe(json[2]?.['evidence'])
  })
})

test('every status has its sentence in both languages', () => {
  for (const said of [LOG_EN, LOG_FR]) {
    expect(Object.keys(said.found).toSorted()).toEqual(Object.keys(LOG_STATUSES).toSorted())
  }
})

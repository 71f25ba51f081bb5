/** `scelle verify` against honest and lying logs, from files alone. */
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  Commit, type Context, encode, merkleLevels, merklePath, recordLeaf, RecordHeader, SUITE, toHex,
} from '@scelle/seal/verify'
import { checkEvidence } from '@scelle/wire/evidence'
import { Self } from '@scelle/wire/messages'
import { encodeProven } from '@scelle/wire/proven'
import { createConstellation } from '@scelle/testing/constellation'
import { type FixtureLeaf, LogFixture, type FixtureParties, logParties } from '@scelle/testing/log-fixture'
import { seededRandom } from '@scelle/testing/random'
import { EXIT } from '../src/errors.ts'
import { LogWorld, NOW } from './log-world.ts'

const context: Context = { now: () => NOW * 1000, random: seededRandom('verify') }

let parties: FixtureParties
let log: LogFixture
/** Shares 300 of 600 leaves. */
let forked: LogFixture
let world: LogWorld

beforeAll(async () => {
  parties = await logParties(context)
  log = new LogFixture(parties, context.random)
  await log.fill(600)
  forked = log.fork(300)
  await forked.fill(310)
})
beforeEach(() => {
  world = new LogWorld()
})
afterEach(() => world.close())

const evidenceOf = async (finding: Record<string, unknown> | undefined) =>
  checkEvidence(new Uint8Array(readFileSync(finding?.['evidence'] as string)), {
    trustees: parties.trustees.map(({ id }) => id),
  })

describe('the log since last time', () => {
  test('grows, is cosigned and fresh', async () => {
    const folder = await world.mirror(log, 'mirror', { size: 400 })
    const first = await world.run('verify', folder, ...world.pins(log))
    expect(first).toMatchObject({ status: EXIT.done })
    expect(first.out.join('\n')).toContain('400 entries')
    world.now += 60
    await world.mirror(log, 'mirror')
    const second = await world.run('verify', folder, ...world.pins(log), '--json')
    expect(second).toMatchObject({ status: EXIT.done, json: [{ status: 'good', size: 600, final: 600 }] })
    // The keys are remembered: a mirror without them is enough.
    rmSync(join(folder, 'keys'), { recursive: true })
    expect((await world.run('verify', folder, ...world.pins(log))).status).toBe(EXIT.done)
    const french = await world.run('verify', folder, ...world.pins(log), '--lang', 'fr')
    expect(french.out.join('\n')).toContain('Le journal a 600 entrées')
  })

  test.each([[400, 400], [400, 610], [301, 512]])('is another one: %i then %i', async (before, after) => {
    const folder = await world.mirror(log, 'mirror', { size: before })
    await world.run('verify', folder, ...world.pins(log))
    await world.mirror(forked, 'mirror', { size: after, times: [NOW, NOW, NOW] })
    for (let again = 0; again < 2; again++) {
      const { status, json } = await world.run('verify', folder, ...world.pins(log), '--json')
      expect(status).toBe(EXIT.alarm)
      expect(json[0]).toMatchObject({ status: 'fork', sizes: [before, after] })
      expect(await evidenceOf(json[0])).toMatchObject({ kind: 'fork', liar: { id: parties.index.id } })
    }
  })

  test('goes back, and says that this is its newest', async () => {
    const folder = await world.mirror(log, 'mirror')
    await world.run('verify', folder, ...world.pins(log))
    world.now += 600
    const old = await log.checkpoint(500, [NOW, NOW, NOW])
    await world.mirror(log, 'mirror', { size: 500, final: old, head: await log.head(old, NOW + 600) })
    const { status, json } = await world.run('verify', folder, ...world.pins(log), '--json')
    expect(status).toBe(EXIT.alarm)
    expect(json[0]).toMatchObject({ status: 'rolled-back', sizes: [600, 500] })
    expect(await evidenceOf(json[0])).toMatchObject({ kind: 'head-stale', sizes: [500, 600] })
  })

  test('goes back without saying so: an alarm, and no evidence that would not hold', async () => {
    const folder = await world.mirror(log, 'mirror')
    await world.run('verify', folder, ...world.pins(log))
    const old = await log.checkpoint(500, [NOW, NOW, NOW])
    await world.mirror(log, 'mirror', { size: 500, final: old, head: await log.head(old, NOW + 10) })
    const { status, json } = await world.run('verify', folder, ...world.pins(log), '--json')
    expect(status).toBe(EXIT.alarm)
    expect(json[0]).toMatchObject({ status: 'rolled-back' })
    expect(json[0]).not.toHaveProperty('evidence')
  })

  test('is silent, or not final', async () => {
    const folder = await world.mirror(log, 'mirror')
    world.now += 3_601
    const silent = await world.run('verify', folder, ...world.pins(log), '--json')
    expect(silent).toMatchObject({ status: EXIT.silent, json: [{ status: 'stale', age: 3_601 }] })
    expect((await world.run('verify', folder, ...world.pins(log), '--max-age', '2h')).status).toBe(EXIT.done)
    rmSync(join(folder, 'v1/log/final'))
    expect((await world.run('verify', folder, ...world.pins(log), '--json')).json[0])
      .toMatchObject({ status: 'not-final' })
  })

  test('is quiet, which its index signs now: nothing to tell, unless the head is old or another', async () => {
    const folder = await world.mirror(log, 'mirror')
    const checkpoint = await log.checkpoint()
    world.now += 7_200
    world.write(await log.head(checkpoint, world.now - 10), 'mirror', 'v1/log/head')
    expect((await world.run('verify', folder, ...world.pins(log))).status).toBe(EXIT.done)
    const heads = [
      await log.head(checkpoint, world.now - 400), await log.head(await log.checkpoint(599), world.now),
      new Uint8Array(5),
    ]
    for (const head of heads) {
      world.write(head, 'mirror', 'v1/log/head')
      expect((await world.run('verify', folder, ...world.pins(log))).status).toBe(EXIT.silent)
    }
  })

  test('shows as final what two cosigned', async () => {
    const folder = await world.mirror(log, 'mirror', { final: await log.checkpoint(600, [NOW, NOW]) })
    const { status, json } = await world.run('verify', folder, ...world.pins(log), '--json')
    expect(status).toBe(EXIT.alarm)
    expect(json[0]).toMatchObject({ status: 'not-valid', detail: expect.stringContaining('cosigned') as string })
  })

  test.each([
    'checkpoint', 'tile/0/000', 'tile/1/000.p/2', 'tile/0/002.p/88', 'tile/entries/001', 'tile/entries/002.p/88',
    'v1/log/final',
  ])('with an octet of %s changed', async (path) => {
    const folder = await world.mirror(log, 'mirror')
    const bytes = new Uint8Array(readFileSync(join(folder, path)))
    const at = bytes.length - 2
    bytes[at] = (bytes[at] as number) ^ 1
    world.write(bytes, 'mirror', path)
    const { status, json } = await world.run('verify', folder, ...world.pins(log), '--json')
    expect(status).toBe(EXIT.alarm)
    expect(json[0]).toMatchObject({ status: 'not-valid' })
    // What did not hold is not remembered as read: it is looked at again.
    expect((await world.run('verify', folder, ...world.pins(log))).status).toBe(EXIT.alarm)
    await world.mirror(log, 'mirror')
    expect((await world.run('verify', folder, ...world.pins(log))).status).toBe(EXIT.done)
  })

  test('without a tile, or not there at all', async () => {
    const folder = await world.mirror(log, 'mirror')
    rmSync(join(folder, 'tile/entries/001'))
    expect(await world.run('verify', folder, ...world.pins(log), '--json'))
      .toMatchObject({ status: EXIT.silent, json: [{ status: 'unreachable' }] })
    expect(await world.run('verify', join(world.root, 'nowhere'), ...world.pins(log), '--json'))
      .toMatchObject({ status: EXIT.silent, json: [{ status: 'unreachable' }] })
  })

  test('is asked after with three trustees, or not at all', async () => {
    expect((await world.run('verify', 'x')).status).toBe(EXIT.usage)
    expect((await world.run('verify', 'x', '--index', 'ab')).status).toBe(EXIT.usage)
    expect((await world.run('verify', 'x', ...world.pins(log).slice(0, 4))).status).toBe(EXIT.usage)
  })
})

describe('what trustees see', () => {
  const trusteesOf = async (of: LogFixture, size: number): Promise<string[]> => {
    const folders: string[] = []
    for (const [i, name] of ['t1', 't2', 't3'].entries()) {
      const times = [undefined, undefined, undefined].map((_, other) => (other === i ? NOW : undefined))
      world.write(await of.checkpoint(size, times), name, 'v1/log/checkpoint')
      for (const [path, bytes] of await of.files(size)) world.write(bytes, name, path)
      folders.push(join(world.root, name))
    }
    return folders
  }

  test.each([600, 550, 300])('is the same, of %i entries', async (size) => {
    const folder = await world.mirror(log, 'mirror', { size: 550 })
    const trustees = await trusteesOf(log, size)
    expect(await world.run('verify', folder, ...world.pins(log, trustees), '--json'))
      .toMatchObject({ status: EXIT.done, json: [{ status: 'good' }] })
  })

  test.each([610, 550, 310])('is another history, of %i entries: evidence against the index', async (size) => {
    const folder = await world.mirror(log, 'mirror', { size: 550 })
    const trustees = await trusteesOf(forked, size)
    const { status, json } = await world.run('verify', folder, ...world.pins(log, trustees), '--json')
    expect(status).toBe(EXIT.alarm)
    expect(json).toHaveLength(3)
    expect(json[0]).toMatchObject({ status: 'fork', party: Buffer.from(parties.trustees[0]?.id ?? []).toString('hex') })
    expect(await evidenceOf(json[0])).toMatchObject({ kind: 'fork' })
  })

  test('is nothing: named, and the rest holds', async () => {
    const folder = await world.mirror(log, 'mirror')
    const trustees = await trusteesOf(log, 600)
    rmSync(trustees[1] as string, { recursive: true })
    expect(await world.run('verify', folder, ...world.pins(log, trustees), '--json'))
      .toMatchObject({ status: EXIT.partly, json: [{ status: 'trustee-unreachable' }] })
  })
})

describe('one file', () => {
  const proven = async (leaf: FixtureLeaf, times: (number | undefined)[], of = log) =>
    encodeProven({ statement: leaf.statement, receipt: await of.receipt(leaf, await of.checkpoint(600, times)) })

  test('a receipt', async () => {
    const folder = await world.mirror(log, 'mirror')
    const path = world.write(await proven(log.leaves[123] as FixtureLeaf, [NOW, NOW]), 'receipt')
    const { status, out } = await world.run('verify', folder, ...world.pins(log), '--receipt', path)
    expect(status).toBe(EXIT.done)
    expect(out[0]).toContain('Entry 123 of the log is this commit')
  })

  test('a receipt that one trustee cosigned, or of another history, or about another statement', async () => {
    const folder = await world.mirror(log, 'mirror')
    const leaf = log.leaves[123] as FixtureLeaf
    const other = { ...leaf, statement: (log.leaves[124] as FixtureLeaf).statement }
    const files = [
      await proven(leaf, [NOW]),
      await proven(forked.leaves[555] as FixtureLeaf, [NOW, NOW, NOW], forked),
      await proven(other, [NOW, NOW]),
      new Uint8Array(10),
    ]
    for (const file of files) {
      const path = world.write(file, 'receipt')
      expect(await world.run('verify', folder, ...world.pins(log), '--receipt', path, '--json'))
        .toMatchObject({ status: EXIT.alarm, json: [{ status: 'not-proven' }] })
    }
  })

  test('a record, by its path through its commit', async () => {
    const own = new LogFixture(parties, context.random)
    await own.fill(5)
    const header = encode(RecordHeader, {
      suite: SUITE, capsule: new Uint8Array(16), record: new Uint8Array(16), handle: new Uint8Array(16).fill(7),
      version: 3, time: NOW, contentType: 'fhir+json', dictionary: 0,
    })
    const digest = new Uint8Array(32).fill(9)
    const levels = merkleLevels([recordLeaf(header, digest), new Uint8Array(32)])
    const leaf = own.append(await signedCommit(levels.at(-1)?.[0] as Uint8Array))
    const receipt = await own.receipt(leaf, await own.checkpoint(6, [NOW, NOW]))
    const record = { header, digest, place: 0, path: merklePath(levels, 0) }
    const folder = await world.mirror(own, 'mirror')
    const path = world.write(encodeProven({ statement: leaf.statement, receipt, record }), 'record')
    expect(await world.run('verify', folder, ...world.pins(own), '--receipt', path, '--json'))
      .toMatchObject({ status: EXIT.done, json: [{ status: 'good', kind: 'commit', leaf: 5, version: 3 }] })
    const moved = world.write(encodeProven({
      statement: leaf.statement, receipt, record: { ...record, digest: new Uint8Array(32) },
    }), 'record')
    expect((await world.run('verify', folder, ...world.pins(own), '--receipt', moved)).status).toBe(EXIT.alarm)
  })

  test('evidence, offline', async () => {
    const folder = await world.mirror(log, 'mirror', { size: 400 })
    await world.run('verify', folder, ...world.pins(log))
    await world.mirror(forked, 'mirror', { size: 400 })
    const { json } = await world.run('verify', folder, ...world.pins(log), '--json')
    const path = json[0]?.['evidence'] as string
    const shown = await world.run('verify', '--evidence', path, '--json')
    expect(shown).toMatchObject({ status: EXIT.alarm, json: [{ status: 'lie-proven', kind: 'fork', shows: 'lie' }] })
    const bytes = new Uint8Array(readFileSync(path))
    bytes[bytes.length - 5] = 255
    const broken = world.write(bytes, 'broken')
    expect(await world.run('verify', '--evidence', broken, '--json'))
      .toMatchObject({ status: EXIT.alarm, json: [{ status: 'evidence-refused' }] })
  })
})

const signedCommit = (root: Uint8Array): Promise<Uint8Array> => parties.index.sign('commit', encode(Commit, {
  suite: SUITE, vault: new Uint8Array(32), author: parties.index.id, root, depth: 1, capsules: 0, time: NOW,
  link: new Uint8Array(32), linkSeal: { encapsulation: new Uint8Array(32), sealed: new Uint8Array(48) },
  salt: new Uint8Array(16), custodian: new Uint8Array(32),
}))

describe('--deep', () => {
  test('derives what a running index stores anew, and names what does not fit', async () => {
    const constellation = await createConstellation({ seed: 'deep' })
    const client = await constellation.client('person')
    const vault = await client.createVault({ mode: 'owner', categories: [{ code: 'summary', strict: false }] })
    await vault.write([{ category: 'summary', handle: new Uint8Array(16), version: 1, content: '{}' }])
    const { index, trustees } = constellation
    const data = join(world.root, 'data')
    for (const { id, identity: { chain } } of [index, ...trustees]) {
      world.write(encode(Self, { role: 'x', keys: [...chain] }), 'keys-of', 'keys', toHex(id))
    }
    const asked = [
      'verify', join(world.root, 'keys-of'), '--index', toHex(index.id),
      ...trustees.flatMap(({ id }) => ['--trustee', toHex(id)]), '--json', '--deep',
    ]
    const good = await world.run(...asked, index.directory)
    expect(good).toMatchObject({ status: EXIT.done, json: [{ status: 'good', vaults: 1, records: 1 }] })
    await constellation.index.kill()
    cpSync(index.directory, data, { recursive: true })
    const database = new DatabaseSync(join(data, 'index.sqlite'))
    database.exec('UPDATE categories SET epoch = 7')
    database.close()
    expect(await world.run(...asked, data)).toMatchObject({
      status: EXIT.alarm, json: [{ status: 'not-stored', table: 'categories', field: 'epoch' }],
    })
    expect((await world.run(...asked, join(world.root, 'nowhere'))).status).toBe(EXIT.usage)
    await constellation.close()
  })
})

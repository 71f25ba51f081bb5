/** A restored index catches up from trustees and clients: what it ever acknowledged holds again, at its old place. */
import { formatProof, parseProof } from '@scelle/log'
import { createAccess } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { encode, Positions, statementId, SUITE, toHex } from '@scelle/seal/verify'
import { logPolicy, verifyReceipt } from '@scelle/wire/log'
import { AccessList, LogRestore } from '@scelle/wire/messages'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bring, type Item, Keeper, type Kept, missing } from './kept.ts'
import { type Backup, backUp, until } from './restored.ts'
import { World, Writer } from './world.ts'

let world: World
let keeper: Keeper
let backup: Backup
let owner: Identity
/** What was acknowledged after the backup. */
let lost: Kept[]
let entries: Uint8Array[]
beforeEach(async (context) => {
  world = await World.create({ seed: context.task.name })
  keeper = new Keeper(world)
  owner = (await keeper.everything()).owner
  backup = await backUp(world)
  const before = keeper.all.length
  await keeper.everything(owner)
  await keeper.everything()
  lost = keeper.all.slice(before)
  const size = await world.storage.store.log.size()
  await until(() => world.witnesses.all.every(({ last }) => last?.size === size))
  entries = (await world.storage.store.log.leaves(0, size)).map(({ entry }) => entry)
})
afterEach(async () => {
  backup.remove()
  await world.end()
})

const ready = async (): Promise<boolean> => (await world.send('GET', '/readyz', {})).status === 200
const size = (): Promise<number> => world.storage.store.log.size()
const reached = () => until(async () => (await size()) === entries.length)

const policy = () =>
  logPolicy({ index: world.identity.keys, trustees: world.trustees.map(({ keys }) => keys), quorum: 2 })

const signedOf = ({ item }: Kept): Uint8Array => item.statement ?? item.submission!.commit

/** Whatever was acknowledged, ever: the log is what it was, its receipts verify, and asked again the same is said. */
const allHolds = async (): Promise<boolean> => {
  await until(ready)
  const leaves = await world.storage.store.log.leaves(0, entries.length)
  expect(leaves.map(({ entry }) => toHex(entry))).toEqual(entries.map(toHex))
  await until(async () => (await world.send('GET', '/v1/log/quorum', {})).status === 200)
  for (const kept of keeper.all) {
    const proof = parseProof((await world.send('GET', `/v1/log/proof/${kept.leaf}`, {})).body)
    await verifyReceipt(formatProof({ ...proof, extra: kept.salt }), signedOf(kept), policy())
  }
  for (const { ask, word } of keeper.asked) expect(await ask()).toEqual(word)
  for (const { as, vault, commits } of keeper.feeds) {
    const feed = await world.feed(as, vault.vault, as)
    expect(feed.commits.map(({ commit }) => toHex(commit))).toEqual(commits.map(toHex))
  }
  return ready()
}

describe('catching up', () => {
  test('control statements come from trustees, all else from clients, in any order', async () => {
    await backup.restore()
    await reached()
    const before = await missing(world)
    expect(before.size).toBe(entries.length)
    expect(before.count).toBeGreaterThan(0)
    expect(before.ranges.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(before.count)
    expect(await ready()).toBe(false)
    for (const { item } of lost.toReversed()) expect((await bring(world, owner, [item])).answers).toEqual([{}])
    expect(await allHolds()).toBe(true)
    expect((await missing(world)).count).toBe(0)
    expect(world.events).toContainEqual({ event: 'log-recovered', leaves: entries.length })
    await keeper.everything()
  })

  test('it goes on after a restart at any step, and what was brought twice is brought once', async () => {
    await backup.restore()
    await reached()
    for (const { item } of lost) {
      await bring(world, owner, [item])
      await world.restart()
      await reached()
      expect((await bring(world, owner, [item])).answers).toEqual([{}])
    }
    expect(await allHolds()).toBe(true)
  })

  test('entries come from another trustee where one\'s mirror is not the tree', async () => {
    world.witnesses.faults.set(0, async (path, body) => {
      const answer = await world.witnesses.all[0]!.answer(path, body)
      return path.startsWith('/tile/') ? answer.map((byte) => byte ^ 1) : answer
    })
    await backup.restore()
    await reached()
    await bring(world, owner, lost.map(({ item }) => item))
    expect(await allHolds()).toBe(true)
  })

  test('a refused access is listed again: trustees alone have the index\'s word about it', async () => {
    const { vault, as } = keeper.feeds[0]!
    const stranger = await world.principal()
    const { signed } = await createAccess({
      vault: vault.vault, custodian: as.id, reader: stranger, capsules: [new Uint8Array(32)], chain: [],
      purpose: 'treatment',
    }, world.context)
    expect((await world.ask(stranger, 'POST', '/v1/accesses', { body: signed })).code).toBe('not-permitted')
    const path = `/v1/vaults/${toHex(vault.vault)}/accesses?custodian=${toHex(as.id)}`
    const listed = await world.must(AccessList, as, 'GET', path)
    expect(listed.at(-1)).toMatchObject({ access: signed, denial: expect.anything() })
    const all = await size()
    await until(() => world.witnesses.all.every(({ last }) => last?.size === all))
    entries = (await world.storage.store.log.leaves(0, all)).map(({ entry }) => entry)
    await backup.restore()
    await reached()
    await bring(world, owner, lost.map(({ item }) => item))
    expect(await allHolds()).toBe(true)
    const again = await world.must(AccessList, as, 'GET', path)
    expect(again.map(({ access, denial }) => [access, denial])).toEqual(
      listed.map(({ access, denial }) => [access, denial]))
  })

  test('a body in a blob is uploaded again first', async () => {
    const writer = new Writer(world, owner, keeper.feeds[0]!.vault, { custodian: owner })
    const sealed = await writer.seal(await writer.capsule(), [{ blob: true }])
    const [body] = sealed.bodies as [Uint8Array]
    const path = `/v1/blobs/${toHex(sealed.made.records[0]!.digest)}`
    expect((await world.ask(owner, 'PUT', path, { body })).status).toBe(201)
    const kept = await keeper.commit(writer, sealed)
    await until(() => world.witnesses.all.every(({ last }) => last!.size > kept.leaf))
    entries.push(kept.entry)
    const places = kept.item.submission!.records.map(({ place }) => place)
    await backup.restore()
    await reached()
    await bring(world, owner, lost.map(({ item }) => item))
    expect((await bring(world, owner, [kept.item])).answers).toEqual([{ problem: 'blob-missing', places }])
    expect((await world.ask(owner, 'PUT', path, { body })).status).toBe(201)
    expect((await bring(world, owner, [kept.item])).answers).toEqual([{}])
    expect(await allHolds()).toBe(true)
  })
})

describe('nobody smuggles anything in', () => {
  beforeEach(async () => {
    await backup.restore()
    await reached()
  })
  const commits = () => lost.filter(({ item }) => item.submission !== undefined)

  /** Refused, and the leaf is still missing. */
  const refused = async (item: Item): Promise<string | undefined> => {
    const { count } = await missing(world)
    const { count: after, answers: [answer] } = await bring(world, owner, [item])
    return after === count ? answer?.problem : undefined
  }

  test('another statement under a good word', async () => {
    const [a, b] = commits()
    expect(await refused({ word: a!.item.word, submission: commits().at(-1)!.item.submission! })).toBe('bad-statement')
    const access = lost.find(({ item }) => item.statement !== undefined && item.along === undefined)!
    expect(await refused({ word: access.item.word, submission: b!.item.submission! })).toBe('bad-statement')
  })

  test('a word that somebody else signed, about a statement of theirs', async () => {
    const [{ item }] = commits() as [Kept]
    const mallory = await createIdentity('index', world.context)
    const { sequence, salt } = commits()[0]!.place
    const word = await mallory.sign('positions', encode(Positions, {
      suite: SUITE, index: world.identity.id,
      held: [{ statement: statementId(item.submission!.commit), sequence, salt, time: 1 }],
    }))
    expect(await refused({ ...item, word })).toBe('bad-statement')
  })

  test('a word about a leaf that the index signed for something else', async () => {
    const [kept] = commits() as [Kept]
    // The index itself, under the hand of an attacker, says of another statement that it stands at a missing leaf.
    const stolen = commits().at(-1)!
    const word = await world.identity.sign('positions', encode(Positions, {
      suite: SUITE, index: world.identity.id,
      held: [{
        statement: statementId(stolen.item.submission!.commit), sequence: kept.leaf + 1, salt: kept.salt, time: 1,
      }],
    }))
    expect(await refused({ word, submission: stolen.item.submission! })).toBe('bad-statement')
  })

  test('a commit with other items is missing again, and the right one is taken after', async () => {
    const [first] = commits() as [Kept]
    await bring(world, owner, lost.filter((one) => one.leaf < first.leaf).map(({ item }) => item))
    const submission = { ...first.item.submission!, leaves: first.item.submission!.leaves.map((byte) => byte ^ 1) }
    await bring(world, owner, [{ ...first.item, submission }])
    await until(async () => (await missing(world)).ranges.some(({ from }) => from === first.leaf))
    await bring(world, owner, lost.map(({ item }) => item))
    expect(await allHolds()).toBe(true)
  })

  test('nothing at all, a commit without its items, a leaf that nobody cosigned, another one\'s keys', async () => {
    const [{ item }] = commits() as [Kept]
    expect(await refused({ word: item.word })).toBe('bad-request')
    expect(await refused({ word: item.word, statement: item.submission!.commit })).toBe('bad-request')
    const signed = item.submission!.commit
    const word = await world.identity.sign('positions', encode(Positions, {
      suite: SUITE, index: world.identity.id,
      held: [{ statement: statementId(signed), sequence: entries.length + 5, salt: new Uint8Array(16), time: 1 }],
    }))
    expect(await refused({ word, submission: item.submission! })).toBe('not-found')
    const stranger = await createIdentity('person', world.context)
    const body = encode(LogRestore, { keys: [...stranger.chain], items: [item] })
    expect((await world.ask(owner, 'POST', '/v1/log/restore', { body })).code).toBe('principal-unknown')
  })

  test('a trustee\'s statements that are not the log\'s', async () => {
    const { count } = await missing(world)
    for (const one of world.witnesses.all) {
      for (const known of one.known) Object.assign(known, { statement: lost[0]!.item.statement })
    }
    await world.restart()
    await reached()
    expect((await missing(world)).count).toBe(count)
  })
})

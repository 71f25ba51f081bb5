/** What nobody brings back: named leaf by leaf, signed by all three trustees, and nothing beside it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { formatProof, parseProof } from '@scelle/log'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { decode, encode, Signed, Successor, toHex, verifySigned } from '@scelle/seal/verify'
import { LossAgreement, logPolicy, verifyReceipt } from '@scelle/wire/log'
import { LogLosses } from '@scelle/wire/messages'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { auditDirectory, openStorage } from '../src/index.ts'
import { giveUpLost, listLost } from '../src/losing.ts'
import { bring, Keeper, type Kept, missing } from './kept.ts'
import { type Backup, backUp, until } from './restored.ts'
import { World } from './world.ts'

let world: World
let keeper: Keeper
let backup: Backup
let owner: Identity
/** Acknowledged after the backup: kept by the clients of one edge, and by those of another, which is lost. */
let kept: Kept[]
let gone: Kept[]
beforeEach(async (context) => {
  world = await World.create({ seed: context.task.name })
  keeper = new Keeper(world)
  owner = (await keeper.everything()).owner
  backup = await backUp(world)
  const before = keeper.all.length
  await keeper.everything(owner)
  const between = keeper.all.length
  await keeper.everything()
  const after = keeper.all.length
  await keeper.everything(owner)
  gone = keeper.all.slice(between, after)
  kept = [...keeper.all.slice(before, between), ...keeper.all.slice(after)]
  const size = await world.storage.store.log.size()
  await until(() => world.witnesses.all.every(({ last }) => last?.size === size))
  await backup.restore()
  await until(async () => (await world.storage.store.log.size()) === size)
})
afterEach(async () => {
  backup.remove()
  await world.end()
})

const options = () => ({ directory: world.directory, identity: world.identity, context: world.context })
const signedBy = async (body: Uint8Array, who: Identity): Promise<Uint8Array> =>
  encode(LossAgreement, { statement: await who.sign('successor', body), keys: [...who.chain] })
const agreed = (body: Uint8Array): Promise<Uint8Array[]> =>
  Promise.all(world.trustees.map((trustee) => signedBy(body, trustee)))
const giveUp = (files: readonly Uint8Array[]) =>
  giveUpLost({ ...options(), trustees: world.witnesses.addresses }, files)
const leavesOf = ({ leaf, item }: Kept): number[] => (item.along === undefined ? [leaf] : [leaf, leaf + 1])
/** Key records and notices come from trustees; all else of that edge is lost. */
const lostLeaves = (): number[] => gone.filter(({ item }) =>
  item.statement === undefined || !(isKeyRecord(item.statement) || isNotice(item.statement))).flatMap(leavesOf)
const isNotice = (statement: Uint8Array): boolean => decode(Signed, statement).kind === 'notice'
const isKeyRecord = (statement: Uint8Array): boolean =>
  keeper.all.some(({ item }) => item.statement === statement && keeper.records.has(toHex(statement)))

const bringKept = () => bring(world, owner, kept.map(({ item }) => item))
const ready = async (): Promise<boolean> => (await world.send('GET', '/readyz', {})).status === 200

describe('one edge is lost for good', () => {
  test('the list names exactly its leaves; signed by all, the same log goes on, and says so', async () => {
    await bringKept()
    await until(async () => (await missing(world)).count > 0)
    await world.stop()
    const { body, missing: listed } = await listLost(options())
    expect(listed).toEqual(lostLeaves())
    expect(decode(Successor, body)).toMatchObject({ kept: decode(Successor, body).size, missing: listed })
    await giveUp(await agreed(body))
    world.start()
    await until(ready)
    const trustees = world.trustees.map(({ keys }) => keys)
    const policy = logPolicy({ index: world.identity.keys, trustees, quorum: 2 })
    // All receipts, those of what is lost too: the leaves are where they were.
    for (const one of keeper.all) {
      const proof = parseProof((await world.send('GET', `/v1/log/proof/${one.leaf}`, {})).body)
      const signed = one.item.statement ?? one.item.submission!.commit
      await verifyReceipt(formatProof({ ...proof, extra: one.salt }), signed, policy)
    }
    const lostVault = keeper.feeds[2]!
    for (const { as, vault, commits } of keeper.feeds.filter((feed) => feed !== lostVault)) {
      const feed = await world.feed(as, vault.vault, as)
      expect(feed.commits.map(({ commit }) => toHex(commit))).toEqual(commits.map(toHex))
    }
    const losses = decode(LogLosses, (await world.send('GET', '/v1/log/losses', {})).body)
    expect(losses).toHaveLength(3)
    for (const [place, { statement }] of losses.entries()) {
      const signed = await verifySigned('successor', statement, trustees[place]!)
      expect(decode(Successor, signed.body).missing).toEqual(listed)
    }
    await keeper.everything()
    await world.restart()
    await until(ready)
    await world.stop()
    await auditDirectory(world.directory, { index: world.identity.keys })
    world.start()
  })

  test('listing changes nothing: what is found after it is taken', async () => {
    await bringKept()
    await world.stop()
    await listLost(options())
    expect(readdirSync(world.directory).filter((name) => name.startsWith('trial'))).toEqual([])
    world.start()
    await bring(world, owner, gone.map(({ item }) => item))
    await until(ready)
    expect((await missing(world)).count).toBe(0)
  })

  test('what rests on something lost is lost with it', async () => {
    const vault = gone.find(({ item }) => item.along !== undefined)!
    await bringKept()
    await bring(world, owner, gone.filter((one) => one !== vault).map(({ item }) => item))
    await world.stop()
    expect((await listLost(options())).missing).toEqual(lostLeaves())
    world.start()
  })

  test('given up in the middle, it goes on from there', async () => {
    await bringKept()
    await world.stop()
    const files = await agreed((await listLost(options())).body)
    await giveUp(files)
    await giveUp(files)
    world.start()
    await until(ready)
    expect(decode(LogLosses, (await world.send('GET', '/v1/log/losses', {})).body)).toHaveLength(3)
  })
})

describe('refused', () => {
  let body: Uint8Array
  beforeEach(async () => {
    await bringKept()
    await world.stop()
    body = (await listLost(options())).body
  })
  afterEach(() => world.start())
  const changed = (fields: Partial<Successor>): Uint8Array =>
    encode(Successor, { ...decode(Successor, body), ...fields })

  test('signed by two, by one for another, by a stranger, or over different lists', async () => {
    const [a, b] = await agreed(body) as [Uint8Array, Uint8Array]
    const stranger = await signedBy(body, await createIdentity('trustee', world.context))
    const { missing: all } = decode(Successor, body)
    const other = await signedBy(changed({ missing: all.slice(1) }), world.trustees[2]!)
    for (const third of [a, stranger, other]) await expect(giveUp([a, b, third])).rejects.toThrow('not agreed')
  })

  test('a list that hides one leaf, or is about another tree, or another log', async () => {
    const { missing: all, size, root } = decode(Successor, body)
    await expect(giveUp(await agreed(changed({ root: root.map((byte) => byte ^ 1) })))).rejects.toThrow('another tree')
    await expect(giveUp(await agreed(changed({ size: size + 1, kept: size + 1 })))).rejects.toThrow('another tree')
    for (const fields of [{ missing: [] }, { missing: [...all, size] }, { missing: all.toReversed() },
      { ended: 'x' }, { successor: 'x' }, { kept: 0 }, { index: world.trustees[0]!.id }]) {
      await expect(giveUp(await agreed(changed(fields)))).rejects.toThrow('not agreed')
    }
    await expect(giveUp(await agreed(changed({ missing: all.slice(0, -1) })))).rejects.toThrow('list what is lost anew')
  })

  test('where nothing is missing', async () => {
    const path = mkdtempSync(`${tmpdir()}/scelle-empty-`)
    await openStorage({ ...options(), directory: path }).store.close()
    await expect(listLost({ ...options(), directory: path })).rejects.toThrow('Nothing is missing')
    rmSync(path, { recursive: true })
  })
})

/** Control leaves: what the index hands over is what the log commits to; what it says is applied, or not cosigned. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRevocation } from '@scelle/seal/grants'
import { createIdentity, rotateIdentity } from '@scelle/seal/identity'
import { type MadeManifest, rotateCategories } from '@scelle/seal/keys'
import { leafCommitment, LogEntry, encode, leafSubject, statementId, toHex } from '@scelle/seal/verify'
import { follow, type PushedLeaf, sendPush, TestLog } from './log-world.ts'
import { makeWorld, type Outcome, type Running, startTrustee, type World } from './world.ts'

let world: World
let running: Running
let log: TestLog
beforeEach(async () => {
  world = await makeWorld('control')
  running = startTrustee(world)
  log = new TestLog(world).append(2)
})
afterEach(() => running.store.close())

const push = async (): Promise<Outcome> => sendPush(world, running, await log.push(0, 0))
const last = (): PushedLeaf => log.leaves.at(-1) as PushedLeaf
const replaceLast = (leaf: PushedLeaf): void => { log.leaves.splice(-1, 1, leaf) }

const refused = (detail: RegExp) =>
  expect.objectContaining({ code: 'bad-statement', detail: expect.stringMatching(detail) })

describe('a control leaf', () => {
  beforeEach(() => { log.add(world.doctor.chain[0] as Uint8Array) })

  test('with its statement is applied with the tree', async () => {
    expect((await push()).status).toBe(200)
    expect(running.store.log.loggedKey(world.doctor.id)).toMatchObject({ version: 0 })
  })

  test('is not applied before its tree is cosigned', async () => {
    await sendPush(world, running, await log.push(0))
    expect(running.store.log.loggedKey(world.doctor.id)).toBeUndefined()
    await follow(world, running, log)
    expect(running.store.log.loggedKey(world.doctor.id)).toBeDefined()
  })

  test('without its statement, or without its salt, is refused, and nothing is mirrored', async () => {
    const { entry, statement, salt } = last() as Required<PushedLeaf>
    replaceLast({ entry })
    expect(await push()).toEqual(refused(/^leaf 2: its statement is missing/))
    replaceLast({ entry, statement })
    expect(await push()).toEqual(refused(/^leaf 2: its statement is missing/))
    replaceLast({ entry, salt })
    expect(await push()).toEqual(refused(/^leaf 2: its statement is missing/))
    expect(running.store.log.size).toBe(0)
  })

  test('with another statement, or another salt, is refused', async () => {
    const { entry, statement, salt } = last() as Required<PushedLeaf>
    replaceLast({ entry, statement: world.practice.chain[0] as Uint8Array, salt })
    expect(await push()).toEqual(refused(/does not commit to its statement/))
    replaceLast({ entry, statement, salt: new Uint8Array(16) })
    expect(await push()).toEqual(refused(/does not commit to its statement/))
  })

  test('under another label, or under one that its statement has not, is refused', async () => {
    const { statement, salt } = last() as Required<PushedLeaf>
    const commitment = leafCommitment(salt, statementId(statement))
    replaceLast({ entry: encode(LogEntry, { commitment, subject: leafSubject(world.practice.id) }), statement, salt })
    expect(await push()).toEqual(refused(/does not commit to its statement/))
    const plain = world.vault.genesisSigned
    const entry = encode(LogEntry, {
      commitment: leafCommitment(salt, statementId(plain)), subject: leafSubject(world.vault.vault),
    })
    replaceLast({ entry, statement: plain, salt })
    expect(await push()).toEqual(refused(/does not commit to its statement/))
  })

  test('that is none comes without a statement', async () => {
    const statement = world.vault.genesisSigned
    const { salt } = log.add(statement)
    replaceLast({ ...last(), statement, salt })
    expect(await push()).toEqual(refused(/^leaf 3: it is no control leaf/))
  })
})

describe('key records', () => {
  test('follow each other; a second successor of one key, a gap, or a genesis told twice is not cosigned', async () => {
    const next = await rotateIdentity(world.doctor, world.clock)
    const third = await rotateIdentity(next, world.clock)
    const stolen = await rotateIdentity(world.doctor, world.clock)
    for (const record of next.chain) log.add(record)
    expect((await follow(world, running, log)).cosigned).toBe(4)
    for (const record of [stolen.chain[1], third.chain[1], next.chain[0]] as Uint8Array[]) {
      const wrong = log.fork(4)
      wrong.add(record)
      expect(await sendPush(world, running, await wrong.push(4, 4))).toEqual(refused(/^leaf 4: a key record/))
    }
    log.add(third.chain[2] as Uint8Array)
    expect((await follow(world, running, log)).cosigned).toBe(5)
    expect(running.store.log.loggedKey(world.doctor.id)?.version).toBe(2)
  })

  test('whose signature does not hold are not cosigned', async () => {
    const other = await createIdentity('person', world.clock)
    const record = Uint8Array.from(other.chain[0] as Uint8Array)
    record[record.length - 1] = (record[record.length - 1] as number) ^ 1
    log.add(record)
    expect(await push()).toEqual(refused(/^leaf 2: a key record is not signed/))
  })
})

const rotated = ({ signed, manifest, secrets }: MadeManifest): Promise<MadeManifest> => rotateCategories({
  vault: world.vault.vault, custodian: world.hospital, previousSigned: signed, previous: manifest, secrets,
  rotate: manifest.categories.slice(0, 1).map(({ category }) => category),
}, world.clock)

describe('manifests', () => {
  test('of later versions are kept, the newest of a part; one out of order is not cosigned', async () => {
    const { manifest } = world.vault
    const second = await rotated(manifest)
    const third = await rotated(second)
    log.add(second.signed)
    expect((await follow(world, running, log)).cosigned).toBe(3)
    const again = log.fork(3)
    again.add(second.signed)
    expect(await sendPush(world, running, await again.push(3, 3))).toEqual(refused(/^leaf 3: a manifest does not/))
    log.add(third.signed)
    await follow(world, running, log)
    const kept = running.store.log.loggedManifest(world.vault.vault, world.hospital.id)
    expect([kept?.version, toHex(kept?.manifest as Uint8Array)]).toEqual([3, toHex(statementId(third.signed))])
  })
})

test('revocations are kept, whoever signed them', async () => {
  const grant = world.clock.random(32)
  for (const signer of [world.stranger, world.hospital]) {
    log.add((await createRevocation({ signer, vault: world.vault.vault, grant }, world.clock)).signed)
  }
  await follow(world, running, log)
  const { log: kept } = running.store
  expect([kept.loggedRevocations(grant).length, kept.countRevocations([grant])]).toEqual([2, 2])
  expect(kept.loggedRevocations(world.clock.random(32))).toEqual([])
})

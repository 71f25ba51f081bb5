/** What a trustee keeps for an index that may be restored: handed to the index alone, and only what the log holds. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MadeGrant } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { decode, Denial, encode, statementId, SUITE } from '@scelle/seal/verify'
import { LogStatements, LogStatementsRequest } from '@scelle/wire/messages'
import { cosignedNote, follow, leafOf, plainLeaf, receiptUnder, sendPush, TestLog } from './log-world.ts'
import { askRelease } from './logged.ts'
import {
  grantsToDoctor, makeCapsule, makeWorld, post, prepare, type Prepared, type Running, startTrustee, type World,
} from './world.ts'

let world: World
let log: TestLog
let running: Running
let second: Running
let chain: [MadeGrant, MadeGrant]
let prepared: Prepared
beforeEach(async () => {
  world = await makeWorld('statements')
  running = startTrustee(world, 0)
  second = startTrustee(world, 1)
  chain = await grantsToDoctor(world)
  prepared = await prepare(world, { capsules: [await makeCapsule(world)], chain })
  log = new TestLog(world).append(2)
})
afterEach(() => [running, second].forEach(({ store }) => store.close()))

const ask = async (from: number, to: number, signer: Identity = world.index) => {
  const body = encode(LogStatementsRequest, { from, to, keys: [...world.index.chain] })
  return post(world, running, '/v1/log/statements', body, signer)
}
const known = async (from: number, to: number): Promise<LogStatements> =>
  decode(LogStatements, (await ask(from, to)).bytes)

const denialOf = async (access: Uint8Array): Promise<Uint8Array> => world.index.sign('denial', encode(Denial, {
  suite: SUITE, server: world.index.id, vault: world.clock.random(32), reader: world.clock.random(32),
  access: statementId(access), problem: 'not-permitted', time: 1, salt: world.clock.random(16),
}))

describe('the index is handed', () => {
  test('control leaves with their salts, of what was cosigned alone', async () => {
    const [record] = (await createIdentity('person', world.clock)).chain as [Uint8Array]
    const { leaf, salt } = log.add(record)
    await sendPush(world, running, await log.push(0))
    expect(await known(0, 9)).toEqual({ leaves: [], next: 9 })
    await follow(world, running, log)
    expect(await known(0, 9)).toEqual({ leaves: [{ leaf, statement: record, salt }], next: 9 })
    expect((await known(leaf + 1, 9)).leaves).toEqual([])
    expect((await known(0, leaf)).leaves).toEqual([])
  })

  test('accesses on which this trustee released', async () => {
    const place = log.add(prepared.access.signed)
    for (const one of [running, second]) await follow(world, one, log)
    const receipt = await receiptUnder(log, place, await cosignedNote([running, second]))
    expect((await known(0, 9)).leaves).toEqual([])
    expect((await askRelease(world, running, { ...prepared.request, receipt })).status).toBe(200)
    expect((await known(0, 9)).leaves).toEqual([{ ...place, statement: prepared.access.signed }])
  })

  test('denials by the index, with the access that each refused', async () => {
    const access = prepared.access.signed
    const denial = await denialOf(access)
    const salt = world.clock.random(16)
    log.leaves.push({ ...leafOf(denial, salt), statement: denial, salt, access })
    await follow(world, running, log)
    expect((await known(0, 9)).leaves).toEqual([{ leaf: 2, statement: denial, salt, access }])
  })

  test('many in several answers', async () => {
    const salts = Array.from({ length: 300 }, () => world.clock.random(16))
    const access = prepared.access.signed
    for (const salt of salts) {
      const denial = await denialOf(access)
      log.leaves.push({ ...leafOf(denial, salt), statement: denial, salt, access })
    }
    await follow(world, running, log)
    const found = []
    for (let at = 0; at < log.size;) {
      const answer = await known(at, log.size)
      expect(answer.next).toBeGreaterThan(at)
      found.push(...answer.leaves)
      at = answer.next
    }
    expect(found.map(({ salt }) => salt)).toEqual(salts)
  })
})

describe('refused', () => {
  test('to whoever is not the index', async () => {
    await follow(world, running, log)
    expect((await ask(0, 9, world.doctor)).code).toBe('not-permitted')
    expect((await ask(0, 9, await createIdentity('index', world.clock))).code).toBe('not-permitted')
  })

  test('a denial of another access, or without one, or a leaf that is none', async () => {
    const access = prepared.access.signed
    const denial = await denialOf(access)
    const salt = world.clock.random(16)
    const leaf = { ...leafOf(denial, salt), statement: denial, salt }
    const other = chain[0].grantSigned
    for (const wrong of [leaf, { ...leaf, access: other }, { ...leaf, ...plainLeaf(world), access },
      { ...leafOf(access, salt), statement: access, salt, access }]) {
      log.leaves.splice(2, 1, wrong)
      expect((await sendPush(world, running, await log.push(0, 0))).code).toBe('bad-statement')
    }
    log.leaves.splice(2, 1, { ...leaf, access })
    expect((await sendPush(world, running, await log.push(0, 0))).status).toBe(200)
  })
})

/** A trustee cosigns what its own mirror has, and nothing that the index, or anybody, could talk it into. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatAddCheckpoint, TileReader, verifyCheckpoint } from '@scelle/log'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { toHex } from '@scelle/seal/verify'
import { checkEvidence } from '@scelle/wire/evidence'
import { logPolicy, verifyEd25519 } from '@scelle/wire/log'
import { createTrustee } from '../src/trustee.ts'
import { follow, get, plainLeaf, pushed, sendPush, TestLog } from './log-world.ts'
import { askRelease } from './logged.ts'
import { indexOf, makeCapsule, makeWorld, NOW, prepare, type Running, startTrustee, type World } from './world.ts'

let world: World
let running: Running
let log: TestLog
beforeEach(async () => {
  world = await makeWorld('witness')
  running = startTrustee(world)
  log = new TestLog(world).append(5)
})
afterEach(() => running.store.close())

const policy = () => logPolicy({
  index: world.index.keys, trustees: [(world.trustees[0] as World['index']).keys], quorum: 1,
})

const checkpointHeld = async () => {
  const { status, bytes } = await get(running, '/v1/log/checkpoint')
  return status === 200 ? verifyCheckpoint(bytes, policy(), verifyEd25519) : undefined
}

const addCheckpoint = async (body: Uint8Array) => {
  const answer = await running.trustee.inject({ method: 'POST', url: '/add-checkpoint', payload: Buffer.from(body) })
  return { status: answer.statusCode, type: answer.headers['content-type'], body: answer.body }
}

describe('a push', () => {
  test('is mirrored and cosigned: size, root, time, as anybody can check', async () => {
    const answer = pushed(await sendPush(world, running, await log.push(0, 0)))
    expect(answer).toMatchObject({ mirrored: 5, cosigned: 5 })
    const held = await checkpointHeld()
    expect([held?.size, toHex(held?.root as Uint8Array)]).toEqual([5, toHex(log.root())])
    expect([...(held?.cosigned.values() ?? [])]).toEqual([NOW / 1000])
    expect(new TextDecoder().decode((await get(running, '/v1/log/checkpoint')).bytes)).toContain(answer.cosignature)
  })

  test('in pieces, without a checkpoint: mirrored, and nothing is cosigned or shown', async () => {
    const first = await sendPush(world, running, await log.push(0, undefined, 3))
    expect(pushed(first)).toEqual({ mirrored: 3, cosigned: 0 })
    expect((await get(running, '/v1/log/checkpoint')).status).toBe(404)
    expect((await get(running, '/tile/entries/000.p/3')).status).toBe(404)
    expect(pushed(await sendPush(world, running, await log.push(3, 0)))).toMatchObject({ mirrored: 5, cosigned: 5 })
  })

  test('from elsewhere than the mirror\'s end, or after another size: answered with the numbers', async () => {
    await follow(world, running, log)
    log.append(3)
    expect(pushed(await sendPush(world, running, await log.push(4, 5)))).toEqual({ mirrored: 5, cosigned: 5 })
    expect(pushed(await sendPush(world, running, await log.push(6, 5)))).toEqual({ mirrored: 5, cosigned: 5 })
    expect(pushed(await sendPush(world, running, await log.push(5, 4)))).toEqual({ mirrored: 8, cosigned: 5 })
    expect(pushed(await sendPush(world, running, await log.push(8, 5)))).toMatchObject({ mirrored: 8, cosigned: 8 })
  })

  test('again, where the answer was lost: cosigned anew', async () => {
    await follow(world, running, log)
    world.clock.move(2)
    expect((await follow(world, running, log)).cosignature).toBeDefined()
    expect([...((await checkpointHeld())?.cosigned.values() ?? [])]).toEqual([NOW / 1000 + 2])
  })

  test('two at once: one after the other', async () => {
    const push = await log.push(0, 0)
    const answers = await Promise.all([sendPush(world, running, push), sendPush(world, running, push)])
    expect(answers.map((answer) => pushed(answer).mirrored)).toEqual([5, 5])
    expect(answers.filter((answer) => pushed(answer).cosignature !== undefined)).toHaveLength(1)
  })

  test('of another index, or signed by somebody else, is refused', async () => {
    const other = await createIdentity('index', world.clock)
    const foreign = await new TestLog(world, log.leaves, other).push(0, 0)
    expect((await sendPush(world, running, foreign, other)).code).toBe('not-permitted')
    expect((await sendPush(world, running, foreign)).code).toBe('not-permitted')
    expect((await sendPush(world, running, await log.push(0, 0), world.doctor)).code).toBe('not-permitted')
    expect(running.store.log.size).toBe(0)
  })

  test('with a checkpoint that somebody else signed is refused', async () => {
    const forged = await new TestLog(world, log.leaves, world.doctor).request(0)
    const push = { ...(await log.push(0)), request: formatAddCheckpoint(forged) }
    expect((await sendPush(world, running, push)).code).toBe('bad-statement')
    expect(await checkpointHeld()).toBeUndefined()
  })

  test('an index that replaced its key: its old key hands over nothing any more', async () => {
    await follow(world, running, log)
    const old = world.index
    const index = await rotateIdentity(old, world.clock)
    const next = new TestLog(world, log.append(1).leaves, index)
    expect(pushed(await sendPush(world, running, await next.push(5, 5), index))).toMatchObject({ cosigned: 6 })
    log.append(1)
    expect(await sendPush(world, running, await log.push(6, 6), old)).toMatchObject({ code: 'bad-statement' })
    const stolen = await rotateIdentity(old, world.clock)
    const fork = new TestLog(world, log.leaves, stolen)
    expect(await sendPush(world, running, await fork.push(6, 6), stolen)).toMatchObject({ code: 'bad-statement' })
  })

  test('time going back: no cosignature is dated before the one before', async () => {
    world.clock.move(40)
    await follow(world, running, log)
    world.clock.move(-30)
    log.append(1)
    await follow(world, running, log)
    const held = await checkpointHeld()
    expect([held?.size, ...(held?.cosigned.values() ?? [])]).toEqual([6, NOW / 1000 + 40])
  })
})

describe('leaves that are not the log\'s', () => {
  test.each([
    ['one left out', (leaves: TestLog['leaves']) => leaves.toSpliced(1, 1)],
    ['two exchanged', (leaves: TestLog['leaves']) => leaves.toSpliced(0, 2, ...leaves.slice(0, 2).toReversed())],
    ['another one', (leaves: TestLog['leaves'], make: World) => leaves.toSpliced(2, 1, plainLeaf(make))],
  ])('%s: not cosigned; the right ones are taken after', async (_, change) => {
    const push = { ...(await log.push(0, 0)), leaves: change(log.leaves, world) }
    const answer = pushed(await sendPush(world, running, push))
    expect([answer.cosigned, answer.cosignature]).toEqual([0, undefined])
    // Where too few came, the rest follows first, and only the checkpoint shows that they were others.
    if (answer.mirrored > 0) await follow(world, running, log)
    expect(await follow(world, running, log)).toMatchObject({ mirrored: 5, cosigned: 5 })
  })

  test('one too many: what is below it is cosigned, it is not shown, and the next checkpoint drops it', async () => {
    const push = { ...(await log.push(0, 0)), leaves: [...log.leaves, plainLeaf(world)] }
    expect(pushed(await sendPush(world, running, push))).toMatchObject({ mirrored: 6, cosigned: 5 })
    expect((await get(running, '/tile/entries/000.p/6')).status).toBe(404)
    log.append(2)
    expect(await follow(world, running, log)).toEqual({ mirrored: 5, cosigned: 5 })
    expect(await follow(world, running, log)).toMatchObject({ mirrored: 7, cosigned: 7 })
  })

  test('handed over without a checkpoint, then denied by one: forgotten, and asked for anew', async () => {
    await follow(world, running, log)
    const wrong = log.fork(5).append(3)
    await sendPush(world, running, await wrong.push(5))
    log.append(3)
    expect(pushed(await sendPush(world, running, await log.push(8, 5)))).toEqual({ mirrored: 5, cosigned: 5 })
    expect(running.lines.join('')).toContain('log-unlike-mirror')
    expect(await follow(world, running, log)).toMatchObject({ mirrored: 8, cosigned: 8 })
  })
})

describe('two histories', () => {
  const stopped = async () => {
    expect((await sendPush(world, running, await log.push(5, 5))).code).toBe('log-forked')
    expect((await get(running, '/readyz')).status).toBe(503)
    const evidence = await get(running, '/v1/log/evidence')
    return checkEvidence(evidence.bytes)
  }

  test('of one size: the trustee stops for good and keeps both notes', async () => {
    await follow(world, running, log)
    const other = log.fork(4).append(1)
    expect((await addCheckpoint(formatAddCheckpoint(await other.request(5)))).status).toBe(503)
    const { kind, liar, sizes } = await stopped()
    expect([kind, toHex(liar.id), sizes]).toEqual(['fork', toHex(world.index.id), [5, 5]])
    expect(running.lines.join('')).toContain('log-forked')
  })

  test('an older checkpoint that was never part of this log: likewise, with the proof of it', async () => {
    await follow(world, running, log)
    const other = log.fork(2).append(1)
    expect((await addCheckpoint(formatAddCheckpoint(await other.request(0)))).status).toBe(503)
    expect(await stopped()).toMatchObject({ kind: 'fork', sizes: [3, 5] })
  })

  test('a larger one, seen before the mirror had its tree: found when it has', async () => {
    await follow(world, running, log)
    const other = log.fork(5).append(2)
    expect((await addCheckpoint(formatAddCheckpoint(await other.request(5)))).status).toBe(409)
    log.append(3)
    expect((await sendPush(world, running, await log.push(5, 5))).code).toBe('log-forked')
    expect(running.store.log.cosigned()?.size).toBe(5)
  })

  test('an old checkpoint of this very log is none', async () => {
    await follow(world, running, log)
    const stale = await addCheckpoint(formatAddCheckpoint(await log.request(0, 3)))
    expect(stale).toMatchObject({ status: 409, type: 'text/x.tlog.size', body: '5\n' })
    expect((await get(running, '/readyz')).status).toBe(200)
    expect((await get(running, '/v1/log/evidence')).status).toBe(404)
  })

  test('are not forgotten by a restart, and no share is released after them', async () => {
    await follow(world, running, log)
    await addCheckpoint(formatAddCheckpoint(await log.fork(4).append(1).request(5)))
    const again = createTrustee({
      identity: world.trustees[0] as Identity, store: running.store, index: indexOf(world), context: world.clock,
      log: () => undefined,
    })
    running = { ...running, trustee: again }
    await stopped()
    const { request } = await prepare(world, { capsules: [await makeCapsule(world)], reader: world.hospital })
    expect((await askRelease(world, running, { ...request, receipt: Uint8Array.of(1) }, world.hospital)).code)
      .toBe('log-forked')
  })
})

describe('add-checkpoint, c2sp.org/tlog-witness', () => {
  test('200 for what the mirror has, 409 with the size for what it has not', async () => {
    await follow(world, running, log)
    log.append(2)
    expect(await addCheckpoint(formatAddCheckpoint(await log.request(5))))
      .toMatchObject({ status: 409, type: 'text/x.tlog.size', body: '5\n' })
    await sendPush(world, running, await log.push(5))
    const answer = await addCheckpoint(formatAddCheckpoint(await log.request(5)))
    expect([answer.status, answer.body]).toEqual([200, expect.stringMatching(/^\u2014 scelle\.health\/trustee\//)])
    expect((await checkpointHeld())?.size).toBe(7)
  })

  test('404 before the index was heard and for other logs, 403 unsigned, 400 backwards, malformed, 422', async () => {
    const request = await log.request(0)
    expect((await addCheckpoint(formatAddCheckpoint(request))).status).toBe(404)
    await follow(world, running, log)
    const strange = await new TestLog(world, log.leaves, await createIdentity('index', world.clock)).request(5)
    expect((await addCheckpoint(formatAddCheckpoint(strange))).status).toBe(404)
    const unsigned = new TextDecoder().decode(request.checkpoint).replace(/\u2014 .*\n$/u, '\u2014 x AAAAAAA=\n')
    const body = { ...request, old: 5, checkpoint: new TextEncoder().encode(unsigned) }
    expect((await addCheckpoint(formatAddCheckpoint(body))).status).toBe(403)
    expect((await addCheckpoint(formatAddCheckpoint({ ...request, old: 6 }))).status).toBe(400)
    expect((await addCheckpoint(new TextEncoder().encode('old five\n\n'))).status).toBe(400)
    log.append(2)
    await sendPush(world, running, await log.push(5))
    const right = await log.request(5)
    const wrong = { ...right, proof: right.proof.map(() => new Uint8Array(32)) }
    expect((await addCheckpoint(formatAddCheckpoint(wrong))).status).toBe(422)
    expect((await addCheckpoint(new Uint8Array(20_000))).status).toBe(413)
  })
})

test('the mirror\'s tiles alone are enough to check the log', async () => {
  log.append(300)
  await follow(world, running, log)
  const held = await checkpointHeld()
  const tree = { size: held?.size ?? 0, root: held?.root as Uint8Array }
  const reader = new TileReader(tree, async ({ level, index, width }) => {
    const name = `/tile/${level}/${String(index).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`
    return (await get(running, name)).bytes
  })
  expect((await reader.entries(1)).map(toHex)).toEqual(log.leaves.slice(256).map(({ entry }) => toHex(entry)))
  const full = await get(running, '/tile/0/000')
  expect(full.headers['cache-control']).toContain('immutable')
  expect((await get(running, '/tile/0/001')).status).toBe(404)
  expect((await get(running, '/tile/0/1')).status).toBe(404)
})

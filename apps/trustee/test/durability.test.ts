/** Nothing answered is forgotten: restarts, kill -9, and the process as it is run. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exportIdentity, type Identity } from '@scelle/seal/identity'
import { decode, encode, toHex } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { LogPush, ReleaseRequest, Self } from '@scelle/wire/messages'
import { TrusteeStore } from '../src/trustee.ts'
import { follow, sendPush, TestLog } from './log-world.ts'
import { askRelease, withReceipt } from './logged.ts'
import { makeCapsule, makeWorld, NOW, prepare, startTrustee, type World } from './world.ts'

type Child = ChildProcessByStdio<null, Readable, Readable>

let folder: string
let world: World
let children: Child[]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-trustee-'))
  world = await makeWorld('durability')
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

const run = (file: string, ...args: string[]): Child => {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

/** The first whole line that holds these words. */
const firstLine = async (stream: Readable, words = ''): Promise<string> => {
  let text = ''
  const found = (): string | undefined => text.split('\n').slice(0, -1).find((line) => line.includes(words))
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (found() !== undefined) break
  }
  return found() ?? ''
}

const writeIdentity = (): string => {
  const path = join(folder, 'identity')
  writeFileSync(path, exportIdentity(world.trustees[0] as Identity), { mode: 0o600 })
  return path
}

const dyingOf = ({ index, register }: World): [string, string, string] =>
  [toHex(index.id), String(NOW), toHex(register.id)]

describe('a release outlives', () => {
  test('a restart: the same bytes again', async () => {
    const path = join(folder, 'trustee.sqlite')
    const { request } = await prepare(world, { capsules: [await makeCapsule(world)], reader: world.hospital })
    const before = startTrustee(world, 0, path)
    const first = await askRelease(world, before, request, world.hospital)
    before.store.close()
    const after = startTrustee(world, 0, path)
    const second = await askRelease(world, after, request, world.hospital)
    after.store.close()
    expect([first.status, second.status]).toEqual([200, 200])
    expect(toHex(second.bytes)).toBe(toHex(first.bytes))
  })

  test('kill -9 between the disk and the answer: what was decided is what is answered', async () => {
    const path = join(folder, 'trustee.sqlite')
    const made = await prepare(world, { capsules: [await makeCapsule(world)], reader: world.hospital })
    const before = startTrustee(world, 0, path)
    const request = await withReceipt(world, before, made.request)
    before.store.close()
    const child = run('./dying.ts', writeIdentity(), path, ...dyingOf(world))
    const url = `${await firstLine(child.stdout)}/v1/releases`
    const body = encode(ReleaseRequest, request)
    const { now, random } = world.clock
    const headers = await signRequest({ method: 'POST', url, body, identity: world.hospital, now, random })
    const exit = once(child, 'exit')
    await expect(fetch(url, { method: 'POST', headers, body })).rejects.toThrow(/fetch failed/)
    expect(await exit).toEqual([null, 'SIGKILL'])

    const running = startTrustee(world, 0, path)
    const { access, id } = made.access
    const named = { reader: world.hospital.id, access: access.access, statement: id }
    const decided = running.store.answerTo(named) as Uint8Array
    const answered = await askRelease(world, running, request, world.hospital)
    running.store.close()
    expect([answered.status, toHex(answered.bytes)]).toEqual([200, toHex(decided)])
  })
})

describe('a cosignature outlives', () => {
  test('kill -9 between the disk and the answer: nothing else of that size is cosigned after', async () => {
    const path = join(folder, 'trustee.sqlite')
    const log = new TestLog(world).append(300)
    const child = run('./dying.ts', writeIdentity(), path, ...dyingOf(world))
    const url = `${await firstLine(child.stdout)}/v1/log/push`
    const body = encode(LogPush, await log.push(0, 0))
    const { now, random } = world.clock
    const headers = await signRequest({ method: 'POST', url, body, identity: world.index, now, random })
    const exit = once(child, 'exit')
    await expect(fetch(url, { method: 'POST', headers, body }))
      .rejects.toThrow(/fetch failed/)
    expect(await exit).toEqual([null, 'SIGKILL'])

    const running = startTrustee(world, 0, path)
    expect([running.store.log.size, running.store.log.cosigned()?.size]).toEqual([300, 300])
    expect((await follow(world, running, log)).cosignature).toBeDefined()
    const other = log.fork(299).append(1)
    expect((await sendPush(world, running, await other.push(300, 300))).code).toBe('log-forked')
    running.store.close()
  })

  test('a transaction that fails: mirror, control leaves and size stay together as they were', async () => {
    const running = startTrustee(world, 0, join(folder, 'trustee.sqlite'))
    const log = new TestLog(world).append(5)
    await follow(world, running, log)
    for (const record of world.doctor.chain) log.add(record)
    const { log: store } = running.store
    const keep = store.keepCosigned.bind(store)
    store.keepCosigned = () => { throw new Error('the disk is full') }
    expect((await sendPush(world, running, await log.push(5, 5))).code).toBe('internal')
    expect([store.size, store.cosigned()?.size, store.loggedKey(world.doctor.id)]).toEqual([5, 5, undefined])
    store.keepCosigned = keep
    expect(await follow(world, running, log)).toMatchObject({ mirrored: 6, cosigned: 6 })
    expect(store.loggedKey(world.doctor.id)?.version).toBe(0)
    running.store.close()
  })
})

test('two processes over one store: the second one does not start', () => {
  const path = join(folder, 'trustee.sqlite')
  const store = new TrusteeStore(path)
  expect(() => new TrusteeStore(path)).toThrow(/locked/)
  store.close()
})

describe('the process', () => {
  const config = (change: Record<string, unknown> = {}): string => {
    writeIdentity()
    const path = join(folder, 'config.json')
    const index = { id: toHex(world.index.id), url: 'http://127.0.0.1:9' }
    const peers = world.trustees.slice(1).map(({ id }) => ({ id: toHex(id), url: 'http://127.0.0.1:9' }))
    const settings = { listen: { port: 0 }, identity: 'identity', data: 'data', index, peers }
    writeFileSync(path, JSON.stringify({ ...settings, ...change }))
    return path
  }

  test('starts from one file, answers who it is, and ends when asked', async () => {
    const child = run('../src/main.ts', config())
    const started = JSON.parse(await firstLine(child.stdout, '"started"')) as { event: string; port: number }
    expect(started).toMatchObject({ event: 'started', role: 'trustee' })
    const answer = await fetch(`http://127.0.0.1:${started.port}/v1/self`)
    const self = decode(Self, new Uint8Array(await answer.arrayBuffer()))
    expect(self.keys).toEqual([...(world.trustees[0] as Identity).chain])
    expect((await fetch(`http://127.0.0.1:${started.port}/readyz`)).status).toBe(200)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })

  test.each([
    ['a wrong key', { trustedIndex: 'x' }, /config\.json: trustedIndex: this key is not known/],
    [
      'a wrong value', { index: { id: 'x', url: 'http://127.0.0.1:9' } },
      /config\.json: index\.id: expected 64 lower-case hexadecimal digits/,
    ],
  ])('%s in the file: says so and ends', async (_, change, message) => {
    const child = run('../src/main.ts', config(change))
    const exit = once(child, 'exit')
    expect(await firstLine(child.stderr)).toMatch(message)
    expect(await exit).toEqual([2, null])
  })
})

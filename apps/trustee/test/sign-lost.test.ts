/** A trustee signs what is lost of the log only where its own mirror agrees, and says in words what that is. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIdentity, exportIdentity } from '@scelle/seal/identity'
import { decode, encode, Successor, SUITE, toHex, verifySigned } from '@scelle/seal/verify'
import { logOrigin, LossAgreement } from '@scelle/wire/log'
import { signLost } from '../src/log/sign-lost.ts'
import { follow, TestLog } from './log-world.ts'
import { makeWorld, type Running, startTrustee, type World } from './world.ts'

let world: World
let running: Running
let log: TestLog
let record: number
beforeEach(async () => {
  world = await makeWorld('lost')
  running = startTrustee(world)
  log = new TestLog(world).append(4)
  const [own] = (await createIdentity('person', world.clock)).chain as [Uint8Array]
  record = log.add(own).leaf
  log.append(3)
  await follow(world, running, log)
})
afterEach(() => running.store.close())

const body = (fields: Partial<Successor> = {}): Uint8Array => encode(Successor, {
  suite: SUITE, index: world.index.id, ended: logOrigin(world.index.id), size: log.size, root: log.root(),
  successor: logOrigin(world.index.id), kept: log.size, missing: [1, 2, 3, 6], time: 1, ...fields,
})
const trustee = () => world.trustees[0] as World['index']
const sign = (bytes: Uint8Array) =>
  signLost(bytes, { identity: trustee(), index: world.index.id, store: running.store.log })

describe('a list of lost leaves', () => {
  test('about the tree that was cosigned: signed, and told in words', async () => {
    const { signed, words } = await sign(body())
    const { statement } = decode(LossAgreement, signed)
    expect((await verifySigned('successor', statement, trustee().keys)).body).toEqual(body())
    expect(words).toContain('4 of 8 leaves: 1 to 3, 6')
    expect(words).toContain('0 of them this trustee has')
  })

  test('about another tree, an older one, or of another index: not signed', async () => {
    await expect(sign(body({ root: new Uint8Array(32) }))).rejects.toThrow('cosigned 8 leaves last')
    await expect(sign(body({ size: 7, kept: 7, root: log.root(7) }))).rejects.toThrow('cosigned 8 leaves last')
    const other = await createIdentity('index', world.clock)
    const origin = logOrigin(other.id)
    await expect(sign(body({ index: other.id, ended: origin, successor: origin }))).rejects.toThrow('another log')
  })

  test('that calls a key record lost, which every trustee has: not signed', async () => {
    await expect(sign(body({ missing: [1, record] }))).rejects.toThrow(`leaf ${record} is a key record`)
  })

  test('that is empty, or out of order, or beyond the tree: not signed', async () => {
    for (const missing of [[], [3, 1], [2, 2], [8]]) await expect(sign(body({ missing }))).rejects.toThrow('not agreed')
  })
})

test('the operator signs by one command, and sees what it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-lost-'))
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('identity.key'), exportIdentity(trustee()))
  mkdirSync(file('data'))
  const kept = startTrustee(world, 0, join(file('data'), 'trustee.sqlite'))
  await follow(world, kept, log)
  kept.store.close()
  writeFileSync(file('trustee.json'), JSON.stringify({
    listen: { port: 0 }, identity: 'identity.key', data: 'data',
    index: { id: toHex(world.index.id), url: 'http://localhost:9' },
  }))
  writeFileSync(file('lost'), body())
  const run = async (...args: string[]): Promise<{ status: number; errors: string }> => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
    const quiet = '--disable-warning=ExperimentalWarning'
    const child = spawn(process.execPath, [quiet, main, file('trustee.json'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()))
    const [status] = (await once(child, 'exit')) as [number]
    return { status, errors }
  }
  const name = `lost.${toHex(trustee().id).slice(0, 8)}`
  expect(await run('--sign-lost', file('lost'))).toMatchObject({ status: 0, errors: expect.stringContaining(name) })
  const { statement } = decode(LossAgreement, new Uint8Array(readFileSync(file(name))))
  await verifySigned('successor', statement, trustee().keys)
  writeFileSync(file('wrong'), body({ root: new Uint8Array(32) }))
  expect((await run('--sign-lost', file('wrong'))).status).toBe(2)
  expect((await run('--sign-lost')).errors).toContain('usage')
  rmSync(folder, { recursive: true })
})

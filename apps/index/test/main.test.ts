/** The program itself: one configuration file, health, an orderly end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { createIdentity, exportIdentity } from '@scelle/seal/identity'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, hasPostgres } from './postgres.ts'
import { seeded, START, temporaryDirectory } from './world.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const context = { now: () => START, random: seeded('main') }

let directory: ReturnType<typeof temporaryDirectory>
beforeEach(() => { directory = temporaryDirectory() })
afterEach(() => directory.remove())

const configure = async (fields: object = {}, kind: 'index' | 'person' = 'index'): Promise<string> => {
  writeFileSync(join(directory.path, 'identity'), exportIdentity(await createIdentity(kind, context)))
  const file = join(directory.path, 'index.json')
  const listen = { host: '127.0.0.1', port: 0 }
  writeFileSync(file, JSON.stringify({ listen, identity: 'identity', data: 'data', admitted: [], ...fields }))
  return file
}

const run = (...args: string[]): { child: ChildProcess; errors: () => string; lines: () => string[] } => {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  let out = ''
  child.stderr.on('data', (data: Buffer) => { errors += data.toString() })
  child.stdout.on('data', (data: Buffer) => { out += data.toString() })
  return { child, errors: () => errors, lines: () => out.split('\n').filter((line) => line !== '') }
}

test('starts, answers, and ends on SIGTERM with nothing lost', async () => {
  const { child, lines } = run(await configure())
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  const { port } = JSON.parse(lines()[0] ?? '') as { port: number }
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${port}/v1/grants`)).status).toBe(401)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(lines().map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(
    ['started', 'request', 'request', 'request', 'stopping', 'stopped'],
  )
  expect(statSync(join(directory.path, 'data')).mode & 0o077).toBe(0)
})

test.each([
  ['an unknown key', { admited: [] }, 'admited'],
  ['a wrong id', { admitted: ['ABC'] }, 'admitted'],
  ['no such identity', { identity: 'nowhere' }, 'nowhere'],
  ['another kind of database', { database: 'mysql://db:secret@db.example.org' }, 'a postgres:// URL'],
])('says what is wrong with its configuration: %s', async (_, fields, named) => {
  const { child, errors } = run(await configure(fields))
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(errors()).toContain(named)
  expect(errors()).not.toContain('secret')
})

test('a server named beside an embedded database is refused: what is stored stays in sight', async () => {
  mkdirSync(join(directory.path, 'data'))
  writeFileSync(join(directory.path, 'data', 'index.sqlite'), '')
  const { child, errors } = run(await configure({ database: 'postgres://scelle:secret@127.0.0.1:1/none' }))
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(errors()).toContain('holds an embedded database')
  expect(errors()).not.toContain('secret')
})

describe.runIf(hasPostgres)('on PostgreSQL', () => {
  test('a second process serves beside the first, and leads once that is killed', async () => {
    const database = await freshDatabase()
    const file = await configure({ database: database.url })
    const first = run(file)
    await once(first.child.stdout as NodeJS.ReadableStream, 'data')
    const second = run(file)
    await once(second.child.stdout as NodeJS.ReadableStream, 'data')
    const { port } = JSON.parse(second.lines()[0] ?? '') as { port: number }
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/readyz`)).status
    expect(await ready()).toBe(200)
    expect(second.lines().join('\n')).not.toContain('"leads":true')
    first.child.kill('SIGKILL')
    await expect.poll(() => second.lines().join('\n'), { timeout: 20_000 }).toContain('"leads":true')
    expect(await ready()).toBe(200)
    const ended = once(second.child, 'exit')
    second.child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    await database.remove()
  })
})

test('refuses another kind of identity, and no file at all', async () => {
  const other = run(await configure({}, 'person'))
  expect(await once(other.child, 'exit')).toEqual([1, null])
  expect(other.errors()).toContain('kind index')
  const none = run()
  expect(await once(none.child, 'exit')).toEqual([2, null])
})

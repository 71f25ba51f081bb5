/** A guard as a process of its own, by its launcher and one configuration file, on real sockets and in real time. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIdentity, exportIdentity } from '@scelle/seal/identity'
import { signOutBody, unsignedOf } from '@scelle/seal/persons'
import { toHex } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import {
  addressesOf, ask, type Door, enter, fieldsOf, type Held, type LegacySystem, makeHouse, show, signIn, startLegacy,
} from './world.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/scelle-guard.js', import.meta.url))

let world: Constellation
let legacy: LegacySystem
let home: Door
let doctor: Held
let folder: string
let child: ReturnType<typeof spawn>

/** Waits for the line that says where it listens. */
const listening = (): Promise<string> => new Promise((resolve, reject) => {
  let said = ''
  child.stderr?.on('data', (piece: Buffer) => {
    said += piece.toString()
    const url = /guard: (http:\S+)/.exec(said)?.[1]
    if (url !== undefined) resolve(url)
  })
  child.once('exit', () => { reject(new Error(`the guard ended: ${said}`)) })
})

beforeAll(async () => {
  world = await createConstellation({ seed: 'whole guard', sockets: { now: Date.now } })
  const house = await makeHouse(world, 'whole guard')
  legacy = await startLegacy()
  folder = mkdtempSync(join(tmpdir(), 'scelle-guard-'))
  writeFileSync(join(folder, 'identity'), exportIdentity(await createIdentity('machine', house.context)))
  writeFileSync(join(folder, 'guard.json'), JSON.stringify({
    listen: { port: 0 }, identity: 'identity', ...addressesOf(world), house: toHex(house.house.identity.id),
    legacy: legacy.origin, audit: 'audit.jsonl', allow: house.rules,
  }))
  child = spawn(process.execPath, [LAUNCHER, join(folder, 'guard.json')], { stdio: ['ignore', 'ignore', 'pipe'] })
  const url = await listening()
  home = { ...house, party: { url, host: new URL(url).host }, fetch }
  await new Promise((resolve) => { setTimeout(resolve, 2_000) })
  doctor = await enter(home)
})
afterAll(async () => {
  child.kill('SIGTERM')
  await new Promise((resolve) => { child.once('exit', resolve) })
  await world.close()
  await legacy.close()
  rmSync(folder, { recursive: true })
})

test('a session reaches the legacy system, and leaves a line on the disk first', async () => {
  expect(await ask(home, doctor)).toMatchObject({ status: 200, body: 'from the legacy' })
  const lines = readFileSync(join(folder, 'audit.jsonl'), 'utf8').trim().split('\n')
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ who: toHex(home.person.id), role: 'specialist', rule: 0 })
})

test.each([
  ['nothing', {}],
  ['a password', { authorization: `Basic ${Buffer.from('doctor:azerty').toString('base64')}` }],
  ['a bearer token', { authorization: `Bearer ${'a'.repeat(43)}` }],
  ['a cookie of the legacy system', { cookie: 'legacy=1' }],
])('%s opens nothing', async (_, headers) => {
  const before = legacy.heard.length
  const answer = await fetch(`${home.party.url}/patients/1`, { headers })
  expect([answer.status, legacy.heard.length]).toEqual([401, before])
})

test('a session ends with its time, and 15 s after its person signed out', async () => {
  const short = await enter(home, { until: Date.now() + 3_000 })
  const { authenticator, person, context } = home
  const leaving = await enter(home)
  expect(await ask(home, short)).toMatchObject({ status: 200 })
  await home.house.people.signOut(
    authenticator.sign(unsignedOf('sign-out', signOutBody(person.id, context), person)),
  )
  await new Promise((resolve) => { setTimeout(resolve, 15_000) })
  expect(await ask(home, short)).toMatchObject({ status: 401, code: 'session-ended' })
  expect(await ask(home, leaving)).toMatchObject({ status: 401, code: 'session-ended' })
  doctor = await signIn(home)
  expect(await show(home, doctor)).toMatchObject({ status: 204 })
})

/** What a server answers to octets as they are: the status of each answer. */
const raw = (text: string): Promise<number[]> => new Promise((resolve, reject) => {
  const { hostname, port } = new URL(home.party.url)
  const socket = connect(Number(port), hostname)
  let said = ''
  socket.on('data', (piece: Buffer) => { said += piece.toString('latin1') })
  socket.on('error', reject)
  socket.on('close', () => { resolve([...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))) })
  socket.write(text, 'latin1')
  setTimeout(() => { socket.end() }, 1_000)
})

describe('a request that two servers may read as two', () => {
  const signedLines = async (method: string, path: string, body?: string): Promise<string> => {
    const fields = await fieldsOf(home, doctor, { method, path, ...(body === undefined ? {} : { body }) })
    return Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  }
  const head = `POST /patients/1 HTTP/1.1\r\n`
  const smuggled = 'GET /admin HTTP/1.1\r\nhost: x\r\n\r\n'

  test('written properly it passes: so what is refused below is refused for its framing', async () => {
    const before = legacy.heard.length
    const fields = await signedLines('POST', '/patients/1', 'a=b')
    expect(await raw(`${head}host: ${home.party.host}\r\n${fields}content-length: 3\r\n\r\na=b`)).toEqual([200])
    expect(legacy.heard.slice(before)).toMatchObject([{ url: '/patients/1', body: 'a=b' }])
  })

  test.each([
    ['two lengths', 'content-length: 3\r\ncontent-length: 40\r\n\r\na=b'],
    ['a length beside chunks', `content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['chunks beside a length', `transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n${smuggled}`],
    ['an encoding that is nearly chunked', `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['an encoding behind chunks', `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
    ['a space before the colon', `content-length : 3\r\n\r\na=b`],
    ['a line that goes on', `x-a: b\r\n content-length: 40\r\ncontent-length: 3\r\n\r\na=b`],
    ['a length that is no number', 'content-length: +3\r\n\r\na=b'],
    ['lines that end in LF alone', 'x-a: b\ncontent-length: 3\n\na=b'],
    ['a chunk of no length', `transfer-encoding: chunked\r\n\r\n3;a\nb\r\na=b\r\n0\r\n\r\n${smuggled}`],
  ])('%s: nothing of it arrives', async (_, rest) => {
    const before = legacy.heard.length
    const fields = await signedLines('POST', '/patients/1', 'a=b')
    const statuses = await raw(`${head}host: ${home.party.host}\r\n${fields}${rest}`)
    expect(statuses.filter((status) => status < 400)).toEqual([])
    expect(legacy.heard.slice(before)).toEqual([])
  })

  test('a second request behind a signed one is a request of its own, and unsigned', async () => {
    const before = legacy.heard.length
    const fields = await signedLines('POST', '/patients/1', 'a=b')
    const first = `${head}host: ${home.party.host}\r\n${fields}content-length: 3\r\n\r\na=b`
    const second = `GET /patients/2 HTTP/1.1\r\nhost: ${home.party.host}\r\n\r\n`
    expect(await raw(first + second)).toEqual([200, 401])
    expect(legacy.heard.slice(before).map(({ url }) => url)).toEqual(['/patients/1'])
  })

  test.each([
    ['signature fields twice', '/patients/1', 'signature: scelle=:AAAA:\r\n'],
    ['a session twice', '/patients/1', `scelle-session: ${'a'.repeat(43)}\r\n`],
    ['a digest that is not signed', '/patients/1', 'content-digest: sha-256=:AAAA:\r\n'],
    ['another host first', '/patients/1', ''],
    ['a whole address for a path', 'http://evil.test/patients/1', ''],
    ['dots', '/patients/%2e%2e/admin', ''],
  ])('%s', async (name, target, more) => {
    const before = legacy.heard.length
    const fields = await signedLines('GET', '/patients/1')
    const host = name === 'another host first' ? 'host: evil.test\r\n' : ''
    const statuses = await raw(
      `GET ${target} HTTP/1.1\r\n${host}host: ${home.party.host}\r\n${fields}${more}\r\n`,
    )
    expect(statuses.filter((status) => status < 400)).toEqual([])
    expect(legacy.heard.slice(before)).toEqual([])
  })

  test('what a connection names as its own stays on it, and another protocol is not spoken', async () => {
    const before = legacy.heard.length
    const fields = await signedLines('GET', '/patients/1')
    const hop = 'connection: upgrade, accept\r\nupgrade: websocket\r\naccept: text/plain\r\n'
    expect(await raw(`GET /patients/1 HTTP/1.1\r\nhost: ${home.party.host}\r\n${fields}${hop}\r\n`)).toEqual([200])
    expect(legacy.heard.slice(before)[0]?.headers['upgrade']).toBeUndefined()
    expect(legacy.heard.slice(before)[0]?.headers['accept']).toBeUndefined()
  })
})

test('a configuration that lets everybody in by mistake does not start', async () => {
  const allow = [{ methods: ['GET'], path: '/*' }]
  const config = JSON.parse(readFileSync(join(folder, 'guard.json'), 'utf8')) as object
  writeFileSync(join(folder, 'open.json'), JSON.stringify({ ...config, allow }))
  const started = spawn(
    process.execPath, [LAUNCHER, join(folder, 'open.json')], { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  started.stderr.on('data', (piece: Buffer) => { said += piece.toString() })
  const code = await new Promise((resolve) => { started.once('exit', resolve) })
  expect([code, said]).toEqual([2, expect.stringContaining('a rule for nobody is none')])
})

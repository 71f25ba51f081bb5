/** The program itself: one configuration file, safe or refused, health, an orderly end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { createIdentity, exportIdentity } from '@scelle/seal/identity'
import { seededRandom } from '@scelle/testing/random'
import { afterEach, beforeEach, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const ID = 'ab'.repeat(32)
const DID = 'did:web:127.0.0.1%3A4630'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-register-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const jwkOf = (): Record<string, unknown> =>
  ({ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) })
const issuer = (): Record<string, unknown> => {
  const { d: _, ...key } = jwkOf()
  return {
    name: 'https://register.example.org', keys: { 1: key }, statusLists: ['https://register.example.org/status/'],
  }
}

const base = {
  listen: { port: 0 }, identity: 'identity', data: 'data', index: { id: ID, url: 'http://127.0.0.1:9' },
  trustees: ['1', '2', '3'].map((end) => ({ id: `${ID.slice(1)}${end}`, url: 'http://127.0.0.1:9' })),
  name: 'Répertoire', base: 'http://127.0.0.1:4630', page: 'http://localhost:4620/',
  houses: [{ id: ID, name: 'CHU', places: ['R1'] }],
}
const provider = {
  issuer: 'https://auth.example.org', clientId: 'desk', secret: 'secret', idTokenAlgorithm: 'ES256', meterKey: 'meter',
}

const secret = (name: string, content: string | Uint8Array): void =>
  writeFileSync(join(folder, name), content, { mode: 0o600 })

const configure = async (fields: object, kind: 'organisation' | 'person' = 'organisation'): Promise<string> => {
  const context = { now: Date.now, random: seededRandom('main') }
  secret('identity', exportIdentity(await createIdentity(kind, context)))
  secret('secret', 'of the client\n')
  secret('meter', new Uint8Array(32))
  secret('wallet', JSON.stringify({ ...jwkOf(), kid: `${DID}#1` }))
  const file = join(folder, 'register.json')
  writeFileSync(file, JSON.stringify({ ...base, ...fields }))
  return file
}

const run = (file: string): { child: ChildProcess; errors: () => string; lines: () => string[] } => {
  const child = spawn(process.execPath, [MAIN, file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { errors: '', out: '' }
  child.stderr.on('data', (data: Buffer) => { text.errors += data.toString() })
  child.stdout.on('data', (data: Buffer) => { text.out += data.toString() })
  return { child, errors: () => text.errors, lines: () => text.out.split('\n').filter((line) => line !== '') }
}

test('starts though index, trustees and provider are away, answers, and ends on SIGTERM', async () => {
  const { child, lines } = run(await configure({ provider, issuers: [issuer()], wallet: { did: DID, key: 'wallet' } }))
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  const { port } = JSON.parse(lines()[0] ?? '') as { port: number }
  const at = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`)
  expect((await at('/readyz')).status).toBe(200)
  expect(((await (await at('/.well-known/did.json')).json()) as { id: string }).id).toBe(DID)
  const page = await at('/enrolment/none')
  expect([page.status, page.headers.get('content-security-policy')]).toEqual([403,
    expect.stringContaining("default-src 'none'")])
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(statSync(join(folder, 'data')).mode & 0o077).toBe(0)
})

test.each([
  ['nobody could enrol', {}, 'provider, wallet'],
  ['a meter key of another size', { provider: { ...provider, meterKey: 'secret' } }, 'provider.meterKey'],
  ['a wallet\'s key of another DID', { issuers: [issuer()], wallet: { did: DID, key: 'identity' } }, 'wallet.key'],
])('is refused: %s', async (_, fields, named) => {
  const { child, errors } = run(await configure(fields))
  expect(await once(child, 'exit')).toEqual([2, null])
  expect(errors()).toContain(named)
})

test('a secret that others can read is refused, and so is a person\'s identity', async () => {
  const file = await configure({ provider })
  chmodSync(join(folder, 'meter'), 0o644)
  const open = run(file)
  expect(await once(open.child, 'exit')).toEqual([2, null])
  expect(open.errors()).toContain('provider.meterKey: others can read this file')
  const person = run(await configure({ provider }, 'person'))
  expect(await once(person.child, 'exit')).toEqual([2, null])
  expect(person.errors()).toContain('not an organisation')
})

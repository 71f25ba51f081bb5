/** What is published: the same bytes each time, nothing that reaches out, and headers that hold the browser to it. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConstellation } from '../src/page/constellation.ts'
import { type Built, type PageServer, servePage } from '../src/server.ts'
import { buildPage } from '../tools/build.ts'

const CONSTELLATION = {
  origin: 'https://passkey.example', rpId: 'passkey.example', index: 'ab'.repeat(32), registers: ['cd'.repeat(32)],
}

const built = async (file: object): Promise<Built> => {
  const path = join(await mkdtemp(join(tmpdir(), 'scelle-page-')), 'constellation.json')
  await writeFile(path, JSON.stringify(file))
  return buildPage(path)
}

const textOf = (page: Built, path: string): string => new TextDecoder().decode(page.get(path))

let page: Built
let server: PageServer
beforeAll(async () => {
  page = await built(CONSTELLATION)
  server = await servePage(page, { host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())

test('the same sources and constellation, in another folder, give the same bytes', async () => {
  expect([...page.keys()]).toEqual(['/constellation.json', '/index.html', '/page.css', '/page.js'])
  expect(await built(CONSTELLATION)).toEqual(page)
  const other = await built({ ...CONSTELLATION, index: 'ee'.repeat(32) })
  expect(other.get('/page.js')).not.toEqual(page.get('/page.js'))
})

test('the script holds the constellation that is published beside it, calls no network, and stores keys alone', () => {
  const script = textOf(page, '/page.js')
  expect(script).toContain(CONSTELLATION.registers[0])
  const reaching = /\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|localStorage|document\.cookie/
  expect(reaching.exec(script)?.[0]).toBeUndefined()
  // One place reaches the browser's database, for this browser's own key: of a kind that no script gets.
  expect(script.match(/indexedDB\W+\w+/g)).toEqual(['indexedDB.open', 'indexedDB.databases'])
  expect(script.match(/objectStore\(\w+\)\)/g)).toHaveLength(1)
  expect(/sessionStorage/.exec(script)).toBeNull()
  expect(/\.(innerHTML|outerHTML|insertAdjacentHTML)\b|document\.write|\beval\(|new Function/.exec(script)?.[0])
    .toBeUndefined()
  // A credential's own JSON has the PRF's output in it.
  expect(script).not.toMatch(/given\.toJSON|JSON\.stringify\(given/)
})

test('script and style are named with their hashes', () => {
  for (const name of ['page.js', 'page.css']) {
    const octets = page.get(`/${name}`) ?? new Uint8Array()
    const hash = createHash('sha384').update(octets).digest('base64')
    expect(textOf(page, '/index.html')).toContain(`/${name}" integrity="sha384-${hash}"`)
  }
})

test('a constellation whose relying party is not its own, or whose ids are none, makes no page', async () => {
  await expect(built({ ...CONSTELLATION, rpId: 'example.com' })).rejects.toThrow('rpId')
  await expect(built({ ...CONSTELLATION, registers: ['12'] })).rejects.toThrow('64 lower-case')
  expect(() => readConstellation({ ...CONSTELLATION, origin: 'https://passkey.example/' })).toThrow('origin')
})

test('the server gives the listed files to GET and HEAD, and nothing else', async () => {
  const status = async (path: string, method = 'GET') => (await fetch(`${server.url}${path}`, { method })).status
  expect(await status('/')).toBe(200)
  expect(await status('/page.js', 'HEAD')).toBe(200)
  expect(await Promise.all(['/../package.json', '/%2e%2e/package.json', '/page.js?x', '/none'].map((path) =>
    status(path)))).toEqual([404, 404, 404, 404])
  expect(await Promise.all(['POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => status('/', method))))
    .toEqual([405, 405, 405, 405])
})

test('every answer forbids connections, frames and other scripts', async () => {
  for (const path of ['/', '/none']) {
    const { headers } = await fetch(`${server.url}${path}`)
    const policy = headers.get('content-security-policy') ?? ''
    for (const rule of ["default-src 'none'", "connect-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) {
      expect(policy).toContain(rule)
    }
    expect(policy).not.toContain('unsafe')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  }
})

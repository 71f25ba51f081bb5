import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createIdentity } from '@scelle/seal/identity'
import { NonceMemory, verifyRequest } from '@scelle/wire/http'
import { SDK_LIMITS } from '../src/limits.ts'
import type { Timers } from '../src/timers.ts'
import { type Fetch, Transport } from '../src/transport.ts'

const NOW = Date.UTC(2026, 0, 15, 8)
let drawn = 0
const context = {
  now: () => NOW,
  random: (length: number) => new Uint8Array(length).map(() => (drawn = (drawn * 5 + 3) % 251)),
}
const identity = await createIdentity('person', {
  now: context.now,
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
})

/** Timers that fire at once, and say for how long they would have waited. */
const instant = (waits: number[]): Timers => ({
  after(ms, then) {
    // Only pauses between tries: the patience of a request must not run out.
    if (ms >= SDK_LIMITS.requestTimeout) return () => {}
    waits.push(ms)
    const soon = setImmediate(then)
    return () => clearImmediate(soon)
  },
})

const transportOver = (fetch: Fetch, timers: Timers = instant([]), log = () => {}): Transport =>
  new Transport({ identity, context, fetch, timers, log })

const INDEX = { role: 'index', url: 'https://index.example' } as const
const problem = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status })
const ask = (transport: Transport) => transport.ask(INDEX, { method: 'POST', path: '/v1/x', body: Uint8Array.of(1) })

describe('tries', () => {
  it('passing refusals and lost connections again, each time under another nonce, with growing pauses', async () => {
    const waits: number[] = []
    const inputs: string[] = []
    const answers = [
      () => Promise.reject(new TypeError('fetch failed')),
      () => Promise.resolve(problem(503, { code: 'overloaded' })),
      () => Promise.resolve(problem(401, { code: 'signature-replayed' })),
      () => Promise.resolve(new Response(Uint8Array.of(7))),
    ]
    const fetch: Fetch = (_, init) => {
      inputs.push(new Headers(init.headers).get('signature-input') as string)
      return (answers.shift() as () => Promise<Response>)()
    }
    expect([...(await ask(transportOver(fetch, instant(waits))))]).toEqual([7])
    expect(new Set(inputs).size).toBe(4)
    expect(waits).toHaveLength(3)
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(SDK_LIMITS.retryPause * 2 ** i * 0.5)
      expect(wait).toBeLessThan(SDK_LIMITS.retryPause * 2 ** i * 1.5)
    }
  })

  it('a bounded number of times', async () => {
    let tries = 0
    const fetch: Fetch = () => {
      tries++
      return Promise.reject(new TypeError('fetch failed'))
    }
    await expect(ask(transportOver(fetch))).rejects.toMatchObject({ code: 'network' })
    expect(tries).toBe(SDK_LIMITS.attempts)
  })

  it('no refusal that would be the same again', async () => {
    let tries = 0
    const fetch: Fetch = () => {
      tries++
      return Promise.resolve(problem(403, { code: 'not-permitted' }))
    }
    await expect(ask(transportOver(fetch))).rejects.toMatchObject({ code: 'index-problem', problem: 'not-permitted' })
    expect(tries).toBe(1)
  })
})

describe('answers', () => {
  it("keep a server's own words out of errors", async () => {
    const fetch: Fetch = () =>
      Promise.resolve(problem(403, { code: 'not-permitted', detail: 'SECRET', title: 'SECRET' }))
    const error = await ask(transportOver(fetch)).catch((reason: unknown) => reason)
    expect(JSON.stringify([error, String(error), (error as Error).cause])).not.toContain('SECRET')
  })

  it.each([
    ['no problem document', () => new Response('<html>', { status: 502 })],
    ['an unknown code', () => problem(400, { code: 'whatever' })],
    ['a code of a prototype', () => problem(400, { code: 'toString' })],
    ['a problem document of megabytes', () => new Response('x'.repeat(100_000), { status: 400 })],
    ['a length over every limit', () => new Response('x', { headers: { 'content-length': '99999999999' } })],
  ])('%s: answer-invalid', async (_, answer) => {
    await expect(ask(transportOver(() => Promise.resolve(answer())))).rejects.toMatchObject({
      code: 'answer-invalid',
    })
  })

  it('that never end are cut off', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1 << 22
        controller.enqueue(new Uint8Array(1 << 22))
      },
    })
    await expect(ask(transportOver(() => Promise.resolve(new Response(endless))))).rejects.toMatchObject({
      code: 'answer-invalid',
    })
    expect(sent).toBeLessThan(SDK_LIMITS.answerBytes + (1 << 24))
  })
})

describe('packed answers', () => {
  it('are refused unread, and never asked for', async () => {
    const asked: unknown[] = []
    const bomb = gzipSync(new Uint8Array(8 * 1024 * 1024))
    const server = createServer((request, response) => {
      asked.push(request.headers['accept-encoding'])
      request.resume()
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }).end(bomb)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const transport = transportOver((to, init) => fetch(to, init))
    const asking = transport.ask({ role: 'index', url }, { method: 'GET', path: '/' })
    await expect(asking).rejects.toMatchObject({ code: 'answer-invalid' })
    expect(asked).toEqual(['identity'])
    server.closeAllConnections()
    server.close()
  })

  it('are counted as they come, even under a small length', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1 << 22
        controller.enqueue(new Uint8Array(1 << 22))
      },
    })
    const lying = new Response(endless, { headers: { 'content-length': '1000' } })
    await expect(ask(transportOver(() => Promise.resolve(lying)))).rejects.toMatchObject({ code: 'answer-invalid' })
    expect(sent).toBeLessThan(SDK_LIMITS.answerBytes + (1 << 24))
  })
})

describe('a request', () => {
  it('carries a signature that its receiver verifies, over method, host, path, query and body', async () => {
    let verified = false
    const fetch: Fetch = async (url, init) => {
      const { host, pathname, search } = new URL(url)
      const headers = Object.fromEntries(new Headers(init.headers))
      const keys = await verifyRequest({
        method: init.method as string,
        authority: host,
        path: pathname,
        query: search.slice(1),
        headers,
        body: init.body as Uint8Array,
        now: context.now,
        keyOf: () => identity.keys,
        replay: new NonceMemory(NOW - 10_000),
      })
      verified = keys === identity.keys
      return new Response(Uint8Array.of())
    }
    await transportOver(fetch).ask(INDEX, {
      method: 'PUT',
      path: '/v1/a',
      query: { b: 'c d' },
      body: Uint8Array.of(1, 2),
    })
    expect(verified).toBe(true)
  })

  it('follows no redirect and sends no cookie', async () => {
    let init: RequestInit = {}
    await ask(
      transportOver((_, given) => {
        init = given
        return Promise.resolve(new Response())
      }),
    )
    expect(init).toMatchObject({ redirect: 'error', credentials: 'omit', cache: 'no-store' })
  })

  it('ends when the caller gives up, and when its time is over', async () => {
    const never: Fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        if (init.signal?.aborted === true) reject(new DOMException('', 'AbortError'))
        init.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
      })
    const stop = new AbortController()
    const asked = transportOver(never).ask(INDEX, { method: 'GET', path: '/', signal: stop.signal })
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'aborted' })
    const impatient: Timers = {
      after: (_, then) => {
        const soon = setImmediate(then)
        return () => clearImmediate(soon)
      },
    }
    await expect(
      transportOver(never, impatient).ask(INDEX, { method: 'GET', path: '/', attempts: 1 }),
    ).rejects.toMatchObject({ code: 'timeout' })
  })
})

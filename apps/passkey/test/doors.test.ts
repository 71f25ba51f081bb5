/** The page's origin has one door, which is anybody's: what it gives is the same whoever asks, and it takes nothing. */
import { knockIn, namesOf, type Ways } from '@scelle/testing/knocking'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Built, PAGE_ROUTES, type PageRoute, type PageServer, servePage } from '../src/server.ts'

/** Each file is its own name. */
const built: Built = new Map(PAGE_ROUTES.map(({ file }) => [file, new TextEncoder().encode(file)]))

let server: PageServer
beforeAll(async () => {
  server = await servePage(built, { host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())

const send = async ({ method, url, headers, body }: {
  method: string; url: string; headers: Record<string, string>; body: Uint8Array | undefined
}) => {
  const answer = await fetch(`${server.url}${url}`, {
    method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  })
  return { status: answer.status, body: await answer.text(), cookie: answer.headers.get('set-cookie') }
}

/** Credentials of every other server: none of them is looked at here. */
const WAYS: Ways = {
  'nothing': () => ({}),
  'a password': () => ({ authorization: `Basic ${Buffer.from('doctor:azerty').toString('base64')}` }),
  'a bearer token': () => ({ authorization: `Bearer ${'a'.repeat(43)}` }),
  'a DPoP token without its proof': () => ({ authorization: `DPoP ${'a'.repeat(43)}` }),
  'a cookie': () => ({ cookie: `session=${'a'.repeat(43)}` }),
  'another page': () => ({ origin: 'https://evil.example' }),
  'an old copy': () => ({ 'if-none-match': '"1"', 'if-modified-since': new Date().toUTCString() }),
  'a part': () => ({ range: 'bytes=0-1' }),
}

describe('the page server', () => {
  test('gives the same bytes to everybody, whatever they show', async () => {
    const answered = await knockIn(WAYS, server.routes, ['public'], send)
    expect(answered).toHaveLength(PAGE_ROUTES.length * 2 * Object.keys(WAYS).length)
    const expected = (route: string): string => {
      const [method, url = ''] = route.split(' ')
      return method === 'HEAD' ? '' : url === '/' ? '/index.html' : url
    }
    expect(answered.filter(({ route, status, body }) => status !== 200 || body !== expected(route))).toEqual([])
  })

  test('takes no form, sets no cookie, answers to no other path or method', async () => {
    const as = (method: string, url: string) => send({ method, url, headers: {}, body: undefined })
    const answered = await Promise.all(PAGE_ROUTES.flatMap(({ url }) =>
      ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => as(method, url))))
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([200, 405]))
    expect(answered.filter(({ cookie }) => cookie !== null)).toEqual([])
    const other = ['/index', '/page.js/', '/%70age.js', '/page.js?x', '/.well-known/webauthn', '/login', '/healthz']
    expect(new Set((await Promise.all(other.map((url) => as('GET', url)))).map(({ status }) => status)))
      .toEqual(new Set([404]))
  })

  test('does not start with a file beside the page in its folder', async () => {
    const more = new Map([...built, ['/house.key', new Uint8Array(32)]])
    await expect(servePage(more, { host: '127.0.0.1', port: 0 })).rejects.toThrow('house.key is no part of the page')
  })

  test('has no route without a policy: it does not compile', () => {
    // @ts-expect-error -- whoever adds one says that it is anybody's
    const bare: PageRoute = { methods: ['GET'], url: '/new', file: '/new' }
    expect(server.routes).not.toContain(bare)
  })

  test('is open to anybody where this says so, and nowhere else', () => {
    expect(namesOf(server.routes, 'public')).toEqual(['GET', 'HEAD'].flatMap((method) => [
      '/', '/constellation.json', '/index.html', '/page.css', '/page.js', '/scelle-release',
    ].map((url) => `${method} ${url}`)))
  })
})

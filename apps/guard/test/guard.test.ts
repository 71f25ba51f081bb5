/** Through a guard come people in their sessions and listed machines, each of whom it verified; and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '@scelle/seal/verify'
import { ask, enter, type GuardWorld, type Held, makeWorld, show, signIn } from './world.ts'

let home: GuardWorld
let doctor: Held
beforeAll(async () => {
  home = await makeWorld('guard', {
    '/patients/gone': (_, response) => response.socket?.destroy(),
    '/patients/slow': () => undefined,
    '/patients/long': (_, response) => response.end(Buffer.alloc(70_000)),
    '/patients/endless': (_, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).write('begun'),
    '/patients/elsewhere': (_, response) => response.writeHead(302, { location: 'http://evil.test/' }).end(),
    '/patients/moved': (_, response) => response.writeHead(302, { location: '/patients/2?a=b' }).end(),
    '/patients/password': (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end(),
    '/patients/socket': (_, response) =>
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nraw'),
  })
  doctor = await enter(home)
})
afterAll(() => home.close())

const last = () => home.legacy.heard.at(-1)

describe('a person in a session', () => {
  test('reaches the legacy system, which is told who it is and in what role', async () => {
    const told = await ask(home, doctor, { path: '/patients/1?part=a' })
    expect([told.status, told.body]).toEqual([200, 'from the legacy'])
    expect(last()).toMatchObject({ method: 'GET', url: '/patients/1?part=a' })
    expect(last()?.headers).toMatchObject({
      'scelle-person': toHex(home.person.id), 'scelle-role': 'specialist',
      'scelle-house': toHex(home.house.identity.id),
      'scelle-request': told.headers.get('request-id'), host: new URL(home.legacy.origin).host,
    })
  })

  test('writes through it what it signed', async () => {
    const told = await ask(home, doctor, {
      method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' },
    })
    expect([told.status, last()?.method, last()?.body]).toEqual([200, 'POST', '{"a":1}'])
    expect(last()?.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '7' })
  })

  test('leaves a line of who passed by which rule, and not of what', async () => {
    const told = await ask(home, doctor, { path: '/patients/2803475' })
    const line = home.lines.at(-1)
    expect(line).toMatchObject({
      kind: 'person', who: toHex(home.person.id), role: 'specialist', rule: 0, method: 'GET',
      request: told.headers.get('request-id'),
    })
    expect(JSON.stringify(home.lines)).not.toContain('2803475')
  })

  test('sends nothing along that is not listed: no identity, session, signature, cookie, hop or override', async () => {
    await ask(home, doctor, {
      headers: {
        'scelle-person': 'f'.repeat(64), 'scelle-role': 'officer', 'scelle-machine': 'f'.repeat(64),
        'x-remote-user': 'admin', 'x-forwarded-for': '10.0.0.1', 'x-http-method-override': 'DELETE', 'te': 'trailers',
        'authorization': 'Basic ZG9jdG9yOmF6ZXJ0eQ==', 'cookie': 'legacy=1', 'forwarded': 'for=a', 'via': '1.1 a',
        'accept': 'text/plain',
      },
    })
    const expected = [
      'accept', 'connection', 'host', 'scelle-house', 'scelle-person', 'scelle-request', 'scelle-role',
    ]
    expect(Object.keys(last()?.headers ?? {}).toSorted()).toEqual(expected)
    expect(last()?.headers).toMatchObject({ 'scelle-person': toHex(home.person.id), 'scelle-role': 'specialist' })
  })

  test('gets no cookie, and nothing that a workstation would keep', async () => {
    const { headers } = await ask(home, doctor)
    expect([headers.get('set-cookie'), headers.get('cache-control')]).toEqual([null, 'no-store'])
  })
})

describe('what no rule names is not there', () => {
  test.each([
    ['GET', '/'], ['GET', '/admin'], ['GET', '/patients'], ['DELETE', '/patients/1'], ['PUT', '/patients/1'],
    ['GET', '/exact/below'], ['GET', '/billing/1'], ['POST', '/results'], ['GET', '/%70atients/1'],
  ])('%s %s', async (method, path) => {
    const before = home.legacy.heard.length
    const told = await ask(home, doctor, { method, path })
    expect([told.status, told.code, home.legacy.heard.length]).toEqual([404, 'not-found', before])
  })

  test('for a purpose that the session is not for', async () => {
    const clerk = await signIn(home, { purposes: ['administration'] })
    expect(await show(home, clerk)).toMatchObject({ status: 204 })
    expect(await ask(home, clerk)).toMatchObject({ code: 'not-found' })
  })
})

test.each([
  '/patients/..%2fadmin', '/patients/%2E%2E%5cadmin', '/patients/1;a=b', '/patients//admin',
  '/patients/%252e%252e/admin', '/patients/a%00', '/patients/a%0d%0ab', '/patients/%ff',
])('a path that two servers may read as two is refused: %s', async (path) => {
  const before = home.legacy.heard.length
  const told = await ask(home, doctor, { path })
  expect([told.status, home.legacy.heard.length]).toEqual([400, before])
})

describe('a listed machine', () => {
  const send = (by: GuardWorld['machine'], asked: { method?: string; path?: string } = {}) =>
    ask(home, doctor, { method: 'POST', path: '/results', body: 'MSH|', by, session: undefined, ...asked })

  test('brings what flows in by itself, in its own name', async () => {
    expect(await send(home.machine)).toMatchObject({ status: 200 })
    expect(last()?.headers).toMatchObject({ 'scelle-machine': toHex(home.machine.id) })
    expect(last()?.headers['scelle-person']).toBeUndefined()
  })

  test('asks nothing: it has no right to', async () => {
    expect(await send(home.machine, { path: '/patients/1' })).toMatchObject({ code: 'not-found' })
  })

  test('is nobody where no rule lists it; neither is the house itself, nor the person without a session', async () => {
    expect(await send(home.stranger)).toMatchObject({ status: 401, code: 'principal-unknown' })
    expect(await send(home.house.identity)).toMatchObject({ status: 401, code: 'principal-unknown' })
    expect(await ask(home, doctor, { session: undefined })).toMatchObject({ code: 'principal-unknown' })
  })
})

describe('a legacy system that does not answer as it may', () => {
  test.each([
    'gone', 'slow', 'elsewhere', 'password', 'socket',
  ])('%s: the caller is told that, and no more', async (path) => {
    const told = await ask(home, doctor, { path: `/patients/${path}` })
    expect([told.status, told.code, told.headers.get('www-authenticate')]).toEqual([502, 'legacy-failed', null])
  })

  test('moves people within itself, and nowhere else', async () => {
    const told = await ask(home, doctor, { path: '/patients/moved' })
    expect([told.status, told.headers.get('location')]).toEqual([302, '/patients/2?a=b'])
  })

  test('is cut off where it announces too much', async () => {
    expect(await ask(home, doctor, { path: '/patients/long' })).toMatchObject({ code: 'legacy-failed' })
  })

  test('is cut off where it never ends: the answer breaks, and is not taken for a whole one', async () => {
    await expect(ask(home, doctor, { path: '/patients/endless' })).rejects.toThrow(/./)
  })
})

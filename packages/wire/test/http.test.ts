import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { equalBytes, type PrincipalKeys, sha256, toHex } from '@scelle/seal/verify'
import { rotateIdentity } from '@scelle/seal/identity'
import { type IncomingRequest, NonceMemory, signRequest, verifyRequest, verifyRequestHead } from '../src/http.ts'
import { WIRE_LIMITS } from '../src/limits.ts'
import { clock, identityOf, seeded, START } from './requests.ts'

const alice = await identityOf('alice')
const mallory = await identityOf('mallory')
const known = [alice.keys, mallory.keys]
const keyOf = (id: Uint8Array): PrincipalKeys | undefined => known.find((keys) => equalBytes(keys.id, id))
const BODY = Uint8Array.of(0xa1, 0x00, 0x01)

const URL_OF_INDEX = 'http://index.example:8080/v1/commits?a=1&b=%20x'

interface Sent { method?: string; url?: string; body?: Uint8Array | null; session?: string }

const SESSION = 'c2Vzc2lvbi1vZi1hbGljZQ'

const signed = async (
  { method = 'POST', url = URL_OF_INDEX, body: given = BODY, session }: Sent = {},
  time = START, identity = alice,
): Promise<Omit<IncomingRequest, 'replay' | 'now'>> => {
  const body = given ?? undefined
  const headers = await signRequest({
    method, url, body, session, identity, now: () => time, random: seeded(`nonce${time}`),
  })
  const { host, pathname, search } = new URL(url)
  return { method, authority: host, path: pathname, query: search.slice(1), headers: { ...headers }, body, keyOf }
}

const verify = (request: Omit<IncomingRequest, 'replay' | 'now'>, replay = new NonceMemory(START), now = () => START) =>
  verifyRequest({ ...request, replay, now })

const refused = (code: string) => ({ name: 'Problem', code })

describe('a signed request', () => {
  test('verifies, with and without a body, and yields the signer', async () => {
    expect((await verify(await signed())).id).toEqual(alice.id)
    const bare = await signed({ method: 'GET', url: 'http://h/', body: null })
    expect((await verify(bare)).id).toEqual(alice.id)
    expect(bare.headers['content-digest']).toBeUndefined()
  })

  test('may stream its body: the digest alone is signed', async () => {
    const headers = await signRequest({
      method: 'PUT', url: 'http://h/v1/blobs/00', digest: sha256(BODY), identity: alice, now: () => START,
      random: seeded('s'),
    })
    const request = { method: 'PUT', authority: 'h', path: '/v1/blobs/00', query: '', headers, body: BODY, keyOf }
    expect((await verify(request)).id).toEqual(alice.id)
  })

  test('survives every target that URL accepts', async () => {
    await fc.assert(fc.asyncProperty(fc.webUrl({ withQueryParameters: true }), fc.uint8Array({ maxLength: 64 }),
      async (url, body) => {
        expect((await verify(await signed({ url, body }))).id).toEqual(alice.id)
      }), { numRuns: 60, seed: 7 })
  })
})

const withInput = (
  headers: IncomingRequest['headers'], from: string | RegExp, to: string,
): Partial<IncomingRequest> => ({
  headers: { ...headers, 'signature-input': String(headers['signature-input']).replace(from, to) },
})

const digestOf = (body: Uint8Array): string => `sha-256=:${Buffer.from(sha256(body)).toString('base64')}:`

describe('what the signature covers', () => {
  const changes: [string, (request: Awaited<ReturnType<typeof signed>>) => Partial<IncomingRequest>, string][] = [
    ['method', () => ({ method: 'PUT' }), 'signature-invalid'],
    ['authority: shown to another server', () => ({ authority: 'trustee.example' }), 'signature-invalid'],
    ['path', () => ({ path: '/v1/grants' }), 'signature-invalid'],
    ['query', () => ({ query: 'a=1&b=%20y' }), 'signature-invalid'],
    ['query left out', () => ({ query: '' }), 'signature-invalid'],
    ['body', () => ({ body: Uint8Array.of(0xa1, 0x00, 0x02) }), 'digest-mismatch'],
    ['body left out', () => ({ body: undefined }), 'digest-mismatch'],
    ['digest and body together', ({ headers }) => ({
      body: Uint8Array.of(1),
      headers: { ...headers, 'content-digest': digestOf(Uint8Array.of(1)) },
    }), 'signature-invalid'],
    ['digest left out', ({ headers }) => ({
      headers: { ...headers, 'content-digest': undefined },
    }), 'signature-invalid'],
    ['created', ({ headers }) => withInput(headers, /created=\d+/, `created=${START / 1000 + 1}`), 'signature-invalid'],
    ['nonce', ({ headers }) => withInput(headers, /nonce="./, 'nonce="_'), 'signature-invalid'],
    ['keyid', ({ headers }) => withInput(headers, toHex(alice.id), toHex(mallory.id)), 'signature-invalid'],
  ]
  test.each(changes)('%s', async (_, change, code) => {
    const request = await signed()
    await expect(verify({ ...request, ...change(request) })).rejects.toMatchObject(refused(code))
  })

  test('a body without a digest is refused', async () => {
    const bare = await signed({ body: null })
    await expect(verify({ ...bare, body: BODY })).rejects.toMatchObject(refused('digest-mismatch'))
  })
})

describe('a named session', () => {
  const head = (request: Awaited<ReturnType<typeof signed>>) =>
    verifyRequestHead({ ...request, replay: new NonceMemory(START), now: () => START })

  test('is told as it was signed, with and without a body; none where none is named', async () => {
    expect((await head(await signed({ session: SESSION }))).session).toBe(SESSION)
    expect((await head(await signed({ session: SESSION, method: 'GET', body: null }))).session).toBe(SESSION)
    expect((await head(await signed())).session).toBeUndefined()
  })

  const other = SESSION.toUpperCase()
  const changes: [string, string | undefined, string | string[] | undefined][] = [
    ['put in by whoever passes the request on', undefined, SESSION],
    ['exchanged for another', SESSION, other],
    ['left out', SESSION, undefined],
    ['given twice', SESSION, [SESSION, other]],
    ['made longer', SESSION, `${SESSION} `],
  ]
  test.each(changes)('%s is refused', async (_, session, sent) => {
    const request = await signed(session === undefined ? {} : { session })
    const changed = { ...request, headers: { ...request.headers, 'scelle-session': sent } }
    await expect(head(changed)).rejects.toMatchObject(refused('signature-invalid'))
  })

  test('a name that could hold somebody\'s is refused also where it was signed', async () => {
    for (const name of ['short', 'Dr Martin, ward 3', 'a'.repeat(65)]) {
      const replaced = (bytes: Uint8Array): Uint8Array =>
        new TextEncoder().encode(new TextDecoder().decode(bytes).replace(SESSION, name))
      const signer = Object.assign(Object.create(alice) as typeof alice, {
        signRaw: (bytes: Uint8Array) => alice.signRaw(replaced(bytes)),
      })
      const request = await signed({ session: SESSION }, START, signer)
      const renamed = { ...request, headers: { ...request.headers, 'scelle-session': name } }
      await expect(head(renamed)).rejects.toMatchObject(refused('signature-invalid'))
    }
    const honest = Object.assign(Object.create(alice) as typeof alice, {
      signRaw: (bytes: Uint8Array) => alice.signRaw(bytes),
    })
    expect((await head(await signed({ session: SESSION }, START, honest))).session).toBe(SESSION)
  })

  test('a name that could hold somebody\'s, or another header, is not signed', async () => {
    for (const session of ['', 'short', 'Dr Martin, ward 3', 'a'.repeat(65), `${SESSION}\r\nx: y`]) {
      await expect(signed({ session })).rejects.toThrow(TypeError)
    }
  })
})

describe('the one form', () => {
  const inputs: [string, string, string][] = [
    ['another label', 'scelle=', 'sig1='],
    ['an extra component', '"@query"', '"@query" "date"'],
    ['a component left out', ' "@path"', ''],
    ['an extra parameter', 'tag="scelle-v1"', 'tag="scelle-v1";expires=9'],
    ['another algorithm', '"ed25519"', '"hmac-sha256"'],
    ['another tag', 'scelle-v1', 'scelle-v2'],
    ['upper-case key id', toHex(alice.id), toHex(alice.id).toUpperCase()],
    ['a second signature', 'scelle=', 'other=("@path"), scelle='],
  ]
  test.each(inputs)('refuses %s', async (_, from, to) => {
    const request = await signed()
    const changed = { ...request, ...withInput(request.headers, from, to) }
    await expect(verify(changed)).rejects.toMatchObject(refused('signature-invalid'))
  })

  const fields: [string, Record<string, string | undefined>, string][] = [
    ['no signature', { signature: undefined }, 'signature-missing'],
    ['no input', { 'signature-input': undefined }, 'signature-missing'],
    ['a short signature', { signature: 'scelle=:AAAA:' }, 'signature-invalid'],
    ['a sha-512 digest', { 'content-digest': 'sha-512=:AAAA:' }, 'digest-mismatch'],
  ]
  test.each(fields)('refuses %s', async (_, change, code) => {
    const request = await signed()
    const changed = { ...request, headers: { ...request.headers, ...change } }
    await expect(verify(changed)).rejects.toMatchObject(refused(code))
  })

  test('refuses a field that came as a list', async () => {
    const request = await signed()
    const headers = { ...request.headers, signature: [String(request.headers['signature'])] }
    await expect(verify({ ...request, headers })).rejects.toMatchObject(refused('signature-invalid'))
  })
})

describe('who signed', () => {
  test('an unknown principal is refused', async () => {
    const request = await signed()
    await expect(verify({ ...request, keyOf: () => undefined })).rejects.toMatchObject(refused('principal-unknown'))
  })

  test('a key directory that answers with somebody else is not believed', async () => {
    const request = await signed({}, START, mallory)
    const answersAlice = { ...mallory.keys, id: alice.id }
    await expect(verify({ ...request, keyOf: () => answersAlice })).rejects.toMatchObject(refused('signature-invalid'))
  })

  test('after a rotation the old key signs no request any more', async () => {
    const rotated = await rotateIdentity(alice, { random: seeded('rotated'), now: () => START })
    const old = { ...(await signed()), keyOf: () => rotated.keys }
    await expect(verify(old)).rejects.toMatchObject(refused('signature-invalid'))
    expect((await verify({ ...(await signed({}, START, rotated)), keyOf: () => rotated.keys })).id).toEqual(alice.id)
  })
})

describe('replay', () => {
  test('the same request a second time is refused, also when both arrive at once', async () => {
    const replay = new NonceMemory(START)
    const request = await signed()
    await verify(request, replay)
    await expect(verify(request, replay)).rejects.toMatchObject(refused('signature-replayed'))
    const other = await signed({}, START + 1000)
    const both = await Promise.allSettled([verify(other, replay), verify(other, replay)])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  test.each([-61, 61])('created %i s from the clock is refused, and one second nearer is not', async (offset) => {
    const { now } = clock(START + 200_000)
    const far = await signed({}, START + 200_000 + offset * 1000)
    await expect(verify(far, new NonceMemory(START), now)).rejects.toMatchObject(refused('signature-expired'))
    const near = await signed({}, START + 200_000 + (offset - Math.sign(offset)) * 1000)
    await expect(verify(near, new NonceMemory(START), now)).resolves.toBeDefined()
  })

  test('what was signed before the process started is refused', async () => {
    const request = await signed({}, START - 1000)
    await expect(verify(request)).rejects.toMatchObject(refused('signature-expired'))
  })

  test('a clock that jumps ahead and back does not make the memory forget', async () => {
    const time = clock()
    const replay = new NonceMemory(START)
    const request = await signed()
    await verify(request, replay, time.now)
    time.move(3600)
    await verify(await signed({}, time.now()), replay, time.now)
    time.move(-3600)
    await expect(verify(request, replay, time.now)).rejects.toMatchObject(refused('signature-expired'))
    time.move(1)
    await expect(verify(await signed({}, time.now()), replay, time.now)).resolves.toBeDefined()
  })

  test('memory is bounded by the window, and refuses when full instead of forgetting', async () => {
    const replay = new NonceMemory(START, 2)
    const time = clock()
    const first = await signed({}, START)
    await verify(first, replay, time.now)
    await verify(await signed({}, START + 1000), replay, time.now)
    await expect(verify(await signed({}, START + 2000), replay, time.now)).rejects.toMatchObject(refused('overloaded'))
    await expect(verify(first, replay, time.now)).rejects.toMatchObject(refused('signature-replayed'))
    time.move(WIRE_LIMITS.signatureWindow + 2)
    await verify(await signed({}, time.now()), replay, time.now)
    expect(replay.size).toBe(1)
  })

  test('a refused signature does not use up the nonce', async () => {
    const replay = new NonceMemory(START)
    const request = await signed()
    await expect(verify({ ...request, path: '/other' }, replay)).rejects.toMatchObject(refused('signature-invalid'))
    expect(replay.size).toBe(0)
    await expect(verify(request, replay)).resolves.toBeDefined()
  })
})

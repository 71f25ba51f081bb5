/** Token Status List: the vectors of its draft, and lists that are wrong, old, too large, or not there. */
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { type KeyPair, signToken } from '@scelle/testing/professionals'
import { beforeEach, describe, expect, it } from 'vitest'
import type { CredentialError } from '../src/errors.ts'
import { entryOf, type Issuer, type StatusList, StatusLists, verifyStatusList } from '../src/status-list.ts'
import { createScene, type Scene, START } from './professional-scene.ts'

interface Vectors {
  readonly entries: number
  readonly issuerKey: Record<string, string>
  readonly token: string
  readonly lists: readonly { bits: 1 | 2 | 4 | 8; lst: string; statuses: readonly [number, number][] }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('vectors/token-status-list.json', import.meta.url), 'utf8'),
) as Vectors

const URI = 'https://example.com/statuslists/1'
const listed: Issuer = {
  name: 'https://example.com', keys: { 12: vectors.issuerKey }, statusLists: ['https://example.com/'],
}
const NOW = START / 1000

let scene: Scene
beforeEach(async () => {
  scene = await createScene('status')
})

const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'accepted', (error: CredentialError) => error.code)

describe('the vectors of the draft', () => {
  it.each(vectors.lists)('$bits bits: 2^20 entries', async ({ bits, lst, statuses }) => {
    const token = await scene.issuer.statusToken({ status_list: { bits, lst } })
    const list = await verifyStatusList(token, scene.issuer.listed, scene.issuer.statusUri, NOW)
    expect(list.bytes.length).toBe((vectors.entries * bits) / 8)
    for (const [index, value] of statuses) expect(entryOf(list, index), `entry ${index}`).toBe(value)
    const zeros = new Set(statuses.map(([index]) => index))
    for (let index = 0; index < 1000; index++) if (!zeros.has(index)) expect(entryOf(list, index)).toBe(0)
  })

  it('section 4.1: the first byte of 1-bit entries is read from its lowest bit', () => {
    const list: StatusList = { bits: 1, bytes: Uint8Array.of(0xb9, 0xa3), issuedAt: 0, expires: 0, ttl: 0 }
    const read = Array.from({ length: 16 }, (_, index) => entryOf(list, index))
    expect(read).toEqual([1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1])
  })

  it('section 5.1: the example token verifies, and holds for longer than we let a list hold', async () => {
    expect(await code(verifyStatusList(vectors.token, listed, URI, 1_686_920_171))).toBe('status-stale')
    const tampered = vectors.token.replace('.ey', '.eY')
    expect(await code(verifyStatusList(tampered, listed, URI, 1_686_920_171))).not.toBe('status-stale')
  })
})

describe('a list is refused', () => {
  const verdict = async (changes: object, now = NOW): Promise<string> =>
    code(verifyStatusList(
      await scene.issuer.statusToken({ ...changes }), scene.issuer.listed, scene.issuer.statusUri, now,
    ))

  it('for another address, or without its times', async () => {
    expect(await verdict({})).toBe('accepted')
    expect(await verdict({ sub: 'https://register.example.org/status/2' })).toBe('claims-invalid')
    expect(await verdict({ exp: undefined })).toBe('claims-invalid')
    expect(await verdict({ iat: undefined })).toBe('claims-invalid')
  })

  it('when it has expired, is from the future, or would hold for weeks', async () => {
    expect(await verdict({}, NOW + 300)).toBe('status-stale')
    expect(await verdict({}, NOW - 61)).toBe('status-stale')
    expect(await verdict({ exp: NOW + 8 * 24 * 3600 })).toBe('status-stale')
  })

  it('of another width, without content, or with bytes that do not unpack', async () => {
    const lst = deflateSync(new Uint8Array(8)).toString('base64url')
    for (const bits of [0, 3, 16, '1', undefined]) {
      expect(await verdict({ status_list: { bits, lst } })).toBe('claims-invalid')
    }
    expect(await verdict({ status_list: { bits: 1 } })).toBe('claims-invalid')
    expect(await verdict({ status_list: { bits: 1, lst: 'AAAA' } })).toBe('claims-invalid')
    expect(await verdict({ ttl: -1 })).toBe('claims-invalid')
  })

  it('that unpacks to more than a list may have: a kilobyte of it would fill the memory', async () => {
    const bomb = deflateSync(new Uint8Array(64 * 1024 * 1024)).toString('base64url')
    expect(bomb.length).toBeLessThan(100_000)
    expect(await verdict({ status_list: { bits: 1, lst: bomb } })).toBe('claims-invalid')
  })

  it('of another type or key', async () => {
    const sign = (header: Record<string, unknown>, key: KeyPair) =>
      signToken(header, { sub: scene.issuer.statusUri, iat: NOW, exp: NOW + 60 }, key)
    const verify = async (token: string) =>
      code(verifyStatusList(token, scene.issuer.listed, scene.issuer.statusUri, NOW))
    expect(await verify(await sign({ typ: 'dc+sd-jwt' }, scene.issuer.key))).toBe('type-unexpected')
    expect(await verify(await sign({ typ: 'statuslist+jwt' }, scene.wallet.key))).toBe('signature-invalid')
    expect(await verify(await sign({ typ: 'statuslist+jwt', kid: 'other' }, scene.issuer.key))).toBe('key-unknown')
  })

  it('where it has no such entry', () => {
    const list: StatusList = { bits: 2, bytes: new Uint8Array(2), issuedAt: 0, expires: 0, ttl: 0 }
    expect(entryOf(list, 7)).toBe(0)
    for (const index of [8, -1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => entryOf(list, index)).toThrow('no such entry')
    }
  })
})

describe('a leaver', () => {
  const check = async (index: number): Promise<string> =>
    code(scene.statuses.check(scene.issuer.listed, { uri: scene.issuer.statusUri, index }))

  it('is out within a minute, and one list is fetched for all who ask meanwhile', async () => {
    expect(await Promise.all([0, 1, 2].map(check))).toEqual(['accepted', 'accepted', 'accepted'])
    expect(scene.network.requests).toBe(1)
    scene.issuer.revoke(1)
    scene.issuer.suspend(2)
    scene.clock.now += 59_000
    expect(await check(1)).toBe('accepted')
    scene.clock.now += 1_000
    expect(await Promise.all([0, 1, 2].map(check))).toEqual(['accepted', 'revoked', 'suspended'])
    expect(scene.network.requests).toBe(2)
    scene.issuer.reinstate(2)
    scene.clock.now += 60_000
    expect(await check(2)).toBe('accepted')
  })

  it('does not get in by keeping the list from being fetched', async () => {
    expect(await check(0)).toBe('accepted')
    scene.clock.now += 60_000
    scene.network.answer = () => Promise.reject(new Error('no route'))
    expect(await check(0)).toBe('status-unavailable')
    scene.network.answer = () => Promise.resolve(new Response('', { status: 404 }))
    expect(await check(0)).toBe('status-unavailable')
  })

  it('does not get in by the list from before', async () => {
    const before = await scene.issuer.statusToken()
    scene.clock.now += 10_000
    scene.issuer.revoke(0)
    expect(await check(0)).toBe('revoked')
    scene.clock.now += 60_000
    scene.network.answer = () => Promise.resolve(new Response(before))
    expect(await check(0)).toBe('status-rolled-back')
  })

  it('does not get in by a restart of whoever saw the later list', async () => {
    const issued = new Map<string, number>()
    const seen = {
      issuedAt: (name: string) => issued.get(name), saw: (name: string, at: number) => void issued.set(name, at),
    }
    const process = (): StatusLists => new StatusLists({
      now: scene.context.now, seen,
      fetch: async () => scene.network.answer?.('', {}) ?? new Response(await scene.issuer.statusToken()),
    })
    const before = await scene.issuer.statusToken()
    scene.clock.now += 10_000
    scene.issuer.revoke(0)
    const reference = { uri: scene.issuer.statusUri, index: 0 }
    expect(await code(process().check(scene.issuer.listed, reference))).toBe('revoked')
    scene.network.answer = () => Promise.resolve(new Response(before))
    expect(await code(process().check(scene.issuer.listed, reference))).toBe('status-rolled-back')
  })

  it('is out sooner where whoever looks keeps lists for less', async () => {
    const statuses = new StatusLists({
      now: scene.context.now, age: 5, fetch: async () => new Response(await scene.issuer.statusToken()),
    })
    const reference = { uri: scene.issuer.statusUri, index: 0 }
    expect(await code(statuses.check(scene.issuer.listed, reference))).toBe('accepted')
    scene.issuer.revoke(0)
    scene.clock.now += 4_000
    expect(await code(statuses.check(scene.issuer.listed, reference))).toBe('accepted')
    scene.clock.now += 1_000
    expect(await code(statuses.check(scene.issuer.listed, reference))).toBe('revoked')
  })

  it('does not get in by a clock that is set back', async () => {
    expect(await check(0)).toBe('accepted')
    scene.issuer.revoke(0)
    scene.clock.now -= 30_000
    expect(await check(0)).toBe('status-rolled-back')
  })

  it('does not get in by an address of somebody else', async () => {
    const other = (uri: string) => code(scene.statuses.check(scene.issuer.listed, { uri, index: 0 }))
    for (const uri of [
      'https://evil.example/status/1', 'https://register.example.org/other/1', 'http://register.example.org/status/1',
      'https://register.example.org.evil.example/status/1', 'https://register.example.org/status/../other',
      'https://user@register.example.org/status/1', 'file:///status/1', 'status/1',
      'https://register.example.org/statusx',
    ]) expect(await other(uri), uri).toBe('address-refused')
    expect(scene.network.requests).toBe(0)
  })

  it('does not exhaust us by an endless answer', async () => {
    scene.network.answer = () => Promise.resolve(new Response(new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024)),
    })))
    expect(await check(0)).toBe('too-large')
  })
})

it('over loopback, from the issuer’s own server', async () => {
  const server = await scene.issuer.serve()
  const statuses = new StatusLists({ now: scene.context.now, fetch })
  const reference = { uri: scene.issuer.statusUri, index: 3 }
  await statuses.check(scene.issuer.listed, reference)
  await statuses.check(scene.issuer.listed, reference)
  expect(server.asked()).toBe(1)
  scene.issuer.revoke(3)
  scene.clock.now += 60_000
  await expect(statuses.check(scene.issuer.listed, reference)).rejects.toThrow('took the credential back')
  await server.close()
})

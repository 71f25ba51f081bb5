/** Logs that we write: read by us and by didwebvh-ts, gone on with by whoever has the next key, and by nobody else. */
import { sign } from 'node:crypto'
import { ed25519Verify } from '@scelle/seal/verify'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CredentialError } from '../src/errors.ts'
import { resolveOrganisation } from '../src/organisation.ts'
import {
  beginLog, continueLog, type EntryKey, nextKeyHash, placeOf, webDocument, type Written,
} from '../src/webvh-writer.ts'
import { FakeWeb, makerKey, type MakerKey } from './webvh-maker.ts'

const NOW = Date.UTC(2026, 10, 26)
const PRINCIPAL = new Uint8Array(32).fill(0xab)
const makers = Array.from({ length: 5 }, (_, at) => makerKey(`written ${at}`))
const maker = (at: number): MakerKey => makers[at] ?? makerKey(`written ${at}`)
const keyOf = ({ multikey, privateKey }: MakerKey): EntryKey =>
  ({ multikey, sign: (message) => new Uint8Array(sign(null, message, privateKey)) })
const signing = (at: number, after = NOW + at * 60_000) =>
  ({ key: keyOf(maker(at)), nextKeyHashes: [nextKeyHash(maker(at + 1).multikey)], now: after })

const begun = () => beginLog({ place: placeOf('chu.example.org'), principal: PRINCIPAL, ...signing(0) })
const then = (before: Written, at: number, more: { place?: string; deactivated?: true } = {}) =>
  continueLog(before.log, before.history.scid, { ...signing(at), ...more })
const code = (work: Promise<unknown>): Promise<string> => work.then(() => 'accepted', (error: unknown) =>
  (error instanceof CredentialError ? error.code : String(error)))

const publish = (web: FakeWeb, host: string, { log, history }: Written): void => {
  web.files.set(`https://${host}/.well-known/did.jsonl`, log)
  web.files.set(`https://${host}/.well-known/did.json`, webDocument(history))
}
const resolve = (web: FakeWeb, did: string) => resolveOrganisation(did, { fetch: web.fetch, now: () => NOW + 600_000 })

describe('a log that we write', () => {
  it('resolves to its principal, with the did:web document beside it', async () => {
    const web = new FakeWeb()
    const first = await begun()
    publish(web, 'chu.example.org', first)
    expect(await resolve(web, first.history.did)).toMatchObject({ principal: PRINCIPAL, did: first.history.did })
    expect(first.history).toMatchObject({ preRotation: true, portable: true, deactivated: false })
    expect(first.history.document['alsoKnownAs']).toEqual(
      ['did:web:chu.example.org', `urn:scelle:principal:${'ab'.repeat(32)}`])
  })

  it('goes on with the key that was committed to, and with no other', async () => {
    const first = await begun()
    const second = await then(first, 1)
    expect(second.history.versionIds.slice(0, 1)).toEqual(first.history.versionIds)
    expect(second.log.startsWith(first.log)).toBe(true)
    expect(await code(then(first, 0))).toBe('did-prerotation-broken')
    expect(await code(then(first, 2))).toBe('did-prerotation-broken')
    expect(await code(then(second, 1))).toBe('did-prerotation-broken')
  })

  it('by a reserve key goes on too, and the key that was to be next is worth nothing then', async () => {
    const [next, reserve, later] = [maker(1), maker(2), maker(3)]
    const first = await beginLog({
      place: placeOf('chu.example.org'), principal: PRINCIPAL, key: keyOf(maker(0)), now: NOW,
      nextKeyHashes: [next, reserve].map(({ multikey }) => nextKeyHash(multikey)),
    })
    const saved = await continueLog(first.log, first.history.scid, {
      key: keyOf(reserve), nextKeyHashes: [nextKeyHash(later.multikey)], now: NOW + 60_000,
    })
    expect(saved.history.versionIds).toHaveLength(2)
    const stolen = { key: keyOf(next), nextKeyHashes: [nextKeyHash(next.multikey)], now: NOW + 120_000 }
    expect(await code(continueLog(saved.log, saved.history.scid, stolen))).toBe('did-prerotation-broken')
  })

  it('has a later time in each entry, also of one second', async () => {
    const first = await begun()
    const second = await continueLog(first.log, first.history.scid, signing(1, NOW))
    expect(second.history.updated).toBe(first.history.updated + 1000)
  })

  it('moves: the old name leads to the new one, which says what it was called', async () => {
    const web = new FakeWeb()
    const first = await begun()
    const moved = await then(first, 1, { place: placeOf('https://hopital.example:8443/nord/est/') })
    expect(moved.history.did).toBe(`did:webvh:${first.history.scid}:hopital.example%3A8443:nord:est`)
    expect(moved.history.document['alsoKnownAs']).toEqual([
      'did:web:hopital.example%3A8443:nord:est', first.history.did, `urn:scelle:principal:${'ab'.repeat(32)}`,
    ])
    publish(web, 'chu.example.org', moved)
    web.files.set('https://hopital.example:8443/nord/est/did.jsonl', moved.log)
    web.files.set('https://hopital.example:8443/nord/est/did.json', webDocument(moved.history))
    expect(await resolve(web, first.history.did)).toMatchObject({ did: moved.history.did, principal: PRINCIPAL })
    const back = await then(moved, 2, { place: placeOf('chu.example.org') })
    publish(web, 'chu.example.org', back)
    expect(await resolve(web, first.history.did)).toMatchObject({ did: first.history.did })
  })

  it('ends, and goes on no more', async () => {
    const web = new FakeWeb()
    const ended = await then(await begun(), 1, { deactivated: true })
    publish(web, 'chu.example.org', ended)
    expect(await code(resolve(web, ended.history.did))).toBe('did-deactivated')
    expect(await code(then(ended, 2))).toBe('did-deactivated')
  })
})

describe('a place', () => {
  it.each([
    ['CHU.example.org', 'chu.example.org'], ['https://chu.example/', 'chu.example'],
    ['chu.example:8443', 'chu.example%3A8443'], ['chu.example/clinics/nord', 'chu.example:clinics:nord'],
  ])('%s is %s', (domain, place) => {
    expect(placeOf(domain)).toBe(place)
  })

  it.each([
    '', 'localhost', '127.0.0.1', 'chu.internal', 'http://chu.example', 'chu.example/../x', 'chu.example?x', 'a b.fr',
    'user@chu.example', 'chu.example//x', 'chu.example:1:2',
  ])('%s is none', (domain) => {
    expect(() => placeOf(domain)).toThrow(CredentialError)
  })
})

interface Library {
  resolveDIDFromLog(log: readonly object[], options: object): Promise<{ did: string; meta: Record<string, unknown> }>
}

describe('didwebvh-ts', () => {
  let library: Library
  beforeAll(async () => {
    // Under `test` it writes every log that it touches into the working directory.
    vi.stubEnv('NODE_ENV', 'production')
    library = await import('didwebvh-ts')
  })
  afterAll(() => {
    vi.unstubAllEnvs()
  })

  it('reads what we write: begun, rotated, moved, ended', async () => {
    const first = await begun()
    const second = await then(first, 1)
    const moved = await then(second, 2, { place: placeOf('hopital.example') })
    const ended = await then(moved, 3, { deactivated: true })
    const verifier = {
      verify: (signature: Uint8Array, message: Uint8Array, key: Uint8Array) =>
        Promise.resolve(ed25519Verify(key, message, signature)),
    }
    for (const { log, history } of [first, second, moved, ended]) {
      const entries = log.trim().split('\n').map((line) => JSON.parse(line) as object)
      const { did, meta } = await library.resolveDIDFromLog(entries, { verifier })
      expect({ did, version: meta['versionId'], ended: meta['deactivated'] })
        .toEqual({ did: history.did, version: history.versionIds.at(-1), ended: history.deactivated })
    }
  })
})

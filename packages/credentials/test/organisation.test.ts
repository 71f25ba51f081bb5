/**
 * Organisations, rehearsed: keys are rotated, stolen and moved to another host; hosts lie, roll back and redirect. A
 * name stands for the same Scellé principal throughout, or for none.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../src/encoding.ts'
import { CredentialError } from '../src/errors.ts'
import { publicAddress } from '../src/fetching.ts'
import { type Known, type Organisation, resolveOrganisation } from '../src/organisation.ts'
import { FakeWeb, house, keyHash, LogMaker, makerKey, principalName } from './webvh-maker.ts'

const NOW = Date.UTC(2026, 10, 26)
const HOST = 'house.example.org'
const NEW_HOST = 'elsewhere.example.org'
const keys = Array.from({ length: 6 }, (_, at) => makerKey(`key ${at}`))
const key = (at: number) => keys[at] ?? makerKey(`key ${at}`)
const thief = makerKey('thief')
const [red, green] = [makerKey('red'), makerKey('green')]

let web: FakeWeb
let log: LogMaker
beforeEach(() => {
  web = new FakeWeb()
  log = new LogMaker().append({
    parameters: {
      updateKeys: [key(0).multikey], nextKeyHashes: [keyHash(key(1))], portable: true,
      witness: { threshold: 1, witnesses: [{ id: `did:key:${red.multikey}` }, { id: `did:key:${green.multikey}` }] },
    },
    state: house(HOST), signers: [key(0)],
  })
  publish()
})

const publish = (at = log, host = HOST): void => {
  web.serve(host, at, at.witnessed(at.entries.length, [red]))
}
/** The next entry, by the key that the last one committed to. */
const rotate = (state: JsonObject = house(HOST), parameters: JsonObject = {}): LogMaker => {
  const at = log.entries.length
  return log.append({
    parameters: { updateKeys: [key(at).multikey], nextKeyHashes: [keyHash(key(at + 1))], ...parameters },
    state, signers: [key(at)],
  })
}
const resolve = (did: string, known?: Known): Promise<Organisation> =>
  resolveOrganisation(did, { fetch: web.fetch, now: () => NOW, known })
const code = async (did: string, known?: Known): Promise<string> =>
  resolve(did, known).then(() => 'accepted', (error: unknown) =>
    (error instanceof CredentialError ? error.code : String(error)))

describe('an organisation’s name', () => {
  it('stands for the principal that its document names', async () => {
    const organisation = await resolve(log.did)
    expect(organisation).toMatchObject({ did: log.did, scid: log.scid, updated: Date.UTC(2026, 0, 1) })
    expect(`urn:scelle:principal:${Buffer.from(organisation.principal).toString('hex')}`).toBe(principalName)
    expect(web.asked).toEqual(['did.jsonl', 'did-witness.json', 'did.json'].map((file) =>
      `https://${HOST}/.well-known/${file}`))
  })

  it('in a folder or at a port is fetched there', async () => {
    for (const [place, base] of [
      ['house.example.org:clinics:nord', 'https://house.example.org/clinics/nord/'],
      ['house.example.org%3A8443', 'https://house.example.org:8443/.well-known/'],
    ] as const) {
      web.asked.length = 0
      expect(await code(`did:webvh:${log.scid}:${place}`)).toBe('fetch-failed')
      expect(web.asked).toEqual([`${base}did.jsonl`])
    }
  })

  it('without exactly one principal stands for none', async () => {
    const two = [principalName, `urn:scelle:principal:${'0'.repeat(64)}`]
    for (const alsoKnownAs of [[], two, ['urn:scelle:principal:0']]) {
      log = log.fork(1)
      rotate(house(HOST, { alsoKnownAs }))
      publish()
      expect(await code(log.did), JSON.stringify(alsoKnownAs)).toBe('principal-missing')
    }
  })

  it('that gave up its pre-rotation, or was given up, stands for none', async () => {
    rotate(house(HOST), { nextKeyHashes: [] })
    publish()
    expect(await code(log.did)).toBe('did-unprotected')
    log = log.fork(1)
    rotate(house(HOST), { deactivated: true })
    publish()
    expect(await code(log.did)).toBe('did-deactivated')
  })
})

describe('rotation', () => {
  it('keeps the principal, and goes on from what was seen', async () => {
    const before = await resolve(log.did)
    rotate()
    rotate()
    publish()
    const after = await resolve(log.did, before)
    expect(after.principal).toEqual(before.principal)
    expect(after.versionIds.slice(0, 1)).toEqual(before.versionIds)
    expect(after.versionIds).toHaveLength(3)
  })

  it('without the witnesses does not happen', async () => {
    rotate()
    publish()
    web.files.set(`https://${HOST}/.well-known/did-witness.json`, log.witnessed(1, [red, green]))
    expect(await code(log.did)).toBe('did-witness-missing')
    web.files.delete(`https://${HOST}/.well-known/did-witness.json`)
    expect(await code(log.did)).toBe('fetch-failed')
  })
})

describe('compromise', () => {
  it('of the present key changes nothing: the house rotates it away with the next one', async () => {
    const before = await resolve(log.did)
    const seized = log.fork(1).append({
      parameters: { updateKeys: [thief.multikey], nextKeyHashes: [keyHash(thief)] },
      state: house(HOST, { alsoKnownAs: [`urn:scelle:principal:${'66'.repeat(32)}`] }), signers: [key(0), thief],
    })
    publish(seized)
    expect(await code(log.did)).toBe('did-prerotation-broken')
    rotate()
    publish()
    expect((await resolve(log.did, before)).principal).toEqual(before.principal)
    log.append({ parameters: { updateKeys: [key(0).multikey] }, state: house(HOST), signers: [key(0)] })
    publish()
    expect(await code(log.did, before)).toBe('did-prerotation-broken')
  })

  it('of the host rewrites nothing that was seen', async () => {
    rotate()
    publish()
    const seen = await resolve(log.did)
    publish(log.fork(1))
    expect(await code(log.did, seen)).toBe('did-rolled-back')
    // Also with every key of the house, and a witness: another history is noticed by whoever saw the first.
    const forked = log.fork(1).append({
      parameters: { updateKeys: [key(1).multikey], nextKeyHashes: [keyHash(thief)] },
      state: house(HOST, { note: 'other' }), signers: [key(1)],
    })
    publish(forked)
    expect(await code(log.did, seen)).toBe('did-forked')
    expect(await code(log.did)).toBe('accepted')
  })

  it('of the host does not change what did:web says', async () => {
    const file = `https://${HOST}/.well-known/did.json`
    const right = log.web
    for (const wrong of [
      { ...right, alsoKnownAs: [log.did, `urn:scelle:principal:${'66'.repeat(32)}`] },
      { ...right, alsoKnownAs: [principalName] },
      { ...right, id: 'did:web:evil.example' },
      { ...right, verificationMethod: [{ id: '#evil' }] },
      { ...right, service: [{ id: '#evil', type: 'X', serviceEndpoint: 'https://evil.example' }] },
      { ...right, alsoKnownAs: 'x' },
    ]) {
      web.files.set(file, JSON.stringify(wrong))
      expect(await code(log.did), JSON.stringify(wrong)).toBe('did-web-mismatch')
    }
    web.files.set(file, 'x')
    expect(await code(log.did)).toBe('encoding-invalid')
    web.files.delete(file)
    expect(await code(log.did)).toBe('fetch-failed')
    const implied = { id: '#files', type: 'relativeRef', serviceEndpoint: `https://${HOST}` }
    web.files.set(file, JSON.stringify({ ...right, service: [implied] }))
    expect(await code(log.did)).toBe('accepted')
  })
})

describe('migration', () => {
  it('is followed from the old name to the new one, with the same principal', async () => {
    const [old, before] = [log.did, await resolve(log.did)]
    rotate(house(NEW_HOST))
    publish(log, HOST)
    publish(log, NEW_HOST)
    const moved = await resolve(old, before)
    expect(moved.did).toBe(`did:webvh:${log.scid}:${NEW_HOST}`)
    expect(moved.principal).toEqual(before.principal)
    rotate(house(NEW_HOST))
    publish(log, NEW_HOST)
    expect((await resolve(old, moved)).versionIds).toHaveLength(3)
    expect((await resolve(moved.did, moved)).versionIds).toHaveLength(3)
  })

  it('to a host that serves something else is refused', async () => {
    const old = log.did
    rotate(house(NEW_HOST))
    publish(log, HOST)
    expect(await code(old)).toBe('fetch-failed')
    web.serve(NEW_HOST, log.fork(1), log.witnessed(1, [red]))
    expect(await code(old)).toBe('did-rolled-back')
  })

  it('that the old host hides is noticed by whoever saw it', async () => {
    const old = log.did
    rotate(house(NEW_HOST))
    publish(log, HOST)
    publish(log, NEW_HOST)
    const seen = await resolve(old)
    publish(log.fork(1), HOST)
    expect(await code(old, seen)).toBe('did-rolled-back')
  })

  it('to a name that the log never had is refused', async () => {
    publish(log, NEW_HOST)
    expect(await code(`did:webvh:${log.scid}:${NEW_HOST}`)).toBe('did-invalid')
  })

  it('in circles ends', async () => {
    rotate(house(NEW_HOST))
    publish(log, HOST)
    rotate(house(HOST))
    publish(log, NEW_HOST)
    const old = log.did
    web.serve(HOST, log.fork(2), log.witnessed(2, [red]))
    expect(await code(old)).toBe('did-rolled-back')
  })
})

describe('addresses', () => {
  const SCID = 'QmVArGEbmoYrzKp9wmpnCPYLjnvwHWhYC1jK8B8WCwgBd8'

  it.each([
    '127.0.0.1', '10.0.0.1', 'localhost', 'db.localhost', 'metadata.internal', 'printer.local', 'intranet', '0x7f.1',
    '2130706433', 'router.lan', 'a.home.arpa', 'x.onion', '127.1', 'x.invalid', '[::1]', '%5B::1%5D',
    'evil.example/x', 'evil.example?x', 'user@evil.example', 'evil.example%3A99999', 'exa mple.org', 'é.example.org',
    'evil.example:..:x', 'evil.example:%2e%2e:x', 'evil.example:.git', 'evil.example%2Fx', 'evil.example%3A80%3A1',
  ])('%s is not fetched', async (host) => {
    expect(await code(`did:webvh:${SCID}:${host}`)).toMatch(/^(did-invalid|address-refused)$/)
    expect(web.asked).toEqual([])
  })

  it.each([
    '', 'did:web:house.example.org', 'did:webvh:house.example.org', `did:webvh:${SCID}`, `did:webvh:${SCID}:`,
    `did:webvh:Qm:house.example.org`, `did:webvh:${SCID}:house.example.org#1`, ` did:webvh:${SCID}:house.example.org`,
    `did:webvh:${SCID}:house.example.org\n`, `did:webvh:${SCID}:house.example.org${':a'.repeat(256)}`,
  ])('"%s" is no did:webvh', async (did) => {
    expect(await code(did)).toBe('did-invalid')
  })

  it.each(['http://a.example.org/', 'ftp://a.example.org/', 'https://u:p@a.example.org/', 'https://1.2.3.4/', 'x'])(
    '%s is no public address', (url) => {
      expect(() => publicAddress(url)).toThrow('This address is not fetched')
    },
  )

  it('are fetched without redirects, cookies or unbounded answers', async () => {
    const asked: RequestInit[] = []
    const fetch = (answer: () => Promise<Response>) => resolveOrganisation(log.did, {
      now: () => NOW,
      fetch: (_url, init) => {
        asked.push(init)
        return answer()
      },
    })
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024)) })
    await expect(fetch(() => Promise.resolve(new Response(endless)))).rejects.toThrow('over the limit')
    expect(asked[0]).toMatchObject({ redirect: 'error', credentials: 'omit' })
    expect(asked[0]?.signal?.aborted).toBe(false)
    await expect(fetch(() => Promise.resolve(new Response('', { status: 302 })))).rejects.toThrow('did not answer')
    await expect(fetch(() => Promise.reject(new Error('host 10.0.0.1 refused')))).rejects.toThrow('did not answer')
  })
})

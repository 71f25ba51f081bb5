/** Against RFC 9421 itself: another implementation, which reproduces the RFC's worked example, reads what we write. */
import { describe, expect, test } from 'vitest'
import { createSignature, type SignatureMessage, verifySignature } from 'http-message-sig'
import { ed25519Verify, toHex } from '@scelle/seal/verify'
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { NonceMemory, signRequest, verifyRequest } from '../src/http.ts'
import { identityOf, seeded, START } from './requests.ts'

const alice = await identityOf('alice')
const BODY = new TextEncoder().encode('body')
const COVERED = ['@method', '@authority', '@path', '@query', 'content-digest']

const TARGETS: [string, string][] = [
  ['POST', 'http://127.0.0.1:8090/v1/commits'],
  ['GET', 'https://Index.Example:443/v1/vaults/ab/feed?custodian=00&cursor=%2F&limit=5'],
  ['PUT', 'https://index.example/v1/a%20b/?'],
  ['GET', 'http://index.example'],
]

const message = (method: string, url: string, headers: Record<string, string>): SignatureMessage => ({
  kind: 'request', method, targetUri: url, fields: Object.entries(headers).map(([name, value]) => ({ name, value })),
})

describe('RFC 9421 B.2.6, Ed25519', () => {
  const jwk = {
    kty: 'OKP', crv: 'Ed25519',
    d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  }
  const expected = 'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=='
  const base =
    '"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": example.com\n' +
    '"content-type": application/json\n"content-length": 18\n"@signature-params": ("date" "@method" "@path" ' +
    '"@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'

  test('our verifier accepts its signature, and no other', () => {
    const key = new Uint8Array(Buffer.from(jwk.x, 'base64url'))
    const signature = new Uint8Array(Buffer.from(expected, 'base64'))
    expect(ed25519Verify(key, new TextEncoder().encode(base), signature)).toBe(true)
    expect(ed25519Verify(key, new TextEncoder().encode(`${base} `), signature)).toBe(false)
    const spki = createPublicKey({ key: jwk, format: 'jwk' })
    expect(spki.export({ format: 'jwk' }).x).toBe(jwk.x)
  })

  test('the implementation that we compare with reproduces it', async () => {
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    const fields = await createSignature(message('POST', 'https://example.com/foo?param=Value&Pet=dog', {
      date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json', 'content-length': '18',
    }), {
      label: 'sig-b26',
      components: ['date', '@method', '@path', '@authority', 'content-type', 'content-length'],
      parameters: { created: 1_618_884_473, keyid: 'test-key-ed25519' },
      signer: { algorithm: 'ed25519', sign: (bytes) => new Uint8Array(sign(null, bytes, key)) },
    })
    expect(fields.signature).toBe(`sig-b26=:${expected}:`)
  })
})

describe('both ways with another implementation', () => {
  test.each(TARGETS)('it verifies what we sign: %s %s', async (method, url) => {
    const headers = await signRequest({
      method, url, body: BODY, identity: alice, now: () => START, random: seeded('n'),
    })
    const verified = await verifySignature(message(method, url, headers), {
      label: 'scelle',
      policy: {
        algorithms: ['ed25519'], requiredComponents: COVERED, maxAge: 60, now: START / 1000,
        requiredParameters: ['created', 'nonce', 'keyid', 'alg', 'tag'],
      },
      resolveVerifier: () => ({
        algorithm: 'ed25519',
        verify: (bytes, signature) => ed25519Verify(alice.keys.current.signingKey, bytes, signature),
      }),
    })
    expect(verified.parameters.keyid).toBe(toHex(alice.id))
  })

  test('it verifies a named session among what we sign', async () => {
    const [method, url] = TARGETS[0] as [string, string]
    const headers = await signRequest({
      method, url, body: BODY, identity: alice, now: () => START, random: seeded('n'),
      session: 'c2Vzc2lvbi1vZi1hbGljZQ',
    })
    const verifier = (fields: Record<string, string>) => verifySignature(message(method, url, fields), {
      label: 'scelle',
      policy: {
        algorithms: ['ed25519'], requiredComponents: [...COVERED, 'scelle-session'], maxAge: 60, now: START / 1000,
        requiredParameters: ['created', 'nonce', 'keyid', 'alg', 'tag'],
      },
      resolveVerifier: () => ({
        algorithm: 'ed25519',
        verify: (bytes, signature) => ed25519Verify(alice.keys.current.signingKey, bytes, signature),
      }),
    })
    expect((await verifier(headers)).parameters.keyid).toBe(toHex(alice.id))
    await expect(verifier({ ...headers, 'scelle-session': 'c2Vzc2lvbi1vZi1tYWxsb3J5' })).rejects.toThrow(/signature/i)
  })

  test.each(TARGETS)('we verify what it signs: %s %s', async (method, url) => {
    const { 'content-digest': digest = '' } = await signRequest({
      method, url, body: BODY, identity: alice, now: () => START, random: seeded('n'),
    })
    const fields = await createSignature(message(method, url, { 'content-digest': digest }), {
      label: 'scelle',
      components: COVERED,
      parameters: {
        created: START / 1000, nonce: 'AAECAwQFBgcICQoLDA0ODw', keyid: toHex(alice.id), alg: 'ed25519',
        tag: 'scelle-v1',
      },
      signer: { algorithm: 'ed25519', sign: (bytes) => alice.signRaw(bytes) },
    })
    const { host, pathname, search } = new URL(url)
    const keys = await verifyRequest({
      method, authority: host, path: pathname, query: search.slice(1), body: BODY,
      headers: { 'content-digest': digest, signature: fields.signature, 'signature-input': fields.signatureInput },
      now: () => START, keyOf: () => alice.keys, replay: new NonceMemory(START),
    })
    expect(keys.id).toEqual(alice.id)
  })
})

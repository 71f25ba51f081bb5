/** OpenID4VP 1.0: a wallet answers a signed request; answers that are replayed, misdirected or made up are refused. */
import { keyPair, type KeyPair, Wallet } from '@scelle/testing/professionals'
import { type CryptoKey, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import type { CredentialError } from '../src/errors.ts'
import { PresentationVerifier } from '../src/presentation.ts'
import { createScene, NUMBER, type Scene } from './professional-scene.ts'

const DID = 'did:web:verifier.example.org'
const SESSION = 'a browser session'

let scene: Scene
let verifier: PresentationVerifier
let key: KeyPair
let publicKey: CryptoKey
let credential: string

beforeEach(async () => {
  scene = await createScene('openid4vp')
  key = await keyPair('ES256')
  publicKey = (await importJWK(key.publicJwk, 'ES256')) as CryptoKey
  const { context: { now, random }, issuer, statuses, wallet } = scene
  verifier = new PresentationVerifier({
    did: DID, key: { kid: `${DID}#1`, algorithm: 'ES256', privateKey: key.privateKey },
    responseUri: 'https://verifier.example.org/answer', returnTo: 'https://verifier.example.org/enrolment',
    issuers: [issuer.listed], statuses, now, random,
  })
  credential = (await issuer.issue({ number: NUMBER, role: 'pharmacist', holder: wallet.key.publicJwk })).credential
})

const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'accepted', (error: CredentialError) => error.code)

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The same answer with the other signature (r, n - s) that ECDSA allows: no list of seen bytes would know it. */
const mirrored = (answer: string): string => {
  const form = new URLSearchParams(answer)
  const { professional: [shown = ''] } = JSON.parse(form.get('vp_token') ?? '') as { professional: string[] }
  const at = shown.lastIndexOf('.') + 1
  const signature = Buffer.from(shown.slice(at), 'base64url')
  const s = ORDER - BigInt(`0x${signature.subarray(32).toString('hex')}`)
  signature.write(s.toString(16).padStart(64, '0'), 32, 'hex')
  form.set('vp_token', JSON.stringify({ professional: [shown.slice(0, at) + signature.toString('base64url')] }))
  return form.toString()
}
const codeIn = (redirect: string): string => redirect.split('#response_code=')[1] ?? ''

describe('the request object', () => {
  it('asks for one credential with three claims, signed, for wallets', async () => {
    const { request, state } = await verifier.begin(SESSION)
    expect(decodeProtectedHeader(request)).toEqual({ alg: 'ES256', kid: `${DID}#1`, typ: 'oauth-authz-req+jwt' })
    const payload = decodeJwt(request)
    expect(payload).toMatchObject({
      aud: 'https://self-issued.me/v2', client_id: `decentralized_identifier:${DID}`, response_mode: 'direct_post',
      response_type: 'vp_token', response_uri: 'https://verifier.example.org/answer', state,
    })
    expect(payload['dcql_query']).toEqual({
      credentials: [{
        id: 'professional', format: 'dc+sd-jwt',
        meta: { vct_values: ['https://scelle.health/credentials/professional/1'] },
        claims: [{ path: ['role'] }, { path: ['meter'] }, { path: ['organisation'] }],
      }],
    })
    expect(JSON.stringify(payload)).not.toContain('register_number')
  })

  it('is another one each time', async () => {
    const [one, other] = [await verifier.begin(SESSION), await verifier.begin(SESSION)]
    expect(one.state).not.toBe(other.state)
    expect(decodeJwt(one.request)['nonce']).not.toBe(decodeJwt(other.request)['nonce'])
  })
})

describe('an answer', () => {
  it('gives the professional to the browser session that asked, once', async () => {
    const { request } = await verifier.begin(SESSION)
    const { redirect_uri: redirect } = await verifier.receive(await scene.wallet.answer(request, publicKey, credential))
    expect(redirect).toMatch(/^https:\/\/verifier\.example\.org\/enrolment#response_code=[\w-]{43}$/)
    expect(verifier.collect(SESSION, codeIn(redirect))).toMatchObject({ role: 'pharmacist' })
    expect(() => verifier.collect(SESSION, codeIn(redirect))).toThrow('no such open request')
  })

  it('that is sent again is refused, also with the other form of its signature', async () => {
    const { request } = await verifier.begin(SESSION)
    const answer = await scene.wallet.answer(request, publicKey, credential)
    await verifier.receive(mirrored(answer))
    expect(await code(verifier.receive(mirrored(answer)))).toBe('request-unknown')
    expect(await code(verifier.receive(answer))).toBe('request-unknown')
  })

  it('that is wrong ends its request: nobody tries again on it', async () => {
    const { request } = await verifier.begin(SESSION)
    const answer = await scene.wallet.answer(request, publicKey, credential)
    const wrong = new URLSearchParams(answer)
    wrong.set('vp_token', '{"professional":["a.b.c~"]}')
    expect(await code(verifier.receive(wrong.toString()))).toBe('encoding-invalid')
    expect(await code(verifier.receive(answer))).toBe('request-unknown')
  })

  it('to one request is none to another', async () => {
    const [one, other] = [await verifier.begin(SESSION), await verifier.begin(SESSION)]
    const answer = new URLSearchParams(await scene.wallet.answer(one.request, publicKey, credential))
    answer.set('state', other.state)
    expect(await code(verifier.receive(answer.toString()))).toBe('nonce-mismatch')
  })

  it('made for another verifier is refused', async () => {
    const { request, state } = await verifier.begin(SESSION)
    const nonce = String(decodeJwt(request)['nonce'])
    const others = [DID, 'https://verifier.example.org/answer', 'decentralized_identifier:did:web:evil.example']
    for (const audience of others) {
      const shown = await scene.wallet.present(credential, { audience, nonce, claims: ['role', 'meter'] })
      const open = await verifier.begin(SESSION)
      const body = new URLSearchParams({ state: open.state, vp_token: JSON.stringify({ professional: [shown] }) })
      expect(await code(verifier.receive(body.toString())), audience).toBe('audience-mismatch')
    }
    expect(state).not.toBe('')
  })

  it('by a copy of the credential without its key is refused', async () => {
    const { request } = await verifier.begin(SESSION)
    const thief = new Wallet(await keyPair(), scene.context.now)
    expect(await code(verifier.receive(await thief.answer(request, publicKey, credential)))).toBe('signature-invalid')
  })

  it('of another form is refused', async () => {
    const forms = [
      '', '[]', '{}', '{"other":["a"]}', '{"professional":"a"}', '{"professional":[]}', '{"professional":["a","b"]}',
      '{"professional":[{}]}', '{"professional":["a"],"other":["b"]}', '{"__proto__":{"professional":["a"]}}',
    ]
    for (const form of forms) {
      const { state } = await verifier.begin(SESSION)
      const body = new URLSearchParams({ state, vp_token: form }).toString()
      expect(await code(verifier.receive(body)), form).toMatch(/^(claims|encoding)-invalid$/)
    }
    const { state } = await verifier.begin(SESSION)
    expect(await code(verifier.receive(new URLSearchParams({ state }).toString()))).toBe('claims-invalid')
    expect(await code(verifier.receive(`state=${'x'.repeat(256 * 1024)}`))).toBe('too-large')
  })

  it('that declines ends the request', async () => {
    const { state } = await verifier.begin(SESSION)
    expect(await code(verifier.receive(`state=${state}&error=access_denied`))).toBe('wallet-refused')
    expect(await code(verifier.receive(`state=${state}&error=access_denied`))).toBe('request-unknown')
  })

  it('after ten minutes comes too late', async () => {
    const { request } = await verifier.begin(SESSION)
    scene.clock.now += 600_000
    expect(await code(verifier.receive(await scene.wallet.answer(request, publicKey, credential))))
      .toBe('request-unknown')
  })

  it('of a victim’s wallet to an attacker’s request is handed to neither', async () => {
    const { request } = await verifier.begin('the attacker’s session')
    const { redirect_uri: redirect } = await verifier.receive(await scene.wallet.answer(request, publicKey, credential))
    // The code is in the victim's browser alone, whose session never asked.
    expect(() => verifier.collect('the victim’s session', codeIn(redirect))).toThrow('no such open request')
    expect(() => verifier.collect('the attacker’s session', codeIn(redirect))).toThrow('no such open request')
  })
})

it('open requests are bounded, and those of others are not dropped for new ones', async () => {
  const { request } = await verifier.begin(SESSION)
  const answer = await scene.wallet.answer(request, publicKey, credential)
  const { OpenRequests } = await import('../src/open-requests.ts')
  const open = new OpenRequests<number>(scene.context.now)
  for (let at = 0; at < 4096; at++) open.add(`${at}`, at)
  expect(() => open.add('one more', 1)).toThrow('Too many requests are open')
  expect(open.take('0')).toBe(0)
  scene.clock.now += 600_000
  open.add('one more', 1)
  expect(() => open.take('1')).toThrow('no such open request')
  expect(await code(verifier.receive(answer))).toBe('request-unknown')
})

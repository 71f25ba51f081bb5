/** Attacks on the authorization server and on its tokens, each by its name. */
import type { Bundle } from '@medplum/fhirtypes'
import { base64url, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXCHANGE, metadataOf } from '../src/smart/applications.ts'
import {
  asking, askedOfPage, Browser, clientAuthOf, idOf, nonced, over, posted, push, redeem, type SignedInApplication,
  signedIn, signInAt, type SmartScene, smartScene,
} from './smart-scene.ts'

let scene: SmartScene
let app: SignedInApplication

beforeAll(async () => {
  scene = await smartScene()
  app = await signedIn(scene, { scope: 'openid online_access user/*.rs' })
}, 120_000)
afterAll(() => scene.world.close())

const now = (): number => Math.floor(scene.world.constellation.now() / 1000)

const send = (headers: Record<string, string>, method = 'GET', path = '/Patient'): Promise<Response> =>
  scene.world.constellation.network.fetch(`${scene.fhir}${path}`, { method, headers })

let nonce = ''

const nonceOf = async (): Promise<string> => {
  nonce = (await send({ authorization: `DPoP ${app.token}`, dpop: 'x.y.z' })).headers.get('dpop-nonce') ?? ''
  return nonce
}

interface Forging {
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  readonly key?: CryptoKey | Uint8Array
}

/** A proof for `GET Patient` under the application's token, with what an attacker changes. */
const proofOf = async ({ claims = {}, header = {}, key = app.key.privateKey }: Forging = {}): Promise<string> => {
  const ath = base64url.encode(new Uint8Array(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(app.token))))
  const { kty, crv, x, y } = await exportJWK(app.key.publicKey)
  const payload = {
    jti: crypto.randomUUID(), htm: 'GET', htu: `${scene.fhir}/Patient`, iat: now(), ath, nonce: await nonceOf(),
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } as never, ...header }).sign(key)
}

const withProof = async (forging: Forging): Promise<Response> =>
  send({ authorization: `DPoP ${app.token}`, dpop: await proofOf(forging) })

const errorOf = (answer: Response): string =>
  /error="(\w+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1] ?? `${answer.status}`

describe('an access token at FHIR', () => {
  it('opens with its proof', async () => {
    expect((await withProof({})).status).toBe(200)
  })

  it.each(['Bearer', 'bearer', 'Basic', 'DPoP  '])('is refused as %s', async (scheme) => {
    const answer = await send({ authorization: `${scheme} ${app.token}`, dpop: await proofOf() })
    expect([answer.status, errorOf(answer)]).toEqual([401, 'invalid_token'])
    expect(answer.headers.get('www-authenticate')).toContain('algs="ES256 EdDSA"')
  })

  it('stolen without its key, opens nothing', async () => {
    expect(errorOf(await send({ authorization: `DPoP ${app.token}` }))).toBe('invalid_dpop_proof')
    const thief = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(thief.publicKey)
    expect(errorOf(await withProof({ key: thief.privateKey, header: { jwk } }))).toBe('invalid_token')
  })

  it('replayed with its proof, opens nothing', async () => {
    const dpop = await proofOf()
    const headers = { authorization: `DPoP ${app.token}`, dpop }
    expect((await send(headers)).status).toBe(200)
    expect(errorOf(await send(headers))).toBe('invalid_dpop_proof')
  })

  it.each<[string, () => Forging]>([
    ['another method', () => ({ claims: { htm: 'POST' } })],
    ['another path', () => ({ claims: { htu: `${scene.fhir}/Observation` } })],
    ['another host', () => ({ claims: { htu: 'http://other.test/fhir/Patient' } })],
    ['the ath of another token', () => ({ claims: { ath: 'x'.repeat(43) } })],
    ['no ath', () => ({ claims: { ath: undefined } })],
    ['an old time', () => ({ claims: { iat: now() - 120 } })],
    ['a time to come', () => ({ claims: { iat: now() + 120 } })],
    ['no jti', () => ({ claims: { jti: undefined } })],
    ['another type', () => ({ header: { typ: 'JWT' } })],
    ['no key', () => ({ header: { jwk: undefined } })],
    ['HS256', () => ({ header: { alg: 'HS256' }, key: new Uint8Array(32) })],
  ])('a proof with %s is refused', async (_, forging) => {
    expect(errorOf(await withProof(forging()))).toBe('invalid_dpop_proof')
  })

  it('a proof with RS256, with none, with a private key, or two proofs are refused', async () => {
    const rsa = await generateKeyPair('RS256', { extractable: true })
    const jwk = await exportJWK(rsa.publicKey)
    expect(errorOf(await withProof({ key: rsa.privateKey, header: { alg: 'RS256', jwk } }))).toBe('invalid_dpop_proof')
    const secret = await exportJWK(app.key.privateKey)
    expect(errorOf(await withProof({ header: { jwk: secret } }))).toBe('invalid_dpop_proof')
    const [head = '', body = ''] = (await proofOf()).split('.')
    const none = { ...JSON.parse(Buffer.from(head, 'base64url').toString()) as object, alg: 'none' }
    const unsigned = `${base64url.encode(JSON.stringify(none))}.${body}.`
    const authorization = `DPoP ${app.token}`
    expect(errorOf(await send({ authorization, dpop: unsigned }))).toBe('invalid_dpop_proof')
    const two = `${await proofOf()}, ${await proofOf()}`
    expect(errorOf(await send({ authorization, dpop: two }))).toBe('invalid_dpop_proof')
  })

  it('a proof without a nonce, or with a made one, is told to take the server\'s', async () => {
    for (const made of [undefined, 'x'.repeat(43)]) {
      const answer = await withProof({ claims: { nonce: made } })
      expect([answer.status, errorOf(answer)]).toEqual([401, 'use_dpop_nonce'])
      expect(answer.headers.get('dpop-nonce')).toHaveLength(43)
    }
  })
})

describe('the authorization server', () => {
  it('offers nothing that FAPI 2.0 forbids', () => {
    const { server } = scene
    expect(server.require_pushed_authorization_requests).toBe(true)
    expect(server.authorization_response_iss_parameter_supported).toBe(true)
    expect(server.code_challenge_methods_supported).toEqual(['S256'])
    expect(server.dpop_signing_alg_values_supported).toEqual(['ES256', 'EdDSA'])
    expect(server.token_endpoint_auth_methods_supported?.toSorted()).toEqual(['none', 'private_key_jwt'])
    expect(server.response_types_supported).toEqual(['code'])
    expect(server.registration_endpoint).toBeUndefined()
  })

  it('a request that was not pushed goes nowhere', async () => {
    const query = new URLSearchParams({
      client_id: 'records', response_type: 'code', redirect_uri: 'https://app.example/callback', scope: 'user/*.rs',
      code_challenge: 'x'.repeat(43), code_challenge_method: 'S256', state: 'state', aud: scene.fhir,
    })
    const { status, location } = await new Browser(scene.world)
      .go('GET', `${scene.server.authorization_endpoint ?? ''}?${query}`)
    expect(status === 400 || new URL(location).searchParams.get('error') === 'invalid_request').toBe(true)
  })

  const pushed = async (changes: Record<string, string | undefined>): Promise<string> => {
    const client: oauth.Client = { client_id: 'records' }
    const dpop = oauth.DPoP(client, app.key)
    const values = {
      response_type: 'code', redirect_uri: 'https://app.example/callback', scope: 'user/*.rs', state: 'state',
      aud: scene.fhir, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256', ...changes,
    }
    const parameters = new URLSearchParams(Object.entries(values).flatMap(([name, value]) =>
      (value === undefined ? [] : [[name, value]])))
    return nonced(async () => {
      const auth = clientAuthOf(scene, 'records')
      const answer = await oauth.pushedAuthorizationRequest(scene.server, client, auth, parameters, {
        ...over(scene.world), DPoP: dpop,
      })
      return oauth.processPushedAuthorizationResponse(scene.server, client, answer)
    }).then(() => 'taken', (error: unknown) => {
      if (error instanceof oauth.ResponseBodyError) return error.error
      throw error
    })
  }

  it.each<[string, Record<string, string | undefined>, string]>([
    ['PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['an open redirection', { redirect_uri: 'https://attacker.example/' }, 'invalid_request'],
    ['a redirection below a registered one', { redirect_uri: 'https://app.example/callback/x' }, 'invalid_request'],
    ['another server\'s base', { aud: 'https://other.example/fhir' }, 'invalid_request'],
    ['no base', { aud: undefined }, 'invalid_request'],
    ['a token in the answer', { response_type: 'token' }, 'unsupported_response_type'],
    ['what outlives the session', { scope: 'user/*.rs offline_access' }, 'invalid_scope'],
    ['a scope that the operator did not register', { scope: 'system/*.rs' }, 'invalid_scope'],
    ['two contexts in one token', { scope: 'user/*.rs patient/*.rs' }, 'invalid_scope'],
    ['a way of signing in that it does not have', { scope: 'openid user/*.rs', acr_values: 'urn:pass:word' },
      'unmet_authentication_requirements'],
    ['a resource elsewhere', { resource: 'https://other.example' }, 'invalid_target'],
  ])('refuses %s', async (_, changes, code) => {
    expect(await pushed(changes)).toBe(code)
  })

  it('a code is good once, for its application, its key and its verifier', async () => {
    const wanted = await push(scene, { scope: 'user/*.rs' })
    const location = await signInAt(wanted, 'alice', new Browser(scene.world))
    const stranger: oauth.Client = { client_id: 'other' }
    const other = { ...wanted, client: stranger, dpop: oauth.DPoP(stranger, wanted.key) }
    await expect(redeem(scene, other, location)).rejects.toThrow('server responded with an error')
    const claims = await redeem(scene, wanted, location)
    await expect(redeem(scene, wanted, location)).rejects.toThrow('server responded with an error')
    // A code that comes twice was stolen: what it gave is taken back.
    expect((await asking(scene, claims.access_token, wanted.dpop)('GET', 'Patient')).status).toBe(401)
  })

  it.each<[string, (key: CryptoKeyPair) => object]>([
    ['another key', (key) => ({ dpop: oauth.DPoP({ client_id: 'records' } as oauth.Client, key) })],
    ['another verifier', () => ({ verifier: oauth.generateRandomCodeVerifier() })],
  ])('a stolen code is not redeemed with %s', async (_, changes) => {
    const wanted = await push(scene, { scope: 'user/*.rs' })
    const location = await signInAt(wanted, 'alice', new Browser(scene.world))
    const thief = await oauth.generateKeyPair('ES256')
    await expect(redeem(scene, { ...wanted, ...changes(thief) }, location)).rejects.toThrow('responded with an error')
  })

  it('mix-up: the answer names this server', async () => {
    const wanted = await push(scene, { scope: 'user/*.rs' })
    const location = await signInAt(wanted, 'alice', new Browser(scene.world))
    expect(new URL(location).searchParams.get('iss')).toBe(scene.server.issuer)
    const mixed = { ...scene.server, issuer: 'https://honest.example' }
    expect(() => oauth.validateAuthResponse(mixed, wanted.client, new URL(location), wanted.state)).toThrow('iss')
  })

  it('a sign-in that was begun in one browser is not ended by another', async () => {
    const wanted = await push(scene, { scope: 'user/*.rs' })
    const [attacker, victim] = [new Browser(scene.world), new Browser(scene.world)]
    const page = await attacker.follow('GET', await attacker.follow('GET', wanted.url))
    const { returnTo } = await askedOfPage(page)
    const done = await victim.follow('POST', returnTo, await posted(scene.world, page, 'alice'))
    expect((await attacker.go('GET', done)).status).toBe(403)
    expect((await victim.go('GET', done)).status).toBe(403)
  })

  it('an answer to one sign-in ends no other one', async () => {
    const browser = new Browser(scene.world)
    const [one, two] = [await push(scene, { scope: 'user/*.rs' }), await push(scene, { scope: 'user/*.rs' })]
    const page = await browser.follow('GET', await browser.follow('GET', one.url))
    const other = await browser.follow('GET', await browser.follow('GET', two.url))
    const { returnTo } = await askedOfPage(other)
    const { status } = await browser.go('POST', returnTo, await posted(scene.world, page, 'alice'))
    expect(status).toBe(403)
  })

  it('nobody signs in with somebody else\'s passkey, and nobody whom the house does not know', async () => {
    const browser = new Browser(scene.world)
    const wanted = await push(scene, { scope: 'user/*.rs' })
    const page = await browser.follow('GET', await browser.follow('GET', wanted.url))
    const { returnTo } = await askedOfPage(page)
    expect((await browser.go('POST', returnTo, await posted(scene.world, page, 'boris'))).status).toBe(403)
  })

  it('no sign-in is carried over to the next request', async () => {
    const browser = new Browser(scene.world)
    const first = await push(scene, { scope: 'user/*.rs' })
    await signInAt(first, 'alice', browser)
    const second = await push(scene, { scope: 'user/*.rs', client: 'other' })
    expect(await browser.follow('GET', second.url)).toContain('/oauth/interaction/')
  })

  it('a person signs in after another one in the same browser: nothing of the first is left', async () => {
    const browser = new Browser(scene.world)
    for (const person of ['alice', 'boris', 'alice']) {
      const wanted = await push(scene, { scope: 'openid fhirUser user/*.rs', person })
      const claims = await redeem(scene, wanted, await signInAt(wanted, person, browser))
      expect(decodeJwt(claims.id_token ?? '')['fhirUser']).toBe(`Practitioner/${idOf(scene.world, person)}`)
    }
  })
})

describe('an ID token', () => {
  it('calls a person the same in each session, and otherwise in each application', async () => {
    const subjectOf = async (person: string, client?: 'other'): Promise<unknown> => {
      const browser = new Browser(scene.world)
      const wanted = await push(scene, {
        scope: 'openid fhirUser user/*.rs', person, ...(client === undefined ? {} : { client }),
      })
      const claims = await redeem(scene, wanted, await signInAt(wanted, person, browser))
      return decodeJwt(claims.id_token ?? '').sub
    }
    const [first, again, other, elsewhere] = [
      await subjectOf('alice'), await subjectOf('alice'), await subjectOf('boris'), await subjectOf('alice', 'other'),
    ]
    expect(again).toBe(first)
    expect(new Set([first, other, elsewhere, idOf(scene.world, 'alice')]).size).toBe(4)
  })

  it('is for applications whose addresses are on one host, which the operator is told', () => {
    const redirects = ['https://one.example/back', 'https://two.example/back']
    expect(() => metadataOf({ id: 'both', name: 'Deux', redirects, scopes: ['user/*.rs'] }, true)).toThrow('one host')
  })
})

describe('an exchange of tokens', () => {
  const exchanged = async (scope: string, by: Pick<SignedInApplication, 'client' | 'dpop'> = app): Promise<string> => {
    const parameters = new URLSearchParams({
      subject_token: app.token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', scope,
    })
    return nonced(async () => {
      const auth = clientAuthOf(scene, by.client.client_id)
      const answer = await oauth.genericTokenEndpointRequest(scene.server, by.client, auth, EXCHANGE, parameters, {
        ...over(scene.world), DPoP: by.dpop,
      })
      return oauth.processGenericTokenEndpointResponse(scene.server, by.client, answer)
    }).then((answer) => answer.access_token, (error: unknown) => {
      if (error instanceof oauth.ResponseBodyError) return error.error
      throw error
    })
  }

  it('gives a narrower one, which asks no more than that', async () => {
    const narrow = asking(scene, await exchanged('user/Patient.rs'), app.dpop)
    expect((await narrow<Bundle>('GET', 'Patient')).status).toBe(200)
    expect((await narrow('GET', 'Organization')).status).toBe(403)
  })

  it.each(['user/*.cruds', 'patient/*.rs', 'user/Patient.rsx', ''])('gives none with %j', async (scope) => {
    expect(await exchanged(scope)).toBe('invalid_scope')
  })

  it('gives another application, or another key, nothing for a stolen token', async () => {
    const key = await oauth.generateKeyPair('ES256')
    for (const id of ['records', 'other']) {
      const client: oauth.Client = { client_id: id }
      expect(await exchanged('user/Patient.rs', { client, dpop: oauth.DPoP(client, key) })).toBe('invalid_grant')
    }
    const client: oauth.Client = { client_id: 'other' }
    expect(await exchanged('user/Patient.rs', { client, dpop: oauth.DPoP(client, app.key) })).toBe('invalid_grant')
  })
})

describe('the end of a session', () => {
  const refreshed = (one: SignedInApplication): Promise<string> => nonced(async () => {
    const auth = clientAuthOf(scene, 'records')
    const answer = await oauth.refreshTokenGrantRequest(scene.server, one.client, auth, one.refresh ?? '', {
      ...over(scene.world), DPoP: one.dpop,
    })
    return oauth.processRefreshTokenResponse(scene.server, one.client, answer)
  }).then((answer) => answer.access_token, (error: unknown) => {
    if (error instanceof oauth.ResponseBodyError) return error.error
    throw error
  })

  it('ends its tokens at once, and its refresh token with them', async () => {
    const one = await signedIn(scene, { scope: 'openid online_access user/*.rs' })
    expect((await asking(scene, await refreshed(one), one.dpop)('GET', 'Patient')).status).toBe(200)
    const thief = { ...one, dpop: oauth.DPoP(one.client, await oauth.generateKeyPair('ES256')) }
    expect(await refreshed(thief)).toBe('invalid_grant')
    expect((await one.request('POST', '$scelle-logout')).status).toBe(204)
    expect((await one.request('GET', 'Patient')).status).toBe(401)
    expect(await refreshed(one)).toBe('invalid_grant')
  })

  it('without online_access there is nothing to refresh with', async () => {
    expect((await signedIn(scene, { scope: 'user/*.rs' })).refresh).toBeUndefined()
  })
})

describe('a machine', () => {
  const token = async (scope: string): Promise<{ token: string; dpop: oauth.DPoPHandle }> => {
    const client: oauth.Client = { client_id: 'laboratory' }
    const dpop = oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: true }))
    return nonced(async () => {
      const answer = await oauth.clientCredentialsGrantRequest(scene.server, client, clientAuthOf(scene, 'laboratory'),
        new URLSearchParams({ scope }), { ...over(scene.world), DPoP: dpop })
      const { access_token: made } = await oauth.processClientCredentialsResponse(scene.server, client, answer)
      return { token: made, dpop }
    })
  }

  it('has flow rights: it writes, and asks nothing', async () => {
    const { token: held, dpop } = await token('system/*.cu')
    const request = asking(scene, held, dpop)
    expect((await request('POST', 'Organization', { resourceType: 'Organization', name: 'Labo' })).status).toBe(201)
    expect((await request('GET', 'Organization')).status).toBe(403)
    expect((await request('GET', 'Patient')).status).toBe(403)
  })

  it.each(['system/*.rs', 'user/*.cu', 'system/*.cud'])('gets no token for %s', async (scope) => {
    await expect(token(scope)).rejects.toThrow('server responded with an error')
  })
})

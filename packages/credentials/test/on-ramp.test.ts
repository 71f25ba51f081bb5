/** Sign-in at an identity provider like Pro Santé Connect: `openid-client` against `oidc-provider`, on loopback. */
import { type Account, IdentityProvider } from '@scelle/testing/professionals'
import { seededRandom } from '@scelle/testing/random'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CredentialError } from '../src/errors.ts'
import { OnRamp, practicesOf, type Provider } from '../src/on-ramp.ts'

const REDIRECT = 'https://enrolment.example.org/back'
const SESSION = 'a browser session'
const KIT: Account = {
  number: '899700366240', givenName: 'KIT', familyName: 'DOC0036624', profession: '10', skill: 'SM26',
  organisation: { id: 'R10000001234567', name: 'CABINET M DOC0036624' },
}

let identityProvider: IdentityProvider
let options: Provider
let onRamp: OnRamp
const random = seededRandom('on-ramp')

beforeAll(async () => {
  identityProvider = await IdentityProvider.start(REDIRECT, KIT, random)
  options = {
    issuer: identityProvider.issuer, clientId: identityProvider.client.id,
    authentication: { secret: identityProvider.client.secret }, idTokenAlgorithm: 'RS256', redirectUri: REDIRECT,
    fetch, now: Date.now, random,
  }
  onRamp = await OnRamp.discover(options)
})
afterAll(() => identityProvider.close())

const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'accepted', (error: CredentialError) => error.code)
const back = async (ramp = onRamp): Promise<string> =>
  identityProvider.signIn((await ramp.begin(SESSION)).url)

describe('a sign-in', () => {
  it.each(['eidas1', 'eidas2'])('at level %s gives what a register needs', async (acr) => {
    identityProvider.acr = acr
    expect(await onRamp.finish(SESSION, await back())).toEqual({
      registerNumber: KIT.number, givenName: 'KIT', familyName: 'DOC0036624', acr,
      practices: [{ role: 'gp', organisation: { id: 'R10000001234567', name: 'CABINET M DOC0036624' } }],
    })
  })

  it.each(['eidas3', 'urn:mace:incommon:iap:silver'])('at level %s is refused', async (acr) => {
    identityProvider.acr = acr
    expect(await code(onRamp.finish(SESSION, await back()))).toBe('acr-refused')
    identityProvider.acr = 'eidas1'
  })

  it('asks with PKCE, a nonce and a state, and tells the address nothing secret', async () => {
    const { url, state } = await onRamp.begin(SESSION)
    const asked = new URL(url).searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect(asked.get('acr_values')).toBe('eidas2 eidas1')
    expect(asked.get('state')).toBe(state)
    expect(asked.get('nonce')).toMatch(/^[\w-]{43}$/)
    expect(url).not.toContain(encodeURIComponent(identityProvider.client.secret))
  })

  it('counts once, and for the session that began it', async () => {
    const url = await back()
    await onRamp.finish(SESSION, url)
    expect(await code(onRamp.finish(SESSION, url))).toBe('request-unknown')
    expect(await code(onRamp.finish('another session', await back()))).toBe('request-unknown')
    expect(await code(onRamp.finish(SESSION, REDIRECT))).toBe('request-unknown')
    expect(await code(onRamp.finish(SESSION, 'no address'))).toBe('request-unknown')
  })

  it('with a code of another sign-in is refused', async () => {
    const [one, other] = [new URL(await back()), new URL(await back())]
    one.searchParams.set('code', other.searchParams.get('code') ?? '')
    expect(await code(onRamp.finish(SESSION, one.href))).toBe('sign-in-failed')
  })

  it('with an answer of another provider is refused', async () => {
    const url = new URL(await back())
    url.searchParams.set('iss', 'https://evil.example')
    expect(await code(onRamp.finish(SESSION, url.href))).toBe('sign-in-failed')
  })

  it('with an ID token under another algorithm than listed is refused', async () => {
    const pinned = await OnRamp.discover({ ...options, idTokenAlgorithm: 'ES256' })
    expect(await code(pinned.finish(SESSION, await back(pinned)))).toBe('sign-in-failed')
  })

  it('with an ID token whose signature does not hold is refused, though it came from the provider', async () => {
    const tampering: Provider = {
      ...options,
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        if (!url.endsWith('/token')) return response
        const body = (await response.json()) as { id_token: string }
        const [header = '', payload = ''] = body.id_token.split('.')
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object
        const raised = Buffer.from(JSON.stringify({ ...claims, acr: 'eidas2' })).toString('base64url')
        return Response.json({ ...body, id_token: `${header}.${raised}.${body.id_token.split('.')[2]}` })
      },
    }
    const ramp = await OnRamp.discover(tampering)
    expect(await code(ramp.finish(SESSION, await back(ramp)))).toBe('sign-in-failed')
  })

  it.each([['for this client', {}, 'accepted'], ['for another client', { aud: 'other' }, 'sign-in-failed'],
    ['for several clients', { aud: ['scelle-enrolment', 'other'] }, 'sign-in-failed'],
    ['of another provider', { iss: 'https://evil.example' }, 'sign-in-failed'],
    ['to another request', { nonce: 'other' }, 'sign-in-failed'],
  ])('with an ID token %s, signed by the provider: %o', async (_, changes, expected) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    const ramp = await OnRamp.discover({
      ...options,
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        if (url.endsWith('/jwks')) return Response.json({ keys: [{ ...(await exportJWK(publicKey)), alg: 'RS256' }] })
        if (!url.endsWith('/token')) return response
        const body = (await response.json()) as { id_token: string }
        const token = await new SignJWT({ ...decodeJwt(body.id_token), ...changes })
          .setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
        return Response.json({ ...body, id_token: token })
      },
    })
    expect(await code(ramp.finish(SESSION, await back(ramp)))).toBe(expected)
  })

  it('of somebody without a profession that has a role is refused', async () => {
    identityProvider.account = { ...KIT, number: '899700000001', profession: '70' }
    expect(await code(onRamp.finish(SESSION, await back()))).toBe('role-unmapped')
    identityProvider.account = KIT
  })

  it('at a provider over plain HTTP, or that calls itself something else, never begins', async () => {
    expect(await code(OnRamp.discover({ ...options, issuer: 'http://provider.example.org' }))).toBe('address-refused')
    expect(await code(OnRamp.discover({ ...options, issuer: `${identityProvider.issuer}/` }))).toBe('sign-in-failed')
    const failing = { ...options, fetch: () => Promise.reject(new Error('no route')) }
    expect(await code(OnRamp.discover(failing))).toBe('sign-in-failed')
  })
})

describe('claims of Pro Santé Connect', () => {
  it('name every practice that has a role, at every place', () => {
    const practices = practicesOf({
      SubjectRefPro: {
        exercices: [
          {
            codeProfession: '10', codeCategorieProfessionnelle: 'C', codeSavoirFaire: 'SM59',
            activities: [
              { identifiantTechniqueDeLaStructure: 'F1', raisonSocialeSite: 'CHU' },
              { identifiantTechniqueDeLaStructure: 'F2', raisonSocialeSite: 'Clinique' },
            ],
          },
          { codeProfession: '70', activities: [] },
          { codeProfession: '21', activities: [] },
        ],
      },
    })
    expect(practices).toEqual([
      { role: 'emergency-physician', organisation: { id: 'F1', name: 'CHU' } },
      { role: 'emergency-physician', organisation: { id: 'F2', name: 'Clinique' } },
      { role: 'pharmacist', organisation: undefined },
    ])
  })

  it('fall back to SubjectRole, and to nothing else', () => {
    expect(practicesOf({ SubjectRole: ['60^1.2.250.1.213.1.1.5.5'] })).toEqual([
      { role: 'ward-nurse', organisation: undefined },
    ])
    for (const claims of [{}, { SubjectRole: 7 }, { SubjectRefPro: { exercices: 'x' } }, { SubjectRefPro: null }]) {
      expect(() => practicesOf(claims)).toThrow('The register lists no profession')
    }
  })
})

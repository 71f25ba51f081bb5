/** What trustees ask of a person reaches an application in OAuth's words (RFC 9470), and comes back signed. */
import type { Bundle, Observation, Patient } from '@medplum/fhirtypes'
import { Confirmation, decode } from '@scelle/seal/verify'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { smartConfiguration } from '../src/smart/configuration.ts'
import { issueOf } from './harness.ts'
import {
  answeredAt, type Asking, askedOfPage, asking, Browser, posted, push, type Pushed, redeem, type Shown,
  type SignedInApplication, signedIn, type SmartScene, smartScene,
} from './smart-scene.ts'

const STEP_UP = 'urn:scelle:acr:step-up'
const SCOPE = 'openid user/*.rs'

let scene: SmartScene
const ids: string[] = []

beforeAll(async () => {
  scene = await smartScene({
    seed: 'smart-step-up',
    staff: {
      alice: { role: 'gp', number: '810000000001' }, nora: { role: 'emergency-physician', number: '810000000002' },
      nils: { role: 'ward-nurse', number: '810000000003' },
    },
  })
  const writer = await signedIn(scene, { scope: 'user/*.cruds' })
  for (let n = 0; n < 34; n++) {
    const patient: Patient = { resourceType: 'Patient', name: [{ family: `Famille${n}` }], birthDate: '1980-01-01' }
    const { body } = await writer.request<Patient>('POST', 'Patient', patient)
    ids.push(body.id ?? '')
    const observation: Observation = {
      resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: `Patient/${body.id}` },
    }
    await writer.request('POST', 'Observation', observation)
  }
}, 120_000)
afterAll(() => scene.world.close())

interface Reasoning {
  readonly pushed: Pushed
  readonly browser: Browser
  readonly url: string
  readonly shown: Shown
}

/** Signed in; the page that asks for a reason. */
const reasoning = async (person: string, more: Partial<Asking> = {}): Promise<Reasoning> => {
  const pushed = await push(scene, { scope: SCOPE, person, more: { acr_values: STEP_UP, max_age: '0' }, ...more })
  const browser = new Browser(scene.world)
  const page = await browser.follow('GET', await browser.follow('GET', pushed.url))
  const url = await answeredAt(browser, page, person)
  return { pushed, browser, url, shown: await browser.go('GET', url) }
}

/** To the passkey page. */
const because = async ({ browser, url, shown }: Reasoning, reason: string): Promise<string> =>
  (await browser.submit(url, shown.text, 'reason', { reason })).location

const tokensOf = async (from: Reasoning, location: string): Promise<SignedInApplication> => {
  const { pushed, browser } = from
  const claims = await redeem(scene, pushed, await browser.follow('GET', location))
  const { dpop, key, client } = pushed
  return {
    token: claims.access_token, refresh: undefined, claims, dpop, key, client,
    request: asking(scene, claims.access_token, dpop),
  }
}

const steppedUp = async (person: string, more: Partial<Asking> = {}): Promise<SignedInApplication> => {
  const from = await reasoning(person, more)
  return tokensOf(from, await answeredAt(from.browser, await because(from, 'rappel de la liste'), person))
}

/** Opens charts from this one on; the place of the first that did not, and the answer. */
const openFrom = async (app: SignedInApplication, first: number) => {
  for (let n = first; n < ids.length; n++) {
    const reply = await app.request<Bundle>('GET', `Observation?patient=${ids[n]}`)
    if (reply.status !== 200) return { n, reply }
  }
  throw new Error('all opened')
}

const idTokenOf = ({ claims }: SignedInApplication): Record<string, unknown> => decodeJwt(claims.id_token ?? '')

const steppedUpFor = async (person: string, n: number) => {
  const choosing = await reasoning(person, { scope: 'openid launch/patient patient/*.rs' })
  const { browser, url } = choosing
  const found = await browser.submit(url, choosing.shown.text, 'search', { name: `Famille${n}` })
  const { location } = await browser.submit(url, found.text, 'patient', { patient: `Patient/${ids[n]}` })
  const at = await browser.follow('GET', location)
  const from = { ...choosing, url: at, shown: await browser.go('GET', at) }
  const page = await because(from, 'dossier demandé par la famille')
  return { app: await tokensOf(from, await answeredAt(browser, page, person)), body: (await askedOfPage(page)).body }
}

const challengeIn = (headers: Headers): Record<string, string> => {
  const [, rest = ''] = /^DPoP (.*)$/.exec(headers.get('www-authenticate') ?? '') ?? []
  return Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
}

describe('what trustees ask of the person', () => {
  it('is told in OAuth\'s words, asked for by them, and the request passes then', async () => {
    const app = await signedIn(scene, { scope: SCOPE, person: 'nora' })
    expect(idTokenOf(app)['acr']).toBe('phr')
    const { n, reply } = await openFrom(app, 0)
    expect([reply.status, issueOf(reply).details?.coding?.[0]?.code]).toEqual([401, 'step-up-required'])
    const challenge = challengeIn(reply.headers)
    expect(challenge).toMatchObject({
      error: 'insufficient_user_authentication', acr_values: STEP_UP, algs: 'ES256 EdDSA',
    })
    expect(reply.headers.get('dpop-nonce')).toHaveLength(43)
    const { acr_values: wanted = '' } = challenge
    const stronger = await steppedUp('nora', { more: { acr_values: wanted } })
    expect(idTokenOf(stronger)['acr']).toBe(STEP_UP)
    expect((await stronger.request('GET', `Observation?patient=${ids[n]}`)).status).toBe(200)
    // One step, not a way around the ladder: the next one is a colleague's, and is no sign-in of anybody here.
    const further = await openFrom(stronger, n + 1)
    expect([further.reply.status, issueOf(further.reply).details?.coding?.[0]?.code])
      .toEqual([403, 'colleague-required'])
    expect(further.n).toBeGreaterThan(n + 1)
    expect(further.reply.headers.get('www-authenticate')).toBeNull()
  }, 60_000)

  it('is asked for one patient where the application is for one', async () => {
    const app = await signedIn(scene, { scope: SCOPE, person: 'nils' })
    expect((await openFrom(app, 0)).reply.status).toBe(401)
    const { app: one, body } = await steppedUpFor('nils', 33)
    expect(decode(Confirmation, body ?? new Uint8Array()).vault).toHaveLength(32)
    expect(one.claims['patient']).toBe(ids[33])
    expect((await one.request('GET', 'Observation')).status).toBe(200)
  }, 60_000)
})

describe('a sign-in with a confirmation', () => {
  it('has the reason on the passkey page, as the person wrote it, and for their own going on', async () => {
    const from = await reasoning('alice')
    expect(from.shown.text).toContain('<label for="reason">Motif</label>')
    const { task, kind, body } = await askedOfPage(await because(from, 'rappel <de> la liste'))
    const { type, reason, vault } = decode(Confirmation, body ?? new Uint8Array())
    expect([task, kind, type, reason, vault])
      .toEqual(['confirm', 'confirmation', 'step-up', 'rappel <de> la liste', undefined])
  })

  it('tells when the person signed in, also where nobody asked', async () => {
    const { claims } = await signedIn(scene, { scope: SCOPE })
    const { auth_time: at, amr } = decodeJwt(claims.id_token ?? '')
    expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(30)
    expect(amr).toEqual(['hwk', 'user'])
  })

  it('is what discovery offers', async () => {
    expect(scene.server.acr_values_supported).toEqual([STEP_UP, 'phr'])
    expect(smartConfiguration(scene.server.issuer, true)).toHaveProperty('acr_values_supported', [STEP_UP, 'phr'])
  })

  it('takes the first that it has of what is asked', async () => {
    const app = await signedIn(scene, { scope: SCOPE, more: { acr_values: 'urn:mace:silver phr' } })
    expect(idTokenOf(app)['acr']).toBe('phr')
  })
})

describe('a confirmation is not had', () => {
  it('by leaving it out: it is asked for again', async () => {
    const { browser, url } = await reasoning('alice')
    expect(await browser.follow('GET', url.replace(/reason$/, 'done'))).toBe(url)
  })

  it.each<[string, (from: Reasoning) => Promise<Shown>]>([
    ['by another person\'s passkey', async (from) => {
      const page = await because(from, 'rappel')
      const { returnTo } = await askedOfPage(page)
      return from.browser.go('POST', returnTo, await posted(scene.world, page, 'nora'))
    }],
    ['by the answer to another sign-in', async (from) => {
      await because(from, 'rappel')
      const other = await reasoning('alice')
      const page = await because(other, 'rappel')
      const { returnTo } = await askedOfPage(await because(await reasoning('alice'), 'rappel'))
      return from.browser.go('POST', returnTo, await posted(scene.world, page, 'alice'))
    }],
    ['by an answer that comes twice', async (from) => {
      const page = await because(from, 'rappel')
      const { returnTo } = await askedOfPage(page)
      const answer = await posted(scene.world, page, 'alice')
      await from.browser.go('POST', returnTo, answer)
      return from.browser.go('POST', returnTo, answer)
    }],
    ['by another browser that brings it', async (from) => {
      const page = await because(from, 'rappel')
      const { returnTo } = await askedOfPage(page)
      const other = new Browser(scene.world)
      const done = await other.follow('POST', returnTo, await posted(scene.world, page, 'alice'))
      return from.browser.go('GET', done)
    }],
    ['by another site\'s reason', ({ browser, url }) => browser.go('POST', url, 'form=x&reason=attack', true)],
  ])('%s', async (_, attack) => {
    const { status, location, text } = await attack(await reasoning('alice'))
    expect([[400, 403].includes(status), location, text.includes('Connexion interrompue')]).toEqual([true, '', true])
  })

  it('without words', async () => {
    const from = await reasoning('alice')
    const { status, text } = await from.browser.submit(from.url, from.shown.text, 'reason', { reason: '  ' })
    expect([status, text.includes('role="alert"')]).toEqual([200, true])
  })
})

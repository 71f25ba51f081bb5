/** Standalone launch for one patient: the person chooses, what is listed is counted, and nobody else is chosen. */
import type { Bundle, Observation, Parameters, Patient } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { issueOf, loggedIn, parametersOf } from './harness.ts'
import {
  answeredAt, askedOfPage, asking, Browser, idOf, posted, push, type Pushed, redeem, type Shown, signedIn,
  type SmartScene, smartScene,
} from './smart-scene.ts'

let scene: SmartScene
const ids = new Map<string, string>()

/** Of two names: together more than an officer may list in an hour. */
const [PETITS, ROUXES] = [22, 35] as const

beforeAll(async () => {
  scene = await smartScene({
    seed: 'smart-patient',
    staff: {
      alice: { role: 'gp', number: '810000000001' }, boris: { role: 'gp', number: '810000000002' },
      officer: { role: 'officer', number: '810000000003' }, engineer: { role: 'engineer', number: '810000000004' },
      second: { role: 'officer', number: '810000000005' },
    },
  })
  const writer = await signedIn(scene, { scope: 'user/*.cruds' })
  const family = (n: number): string => ['Durand', 'Lenoir <b>'][n] ?? (n < 2 + PETITS ? 'Petit' : 'Roux')
  for (let n = 0; n < 2 + PETITS + ROUXES; n++) {
    const patient: Patient = {
      resourceType: 'Patient', name: [{ family: family(n), given: [`Prénom${n}`] }], birthDate: '1980-01-01',
      gender: 'female',
    }
    const { body } = await writer.request<Patient>('POST', 'Patient', patient)
    ids.set(`${n}`, body.id ?? '')
    const observation: Observation = {
      resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: `Patient/${body.id}` },
    }
    if (n < 2) await writer.request('POST', 'Observation', observation)
  }
}, 120_000)
afterAll(() => scene.world.close())

const referenceOf = (n: number): string => `Patient/${ids.get(`${n}`) ?? ''}`

interface Choosing {
  readonly pushed: Pushed
  readonly browser: Browser
  readonly url: string
  readonly shown: Shown
}

const SCOPE = 'openid launch/patient patient/*.rs'

/** Signed in, before the list. */
const choosing = async (person = 'alice', scope = SCOPE): Promise<Choosing> => {
  const pushed = await push(scene, { scope, person })
  const browser = new Browser(scene.world)
  const page = await browser.follow('GET', await browser.follow('GET', pushed.url))
  const url = await answeredAt(browser, page, person)
  return { pushed, browser, url, shown: await browser.go('GET', url) }
}

const search = async (from: Choosing, name: string): Promise<Choosing> =>
  ({ ...from, shown: await from.browser.submit(from.url, from.shown.text, 'search', { name }) })

const choose = (from: Choosing, patient: string): Promise<Shown> =>
  from.browser.submit(from.url, from.shown.text, 'patient', { patient })

const rowsOf = ({ shown: { text } }: Choosing): string[] =>
  [...text.matchAll(/type="radio" name="patient" required value="([^"]+)"/g)].map(([, value = '']) => value)

describe('an application for one patient', () => {
  it('is for the one whom its person chooses, and sees nobody else', async () => {
    const found = await search(await choosing(), 'durand')
    expect(rowsOf(found)).toEqual([referenceOf(0)])
    expect(found.shown.text).toContain('Durand Prénom0, né(e) le 1980-01-01, féminin')
    const { location } = await choose(found, referenceOf(0))
    const resumed = await found.browser.follow('GET', location)
    const claims = await redeem(scene, found.pushed, await found.browser.follow('GET', resumed))
    expect(claims['patient']).toBe(ids.get('0'))
    const request = asking(scene, claims.access_token, found.pushed.dpop)
    expect((await request<Bundle>('GET', 'Observation')).body.total).toBe(1)
    expect((await request('GET', referenceOf(1))).status).toBe(404)
    expect((await request('GET', `Observation?patient=${referenceOf(1)}`)).status).toBe(403)
  })

  it('lists at first whom a fact names to the person, and nobody besides', async () => {
    const before = await choosing('boris')
    expect([before.shown.status, rowsOf(before)]).toEqual([200, []])
    expect(before.shown.text).toContain('Aucun patient n’est attendu de vous')
    const colleague = await loggedIn(scene.world, 'alice', 'desk')
    const until = new Date(scene.world.constellation.now() + 3_600_000).toISOString()
    const fact = await colleague.post<Parameters>(`${referenceOf(1)}/$scelle-fact`, parametersOf({
      type: 'appointment', until, reader: idOf(scene.world, 'boris'),
    }))
    expect(fact.status, fact.text).toBe(200)
    const after = await choosing('boris')
    expect(rowsOf(after)).toEqual([referenceOf(1)])
    expect(after.shown.text).toContain('Lenoir &lt;b&gt; Prénom1')
    expect(after.shown.text).not.toContain('<b>')
    const { location } = await choose(after, referenceOf(1))
    expect(await after.browser.follow('GET', location)).toContain('/oauth/authorize/')
  })

  it('shows twenty of more, says so, and needs neither script nor anything fetched', async () => {
    const found = await search(await choosing(), 'petit')
    expect(rowsOf(found)).toHaveLength(EDGE_LIMITS.choiceRows)
    expect(found.shown.text).toContain('Il y en a d’autres')
    expect(found.shown.text).not.toMatch(/<script|src=|href=/)
    expect(found.shown.policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; frame-ancestors 'none'/)
  })

  it('asks nothing where the launch says who it is, or where no scope is of a patient', async () => {
    const { url } = await choosing('alice', 'openid user/*.rs')
    expect(url).toContain('/oauth/authorize/')
  })
})

describe('what is listed to choose from', () => {
  it('is counted with all other lists of that person, before it is shown', async () => {
    const [officer, second] = await Promise.all(['officer', 'second'].map((name) => loggedIn(scene.world, name)))
    const roux = 'Patient?family=Roux&_count=100'
    expect((await second?.search(roux))?.body.total).toBe(ROUXES)
    expect(rowsOf(await search(await choosing('officer'), 'petit'))).toHaveLength(EDGE_LIMITS.choiceRows)
    // Whom somebody was shown already is not counted again.
    expect(rowsOf(await search(await choosing('officer'), 'petit'))).toHaveLength(EDGE_LIMITS.choiceRows)
    expect(issueOf(await officer?.search(roux) as never).details?.coding?.[0]?.code).toBe('exposure-spent')
    const refused = await search(await choosing('second'), 'petit')
    expect([refused.shown.status, rowsOf(refused)]).toEqual([200, []])
    expect(refused.shown.text).toMatch(/role="alert">Trop de patients ont été listés/)
  })

  it('is nobody for who may have no list', async () => {
    const engineer = await choosing('engineer')
    expect([rowsOf(engineer), engineer.shown.text.includes('role="alert"')]).toEqual([[], true])
    expect(rowsOf(await search(engineer, 'petit'))).toEqual([])
  })
})

describe('a patient is not chosen', () => {
  const attacks: [string, (from: Choosing) => Promise<Shown>][] = [
    ['who was not in the list', (from) => choose(from, referenceOf(1))],
    ['who is nobody', (from) => choose(from, 'Patient/nobody')],
    ['by another browser that has the page', ({ url, shown: { text } }) =>
      new Browser(scene.world).submit(url, text, 'patient', { patient: referenceOf(0) })],
    ['by another site', ({ browser, url }) =>
      browser.go('POST', url, `form=x&patient=${encodeURIComponent(referenceOf(0))}`)],
    ['by another site in the same browser', ({ browser, url }) =>
      browser.go('POST', url, `form=x&patient=${encodeURIComponent(referenceOf(0))}`, true)],
    ['twice by one form', async (from) => {
      await from.browser.submit(from.url, from.shown.text, 'search', { name: 'durand' })
      return choose(from, referenceOf(0))
    }],
    ['after the person signed out everywhere', async (from) => {
      const elsewhere = await loggedIn(scene.world, 'alice', 'elsewhere')
      const { status, text } = await scene.world.patiently(elsewhere.post('$scelle-logout',
        parametersOf({ everywhere: 'true' })))
      if (status >= 300) throw new Error(`not signed out: ${status} ${text}`)
      // A sign-out is of the sessions before it, to the second.
      await scene.world.constellation.clock.advance(2_000)
      return choose(from, referenceOf(0))
    }],
  ]

  it.each(attacks)('%s', async (_, attack) => {
    const { status, location } = await attack(await search(await choosing(), 'durand'))
    expect([status, location]).toEqual([403, ''])
  })

  it('in place of the one whom the launch names', async () => {
    const software = await loggedIn(scene.world, 'alice', 'launching')
    const launched = await software.post<Parameters>(`${referenceOf(0)}/$scelle-launch`,
      parametersOf({ application: 'records' }))
    const launch = launched.body.parameter?.[0]?.valueString ?? ''
    const pushed = await push(scene, { scope: 'openid launch patient/*.rs', launch })
    const browser = new Browser(scene.world)
    const at = await browser.follow('GET', pushed.url)
    const page = await browser.follow('GET', at)
    const { returnTo } = await askedOfPage(page)
    await browser.follow('POST', returnTo, await posted(scene.world, page, 'alice'))
    expect((await browser.go('GET', `${at}/patient`)).status).toBe(403)
    expect(await browser.follow('GET', `${at}/done`)).toContain('/oauth/authorize/')
  })

  it('before anybody signed in', async () => {
    const pushed = await push(scene, { scope: SCOPE })
    const browser = new Browser(scene.world)
    const url = await browser.follow('GET', pushed.url)
    await browser.follow('GET', url)
    expect((await browser.go('GET', `${url}/patient`)).status).toBe(403)
  })

  it('by who gives up: the session is over', async () => {
    const from = await choosing()
    const { location } = await from.browser.submit(from.url, from.shown.text, 'cancel')
    const back = new URL(await from.browser.follow('GET', await from.browser.follow('GET', location)))
    expect(back.searchParams.get('error')).toBe('access_denied')
    expect((await from.browser.go('GET', from.url)).status).toBe(403)
  })
})

/** Applications that do not say who signs in: the person gives their name, and who guesses names learns nothing. */
import { verifyKeyChain } from '@scelle/seal/verify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { PAGE } from './harness.ts'
import {
  answeredAt, askedOfPage, asking, Browser, push, type Pushed, redeem, type Shown, type SmartScene, smartScene,
} from './smart-scene.ts'

let scene: SmartScene

beforeAll(async () => {
  scene = await smartScene({
    seed: 'smart-names',
    staff: {
      'Dr Amélie Noël': { role: 'gp', number: '810000000001' }, 'Boris Lang': { role: 'gp', number: '810000000002' },
    },
  })
}, 60_000)
afterAll(() => scene.world.close())

interface Asked {
  readonly pushed: Pushed
  readonly browser: Browser
  readonly url: string
  readonly shown: Shown
}

const asked = async (hint: string | null = null, client = 'records', language = 'fr'): Promise<Asked> => {
  const pushed = await push(scene, { scope: client === 'browser' ? 'patient/*.rs' : 'openid user/*.rs', hint, client })
  const browser = new Browser(scene.world, language)
  const url = await browser.follow('GET', pushed.url)
  return { pushed, browser, url, shown: await browser.go('GET', url) }
}

const named = (from: Asked, name: string): Promise<Shown> =>
  from.browser.submit(from.url, from.shown.text, 'name', { name })

describe('an application that says nothing of its person', () => {
  it('has them asked for their name: no password, no script, and the passkey page then', async () => {
    const from = await asked()
    expect(from.shown.status).toBe(200)
    expect(from.shown.text).not.toMatch(/password"|<script/)
    expect(from.shown.policy).toContain("default-src 'none'")
    expect(from.shown.policy).toMatch(/form-action 'self'$/)
    const { location } = await named(from, 'dr amelie NOEL')
    const page = await askedOfPage(location)
    expect([page.personName, page.application]).toEqual(['dr amelie NOEL', 'Dossiers'])
    const back = await from.browser.follow('GET', await answeredAt(from.browser, location, 'Dr Amélie Noël'))
    const claims = await redeem(scene, from.pushed, back)
    const reply = await asking(scene, claims.access_token, from.pushed.dpop)('GET', 'Patient')
    expect(reply.status, reply.text).toBe(200)
  })

  it('speaks English to whom it is asked by, and puts what the application hints at into the field', async () => {
    const { shown: { text } } = await asked('Boris "Lang"', 'records', 'en')
    expect(text).toContain('<html lang="en">')
    expect(text).toContain('<label for="name">Your name</label>')
    expect(text).toContain('value="Boris &quot;Lang&quot;"')
  })

  it('another one\'s passkey does not sign in under a name', async () => {
    const from = await asked()
    const { location } = await named(from, 'Boris Lang')
    await expect(answeredAt(from.browser, location, 'Dr Amélie Noël')).rejects.toThrow('no redirection: 403')
  })
})

describe('who guesses names', () => {
  it('is sent to the passkey page with a name that nobody has, by a request like any other', async () => {
    const requests = await Promise.all(['Boris Lang', 'Carla Lang'].map(async (name) => {
      const { status, location } = await named(await asked(), name)
      const page = await askedOfPage(location)
      const { current, kind } = await verifyKeyChain(page.person ?? [])
      const [{ credential, ...passkey } = { credential: new Uint8Array() }] = current.passkeys ?? []
      return {
        status, fields: Object.keys(page).toSorted(), kind, records: page.person?.length, size: location.length,
        passkey: { ...passkey, publicKey: 0 }, credential: credential.length, name: page.personName,
      }
    }))
    const [known, unknown] = requests
    expect(unknown).toEqual({ ...known, name: 'Carla Lang' })
  })

  it('finds the same nobody under a name each time', async () => {
    const ids = await Promise.all(['carla  LANG', 'Carla Lang', 'Carlo Lang'].map(async (name) => {
      const page = await askedOfPage((await named(await asked(), name)).location)
      return Buffer.from((await verifyKeyChain(page.person ?? [])).id).toString('hex')
    }))
    expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false])
  })

  it('has five tries in one sign-in, and sixty names in vain in an hour for one application', async () => {
    const from = await asked()
    const tried: string[] = []
    for (let n = 0; n <= EDGE_LIMITS.namesEach; n++) {
      const shown = n === 0 ? from.shown : await from.browser.go('GET', from.url)
      tried.push((await named({ ...from, shown }, `Nobody Number${n}`)).location.startsWith(PAGE) ? 'page' : 'over')
    }
    expect(tried).toEqual([...Array<string>(EDGE_LIMITS.namesEach).fill('page'), 'over'])
    let spent: Shown | undefined
    for (let n = 0; n < EDGE_LIMITS.namesMissed + 1 && spent === undefined; n++) {
      const shown = await named(await asked(null, 'browser'), `Nobody Number${n}`)
      if (shown.location === '') spent = shown
    }
    expect(spent?.status).toBe(429)
    expect((await named(await asked(null, 'browser'), 'Boris Lang')).status).toBe(429)
    // Of that application alone.
    expect((await named(await asked(), 'Boris Lang')).location).toContain(PAGE)
  }, 60_000)
})

describe('the form', () => {
  it.each<[string, (from: Asked) => Promise<Shown>]>([
    ['from another site, which no cookie comes with', ({ browser, url }) =>
      browser.go('POST', `${url}/name`, 'form=x&name=Boris+Lang')],
    ['from another site in the same browser, without the word of the page', ({ browser, url }) =>
      browser.go('POST', `${url}/name`, 'form=x&name=Boris+Lang', true)],
    ['with the word of another sign-in', async ({ browser, url }) => {
      const other = await asked()
      const [, form = ''] = /name="form" value="([^"]+)"/.exec(other.shown.text) ?? []
      return browser.go('POST', `${url}/name`, `form=${form}&name=Boris+Lang`, true)
    }],
    ['sent twice', async (from) => {
      await named(from, 'Boris Lang')
      return named(from, 'Boris Lang')
    }],
    ['in another browser', async ({ url, shown: { text } }) =>
      new Browser(scene.world).submit(url, text, 'name', { name: 'Boris Lang' })],
  ])('is refused %s', async (_, attack) => {
    const { status, location } = await attack(await asked())
    expect([status, location]).toEqual([403, ''])
  })

  it('is given up by who asked for nothing: the application hears so', async () => {
    const from = await asked()
    expect((await from.browser.go('GET', `${from.url}/end`)).status).toBe(403)
    const { location } = await from.browser.submit(from.url, from.shown.text, 'cancel')
    const back = new URL(await from.browser.follow('GET', await from.browser.follow('GET', location)))
    expect([back.origin, back.searchParams.get('error')]).toEqual(['https://app.example', 'access_denied'])
  })
})

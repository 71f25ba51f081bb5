/** Attacks on the page that only a real browser can show. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createIdentity } from '@scelle/seal/identity'
import { readAnswer } from '@scelle/wire/passkey-page'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasChromium, Window } from './browser.ts'
import { openScene, type Scene } from './scene.ts'
import { addressAs, context, newHouse } from './world.ts'

const scene = await openScene()
const { browser, site, register, house, returned } = scene ?? ({} as Scene)
afterAll(() => scene?.close())
let window: Window
beforeEach(async () => {
  if (hasChromium) window = await Window.open(browser)
})
afterEach(async () => {
  if (hasChromium) await window.page.close()
})

const INJECTED = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'

const alertText = (): Promise<string> => window.page.getByRole('alert').innerText()

describe.skipIf(!hasChromium)('the page', () => {
  test('shows markup in names as the letters that it is', async () => {
    const crafty = await newHouse(register, { name: INJECTED })
    await window.visit(await addressAs(`${site.origin}/`, crafty, 'enrol', {
      personName: INJECTED, application: INJECTED, returnTo: returned.url,
    }))
    await window.titled('Créer votre clé d’accès')
    expect(await window.page.locator('dd').allInnerTexts()).toContain(INJECTED)
    expect(await window.page.title()).toBe('Scellé · Signature')
    expect(await window.page.locator('main img, main script').count()).toBe(0)
    await window.shot('11-markup')
  })

  test('stops before a phishing house, and says that nothing was sent', async () => {
    const phisher = await newHouse(await createIdentity('organisation', context))
    await window.visit(await addressAs(`${site.origin}/`, phisher, 'enrol', { returnTo: returned.url }))
    await window.titled('Établissement inconnu')
    expect(await alertText()).toBe('Rien n’a été signé et rien n’a été envoyé.')
    expect(await window.page.getByRole('button').allInnerTexts()).toEqual(['English'])
    await window.shot('12-phishing')
    await window.press('English')
    await window.titled('Unknown organisation')
  })

  test('is shown in nobody\'s frame', async () => {
    const thief: Server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end(`<iframe src="${site.origin}/"></iframe>`)
    })
    await new Promise<void>((ready) => {
      thief.listen(0, '127.0.0.1', ready)
    })
    await window.page.goto(`http://127.0.0.1:${(thief.address() as AddressInfo).port}/`)
    const [, frame] = window.page.frames()
    expect(await frame?.locator('main').count()).toBe(0)
    thief.close()
    thief.closeAllConnections()
  })

  test('served under another name than its own signs nothing', async () => {
    await window.visit(await addressAs(site.server.url, house, 'enrol', { returnTo: returned.url }))
    await window.titled('Mauvaise adresse')
    expect(await alertText()).toBe('Rien n’a été signé et rien n’a été envoyé.')
  })

  test('reaches no network from within: not by fetch, image or beacon', async () => {
    await window.page.goto(`${site.origin}/`)
    const before = returned.requests
    const refused = await window.page.evaluate(async (url) => {
      const image = new Image()
      const shown = new Promise<boolean>((settle) => {
        image.addEventListener('load', () => {
          settle(true)
        })
        image.addEventListener('error', () => {
          settle(false)
        })
      })
      image.src = url
      return {
        fetch: await fetch(url).then(() => false, () => true), image: !(await shown), beacon: navigator.sendBeacon(url),
      }
    }, returned.url)
    expect(refused).toMatchObject({ fetch: true, image: true })
    expect(returned.requests).toBe(before)
  })

  test('takes no synced passkey for a professional: it says why, and the house hears it', async () => {
    await window.authenticator({ synced: true })
    const state = context.random(16)
    await window.visit(await addressAs(`${site.origin}/`, house, 'enrol', {
      sealingKey: house.sealingKey, returnTo: returned.url, state,
    }))
    await window.press('Commencer')
    await window.titled('Cette clé se copie')
    await window.shot('13-synced')
    await window.press('Refuser')
    expect(readAnswer(await returned.next(), state)).toMatchObject({ problem: 'not-device-bound' })
  })

  test('takes no authenticator without a PRF: nothing would keep the root', async () => {
    await window.authenticator({ hasPrf: false })
    const state = context.random(16)
    await window.visit(await addressAs(`${site.origin}/`, house, 'enrol', { returnTo: returned.url, state }))
    await window.press('Commencer')
    await window.titled('Cette clé ne suffit pas')
    await window.press('Refuser')
    expect(readAnswer(await returned.next(), state)).toMatchObject({ problem: 'no-recovery' })
  })

  test('goes by keyboard alone, tells what is on screen, and is as wide as a telephone', async () => {
    await window.page.setViewportSize({ width: 360, height: 740 })
    await window.visit(await addressAs(`${site.origin}/`, house, 'enrol', { returnTo: returned.url }))
    await window.titled('Créer votre clé d’accès')
    expect(await window.page.getByRole('status').innerText()).toContain('Créer votre clé d’accès')
    expect(await window.page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
    await window.page.keyboard.press('Tab')
    expect(await window.page.evaluate(() => document.activeElement?.textContent)).toBe('Commencer')
    const wide = await window.page.evaluate(() => document.documentElement.scrollWidth)
    expect(wide).toBeLessThanOrEqual(360)
    await window.shot('14-telephone')
    await window.page.emulateMedia({ colorScheme: 'dark' })
    await window.shot('15-dark')
    const state = returned.next()
    await window.page.keyboard.press('Tab')
    await window.page.keyboard.press('Enter')
    expect((await state).length).toBeGreaterThan(20)
  })
})

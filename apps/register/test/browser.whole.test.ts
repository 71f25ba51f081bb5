/** A real browser goes the whole way: cookies, redirects, the page's rules and the one script do what they should. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { DESK, DeskScene, type Somebody } from '@scelle/testing/desk'
import type { Client } from '@scelle/sdk'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { statusIn } from './world.ts'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const HOUSE = '/house'

let constellation: Constellation
let scene: DeskScene
let house: Client
let somebody: Somebody
let forwarder: Server
let port: number
/** Of another site than the desk's, and one that its forms may lead to. */
const pageUrl = (): string => `http://localhost:${port}/`
let browser: Browser
let pump: NodeJS.Timeout

/** The browser's way into the constellation; of the passkey page and the house, an empty page. */
const forward = (): Server => createServer((request, response) => {
  void (async () => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    if (request.headers.host !== 'register.test') {
      response.setHeader('content-type', 'text/html')
      response.end(`<!doctype html><title>${request.headers.host}</title>`)
      return
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const answer = await constellation.network.fetch(`${DESK}${request.url}`, {
      method: request.method ?? 'GET', headers, ...(pieces.length === 0 ? {} : { body: Buffer.concat(pieces) }),
    })
    response.statusCode = answer.status
    for (const [name, value] of answer.headers) if (name !== 'content-length') response.appendHeader(name, value)
    response.end(Buffer.from(await answer.arrayBuffer()))
  })()
})

beforeAll(async () => {
  forwarder = forward()
  await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve))
  port = (forwarder.address() as AddressInfo).port
  constellation = await createConstellation({ seed: 'a real browser', jump: 2_000 })
  house = await constellation.client('organisation')
  scene = await DeskScene.create(constellation, {
    houses: [{ id: house.identity.id, name: 'CHU de Bellerive', places: [] }], page: pageUrl(),
  })
  somebody = await scene.somebody('in a browser')
  await constellation.clock.advance(3_000)
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', `--host-resolver-rules=MAP register.test 127.0.0.1:${port}`],
  })
  // Whoever waits for the log waits for time to go on.
  pump = setInterval(() => void constellation.clock.advance(50), 50)
})
afterAll(async () => {
  clearInterval(pump)
  await browser.close()
  forwarder.closeAllConnections()
  forwarder.close()
  await scene.close()
  await constellation.close()
})

/** Posts the passkey page's answer from the passkey page's own origin. */
const answer = async (page: Page): Promise<void> => {
  const made = await scene.answered(page.url(), somebody.passkey)
  await page.evaluate(({ to, answer: value }) => {
    const form = document.createElement('form')
    Object.assign(form, { method: 'post', action: to })
    const field = document.createElement('input')
    Object.assign(field, { name: 'answer', value })
    form.append(field)
    document.body.append(form)
    form.submit()
  }, made)
}

const sent = (): Promise<string> => scene.sent(house.identity, somebody.id, `http://127.0.0.1:${port}${HOUSE}`)

test('from the house to the desk, the passkey page, the wallet, and back', async () => {
  const page = await (await browser.newContext({ locale: 'fr-FR' })).newPage()
  await page.goto(await sent())
  expect(await page.locator('main').innerText()).toContain('CHU de Bellerive vous envoie ici')
  expect(await page.locator('html').getAttribute('lang')).toBe('fr')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${pageUrl()}#*`)
  await answer(page)
  await page.waitForURL(/\/choose$/)
  await page.getByRole('button', { name: /portefeuille/ }).click()
  const link = await page.getByRole('link').getAttribute('href') ?? ''
  expect(link).toMatch(/^openid4vp:/)
  const { credential } = await scene.issuer.issue({
    number: '899700366240', role: 'gp', organisation: house.identity.id, holder: somebody.wallet.key.publicJwk,
  })
  const asked = await constellation.network.fetch(new URL(link).searchParams.get('request_uri') ?? '')
  const { text } = await scene.walletPosts(
    await scene.walletAnswer(somebody.wallet, await asked.text(), credential))
  await page.goto((JSON.parse(text) as { redirect_uri: string }).redirect_uri)
  await page.waitForURL(`${DESK}/wallet/done`)
  await page.getByRole('button', { name: 'Terminer' }).click()
  await page.waitForURL(`http://127.0.0.1:${port}${HOUSE}`)
  const status = await scene.statusOf(house.identity, somebody.id)
  expect(statusIn(status ?? new Uint8Array()).role).toBe('gp')
})

test('another browser that brings the page\'s answer chooses nothing, and neither does the first one', async () => {
  const [first, other] = [await (await browser.newContext()).newPage(), await (await browser.newContext()).newPage()]
  const url = await sent()
  await first.goto(url)
  await first.getByRole('button').click()
  await first.waitForURL(`${pageUrl()}#*`)
  await other.goto(first.url())
  await answer(other)
  await other.waitForURL(/\/choose$/)
  expect(await other.locator('main').innerText()).toContain('other-browser')
  await first.goto(`${url}/choose`)
  expect(await first.locator('main').innerText()).toContain('other-browser')
})

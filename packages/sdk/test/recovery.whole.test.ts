/** In a real browser with a virtual authenticator: what a PRF, a sheet and a browser's own key give, and give out. */
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const PAGE = '<!doctype html><title>recovery</title><script type="module" src="/page.js"></script>'

interface InPage {
  readonly passkey: () => Promise<{ same: boolean; prf: string; raw: string; sent: string }>
  readonly printed: () => Promise<boolean>
  readonly device: () => Promise<{ secret: string; extractable: boolean; exported: string }>
}

const bundled = async (): Promise<string> => {
  const input = fileURLToPath(new URL('recovery-page.ts', import.meta.url))
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  const { output } = await build.generate({ format: 'esm' })
  return output[0].code
}

const withAuthenticator = async (page: Page): Promise<void> => {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true,
      hasUserVerification: true, isUserVerified: true, hasPrf: true,
    },
  })
}

if (!existsSync(CHROMIUM)) console.warn('no system Chromium: recovery in a browser is skipped')

describe.skipIf(!existsSync(CHROMIUM))('in Chromium', () => {
  let server: Server
  let browser: Browser
  let page: Page
  let url: string

  beforeAll(async () => {
    const script = await bundled()
    server = createServer((request, response) => {
      const isScript = request.url === '/page.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html').end(isScript ? script : PAGE)
    })
    await new Promise<void>((ready) => { server.listen(0, '127.0.0.1', ready) })
    url = `http://localhost:${(server.address() as AddressInfo).port}/`
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
    page = await browser.newPage()
    await withAuthenticator(page)
    await page.goto(url)
    await page.waitForFunction(() => 'recovery' in globalThis)
  })
  afterAll(async () => {
    await browser.close()
    server.close()
  })

  const call = <Name extends keyof InPage>(name: Name): Promise<Awaited<ReturnType<InPage[Name]>>> =>
    page.evaluate(async (called) => {
      const { recovery } = globalThis as unknown as { recovery: InPage }
      return recovery[called]()
    }, name) as Promise<Awaited<ReturnType<InPage[Name]>>>

  test('a passkey unwraps what it wrapped; of its JSON nothing is sent that holds the PRF output', async () => {
    const { same, prf, raw, sent } = await call('passkey')
    expect(same).toBe(true)
    expect(prf).toHaveLength(43)
    expect(raw).toContain(prf)
    expect(sent).not.toContain(prf)
    expect(sent).not.toContain('prf')
    expect(sent).toContain('"clientDataJSON"')
  })

  test('a sheet opens its age file', async () => {
    expect(await call('printed')).toBe(true)
  })

  test('a browser\'s key is the same after it is loaded again, and is not given out', async () => {
    const before = await call('device')
    await page.reload()
    await page.waitForFunction(() => 'recovery' in globalThis)
    const after = await call('device')
    expect(after.secret).toBe(before.secret)
    expect(before).toMatchObject({ extractable: false, exported: expect.stringContaining('not extractable') })
  })
})

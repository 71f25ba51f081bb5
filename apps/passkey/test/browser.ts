/** The system's Chromium with virtual authenticators, at the real page; and the house that its answers go to. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import type { ConstellationFile } from '../src/page/constellation.ts'
import { type Built, type PageServer, servePage } from '../src/server.ts'
import { buildPage } from '../tools/build.ts'

const CHROMIUM = '/usr/bin/chromium'
export const hasChromium = existsSync(CHROMIUM)
if (!hasChromium) console.warn('no system Chromium: the tests of the page in a browser are skipped')

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']

const SHOTS = fileURLToPath(new URL('../../../.artifacts/screenshots/', import.meta.url))

/** Where the page's forms arrive. */
export class ReturnServer {
  readonly #server: Server
  readonly #answers: string[] = []
  #waiting: ((answer: string) => void) | undefined
  /** Of whatever kind. */
  requests = 0

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests++
      let body = ''
      request.setEncoding('utf8')
      request.on('data', (piece: string) => {
        body += piece
      })
      request.on('end', () => {
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>returned</title><h1>returned</h1>')
        if (request.method === 'POST') this.#take(new URLSearchParams(body).get('answer') ?? '')
      })
    })
  }

  #take(answer: string): void {
    if (this.#waiting === undefined) this.#answers.push(answer)
    else this.#waiting(answer)
    this.#waiting = undefined
  }

  async start(): Promise<void> {
    await new Promise<void>((ready) => {
      this.#server.listen(0, '127.0.0.1', ready)
    })
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/return`
  }

  next(): Promise<string> {
    const answer = this.#answers.shift()
    if (answer !== undefined) return Promise.resolve(answer)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

export interface Site {
  readonly server: PageServer
  readonly origin: string
  readonly built: Built
}

/** The page as it is deployed: built for the origin that it is served from. */
export const serveBuilt = async (constellation: (origin: string) => ConstellationFile): Promise<Site> => {
  const files = new Map<string, Uint8Array>()
  const server = await servePage(files, { host: '127.0.0.1', port: 0 })
  const origin = server.url.replace('127.0.0.1', 'localhost')
  const path = join(await mkdtemp(join(tmpdir(), 'scelle-page-')), 'constellation.json')
  await writeFile(path, JSON.stringify(constellation(origin)))
  const built = await buildPage(path)
  for (const [name, octets] of built) files.set(name, octets)
  return { server, origin, built }
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: FLAGS })

export interface Authenticator {
  /** Whether somebody touches it whenever it blinks. */
  readonly present: (enabled: boolean) => Promise<void>
  /** Into the sea: what it held is nowhere else. */
  readonly lose: () => Promise<void>
}

export interface AuthenticatorKind {
  readonly hasPrf?: boolean
  /** Its passkeys are copied between devices: BE = 1. */
  readonly synced?: boolean
}

/** What the browser handed the page's own code, noted by `witness.js`. */
export interface Witnessed {
  readonly prf: readonly string[]
  readonly registrations: readonly Readonly<Record<'id' | 'clientDataJSON' | 'attestationObject', string>>[]
}

const WITNESS = readFileSync(fileURLToPath(new URL('witness.js', import.meta.url)), 'utf8')

export interface Device {
  readonly width: number
  readonly locale: 'fr-FR' | 'en-GB'
}

export const DESKTOP: Device = { width: 900, locale: 'fr-FR' }

/** One person's window, with their authenticators. */
export class Window {
  readonly page: Page
  readonly #cdp: CDPSession
  /** All that left the page: addresses, headers and bodies. */
  readonly sent: string[] = []
  /** In the order in which they were plugged in. */
  readonly keys: Authenticator[] = []

  private constructor(page: Page, cdp: CDPSession) {
    this.page = page
    this.#cdp = cdp
  }

  static async open(browser: Browser, on: Device = DESKTOP): Promise<Window> {
    const around = await browser.newContext({ viewport: { width: on.width, height: 900 }, locale: on.locale })
    const page = await around.newPage()
    await page.addInitScript(WITNESS)
    const cdp = await page.context().newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    const window = new Window(page, cdp)
    page.on('request', (request) => {
      window.sent.push(request.url(), JSON.stringify(request.headers()), request.postData() ?? '')
    })
    return window
  }

  async authenticator({ hasPrf = true, synced = false }: AuthenticatorKind = {}): Promise<Authenticator> {
    const { authenticatorId } = await this.#cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'usb', hasResidentKey: true, hasUserVerification: true,
        isUserVerified: true, hasPrf, automaticPresenceSimulation: true,
        defaultBackupEligibility: synced, defaultBackupState: synced,
      },
    })
    const key: Authenticator = {
      present: async (enabled) => {
        await this.#cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
      },
      lose: async () => {
        await this.#cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
      },
    }
    this.keys.push(key)
    return key
  }

  /** Goes to an address that may differ from the present one in its fragment alone. */
  async visit(address: string): Promise<void> {
    await this.page.goto('about:blank')
    await this.page.goto(address)
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click()
  }

  async titled(title: string): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor({ timeout: 15_000 })
  }

  async shot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true })
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true })
  }

  witnessed(): Promise<Witnessed> {
    return this.page.evaluate(() =>
      JSON.parse(sessionStorage.getItem('witnessed') ?? '{"prf":[],"registrations":[]}') as Witnessed)
  }
}

/** The doors for browsers and wallets: forms, redirects and two cookies. Nobody has an account here. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { faultOf, type Log, type Method, type Server } from '@scelle/wire/server'
import type { Cookies, Enrolments } from './enrolments.ts'
import { DeskError, refusalOf } from './errors.ts'
import { DESK_LIMITS } from './limits.ts'
import {
  choosePage, collectPage, firstPage, PAGE_HEADERS, refusedPage, SCRIPT, walletPage,
} from './pages.ts'
import { languageOf } from './words.ts'

export interface BrowserOptions {
  readonly base: string
  readonly enrolments: Enrolments
  readonly log: Log
}

/** One request as a door sees it. */
interface Knock {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly cookies: Cookies
  /** What stands in the path's place for it. */
  readonly named: string
}

interface Door {
  readonly method: Method
  readonly url: string
  readonly open: (knock: Knock) => Promise<void> | void
}

const headerOf = ({ headers }: IncomingMessage, name: string): string => String(headers[name] ?? '')

const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(303, { location, 'referrer-policy': 'no-referrer' })
  response.end()
}

const show = (response: ServerResponse, html: string, status = 200): void => {
  response.writeHead(status, PAGE_HEADERS)
  response.end(html)
}

/** Throws DeskError `form-invalid`. */
const bodyOf = async (request: IncomingMessage): Promise<string> => {
  if (!headerOf(request, 'content-type').startsWith('application/x-www-form-urlencoded')) {
    throw new DeskError('form-invalid')
  }
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > DESK_LIMITS.form) throw new DeskError('form-invalid')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const fieldOf = async (request: IncomingMessage, name: string): Promise<string> => {
  const value = new URLSearchParams(await bodyOf(request)).get(name)
  if (value === null) throw new DeskError('form-invalid')
  return value
}

export class Browsers {
  readonly #options: BrowserOptions
  readonly #prefix: string
  readonly #secure: string

  constructor(options: BrowserOptions) {
    this.#options = options
    const isSecure = options.base.startsWith('https:')
    // With the prefix a browser takes it from this very host alone, and over TLS.
    this.#prefix = isSecure ? '__Host-scelle_' : 'scelle_'
    this.#secure = isSecure ? '; Secure' : ''
  }

  addTo(server: Pick<Server, 'route'>): void {
    for (const { method, url, open } of this.#doors()) {
      const handler = (request: IncomingMessage, response: ServerResponse) => this.#pass(open, request, response)
      server.route({ method, url, policy: 'oauth', handler })
    }
  }

  #doors(): readonly Door[] {
    const { enrolments, base } = this.#options
    return [
      { method: 'GET', url: '/enrolment/:id', open: ({ named, response }) =>
        show(response, firstPage(enrolments.at(named))) },
      { method: 'POST', url: '/enrolment/:id/begin', open: async ({ named, cookies, response }) => {
        const { url, began } = await enrolments.begin(named, cookies)
        this.#set(response, 'began', began)
        redirect(response, url)
      } },
      // Another origin posts it: of the cookies none comes along, so it ends nothing by itself.
      { method: 'POST', url: '/enrolment/:id/answer', open: async ({ named, request, response }) => {
        const { answered } = await enrolments.answer(named, await fieldOf(request, 'answer'))
        this.#set(response, 'answered', answered)
        redirect(response, `${base}/enrolment/${named}/choose`)
      } },
      { method: 'GET', url: '/enrolment/:id/choose', open: ({ named, cookies, response }) =>
        show(response, choosePage(enrolments.proven(named, cookies), enrolments.ways)) },
      { method: 'POST', url: '/enrolment/:id/provider', open: async ({ named, cookies, response }) =>
        redirect(response, (await enrolments.toProvider(named, cookies)).url) },
      { method: 'GET', url: '/back', open: async ({ request, cookies, response }) =>
        redirect(response, await enrolments.back(`${base}${request.url ?? ''}`, cookies)) },
      ...this.#walletDoors(),
    ]
  }

  #walletDoors(): readonly Door[] {
    const { enrolments, base } = this.#options
    return [
      { method: 'POST', url: '/enrolment/:id/wallet', open: async ({ named, cookies, response }) => {
        const { language } = enrolments.proven(named, cookies)
        const { reference } = await enrolments.toWallet(named, cookies)
        const wish = new URLSearchParams({
          client_id: enrolments.walletClient, request_uri: `${base}/wallet/request/${reference}`,
        })
        show(response, walletPage(language, `openid4vp://?${wish}`))
      } },
      { method: 'GET', url: '/wallet/request/:id', open: ({ named, response }) => {
        const request = enrolments.walletRequest(named)
        response.writeHead(200, { 'content-type': 'application/oauth-authz-req+jwt' })
        response.end(request)
      } },
      { method: 'POST', url: '/wallet/answer', open: async ({ request, response }) => {
        const answer = await enrolments.walletAnswer(await bodyOf(request))
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(answer))
      } },
      { method: 'GET', url: '/wallet/done', open: ({ request, response }) =>
        show(response, collectPage(languageOf(headerOf(request, 'accept-language')))) },
      { method: 'GET', url: '/wallet/done.js', open: ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' })
        response.end(SCRIPT)
      } },
      { method: 'POST', url: '/wallet/collect', open: async ({ request, cookies, response }) =>
        redirect(response, await enrolments.collect(await fieldOf(request, 'code'), cookies)) },
    ]
  }

  async #pass(open: Door['open'], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?')
    const [, , second = '', third = ''] = path.split('/')
    const named = path.startsWith('/wallet/') ? third : second
    try {
      await open({ request, response, named, cookies: this.#cookiesOf(request) })
    } catch (error) {
      const { status, code, words } = refusalOf(error)
      if (status >= 500) this.#options.log({ event: 'fault', ...faultOf(error) })
      show(response, refusedPage(languageOf(headerOf(request, 'accept-language')), words, code), status)
    }
  }

  #set(response: ServerResponse, name: keyof Cookies, secret: string): void {
    const seconds = DESK_LIMITS.enrolmentTime / 1000
    response.setHeader('set-cookie',
      `${this.#prefix}${name}=${secret}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${this.#secure}`)
  }

  #cookiesOf(request: IncomingMessage): Cookies {
    const pairs = new Map(headerOf(request, 'cookie').split(';').map((each) => {
      const [name = '', value = ''] = each.trim().split('=')
      return [name, value]
    }))
    return { began: pairs.get(`${this.#prefix}began`), answered: pairs.get(`${this.#prefix}answered`) }
  }
}

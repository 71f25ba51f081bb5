/**
 * The house's own software at a workstation: one page a request, a cookie a browser, and its key for the edge. It looks
 * at nothing that comes back from the passkey page and keeps all of it, so that whatever is refused, the edge refuses.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Identity } from '@scelle/seal/identity'
import { signRequest } from '@scelle/wire/http'
import { context } from './world.ts'

export interface Told {
  readonly status: number
  readonly text: string
}

/** Of `Parameters`, by name. */
export const valueIn = ({ status, text }: Told, name: string): string => {
  const { parameter = [] } = JSON.parse(text) as { parameter?: { name: string; valueString?: string }[] }
  const value = parameter.find((each) => each.name === name)?.valueString
  if (value === undefined) throw new Error(`no ${name}: ${status} ${text}`)
  return value
}

/** Undefined where there are none: FHIR has no empty lists. */
const parametersOf = (values: Iterable<readonly [string, string]>): object | undefined => {
  const parameter = [...values].map(([name, valueString]) => ({ name, valueString }))
  return parameter.length === 0 ? undefined : { resourceType: 'Parameters', parameter }
}

const STYLE = 'body{font:18px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#12211c}'
  + 'pre{background:#eef3f1;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px}'

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const page = ({ status, text }: Told): string =>
  `<!doctype html><html lang="fr"><meta charset="utf-8"><title>${status}</title><style>${STYLE}</style>`
  + `<h1>${status}</h1><pre>${escaped(text.slice(0, 3_000))}</pre></html>`

const COOKIE = /(?:^|; )desk=([\w-]{22})/

export class Desk {
  readonly #server: Server
  readonly #identity: Identity
  readonly #edge: () => string
  /** What the page posted, by a random name that stands in the address after it. */
  readonly #answers = new Map<string, string>()
  /** All that the page ever posted. */
  readonly posted: string[] = []

  constructor(identity: Identity, edge: () => string) {
    this.#identity = identity
    this.#edge = edge
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(page({ status: 500, text: String(error) }))
      })
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((ready) => {
      this.#server.listen(0, '127.0.0.1', ready)
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get origin(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`
  }

  /** A signed request to the edge; `session`: which of this application's. */
  async ask(method: string, path: string, body?: unknown, session?: string): Promise<Told> {
    const url = `${this.#edge()}/fhir/${path}`
    const raw = body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(body))
    const signature = await signRequest({
      method, url, identity: this.#identity, ...context, session, ...(raw === undefined ? {} : { body: raw }),
    })
    const answer = await fetch(url, {
      method, headers: { 'content-type': 'application/fhir+json', ...signature },
      ...(raw === undefined ? {} : { body: raw }),
    })
    return { status: answer.status, text: await answer.text() }
  }

  operate(name: string, values: Iterable<readonly [string, string]>, session: string): Promise<Told> {
    return this.ask('POST', `$scelle-${name}`, parametersOf(values), session)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.origin)
    const [, does = '', ...rest] = url.pathname.split('/')
    const [what = ''] = rest
    const session = COOKIE.exec(request.headers.cookie ?? '')?.[1] ?? randomBytes(16).toString('base64url')
    response.setHeader('set-cookie', `desk=${session}; HttpOnly; SameSite=Lax; Path=/`)
    if (does === 'ask') return this.#sendToPage(response, { what, session, query: url.searchParams })
    if (does === 'back') return this.#take(request, response, what)
    const told = does === 'done'
      ? await this.operate(what, [['answer', this.#answers.get(url.searchParams.get('answer') ?? '') ?? '']], session)
      : does === 'do'
        ? await this.operate(what, url.searchParams, session)
        : await this.ask('GET', `${rest.join('/')}${url.search}`, undefined, session)
    response.writeHead(told.status === 204 ? 200 : told.status, { 'content-type': 'text/html; charset=utf-8' })
    response.end(page(told))
  }

  async #sendToPage(
    response: ServerResponse, { what, session, query }: { what: string; session: string; query: URLSearchParams },
  ): Promise<void> {
    const told = await this.operate(what, [...query, ['return', `${this.origin}/back/${what}`]], session)
    if (told.status === 200) response.writeHead(303, { location: valueIn(told, 'url') }).end()
    else response.writeHead(told.status, { 'content-type': 'text/html; charset=utf-8' }).end(page(told))
  }

  /** From another origin, so without a cookie elsewhere: whose it is shows when the browser comes with its own. */
  async #take(request: IncomingMessage, response: ServerResponse, what: string): Promise<void> {
    let form = ''
    request.setEncoding('utf8')
    for await (const piece of request) form += String(piece)
    const name = randomBytes(16).toString('base64url')
    const answer = new URLSearchParams(form).get('answer') ?? ''
    this.#answers.set(name, answer)
    this.posted.push(answer)
    response.writeHead(303, { location: `/done/${what}?answer=${name}` }).end()
  }
}

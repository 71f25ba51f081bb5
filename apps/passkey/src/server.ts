/**
 * Serves the built page: four files and what says which release they are, to GET and HEAD, and nothing else. It has no
 * state, no cookie and no log, and looks at no credential: there is nothing behind it to sign in to.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RELEASE_PATH } from '@scelle/wire/software'
import { PAGE_HEADERS } from './headers.ts'

/** Path, with its first slash, to octets. */
export type Built = ReadonlyMap<string, Uint8Array>

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
}

export interface PageRoute {
  readonly methods: readonly ('GET' | 'HEAD')[]
  readonly url: string
  /** Anybody's: the same bytes, whoever asks. */
  readonly policy: 'public'
  /** Of {@link Built}. */
  readonly file: string
}

const route = (url: string, file = url): PageRoute => ({ methods: ['GET', 'HEAD'], url, policy: 'public', file })

/** Everything that the origin answers to; a test knocks at each. */
export const PAGE_ROUTES: readonly PageRoute[] = [
  route('/', '/index.html'), route('/index.html'), route('/page.css'), route('/page.js'), route('/constellation.json'),
  route(RELEASE_PATH),
]

/** What lies in the folder by mistake, a key say, would be published: the operator takes it out first. */
const requireNothingElse = (built: Built): void => {
  const other = [...built.keys()].find((path) => !PAGE_ROUTES.some(({ file }) => file === path))
  if (other !== undefined) throw new Error(`${other.slice(1)} is no part of the page: take it out of the folder`)
}

/** Milliseconds, and connections at once. */
const LIMITS = { headersTime: 10_000, requestTime: 10_000, keepAliveTime: 15_000, connections: 2_048 } as const

const answer = (built: Built, request: IncomingMessage, response: ServerResponse): void => {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value)
  const path = PAGE_ROUTES.find(({ url }) => url === request.url)?.file ?? ''
  const file = built.get(path)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end()
  } else if (file === undefined) {
    response.writeHead(404).end()
  } else {
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'content-length': file.length })
    response.end(request.method === 'HEAD' ? undefined : file)
  }
}

export interface PageServer {
  readonly url: string
  readonly routes: readonly PageRoute[]
  readonly close: () => Promise<void>
}

const listening = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      resolve((server.address() as AddressInfo).port)
    })
  })

/**
 * `port` 0: any. TLS ends before it, at whatever stands in front of the operator's other sites. Throws where the folder
 * has more in it than the page.
 */
export const servePage = async (
  built: Built, { host, port }: { readonly host: string; readonly port: number },
): Promise<PageServer> => {
  requireNothingElse(built)
  const server = createServer((request, response) => {
    answer(built, request, response)
  })
  server.headersTimeout = LIMITS.headersTime
  server.requestTimeout = LIMITS.requestTime
  server.keepAliveTimeout = LIMITS.keepAliveTime
  server.maxConnections = LIMITS.connections
  const bound = await listening(server, port, host)
  return {
    url: `http://${host}:${bound}`,
    routes: PAGE_ROUTES,
    close: () => new Promise((resolve) => {
      server.close(() => {
        resolve()
      })
      server.closeAllConnections()
    }),
  }
}

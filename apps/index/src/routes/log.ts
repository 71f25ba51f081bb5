/**
 * The log, to anybody: checkpoints, tiles, entries, proofs. It holds nothing about anybody, and a page in a browser may
 * verify it too. Paths and headers of checkpoint and tiles: c2sp.org/tlog-tiles.
 */
import { Problem } from '@scelle/wire/errors'
import type { Answer, PublicRoute, Server, ServerRequest } from '@scelle/wire/server'
import { requireQuery, type Services } from '../services.ts'

const TEXT = 'text/plain; charset=utf-8'
const FOREVER = 'public, max-age=31536000, immutable'
const NOT_KEPT = 'no-cache'

const answer = (body: Uint8Array, type: string, cache: string): Answer => ({
  body, headers: { 'content-type': type, 'cache-control': cache, 'access-control-allow-origin': '*' },
})

const leafOf = (text: string | undefined): number => {
  const leaf = Number(text)
  if (!/^(0|[1-9]\d{0,15})$/.test(text ?? '') || !Number.isSafeInteger(leaf)) {
    throw new Problem('bad-request', 'A leaf is a number from 0.')
  }
  return leaf
}

export const addLogRoutes = (server: Server, { log }: Services): void => {
  const get = (url: string, handler: (request: ServerRequest) => Promise<Answer>): void => {
    const route: PublicRoute = {
      method: 'GET',
      url,
      policy: 'public',
      handler: async (request) => {
        requireQuery(request)
        return handler(request)
      },
    }
    server.route(route)
  }
  get('/checkpoint', async () => answer(await log.checkpoint(), TEXT, NOT_KEPT))
  get('/v1/log/quorum', async () => answer(await log.cosigned('quorum'), TEXT, NOT_KEPT))
  get('/v1/log/final', async () => answer(await log.cosigned('final'), TEXT, NOT_KEPT))
  get('/v1/log/head', async () => answer(await log.head(), 'application/cbor', NOT_KEPT))
  get('/v1/log/proof/:leaf', async ({ params }) => answer(await log.proof(leafOf(params['leaf'])), TEXT, NOT_KEPT))
  get('/tile/*', async ({ params }) =>
    answer(await log.tile(`tile/${params['*'] ?? ''}`), 'application/octet-stream', FOREVER))
}

/** The feed: what one principal may see of one custodian's part, and no sign of what it may not. */
import { encode, fromHex, type PrincipalKeys } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { Feed } from '@scelle/wire/messages'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import type { CursorPlace, Progress } from '../cursor.ts'
import { feedCommit, fitting, namedEncapsulations } from '../feed-page.ts'
import { accessLogMask } from '../decisions.ts'
import { ALL, maskFor, SEES } from '../rights.ts'
import { idOf, requireQuery, type Services } from '../services.ts'

const limitOf = (text: string | null): number => {
  if (text === null) return WIRE_LIMITS.feedPage
  const limit = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  if (limit < 1) throw new Problem('bad-request', 'limit is a number from 1.')
  return Math.min(limit, WIRE_LIMITS.feedPage)
}

/**
 * Where the reader stands. A reader that sees more categories than when it got its cursor would miss what these held
 * before, so it is told to start again; unless they held nothing, as new categories do.
 */
const progressOf = async (
  services: Services, cursor: string | null, mask: number, place: CursorPlace,
): Promise<Progress> => {
  if (cursor === null) return { sequence: 0, mask }
  const bytes = fromHex(cursor)
  if (bytes === undefined) throw new Problem('bad-request', 'A cursor is lower-case hexadecimal digits.')
  const progress = services.cursors.open(bytes, place)
  const gained = mask & ~progress.mask
  const missed = gained !== 0 && (await services.store.anyCommit({ ...place, mask: gained, upTo: progress.sequence }))
  if (missed) throw new Problem('bad-request', 'This reader sees more categories now. Start without a cursor.')
  return progress
}

/**
 * Entries about accesses grow with every opening: whoever opens a chart leaves them out, and whoever asks who opened it
 * takes nothing else.
 */
const chosen = async (services: Services, entries: string | null, place: CursorPlace): Promise<number> => {
  if (entries === null) return ALL
  if (entries !== 'none' && entries !== 'only') throw new Problem('bad-request', 'entries is none or only.')
  const mask = accessLogMask(await services.store.categories(place.vault, place.custodian))
  return entries === 'only' ? mask : ~mask
}

const requireMask = async (
  services: Services, entries: string | null, asked: { place: CursorPlace; principal: PrincipalKeys },
): Promise<number> => {
  const { place, principal } = asked
  const mask = (await maskFor(services, place, principal, SEES)) & (await chosen(services, entries, place))
  if (mask === 0) throw new Problem('not-found')
  return mask
}

const read = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request, 'custodian', 'cursor', 'limit', 'entries')
  const place: CursorPlace = {
    principal: request.principal.id,
    vault: idOf(request.params['vault']),
    custodian: idOf(request.query.get('custodian')),
  }
  const limit = limitOf(request.query.get('limit'))
  const entries = request.query.get('entries')
  const mask = await requireMask(services, entries, { place, principal: request.principal })
  const progress = await progressOf(services, request.query.get('cursor'), mask, place)
  const maxBytes = WIRE_LIMITS.feedPageBytes
  const page = fitting(
    await services.store.feed({ ...place, mask, after: progress.sequence, limit, maxBytes }), maxBytes,
  )
  const encapsulations = await services.store.encapsulations(namedEncapsulations(page.commits))
  return {
    body: encode(Feed, {
      commits: page.commits.map(feedCommit),
      encapsulations: [...encapsulations.values()],
      cursor: services.cursors.seal({ sequence: page.last, mask }, place),
      more: page.more,
    }),
  }
}

export const addFeedRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'GET', url: '/v1/vaults/:vault/feed', policy: 'signed', handler: (request) => read(services, request),
  })
}

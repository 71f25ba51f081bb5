/** The feed: what one principal may see of one custodian's part, and no sign of what it may not. */
import { Commit, decode, decodeSigned, encode, equalBytes, fromHex, type PrincipalKeys } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { Feed } from '@scelle/wire/messages'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import type { CursorPlace, Progress } from '../cursor.ts'
import { feedCommit, fitting, namedEncapsulations } from '../feed-page.ts'
import { accessLogMask } from '../decisions.ts'
import { ALL, type Sight, sightOf } from '../rights.ts'
import { idOf, requireQuery, type Services } from '../services.ts'
import type { FeedEntry } from '../store.ts'

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

const requireSight = async (
  services: Services, entries: string | null, asked: { place: CursorPlace; principal: PrincipalKeys },
): Promise<Sight> => {
  const { place, principal } = asked
  const only = await chosen(services, entries, place)
  const { mask, kept } = await sightOf(services, place, principal)
  const sight = { mask: mask & only, kept: kept.map((one) => ({ ...one, mask: one.mask & only })) }
  if (maskOf(sight) === 0) throw new Problem('not-found')
  return sight
}

/** Every category of which something may be seen. */
const maskOf = ({ mask, kept }: Sight): number => kept.reduce((all, one) => all | one.mask, mask)

/** Commits without what is another author's in a keeper's categories. What has nothing left is not told of. */
const seen = (commits: readonly FeedEntry[], { mask, kept }: Sight): FeedEntry[] => {
  if (kept.length === 0) return [...commits]
  return commits.flatMap((commit) => {
    const { author } = decode(Commit, decodeSigned('commit', commit.statement).body)
    const own = kept.reduce((all, one) => (equalBytes(one.author, author) ? all | one.mask : all), mask)
    const isSeen = ({ category }: { readonly category: number }): boolean => (own & (1 << category)) !== 0
    const [capsules, records] = [commit.capsules.filter(isSeen), commit.records.filter(isSeen)]
    return capsules.length + records.length === 0 ? [] : [{ ...commit, capsules, records }]
  })
}

const read = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request, 'custodian', 'cursor', 'limit', 'entries')
  const place: CursorPlace = {
    principal: request.principal.id,
    vault: idOf(request.params['vault']),
    custodian: idOf(request.query.get('custodian')),
  }
  const limit = limitOf(request.query.get('limit'))
  const sight = await requireSight(services, request.query.get('entries'), { place, principal: request.principal })
  // A cursor speaks of what is seen whole: who kept its own and is granted all now starts again.
  const progress = await progressOf(services, request.query.get('cursor'), sight.mask, place)
  const maxBytes = WIRE_LIMITS.feedPageBytes
  const page = fitting(await services.store.feed({
    ...place, mask: maskOf(sight), after: progress.sequence, limit, maxBytes,
  }), maxBytes)
  const commits = seen(page.commits, sight)
  const encapsulations = await services.store.encapsulations(namedEncapsulations(commits))
  return {
    body: encode(Feed, {
      commits: commits.map(feedCommit),
      encapsulations: [...encapsulations.values()],
      cursor: services.cursors.seal({ sequence: page.last, mask: sight.mask }, place),
      more: page.more,
    }),
  }
}

export const addFeedRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'GET', url: '/v1/vaults/:vault/feed', policy: 'signed', handler: (request) => read(services, request),
  })
}

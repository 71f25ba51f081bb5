/**
 * What a guard asks before it lets a person's request through: it holds no key of that person, and knows nothing of
 * locks. Whoever shows both the session and the register's word of its person, which has the meter's id, is told
 * whether the session still carries anything; nobody is told where a meter stands.
 */
import {
  actingKeys, decode, decodeSigned, encode, type PrincipalKeys, requireLive,
} from '@scelle/seal/verify'
import { type SessionShown, StandingQuery, StandingTold } from '@scelle/wire/messages'
import type { Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { certify, type Serving } from '../routes.ts'
import { isSignedOut } from '../sessions.ts'
import type { ShownPrincipals } from '../shown.ts'
import { namedIn, standingOf, verifyStatuses } from './standing.ts'

/** The person as it acts in the session. Throws SealError, `bad-statement`. */
const actor = ({ session }: SessionShown, principals: ShownPrincipals): Promise<PrincipalKeys> => {
  const { signer } = decodeSigned('session', session)
  return actingKeys({ signer, session }, (id) => principals.need(id, 'person or house of a session'))
}

/** Why the session carries nothing any more. Throws SealError, `status-required`, `status-withdrawn`. */
const overBy = async (
  shown: SessionShown, principals: ShownPrincipals, { index, store, issuers, context }: Serving,
): Promise<string | undefined> => {
  const now = Math.floor(context.now() / 1000)
  const person = await actor(shown, principals)
  const { session } = person
  if (session === undefined) return undefined
  requireLive(session, { audience: index, now, skew: TRUSTEE_LIMITS.accessAhead })
  if (isSignedOut(session, store.log.signOuts(person.id, session.id))) return 'signed-out'
  const changes = store.meter.changes.about(namedIn(shown.statuses, principals), now)
  const rules = { issuers, principals, now }
  const said = await verifyStatuses(shown.statuses, { ...rules, changes: { ...changes, withdrawn: [] } })
  const standing = standingOf({ reader: person, grants: [], custodian: undefined }, said)
  const { isWithdrawn } = await verifyStatuses(shown.statuses, { ...rules, changes })
  if ([person.id, ...standing.houses].some(isWithdrawn)) return 'withdrawn'
  return store.looked((meter) => meter.lockOf(standing)?.cause)
}

export const addStandingRoute = (server: Pick<Server, 'route'>, serving: Serving): void => {
  server.route({
    method: 'POST',
    url: '/v1/standing',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.orderBody,
    certify: (body, signer) => certify(decode(StandingQuery, body), signer, serving.store),
    handler: async ({ certified: { request: { shown }, principals } }) => {
      // Key chains that are shorter than the log's were refused already.
      const over = shown === undefined ? undefined : await overBy(shown, principals, serving)
      return { body: encode(StandingTold, over === undefined ? {} : { over }) }
    },
  })
}

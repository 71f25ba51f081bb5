/**
 * One evaluation of a blinded identity: charged before it is answered, to whoever a listed issuer says the asker is.
 * This trustee learns neither who is looked for nor whether there is a vault: a miss costs what a hit does.
 */
import { encode, type PrincipalKeys } from '@scelle/seal/verify'
import { evaluateBlinded } from '@scelle/seal/voprf'
import { Problem } from '@scelle/wire/errors'
import { EvaluationAnswer, type EvaluationRequest } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { TRAILING } from '../meter/budgets.ts'
import { type Metered, namedIn, type Standing, standingOf, verifyStatuses } from '../meter/standing.ts'
import type { Serving } from '../routes.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { Ceremony } from './ceremony.ts'
import type { LookupBound } from './store.ts'

export interface Asked<Request> {
  readonly request: Request
  readonly principals: ShownPrincipals
  /** Who signed the request. */
  readonly asker: PrincipalKeys
}

/**
 * How many people a meter may look up: so many times the patients that it may open of its own, since most who are
 * looked up are new, misspelt, or never opened.
 */
export const lookupBound = ({ key, budget, patientsPerDay }: Metered): LookupBound => {
  const own = budget.bounds.own ?? {}
  const patients = Math.min(own.day ?? 0, patientsPerDay ?? Number.MAX_SAFE_INTEGER)
  const day = patients * TRUSTEE_LIMITS.lookupsPerPatient
  const month = Math.min((own.month ?? 0) * TRUSTEE_LIMITS.lookupsPerPatient, day * TRAILING.monthDays)
  return { meter: key, day, month }
}

/**
 * Who asks, by the word of a listed issuer: nobody else looks anybody up. Throws `status-required`, `status-withdrawn`,
 * `locked`.
 */
export const standingOfAsker = async (
  { request, principals, asker }: Asked<{ readonly statuses: readonly Uint8Array[] }>,
  { issuers, store }: Pick<Serving, 'issuers' | 'store'>, now: number,
): Promise<Standing> => {
  const changes = store.meter.changes.about(namedIn(request.statuses, principals), now)
  const statuses = await verifyStatuses(request.statuses, { issuers, principals, now, changes })
  const standing = standingOf({ reader: asker, grants: [], custodian: undefined }, statuses)
  if (standing.role === undefined) throw new Problem('status-required')
  store.meter.requireFree({ standing })
  return standing
}

/** Throws `status-required`, `locked`, `budget-spent`, `discovery-absent`, `discovery-stale`, or SealError. */
export const evaluate = async (
  asked: Asked<EvaluationRequest>, ceremony: Ceremony, serving: Serving,
): Promise<Uint8Array> => {
  const { identity, store, context } = serving
  const { blinded, generation } = asked.request
  const now = Math.floor(context.now() / 1000)
  const standing = await standingOfAsker(asked, serving, now)
  const { share } = await ceremony.held(generation)
  // A point that is none costs nothing; one that is, costs before it is answered.
  const { evaluated, proof } = evaluateBlinded(blinded, share, context)
  const bounds = standing.meters.map(lookupBound)
  const lookups = store.discovery.charge(bounds, blinded, now)
  return encode(EvaluationAnswer, {
    trustee: identity.id, generation, evaluated, proof, lookups, bound: bounds[0]?.day ?? 0,
  })
}

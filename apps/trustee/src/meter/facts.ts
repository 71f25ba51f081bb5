/**
 * Why an opening is care, by the word of somebody else than who opens. A fact that the reader made, or somebody who
 * acts under it, never counts: a thief would book himself an appointment.
 */
import {
  actingKeys, decode, decodeSigned, equalBytes, Fact, type PrincipalKeys, requireCurrentKey, requireSuite, type Role,
  SealError, type VerifiedVault, verifySigned,
} from '@scelle/seal/verify'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { ShownPrincipals } from '../shown.ts'
import { isSilenced, type KnownLocks } from './locks.ts'
import { reachesAhead } from './ahead.ts'
import { circleOf, type Metered, type ShownStatuses, type Standing } from './standing.ts'

/**
 * Who explains an opening to one meter, the best one first: the patient itself (its device, or the issuer of its card),
 * a hospital, laboratory or pharmacy outside the meter's circle, somebody else, nobody.
 */
export const EXPLANATIONS = ['patient', 'outside', 'inside', 'none'] as const
export type Explanation = (typeof EXPLANATIONS)[number]

/** By whose word an opening is care. */
export type Source =
  | { readonly by: 'patient' }
  | { readonly by: 'nobody' }
  /** A house: the signer itself, or where it works; with the vendors behind it. */
  | {
    readonly by: 'other'; readonly house: Uint8Array; readonly circle: readonly Uint8Array[]
    /** Whether its word lifts another one's bound: not a practice's. */
    readonly lifts: boolean
  }

interface Explaining {
  /** Signed facts, as the request shows them. */
  readonly facts: readonly Uint8Array[]
  readonly standing: Standing
  readonly vault: VerifiedVault
  readonly principals: ShownPrincipals
  readonly statuses: ShownStatuses
  readonly locks: KnownLocks
  /** Whether the glass is broken. */
  readonly broken: boolean
  /** Principal ids of the issuers that this trustee lists: they issue patients' cards, too. */
  readonly issuers: readonly Uint8Array[]
  /** Seconds. */
  readonly now: number
  /** Of an access that is made ahead of time: until when it is opened, in seconds. */
  readonly until?: number | undefined
}

const includes = (ids: readonly Uint8Array[], id: Uint8Array): boolean => ids.some((one) => equalBytes(one, id))

/** It has begun; ahead of time, it is one of those for which that is done. */
const hasBegun = (fact: Fact, { now, until }: Explaining): boolean =>
  until === undefined ? now >= fact.notBefore - TRUSTEE_LIMITS.accessAhead : reachesAhead(fact, until, now)

/** It is about this opening, now, and no longer than such a fact may be. */
const fits = (fact: Fact, explaining: Explaining): boolean => {
  const { standing, vault, now } = explaining
  return equalBytes(fact.vault, vault.vault) && includes(standing.houses, fact.organisation) &&
    (fact.reader === undefined || equalBytes(fact.reader, standing.reader)) &&
    fact.expires - fact.notBefore <= TRUSTEE_LIMITS.factTimes[fact.type] &&
    now < fact.expires && hasBegun(fact, explaining)
}

/** Whether the signer is the reader, by another device or employer, or acts under it. */
const isReaders = (signer: Uint8Array, { standing, statuses }: Explaining): boolean => {
  if (equalBytes(signer, standing.reader)) return true
  const status = statuses.of(signer)
  if (status === undefined) return false
  const over = status.under === undefined ? undefined : statuses.of(status.under)
  return equalBytes(status.meter, standing.own.key) ||
    (status.under !== undefined && equalBytes(status.under, standing.reader)) ||
    (over !== undefined && equalBytes(over.meter, standing.own.key)) ||
    // Under somebody whom the request does not show: it may be the reader's other device.
    (status.under !== undefined && over === undefined)
}

const NOBODY: Source = { by: 'nobody' }

/**
 * Houses whose word lifts somebody else's bound. A practice's does not: who has stolen 1,500 of them would have each
 * sign referrals for the next. It spares the reader the step-up, as a colleague's does, and is counted as one.
 */
const LIFTS: ReadonlySet<Role> = new Set<Role>(['hospital', 'laboratory-site', 'pharmacy'])

const sourceOf = (fact: Fact, signer: PrincipalKeys, explaining: Explaining): Source => {
  const { vault, issuers, statuses, locks, broken } = explaining
  if (vault.genesis.mode === 'owner' && equalBytes(signer.id, vault.genesis.controller)) return { by: 'patient' }
  if (fact.type === 'presence') return includes(issuers, signer.id) ? { by: 'patient' } : NOBODY
  const status = statuses.of(signer.id)
  // Somebody without a status may be a key that the reader made a minute ago.
  if (status === undefined || isReaders(signer.id, explaining)) return NOBODY
  if (isSilenced(locks, signer.id, status, broken)) return NOBODY
  // Somebody whose key does not do alone says so in a session, which somebody with a copy of the key has not.
  if (signer.kind === 'person' && signer.session === undefined && status.ownKey !== true) return NOBODY
  const house = signer.kind === 'person' ? status.organisation : signer.id
  // Whoever works for nobody, or for whom is not shown, vouches for nothing that could be charged.
  const its = house === undefined ? undefined : statuses.of(house)
  if (house === undefined || its === undefined) return NOBODY
  return { by: 'other', house, circle: circleOf(house, statuses), lifts: LIFTS.has(its.role) }
}

/** What the source is to a meter: nobody of its own circle is a second source. */
export const explanationTo = ({ circle }: Pick<Metered, 'circle'>, source: Source): Explanation => {
  if (source.by === 'patient') return 'patient'
  if (source.by === 'nobody') return 'none'
  return !source.lifts || source.circle.some((house) => includes(circle, house)) ? 'inside' : 'outside'
}

/**
 * The best source that the facts give, by the reader's own meter. A fact that is not about this opening explains
 * nothing; one that is forged is refused. Throws SealError `signature-invalid`, `bad-statement`, `status-required`.
 */
export const explain = async (explaining: Explaining): Promise<Source> => {
  const rank = (source: Source): number => EXPLANATIONS.indexOf(explanationTo(explaining.standing.own, source))
  let best: Source = NOBODY
  for (const bytes of explaining.facts) {
    const signer = await actingKeys(decodeSigned('fact', bytes), (id) =>
      explaining.principals.need(id, 'signer of a fact'), 'listed')
    const { body, signed } = await verifySigned('fact', bytes, signer)
    requireCurrentKey(signed, signer)
    const fact = decode(Fact, body)
    requireSuite(fact)
    if (fact.expires <= fact.notBefore) throw new SealError('signature-invalid', 'a fact ends before it begins')
    const source = fits(fact, explaining) ? sourceOf(fact, signer, explaining) : NOBODY
    if (rank(source) < rank(best)) best = source
  }
  return best
}

/**
 * Why an opening is care, by the word of somebody else than who opens. A fact that the reader made, or somebody who
 * acts under it, never counts: a thief would book himself an appointment.
 */
import {
  decode, decodeSigned, equalBytes, Fact, type PrincipalKeys, requireCurrentKey, requireSuite, SealError,
  type VerifiedVault, verifySigned,
} from '@scelle/seal/verify'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { ShownStatuses, Standing } from './standing.ts'

/**
 * Who explains an opening, the best one first: the patient itself (its device, or the issuer of its card), somebody
 * outside the reader's houses, somebody else in them, nobody.
 */
export const EXPLANATIONS = ['patient', 'outside', 'inside', 'none'] as const
export type Explanation = (typeof EXPLANATIONS)[number]

interface Explaining {
  /** Signed facts, as the request shows them. */
  readonly facts: readonly Uint8Array[]
  readonly standing: Standing
  readonly vault: VerifiedVault
  readonly principals: ShownPrincipals
  readonly statuses: ShownStatuses
  /** Principal ids of the issuers that this trustee lists: they issue patients' cards, too. */
  readonly issuers: readonly Uint8Array[]
  /** Seconds. */
  readonly now: number
}

const includes = (ids: readonly Uint8Array[], id: Uint8Array): boolean => ids.some((one) => equalBytes(one, id))

/** It is about this opening, now, and no longer than such a fact may be. */
const fits = (fact: Fact, { standing, vault, now }: Explaining): boolean =>
  equalBytes(fact.vault, vault.vault) && includes(standing.houses, fact.organisation) &&
  (fact.reader === undefined || equalBytes(fact.reader, standing.reader)) &&
  fact.expires - fact.notBefore <= TRUSTEE_LIMITS.factTimes[fact.type] &&
  now >= fact.notBefore - TRUSTEE_LIMITS.factAhead && now < fact.expires

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

const sourceOf = (fact: Fact, signer: PrincipalKeys, explaining: Explaining): Explanation => {
  const { vault, issuers, statuses, standing } = explaining
  if (vault.genesis.mode === 'owner' && equalBytes(signer.id, vault.genesis.controller)) return 'patient'
  if (fact.type === 'presence') return includes(issuers, signer.id) ? 'patient' : 'none'
  const status = statuses.of(signer.id)
  // Somebody without a status may be a key that the reader made a minute ago.
  if (status === undefined || isReaders(signer.id, explaining)) return 'none'
  const its = [signer.id, ...status.organisation === undefined ? [] : [status.organisation],
    ...status.vendor === undefined ? [] : [status.vendor]]
  const behind = status.organisation === undefined ? undefined : statuses.of(status.organisation)?.vendor
  const inside = its.some((id) => includes(standing.houses, id)) ||
    (behind !== undefined && includes(standing.houses, behind)) ||
    // Whose vendor is not shown may be ours.
    (status.organisation !== undefined && statuses.of(status.organisation) === undefined)
  return inside ? 'inside' : 'outside'
}

/**
 * The best explanation that the facts give. One that is not about this opening explains nothing; one that is forged is
 * refused. Throws SealError `signature-invalid`, `bad-statement`.
 */
export const explain = async (explaining: Explaining): Promise<Explanation> => {
  let best: Explanation = 'none'
  for (const bytes of explaining.facts) {
    const signer = explaining.principals.need(decodeSigned('fact', bytes).signer, 'signer of a fact')
    const { body, signed } = await verifySigned('fact', bytes, signer)
    requireCurrentKey(signed, signer)
    const fact = decode(Fact, body)
    requireSuite(fact)
    if (fact.expires <= fact.notBefore) throw new SealError('signature-invalid', 'a fact ends before it begins')
    const source = fits(fact, explaining) ? sourceOf(fact, signer, explaining) : 'none'
    if (EXPLANATIONS.indexOf(source) < EXPLANATIONS.indexOf(best)) best = source
  }
  return best
}

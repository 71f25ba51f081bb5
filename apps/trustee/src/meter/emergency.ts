/**
 * Breaking the glass: opening without a grant of one's own, because somebody may die. The patient, or its custodian,
 * left the way open by a grant to the emergency key, which registered sites alone hold; a site signs it on to one of
 * its people, for hours. No spent budget is in the way; reasons, a colleague and a ceiling are, and everybody is told.
 */
import {
  type Access, equalBytes, type Grant, PERSON_ROLES, type Role, type Status,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { Confirmed } from './confirmations.ts'
import type { ShownStatuses, Standing } from './standing.ts'

/** What an emergency opening is counted by, besides the reader's own meter. */
export interface Emergency {
  /** Meters of colleagues who confirmed, each once. */
  readonly confirmers: readonly Uint8Array[]
  /** Nothing but what opens without a colleague. */
  readonly summaryOnly: boolean
  /** Statement id of the access, the organisation whose officers review it, and the signed reason. */
  readonly access: Uint8Array
  readonly house: Uint8Array
  readonly reason: Uint8Array
}

interface Breaking {
  readonly access: Access
  readonly accessId: Uint8Array
  readonly grants: readonly Grant[]
  readonly categories: readonly Uint8Array[]
  readonly standing: Standing
  readonly statuses: ShownStatuses
  readonly confirmations: readonly Confirmed[]
  /** Ids of emergency keys, from the configuration. */
  readonly emergencyKeys: readonly Uint8Array[]
}

const refuse = (what: string): never => {
  throw new Problem('emergency-refused', what)
}

/** Who helps people. Neither an engineer nor an officer, nor whoever keeps the desk. */
const CLINICAL: ReadonlySet<Role> = new Set<Role>(PERSON_ROLES.filter((role) =>
  !['registration', 'assistant', 'engineer', 'officer', 'laboratory'].includes(role)))

export const isEmergency = (grants: readonly Grant[]): boolean =>
  grants.some(({ basis }) => basis === 'vital-interest')

/** The right: from the custodian to the emergency key, from there to this person, for hours. */
const requireWay = ({ grants, access, emergencyKeys }: Breaking): Grant => {
  const [open, own] = grants
  if (open === undefined || own === undefined || grants.length !== 2) {
    return refuse('The way leads from the custodian to the emergency key, and from there to the reader.')
  }
  if (!emergencyKeys.some((key) => equalBytes(key, open.grantee))) {
    refuse('This trustee knows no such emergency key.')
  }
  if (own.expires - own.notBefore > TRUSTEE_LIMITS.emergencyTime) refuse('It is for four hours at most.')
  if (access.purpose !== 'emergency') refuse('Its purpose is the emergency.')
  return open
}

const requirePerson = ({ standing, statuses }: Breaking): { status: Status; house: Uint8Array } => {
  const status = statuses.of(standing.reader)
  const house = status?.organisation
  if (status === undefined || house === undefined || !CLINICAL.has(status.role)) {
    return refuse('Only people who treat patients at a registered site break the glass.')
  }
  if (statuses.of(house)?.emergency !== true) refuse('The register knows no emergency site in this organisation.')
  return { status, house }
}

/** Throws `emergency-refused` unless this is one; what it is counted by. */
export const requireEmergency = (breaking: Breaking): Emergency => {
  const { accessId, categories, confirmations, statuses } = breaking
  const open = requireWay(breaking)
  const { house } = requirePerson(breaking)
  // For this patient: a reason that fits any would be given once and used for all.
  const reason = confirmations.find(({ type, vault }) => type === 'step-up' && vault !== undefined) ??
    refuse('The reader signs the reason for this patient with the second key.')
  const confirmers = new Map(confirmations.flatMap(({ type, vault, signer }) => {
    const meter = type === 'colleague' && vault !== undefined ? statuses.of(signer)?.meter : undefined
    return meter === undefined ? [] : [[meter.join(), meter] as const]
  }))
  return {
    confirmers: [...confirmers.values()],
    summaryOnly: categories.every((id) => (open.summary ?? []).some((one) => equalBytes(one, id))),
    access: accessId, house, reason: reason.bytes,
  }
}

/** From what a request shows to what is charged for it. */
import {
  type Access, type CapsuleHeader, equalBytes, type Grant, type PrincipalKeys, type VerifiedVault,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { ReleaseRequest } from '@scelle/wire/messages'
import type { ShownPrincipals } from '../shown.ts'
import { refuseAhead, requireAhead } from './ahead.ts'
import { verifyConfirmations } from './confirmations.ts'
import { CARER } from './budgets.ts'
import type { KnownChanges } from './changes.ts'
import { isEmergency, requireEmergency } from './emergency.ts'
import { explain } from './facts.ts'
import { requireKeeper } from './keeper.ts'
import type { KnownLocks } from './locks.ts'
import type { Charge } from './meter.ts'
import { requireSession } from '../sessions.ts'
import { standingOf, verifyStatuses, withVoucher } from './standing.ts'
import { requireTicket } from './tickets.ts'

interface Weighing {
  readonly request: ReleaseRequest
  readonly principals: ShownPrincipals
  readonly reader: PrincipalKeys
  readonly vault: VerifiedVault
  readonly access: Access
  /** Statement id of the access. */
  readonly accessId: Uint8Array
  /** The verified chain; empty where the custodian itself reads. */
  readonly grants: readonly Grant[]
  /** Ids of the categories that the capsules are of. */
  readonly categories: readonly Uint8Array[]
  /** Of all capsules. */
  readonly headers: readonly CapsuleHeader[]
  /** Principal ids whose statuses count here. */
  readonly issuers: readonly Uint8Array[]
  /** Principal ids of emergency keys. */
  readonly emergencyKeys: readonly Uint8Array[]
  /** Principal id of the index. */
  readonly index: Uint8Array
  readonly signOuts: readonly Uint8Array[]
  /** Whoever is locked vouches for nobody. */
  readonly locks: KnownLocks
  /** Statuses that were withdrawn, and keys that stand for lost ones. */
  readonly changes: KnownChanges
  /** Seconds. */
  readonly now: number
}

/** By the custodian's word in the grant that is used; of a custodian's own categories it keeps count itself. */
const isStrict = (grants: readonly Grant[], categories: readonly Uint8Array[]): boolean =>
  (grants.at(-1)?.strict ?? []).some((strict) => categories.some((category) => equalBytes(category, strict)))

const smallest = (grants: readonly Grant[]): number | undefined => {
  const bounds = grants.flatMap(({ patientsPerDay }) => patientsPerDay ?? [])
  return bounds.length === 0 ? undefined : Math.min(...bounds)
}

/**
 * What an opening costs, and whom. Undefined where the owner opens its own vault: a patient is not metered. Throws
 * `status-required`, `status-withdrawn`, `ticket-required`, `ahead-refused`, `fact-required`, `officers-required`,
 * `emergency-refused`, `not-permitted`, `bad-statement` or the SealError of a statement that does not hold.
 */
export const weigh = async (weighing: Weighing): Promise<Charge | undefined> => {
  const { request, principals, reader, vault, access, grants, categories, headers, issuers, now } = weighing
  const broken = isEmergency(grants)
  if (vault.genesis.mode === 'owner' && equalBytes(reader.id, vault.genesis.controller)) {
    // It opens by itself, network or none: no trustee is needed, and no device key that rests on a disk.
    return access.until === undefined ? undefined : refuseAhead('An owner opens without trustees.')
  }
  requireAhead({ access, request, reader, grants, now })
  const statuses = await verifyStatuses(request.statuses ?? [], { issuers, principals, now, changes: weighing.changes })
  const custodian = vault.genesis.mode === 'custody' ? access.custodian : undefined
  // The emergency key is no house: it has no budget, and lends none.
  const standing = standingOf({ reader, grants: broken ? [] : grants, custodian, purpose: access.purpose }, statuses)
  // No house signs a carer on, whose key is in its own client: see `standing.ts`. Of a house that opens for its people
  // alone there are none: whoever has its key would make them.
  const isCarer = standing.own.budget === CARER && reader.session === undefined &&
    principals.find(access.custodian)?.current.flowOnly !== true
  if (!isCarer) requireSession({ ...weighing, status: statuses.of(reader.id) })
  await requireTicket({ ticket: request.ticket, access, reader, grants, principals, statuses, now })
  const shown = { standing, principals, statuses, locks: weighing.locks, broken, now }
  const source = await explain({ ...shown, facts: request.facts ?? [], vault, issuers, until: access.until })
  if (source.by === 'nobody' && access.until !== undefined) {
    refuseAhead('Somebody else signs that this patient has an appointment, is referred or admitted at that time.')
  }
  if (source.by === 'nobody' && grants.some((grant) => grant.standing === true)) throw new Problem('fact-required')
  const confirmations = await verifyConfirmations({
    ...shown, confirmations: request.confirmations ?? [], vault: vault.vault,
  })
  const emergency = broken
    ? requireEmergency({ ...weighing, standing, statuses, confirmations }) : undefined
  requireKeeper({ grants, access, headers, statuses, confirmations, now })
  return {
    standing: source.by === 'other' ? withVoucher(standing, source.house, statuses) : standing,
    vault: vault.vault, source, strict: isStrict(grants, categories),
    confirmations: confirmations.filter(({ type }) => type !== 'officer'),
    patientsPerDay: smallest(grants), now, emergency,
  }
}

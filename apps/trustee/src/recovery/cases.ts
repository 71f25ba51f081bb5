/**
 * Recoveries and objections as the log brings them. What two guardians sign is a notice first: it begins where this
 * trustee cosigns the tree that holds it, so nothing is recovered that the owner could not have seen.
 */
import {
  equalBytes, FORMAT_LIMITS, type Notice, readRecoverySet, recoverySetId, verifyObjection, verifyRecovery,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { ObjectionShown, RecoveryShown } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { RecoveryCase, RecoveryStore } from './store.ts'

/** The owner whom an objection names, found among those shown. Throws `bad-statement` or SealError. */
export const verifyShownObjection = async (
  { objection: signed }: ObjectionShown, principals: ShownPrincipals, owner: Uint8Array,
): Promise<(store: RecoveryStore) => boolean> => {
  const { objection } = await verifyObjection(signed, principals.need(owner, 'owner'))
  return (store) => store.object(objection.recovery ?? objection.set, objection.owner)
}

/**
 * Checks what two guardians signed. The 72 hours are counted by this trustee's own clock, `now` in seconds, from when
 * it reads the leaf: a notice that somebody dates back gains nothing. Undefined where another trustee is meant. Throws
 * Problem, SealError.
 */
export const verifyShownRecovery = async (
  { recoveries, set }: RecoveryShown, principals: ShownPrincipals,
  { self, now, notice }: { readonly self: Uint8Array; readonly now: number; readonly notice: Pick<Notice, 'time'> },
): Promise<RecoveryCase | undefined> => {
  if (!readRecoverySet(set).trustees.some((id) => equalBytes(id, self))) return undefined
  const { id, recovery: { owner, device, time } } = await verifyRecovery(recoveries, set, principals.find)
  // Signed long ago, it may be somebody's who found it: guardians are asked again.
  if (time > notice.time + TRUSTEE_LIMITS.accessAhead || time < notice.time - FORMAT_LIMITS.recoveryAge) {
    throw new Problem('bad-statement', 'A recovery is put on record within days of being signed.')
  }
  return { id, set: recoverySetId(set), owner, device, time, due: now + TRUSTEE_LIMITS.recoveryNotice }
}

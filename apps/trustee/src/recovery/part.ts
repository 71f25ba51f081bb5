/** This trustee's part of a root: given to the device of a recovery that is due, and that nobody stopped. */
import { encode, equalBytes, type PrincipalKeys, recoverySetId } from '@scelle/seal/verify'
import { openPart, sealPart } from '@scelle/seal/shares'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { PartAnswer, type PartRequest } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { SeenNotes } from '../log/seen.ts'
import type { Serving } from '../routes.ts'

/**
 * Whoever moves this trustee's clock has three days go by at once. So a peer's cosignature has to be about that late as
 * well; a checkpoint is renewed within an hour, or the log stands still and clients alarm.
 */
const requireElapsed = (due: number, seen: SeenNotes, own: Uint8Array): void => {
  if (!seen.newest(own).some((time) => time >= due - WIRE_LIMITS.finalAge)) throw new Problem('clock-skewed')
}

/** Throws `not-found`, `not-permitted`, `recovery-ended`, `clock-skewed`, or SealError where the part does not open. */
export const givePart = async (
  { recovery, set, part: sealed }: PartRequest, device: PrincipalKeys, seen: SeenNotes,
  { identity, store, context }: Serving,
): Promise<Uint8Array> => {
  const known = store.recovery.find(recovery)
  if (known === undefined) throw new Problem('not-found')
  const { set: setId, due } = known
  if (!equalBytes(known.device, device.id) || !equalBytes(recoverySetId(set), setId)) throw new Problem('not-permitted')
  const now = Math.floor(context.now() / 1000)
  if (known.ended || now >= due + TRUSTEE_LIMITS.recoveryOpen) throw new Problem('recovery-ended')
  if (now < due) return encode(PartAnswer, { trustee: identity.id, due })
  requireElapsed(due, seen, identity.id)
  const { part } = await openPart({ set, sealed }, identity)
  const given = await sealPart(part, recovery, identity.id, device)
  // Last, and in one transaction with the look for objections: what was opened meanwhile has not left.
  store.recovery.release(recovery, now)
  return encode(PartAnswer, { trustee: identity.id, part: given })
}

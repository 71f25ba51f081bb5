/** Somebody stands for a reader's going on: its own second key, or a colleague who is counted as somebody else. */
import {
  Confirmation, decode, decodeSigned, equalBytes, type PrincipalKeys, requireCurrentKey, requireSuite, type Signed,
  verifySigned,
} from '@scelle/seal/verify'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { isOwnWord } from '../sessions.ts'
import type { ShownPrincipals } from '../shown.ts'
import { isSilenced, type KnownLocks } from './locks.ts'
import type { ShownStatuses, Standing } from './standing.ts'

/** A verified confirmation of this reader's going on. */
export interface Confirmed {
  /** Statement id. */
  readonly statement: Uint8Array
  readonly type: Confirmation['type']
  /** The patient that it is for; undefined for any. */
  readonly vault: Uint8Array | undefined
  readonly signer: Uint8Array
  /** The signed statement. */
  readonly bytes: Uint8Array
  /** Of a second officer: the law's duty that it names. */
  readonly duty: Confirmation['duty']
}

interface Confirming {
  readonly confirmations: readonly Uint8Array[]
  readonly standing: Standing
  readonly vault: Uint8Array
  readonly principals: ShownPrincipals
  readonly statuses: ShownStatuses
  readonly locks: KnownLocks
  /** Whether the glass is broken. */
  readonly broken: boolean
  /** Seconds. */
  readonly now: number
}

interface Confirmer {
  readonly signer: PrincipalKeys
  readonly signed: Signed
}

/** Another person of the same organisation: not the reader under another key, nor anybody who acts under it. */
const isColleague = (
  { signer, signed }: Confirmer, { organisation }: Confirmation, { standing, statuses, locks, broken }: Confirming,
): boolean => {
  const status = statuses.of(signer.id)
  return signer.kind === 'person' && status !== undefined && status.under === undefined &&
    isOwnWord(signer, signed, status) &&
    !equalBytes(status.meter, standing.own.key) && !equalBytes(signer.id, standing.stepUp ?? standing.reader) &&
    !isSilenced(locks, signer.id, status, broken) &&
    status.organisation !== undefined && equalBytes(status.organisation, organisation) &&
    standing.houses.some((house) => equalBytes(house, organisation))
}

const holds = (confirmation: Confirmation, by: Confirmer, confirming: Confirming): boolean => {
  const { signer, signed } = by
  const { standing, vault, now } = confirming
  const age = now - confirmation.time
  if (!equalBytes(confirmation.reader, standing.reader)) return false
  if (confirmation.vault !== undefined && !equalBytes(confirmation.vault, vault)) return false
  if (age > TRUSTEE_LIMITS.confirmationWindow || age < -TRUSTEE_LIMITS.accessAhead) return false
  if (confirmation.reason.trim() === '') return false
  if (confirmation.type === 'colleague') return isColleague(by, confirmation, confirming)
  if (confirmation.type === 'officer') {
    // For this patient and a duty by its name: a blank one would open whatever the reader likes.
    return confirmation.vault !== undefined && confirmation.duty !== undefined &&
      isColleague(by, confirmation, confirming)
  }
  // One for a session at a server of the house is no gesture for this opening: whoever holds that server has it.
  if (confirmation.type !== 'step-up') return false
  // A passkey's gesture is made anew for this very word, which the reader's session key is not.
  if (signed.assertion !== undefined && equalBytes(signer.id, standing.reader)) {
    return isOwnWord(signer, signed, undefined)
  }
  return standing.stepUp !== undefined && equalBytes(signer.id, standing.stepUp) &&
    !equalBytes(signer.id, standing.reader)
}

/**
 * The confirmations that hold for this opening; others count for nothing. Throws SealError `signature-invalid` for a
 * forged one, `bad-statement` where its signer's keys are missing.
 */
export const verifyConfirmations = async (confirming: Confirming): Promise<Confirmed[]> => {
  const confirmed: Confirmed[] = []
  for (const bytes of confirming.confirmations) {
    const signer = confirming.principals.need(decodeSigned('confirmation', bytes).signer, 'signer of a confirmation')
    const { body, signed, id } = await verifySigned('confirmation', bytes, signer)
    requireCurrentKey(signed, signer)
    const confirmation = decode(Confirmation, body)
    requireSuite(confirmation)
    const { type, vault, duty } = confirmation
    if (holds(confirmation, { signer, signed }, confirming)) {
      confirmed.push({ statement: id, type, vault, signer: signer.id, bytes, duty })
    }
  }
  return confirmed
}

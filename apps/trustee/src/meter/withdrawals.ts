/** A register takes back what it said of somebody: a leaver, a lost licence. Whoever brings it, the register signed. */
import {
  decode, decodeSigned, equalBytes, requireCurrentKey, requireSuite, verifySigned, Withdrawal,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { WithdrawalNotice } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { Withdrawn } from './changes.ts'

/**
 * It takes back what its own signer said, and no other register's word. Throws `not-permitted` unless a listed issuer
 * signed it, `bad-statement` where it is dated in the future (it would bar a status that comes later), SealError.
 */
export const verifyWithdrawal = async (
  { withdrawal: signed }: WithdrawalNotice, principals: ShownPrincipals,
  { issuers, now }: { readonly issuers: readonly Uint8Array[]; readonly now: number },
): Promise<Withdrawn> => {
  const { signer } = decodeSigned('withdrawal', signed)
  if (!issuers.some((id) => equalBytes(id, signer))) {
    throw new Problem('not-permitted', 'A status is withdrawn by a register that this trustee lists.')
  }
  const issuer = principals.need(signer, 'register')
  const { body, signed: statement } = await verifySigned('withdrawal', signed, issuer)
  requireCurrentKey(statement, issuer)
  const withdrawal = decode(Withdrawal, body)
  requireSuite(withdrawal)
  if (withdrawal.time > now + TRUSTEE_LIMITS.accessAhead) {
    throw new Problem('bad-statement', 'A withdrawal is dated in the future.')
  }
  return { subject: withdrawal.subject, issuer: signer, time: withdrawal.time }
}

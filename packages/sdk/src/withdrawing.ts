/** A register takes back what it said of somebody. */
import { signWithdrawal } from '@scelle/seal/grants'
import { decode, decodeSigned, encode, Withdrawal } from '@scelle/seal/verify'
import { WithdrawalNotice } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { type Id, idBytes } from './ids.ts'
import { chainsOf } from './signers.ts'
import { tellTrustees, type Told } from './telling.ts'

/** As a register: no status of this principal that begins before now counts any more. Told to nobody yet. */
export const newWithdrawal = ({ identity, context }: Connection, subject: Id): Promise<Uint8Array> =>
  signWithdrawal(identity, idBytes(subject), context)

/**
 * Tells all trustees, and has it logged, sealed to them, for one that is down now or is restored one day: whoever has
 * the signed withdrawal may. `isLogged`: it was before, and trustees alone are told again. Throws as trustees refuse.
 */
export const sendWithdrawal = async (
  connection: Connection, withdrawal: Uint8Array, isLogged = false,
): Promise<Told> => {
  const { subject: target } = decode(Withdrawal, decodeSigned('withdrawal', withdrawal).body)
  const content = encode(WithdrawalNotice, { withdrawal, keys: await chainsOf(connection, [withdrawal]) })
  return tellTrustees(connection, { about: 'withdrawal', path: '/v1/withdrawals', target, content, isLogged })
}

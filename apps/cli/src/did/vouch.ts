/**
 * `scelle did vouch`: the register of this home gives a status to whom a name stands for. The principal comes from the
 * checked name and never from what somebody typed or sent: an organisation that points at another's is given nothing.
 */
import { ORGANISATION_ROLES } from '@scelle/seal/verify'
import { writeFile } from 'node:fs/promises'
import { CommandError, EXIT } from '../errors.ts'
import type { Io } from '../io.ts'
import { SEVERITIES } from '../log/statuses.ts'
import { MESSAGES } from '../messages.ts'
import { vouch } from '../run/register.ts'
import { checkedName, type DidCheck, DidRefusal } from './check.ts'

export interface Vouching extends DidCheck {
  readonly role: string
  /** What patients are shown. */
  readonly shown: string
  /** A new file. */
  readonly out: string
  /** Milliseconds since 1970. */
  readonly until: number
}

export const vouchForName = async (io: Io, options: Vouching): Promise<number> => {
  const { did, unknownOption } = MESSAGES[io.language]
  const role = ORGANISATION_ROLES.find((one) => one === options.role)
  if (role === undefined) throw new CommandError('usage', unknownOption(options.role))
  try {
    const { organisation } = await checkedName(io, options)
    const status = await vouch(io, {
      subject: organisation.principal, role, name: options.shown, expires: Math.floor(options.until / 1000),
    })
    await writeFile(options.out, status, { mode: 0o600, flag: 'wx' })
    io.out(did.vouched(organisation.did, options.out))
    return EXIT.done
  } catch (cause) {
    if (!(cause instanceof DidRefusal)) throw cause
    io.out(did.refused(cause.problem, cause.message))
    io.out(did.notVouched)
    return SEVERITIES[cause.severity]
  }
}

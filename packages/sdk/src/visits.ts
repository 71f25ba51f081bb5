/** What was opened under a vendor's tickets: kept while the client lives, and handed to the sponsor as one file. */
import { signReport } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { type Context, decode, Signed, statementId, Ticket, toHex } from '@scelle/seal/verify'
import { encodeReport } from '@scelle/wire/report'
import type { Directory } from './directory.ts'
import { SdkError } from './errors.ts'
import type { Shown } from './standing.ts'

interface Visit {
  readonly ticket: Uint8Array
  /** By the hex of each. */
  readonly statuses: Map<string, Uint8Array>
  readonly accesses: { readonly access: Uint8Array; readonly receipt: Uint8Array }[]
}

/** Of the client that opened. */
interface Reporting {
  readonly identity: Identity
  readonly context: Context
  readonly directory: Pick<Directory, 'of'>
}

export class Visits {
  readonly #byTicket = new Map<string, Visit>()

  /** An access that trustees released on, with what was shown for it. Nothing is kept where no ticket was. */
  add({ ticket, statuses = [] }: Shown, access: Uint8Array, receipt: Uint8Array): void {
    if (ticket === undefined) return
    const name = toHex(statementId(ticket))
    const visit = this.#byTicket.get(name) ?? { ticket, statuses: new Map<string, Uint8Array>(), accesses: [] }
    this.#byTicket.set(name, visit)
    for (const status of statuses) visit.statuses.set(toHex(statementId(status)), status)
    visit.accesses.push({ access, receipt })
  }

  /**
   * The signed file about one ticket: `verifyReport` of `@scelle/wire/report` checks it. A ticket under which nothing
   * was opened has a report, too. Throws `bad-input`, and as requests do.
   */
  async report({ identity, context, directory }: Reporting, ticket: Uint8Array): Promise<Uint8Array> {
    const { kind, body, signer } = decode(Signed, ticket)
    if (kind !== 'ticket') throw new SdkError('bad-input', 'this is no ticket')
    const { notBefore } = decode(Ticket, body)
    const visit = this.#byTicket.get(toHex(statementId(ticket)))
    const accesses = visit?.accesses ?? []
    const statuses = [...visit?.statuses.values() ?? []]
    const report = await signReport(identity, {
      ticket: statementId(ticket),
      accesses: accesses.map(({ access }) => statementId(access)),
      from: notBefore,
      to: Math.floor(context.now() / 1000),
    }, context)
    const signers = [identity.id, signer, ...statuses.map((status) => decode(Signed, status).signer)]
    const unique = new Map(signers.map((id) => [toHex(id), id]))
    const known = await Promise.all([...unique.values()].map((id) => directory.of(id)))
    return encodeReport({ report, ticket, statuses, keys: known.map(({ chain }) => [...chain]), accesses })
  }
}

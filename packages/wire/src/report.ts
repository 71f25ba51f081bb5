/**
 * A vendor's session as one file: what was opened, when, under which ticket, with the receipts. Whoever checks it needs
 * nothing but the pinned keys of the log and its trustees, and the ids of the registers that it believes.
 */
import type { LogPolicy } from '@scelle/log'
import {
  type Access, actingKeys, bytes, decode, decodeSigned, encode, equalBytes, field, FORMAT_LIMITS, list,
  type PrincipalKeys, Report, requireSuite, SealError, statementId, Status, struct, Ticket, toHex, type Value,
  verifyAccess, verifyKeyChain, verifySigned,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'
import { verifyReceipt } from './log.ts'
import { KeyChain } from './messages.ts'

const statement = bytes(1, FORMAT_LIMITS.statement)

export const ReportFile = struct({
  report: field(0, statement),
  ticket: field(1, statement),
  /** Of the reader, the vendor, the sponsor. */
  statuses: field(2, list(statement, WIRE_LIMITS.shownStatuses)),
  /** Key chains of whoever signed one of all these. */
  keys: field(3, list(KeyChain, WIRE_LIMITS.shownKeys)),
  /** In the order of the report; `receipt` is a tlog-proof whose `extra` is the salt of the leaf. */
  accesses: field(4, list(struct({
    access: field(0, statement), receipt: field(1, bytes(1, WIRE_LIMITS.logProof)),
  }), FORMAT_LIMITS.reportAccesses)),
})
export type ReportFile = Value<typeof ReportFile>

export const encodeReport = (file: ReportFile): Uint8Array => encode(ReportFile, file)

export interface ReportedAccess {
  /** Hex id of the vault. */
  readonly vault: string
  readonly access: Access
  /** Its place in the log. */
  readonly leaf: number
}

export interface VerifiedReport {
  readonly ticket: Ticket
  /** Hex ids. */
  readonly sponsor: string
  readonly reader: string
  readonly report: Report
  readonly accesses: readonly ReportedAccess[]
  /** What registers say of reader, sponsor and vendor, as far as one of `registers` signed it. */
  readonly statuses: readonly Status[]
}

type Keys = (id: Uint8Array) => PrincipalKeys

const keysIn = async ({ keys }: ReportFile): Promise<Keys> => {
  const known = new Map<string, PrincipalKeys>()
  for (const chain of keys) {
    const one = await verifyKeyChain(chain)
    known.set(toHex(one.id), one)
  }
  return (id) => {
    const found = known.get(toHex(id))
    if (found === undefined) throw new SealError('key-chain-broken', 'the report lacks the keys of one of its signers')
    return found
  }
}

const statusesIn = async (
  { statuses }: ReportFile, keys: Keys, registers: readonly Uint8Array[],
): Promise<Status[]> => {
  const found: Status[] = []
  for (const signed of statuses) {
    const { signer } = decodeSigned('status', signed)
    if (!registers.some((id) => equalBytes(id, signer))) continue
    found.push(decode(Status, (await verifySigned('status', signed, keys(signer))).body))
  }
  return found
}

const requireCovered = (access: Access, ticket: Ticket): void => {
  const holds = ticket.vaults.some((vault) => equalBytes(vault, access.vault)) && access.purpose === ticket.purpose &&
    access.time >= ticket.notBefore && access.time < ticket.expires
  if (!holds) throw new SealError('release-mismatch', 'the report holds an access that its ticket does not cover')
}

/**
 * Checks every signature, every receipt, and that the ticket covers each access. What a vendor leaves out of its report
 * the patient's list of accesses shows. Throws LogError or SealError.
 */
export const verifyReport = async (
  bytesOfFile: Uint8Array, policy: LogPolicy, registers: readonly Uint8Array[] = [],
): Promise<VerifiedReport> => {
  const file = decode(ReportFile, bytesOfFile)
  const keys = await keysIn(file)
  const signedReport = decodeSigned('report', file.report)
  const { signer: reader } = signedReport
  const acting = await actingKeys(signedReport, keys, 'listed')
  const report = decode(Report, (await verifySigned('report', file.report, acting)).body)
  const { signer: sponsor } = decodeSigned('ticket', file.ticket)
  const { body, id } = await verifySigned('ticket', file.ticket, keys(sponsor))
  const ticket = decode(Ticket, body)
  requireSuite(report)
  requireSuite(ticket)
  if (!equalBytes(report.ticket, id) || !equalBytes(report.reader, reader)) {
    throw new SealError('release-mismatch', 'the report is of another ticket or reader')
  }
  const listed = file.accesses.map(({ access }) => statementId(access))
  const names = report.accesses.map(toHex).join()
  if (listed.map(toHex).join() !== names) {
    throw new SealError('release-mismatch', 'the report names other accesses than the file holds')
  }
  const accesses: ReportedAccess[] = []
  for (const { access: signed, receipt } of file.accesses) {
    const acted = await actingKeys(decodeSigned('access', signed), keys, 'listed')
    const { access } = await verifyAccess(signed, acted, 'listed')
    requireCovered(access, ticket)
    const { proof } = await verifyReceipt(receipt, signed, policy)
    accesses.push({ vault: toHex(access.vault), access, leaf: proof.index })
  }
  return {
    ticket, sponsor: toHex(sponsor), reader: toHex(reader), report, accesses,
    statuses: await statusesIn(file, keys, registers),
  }
}

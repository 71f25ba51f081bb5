/**
 * Vendors. A vendor's people open the patients that a ticket names, while it is valid, for its purpose: the ticket is a
 * person's word at the organisation that let them in, and the grants are made under it. Everything is charged to the
 * vendor's meter beside the person's and the organisation's.
 */
import {
  type Access, decode, decodeSigned, equalBytes, type Grant, type PrincipalKeys, requireCurrentKey, requireSuite,
  Ticket, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { isOwnWord } from '../sessions.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { ShownStatuses } from './standing.ts'

interface Visiting {
  /** The signed ticket, where one is shown. */
  readonly ticket: Uint8Array | undefined
  readonly access: Pick<Access, 'vault' | 'purpose' | 'custodian'>
  readonly reader: PrincipalKeys
  readonly grants: readonly Grant[]
  readonly principals: ShownPrincipals
  readonly statuses: ShownStatuses
  /** Seconds. */
  readonly now: number
}

const refuse = (what: string): never => {
  throw new Problem('ticket-required', what)
}

const isVendor = (id: Uint8Array, { statuses, principals }: Visiting): boolean =>
  statuses.of(id)?.role === 'vendor' || principals.find(id)?.kind === 'vendor'

/** The vendor whom somebody acts for: itself, or the one that employs it. */
const vendorOf = (id: Uint8Array, visiting: Visiting): Uint8Array | undefined => {
  if (isVendor(id, visiting)) return id
  const status = visiting.statuses.of(id)
  if (status?.organisation !== undefined && isVendor(status.organisation, visiting)) return status.organisation
  // An engineer of nobody's is still no clinician.
  return status?.role === 'engineer' ? status.organisation ?? id : undefined
}

/** Vendors on the way from the custodian to the reader, each once, in this order. */
const vendorsOn = (visiting: Visiting): Uint8Array[] => {
  const found: Uint8Array[] = []
  for (const id of [...visiting.grants.map(({ grantee }) => grantee), visiting.reader.id]) {
    const vendor = vendorOf(id, visiting)
    if (vendor !== undefined && !found.some((known) => equalBytes(known, vendor))) found.push(vendor)
  }
  return found
}

/** Who let the first vendor in: whoever gave it its grant. */
const hostOf = (visiting: Visiting): Uint8Array => {
  const { grants, access } = visiting
  const first = grants.findIndex(({ grantee }) => vendorOf(grantee, visiting) !== undefined)
  return first <= 0 ? access.custodian : (grants[first - 1] as Grant).grantee
}

const requireSponsor = async (signed: Uint8Array, visiting: Visiting): Promise<{ ticket: Ticket; id: Uint8Array }> => {
  const sponsor = visiting.principals.need(decodeSigned('ticket', signed).signer, 'sponsor of the ticket')
  const { body, signed: statement, id } = await verifySigned('ticket', signed, sponsor)
  requireCurrentKey(statement, sponsor)
  const ticket = decode(Ticket, body)
  requireSuite(ticket)
  const status = visiting.statuses.of(sponsor.id)
  const own = visiting.statuses.of(visiting.reader.id)
  // A sponsor is one of the house that is visited, and answers for it: not the vendor, nor the reader by another key.
  const holds = sponsor.kind === 'person' && status?.organisation !== undefined &&
    equalBytes(status.organisation, ticket.organisation) && vendorOf(sponsor.id, visiting) === undefined &&
    (own === undefined || !equalBytes(status.meter, own.meter)) &&
    // A key on a disk would otherwise let a vendor in while nobody is there.
    isOwnWord(sponsor, statement, status)
  if (!holds) refuse('A ticket is signed by a person of the organisation that lets the vendor in, by their passkey.')
  return { ticket, id }
}

/** The grant that lets the first vendor in, and each below it, are made under this very ticket. */
const requireUnderTicket = (ticket: Uint8Array, visiting: Visiting): void => {
  const first = visiting.grants.findIndex(({ grantee }) => vendorOf(grantee, visiting) !== undefined)
  const under = visiting.grants.slice(Math.max(first, 0))
  if (first < 0 || !under.every((grant) => grant.ticket !== undefined && equalBytes(grant.ticket, ticket))) {
    refuse('The grants to the vendor do not name the ticket that is shown.')
  }
}

const requireCovered = (ticket: Ticket, vendors: readonly Uint8Array[], visiting: Visiting): void => {
  const { access, now } = visiting
  const refusals: [boolean, string][] = [
    [now >= ticket.notBefore && now < ticket.expires, 'The ticket is not valid at this time.'],
    [ticket.expires - ticket.notBefore <= TRUSTEE_LIMITS.ticketTime, 'A ticket is valid for four hours at most.'],
    [ticket.vaults.some((vault) => equalBytes(vault, access.vault)), 'The ticket does not name this patient.'],
    [ticket.purpose === access.purpose, 'The ticket is for another purpose.'],
    [equalBytes(ticket.organisation, hostOf(visiting)), 'The ticket is another organisation\'s.'],
    [equalBytes(ticket.vendor, vendors[0] as Uint8Array), 'The ticket is another vendor\'s.'],
    [ticket.subcontract || vendors.length === 1, 'The ticket does not allow another vendor to do it.'],
  ]
  const broken = refusals.find(([holds]) => !holds)
  if (broken !== undefined) refuse(broken[1])
}

/**
 * Throws `ticket-required` unless no vendor has a part in the access, or a ticket lets it in. Grants that name a ticket
 * are good with that ticket alone.
 */
export const requireTicket = async (visiting: Visiting): Promise<void> => {
  const vendors = vendorsOn(visiting)
  if (vendors.length === 0 && visiting.grants.every(({ ticket }) => ticket === undefined)) return
  if (visiting.ticket === undefined || vendors.length === 0) {
    throw new Problem('ticket-required')
  }
  const { ticket, id } = await requireSponsor(visiting.ticket, visiting)
  requireCovered(ticket, vendors, visiting)
  requireUnderTicket(id, visiting)
}

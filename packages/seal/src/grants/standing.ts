/** What registers, patients, schedulers, colleagues, officers and sponsors sign: see `../standing.ts`. */
import type { Context } from '../context.ts'
import { IdentityProof } from '../discovery.ts'
import { encode } from '../encoding/schema.ts'
import type { Identity } from '../identity.ts'
import { Withdrawal } from '../sessions.ts'
import { Confirmation, Decoy, Fact, Link, Order, Report, Status, Ticket } from '../standing.ts'
import { SUITE } from '../statements.ts'

/** A register's word about a principal. */
export const signStatus = (
  issuer: Identity, status: Omit<Status, 'suite' | 'salt'>, context: Context,
): Promise<Uint8Array> => issuer.sign('status', encode(Status, { ...status, suite: SUITE, salt: context.random(16) }))

/** A register takes back what it said of a principal, from now on. */
export const signWithdrawal = (issuer: Identity, subject: Uint8Array, context: Context): Promise<Uint8Array> =>
  issuer.sign('withdrawal', encode(Withdrawal, {
    suite: SUITE, subject, time: Math.floor(context.now() / 1000), salt: context.random(16),
  }))

/** Why an opening is care: signed by somebody else than who opens. */
export const signFact = (
  signer: Identity, fact: Omit<Fact, 'suite' | 'nonce'>, context: Context,
): Promise<Uint8Array> => signer.sign('fact', encode(Fact, { ...fact, suite: SUITE, nonce: context.random(16) }))

/** Stands for a reader's going on, from now. */
export const signConfirmation = (
  signer: Identity, confirmation: Omit<Confirmation, 'suite' | 'nonce' | 'time'>, context: Context,
): Promise<Uint8Array> => signer.sign('confirmation', encode(Confirmation, {
  ...confirmation, suite: SUITE, time: Math.floor(context.now() / 1000), nonce: context.random(16),
}))

/** The body of an order: officers who agree sign the same one. */
export const makeOrder = (order: Omit<Order, 'suite' | 'nonce'>, context: Context): Order =>
  ({ ...order, suite: SUITE, nonce: context.random(16) })

export const signOrder = (officer: Identity, order: Order): Promise<Uint8Array> =>
  officer.sign('order', encode(Order, order))

/** A sponsor lets a vendor in. */
export const signTicket = (
  sponsor: Identity, ticket: Omit<Ticket, 'suite' | 'nonce'>, context: Context,
): Promise<Uint8Array> => sponsor.sign('ticket', encode(Ticket, { ...ticket, suite: SUITE, nonce: context.random(16) }))

/** What was opened under a ticket. */
export const signReport = (
  reader: Identity, report: Omit<Report, 'suite' | 'nonce' | 'reader'>, context: Context,
): Promise<Uint8Array> => reader.sign('report', encode(Report, {
  ...report, suite: SUITE, reader: reader.id, nonce: context.random(16),
}))

/** The body of a link: controllers who agree sign the same one. */
export const makeLink = (link: Omit<Link, 'suite' | 'nonce' | 'time'>, context: Context): Link =>
  ({ ...link, suite: SUITE, time: Math.floor(context.now() / 1000), nonce: context.random(16) })

export const signLink = (controller: Identity, link: Link): Promise<Uint8Array> =>
  controller.sign('link', encode(Link, link))

/** An issuer saw who somebody is. */
export const signIdentityProof = (
  issuer: Identity, proof: Omit<IdentityProof, 'suite' | 'nonce'>, context: Context,
): Promise<Uint8Array> => issuer.sign('identity-proof', encode(IdentityProof, {
  ...proof, suite: SUITE, nonce: context.random(16),
}))

/** Says that a vault is a decoy: to be sent to trustees, and to nobody else. */
export const signDecoy = (custodian: Identity, vault: Uint8Array, context: Context): Promise<Uint8Array> =>
  custodian.sign('decoy', encode(Decoy, {
    suite: SUITE, vault, time: Math.floor(context.now() / 1000), nonce: context.random(16),
  }))

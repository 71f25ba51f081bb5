/** What a reader shows of itself to trustees, beside its grants: who it is, why this is care, who stands for it. */
import { decode, partiesOfSession, Signed } from '@scelle/seal/verify'
import type { Counter, ReleaseRequest } from '@scelle/wire/messages'

/** Signed statements, as whoever made them handed them out. */
export interface Shown {
  /** Statuses of the reader, of its organisations, and of whoever signed the facts and confirmations. */
  readonly statuses?: readonly Uint8Array[]
  readonly facts?: readonly Uint8Array[]
  readonly confirmations?: readonly Uint8Array[]
  /** Of a vendor's access. */
  readonly ticket?: Uint8Array
}

export interface Standing {
  /** What to show for an opening of this vault. Asked before each access. 32 zero bytes: to look somebody up. */
  readonly show: (vault: Uint8Array) => Shown | Promise<Shown>
  /** Told where this reader stands at a trustee, after each of its answers. */
  readonly counted?: (trustee: Uint8Array, counter: Counter) => void
}

export const statementsOf = (
  { statuses = [], facts = [], confirmations = [], ticket }: Shown,
): Pick<ReleaseRequest, 'statuses' | 'facts' | 'confirmations' | 'ticket'> => ({
  ...(statuses.length === 0 ? {} : { statuses: [...statuses] }),
  ...(facts.length === 0 ? {} : { facts: [...facts] }),
  ...(confirmations.length === 0 ? {} : { confirmations: [...confirmations] }),
  ...(ticket === undefined ? {} : { ticket }),
})

/** Whoever signed a statement, and the house in whose session they did. */
export const partiesOf = (bytes: Uint8Array): Uint8Array[] => {
  const { signer, session } = decode(Signed, bytes)
  return session === undefined ? [signer] : [signer, partiesOfSession(session).house]
}

/** Whose key chains a trustee needs to check them. */
export const signersOf = (
  { statuses = [], facts = [], confirmations = [], ticket }: Shown,
): Uint8Array[] =>
  [...statuses, ...facts, ...confirmations, ticket ?? []].flat().flatMap(partiesOf)

/** Key chains that whoever checks statements needs. */
import { partiesOfSession, toHex } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { signersOf } from './standing.ts'

/** Chains of this client and of all who signed these statements, each once. */
export const chainsOf = async (connection: Connection, signed: readonly Uint8Array[]): Promise<Uint8Array[][]> => {
  const { id: own, session } = connection.identity
  const house = session === undefined ? [] : [partiesOfSession(session.signed).house]
  const ids = [own, ...house, ...signersOf({ statuses: signed })]
  const unique = new Map(ids.map((id) => [toHex(id), id]))
  const known = await Promise.all([...unique.values()].map((id) => connection.directory.of(id)))
  return known.map(({ chain }) => [...chain])
}

/** What a question at a trustee shows of the session in which it is signed. */
export const inSession = ({ identity: { session } }: Connection): { readonly session?: Uint8Array } =>
  (session === undefined ? {} : { session: session.signed })

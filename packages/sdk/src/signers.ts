/** Key chains that whoever checks statements needs. */
import { partiesOfSession, toHex } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { signersOf } from './standing.ts'

/** This client and all who signed these statements, each once. */
const signersIn = ({ identity: { id: own, session } }: Connection, signed: readonly Uint8Array[]): Uint8Array[] => {
  const house = session === undefined ? [] : [partiesOfSession(session.signed).house]
  const ids = [own, ...house, ...signersOf({ statuses: signed })]
  return [...new Map(ids.map((id) => [toHex(id), id])).values()]
}

/** Their keys may have been replaced since this client knows them. */
export const renewChains = (connection: Connection, signed: readonly Uint8Array[]): Promise<void> =>
  connection.directory.renew(signersIn(connection, signed))

/** Chains of this client and of all who signed these statements, each once. */
export const chainsOf = async (connection: Connection, signed: readonly Uint8Array[]): Promise<Uint8Array[][]> => {
  const known = await Promise.all(signersIn(connection, signed).map((id) => connection.directory.of(id)))
  return known.map(({ chain }) => [...chain])
}

/** What a question at a trustee shows of the session in which it is signed. */
export const inSession = ({ identity: { session } }: Connection): { readonly session?: Uint8Array } =>
  (session === undefined ? {} : { session: session.signed })

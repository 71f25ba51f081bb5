/** Key chains that whoever checks statements needs. */
import { toHex } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { signersOf } from './standing.ts'

/** Chains of this client and of all who signed these statements, each once. */
export const chainsOf = async (connection: Connection, signed: readonly Uint8Array[]): Promise<Uint8Array[][]> => {
  const ids = [connection.identity.id, ...signersOf({ statuses: signed })]
  const unique = new Map(ids.map((id) => [toHex(id), id]))
  const known = await Promise.all([...unique.values()].map((id) => connection.directory.of(id)))
  return known.map(({ chain }) => [...chain])
}

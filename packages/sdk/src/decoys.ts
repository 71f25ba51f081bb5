/** Says that a vault is a decoy: to its trustees, past the index, which must not know. */
import { signDecoy } from '@scelle/seal/grants'
import { encode } from '@scelle/seal/verify'
import { DecoyNotice } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import type { VaultView } from './vault-view.ts'

/**
 * Throws as requests do where one of the trustees was not told: it would release on, so tell them again. A custodian's
 * decoy catches its own people; a register's, everybody.
 */
export const tellDecoy = async (connection: Connection, view: VaultView): Promise<void> => {
  const { identity, context, directory, transport } = connection
  const decoy = await signDecoy(identity, view.vault, context)
  const controller = await directory.of(view.genesis.controller)
  const own = { keys: identity.keys, chain: identity.chain }
  const keys = [...new Map([controller, own].map((one) => [one.keys.id.join(), [...one.chain]])).values()]
  const body = encode(DecoyNotice, { decoy, genesis: view.genesisSigned, keys })
  await Promise.all(view.genesis.trustees.map(async (id) => {
    const { target } = await connection.trustee(id)
    await transport.ask(target, { method: 'POST', path: '/v1/decoys', body, attempts: 2 })
  }))
}

/** Every commit of a part, as its custodian and the vault's owner may ask for, and as an author may for its own. */
import { decode, decodeSigned, equalBytes, SealError, statementId, toHex, verifyCommit } from '@scelle/seal/verify'
import { CommitHistory } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import { partName } from './vault-view.ts'

export const loadHistory = async (
  connection: Connection,
  vault: Uint8Array,
  custodian: Uint8Array,
  signal?: AbortSignal,
): Promise<CommitHistory> =>
  decode(
    CommitHistory,
    await connection.askIndex({
      method: 'GET',
      path: `/v1/vaults/${toHex(vault)}/commits`,
      query: { custodian: toHex(custodian) },
      signal,
      timeout: SDK_LIMITS.transferTimeout,
    }),
  )

/**
 * This client's own last commit, by the index's word; null where there is none. What this client remembers must be in
 * it: throws `feed-rolled-back` otherwise.
 */
export const ownLastCommit = async (
  connection: Connection,
  vault: Uint8Array,
  custodian: Uint8Array,
): Promise<Uint8Array | null> => {
  const remembered = await connection.memory.lastCommit(partName(vault, custodian))
  let commits: Uint8Array[]
  try {
    commits = (await loadHistory(connection, vault, custodian)).commits
  } catch (error) {
    // A writer that never wrote has no history to see.
    if (!(error instanceof SdkError) || error.problem !== 'not-found') throw error
    commits = []
  }
  const own = commits.filter((signed) => equalBytes(decodeSigned('commit', signed).signer, connection.identity.id))
  if (remembered !== undefined && !own.some((signed) => equalBytes(statementId(signed), remembered))) {
    throw new SealError('feed-rolled-back', 'the index lost a commit that it had accepted from this client')
  }
  const last = own.at(-1)
  if (last === undefined) return null
  const { commit, id } = await verifyCommit(last, await connection.acting(decodeSigned('commit', last)))
  if (!equalBytes(commit.vault, vault) || !equalBytes(commit.custodian, custodian)) {
    throw new SealError('vault-mismatch', 'the index serves a commit of another vault or custodian')
  }
  return id
}

/** A part's releases and refusals, told by this trustee itself: so that nobody need believe the index's list alone. */
import { equalBytes, type PrincipalKeys, statementId } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import type { ReleasesAnswer, ReleasesRequest } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { ShownPrincipals } from '../shown.ts'
import { verifyVault } from '../vault.ts'
import type { KeptWord, WordStore } from './word-store.ts'

/** How many of them fit one answer. A page ends between two seconds, so that the next one begins with a new one. */
const fitting = (words: readonly KeptWord[]): number => {
  let bytes = 0
  let fits = 0
  for (const [place, { access, word, time }] of words.entries()) {
    const begins = place > 0 && words[place - 1]?.time !== time
    if (begins) fits = place
    bytes += access.length + word.length
    if (begins && bytes > TRUSTEE_LIMITS.listBytes) return fits
  }
  return words.length <= WIRE_LIMITS.accessList ? words.length : (fits === 0 ? WIRE_LIMITS.accessList : fits)
}

export interface SignedListRequest {
  readonly request: ReleasesRequest
  readonly principals: ShownPrincipals
  /** Who signed the request. */
  readonly asker: PrincipalKeys
}

/**
 * The words about a part, for its custodian: the owner where the vault is claimed. Throws Problem `not-permitted`,
 * `bad-statement` or the SealError of the rule that was broken.
 */
export const listWords = async (
  { request, principals, asker }: SignedListRequest, words: WordStore,
): Promise<ReleasesAnswer> => {
  const { genesis, custodian, since } = request
  const { vault } = await verifyVault(genesis, { vault: statementId(genesis), custodian }, principals)
  if (!equalBytes(asker.id, custodian)) throw new Problem('not-permitted')
  const found = words.of(vault, custodian, since, WIRE_LIMITS.accessList + 1)
  const fits = fitting(found)
  return {
    releases: found.slice(0, fits).map(({ access, word }) => ({ access, word })),
    more: fits < found.length,
  }
}

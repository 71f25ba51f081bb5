/** Whose keys a request shows: each chain certifies itself, and none is older than one relied on, or in the log. */
import { equalBytes, type PrincipalKeys, statementId, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { KeyHead, ShownPrincipals } from './shown.ts'

/** What is remembered of keys, and what the log says of them. */
export interface KnownKeys {
  readonly headOf: (id: Uint8Array) => Omit<KeyHead, 'principal'> | undefined
  readonly log: { readonly loggedKey: (id: Uint8Array) => Omit<KeyHead, 'principal'> | undefined }
}

/**
 * A key that was replaced because it was stolen still has a chain that verifies, just a shorter one; and whoever stole
 * it can sign another successor. So: never shorter than known, and through the record that is known.
 */
const requireNotOlder = (
  chain: readonly Uint8Array[], keys: PrincipalKeys, known: Omit<KeyHead, 'principal'> | undefined,
): void => {
  if (known === undefined) return
  const shown = chain[known.version]
  if (shown === undefined) {
    throw new Problem('bad-statement', 'key-chain-broken: a principal has newer keys than those shown. Fetch them.')
  }
  if (!equalBytes(statementId(shown), known.record)) {
    throw new Problem('bad-statement', `key-chain-broken: key record ${known.version} of a ${keys.kind} was forked`)
  }
}

/** Verifies all chains of a request. Throws `bad-statement` or SealError `key-chain-broken`, `signature-invalid`. */
export const verifyPrincipals = async (
  chains: readonly (readonly Uint8Array[])[], known: KnownKeys,
): Promise<ShownPrincipals> => {
  const shown = new Map<string, PrincipalKeys>()
  const heads: KeyHead[] = []
  for (const chain of chains) {
    const keys = await verifyKeyChain(chain)
    if (shown.has(toHex(keys.id))) throw new Problem('bad-statement', 'The keys of a principal are shown twice.')
    requireNotOlder(chain, keys, known.headOf(keys.id))
    requireNotOlder(chain, keys, known.log.loggedKey(keys.id))
    shown.set(toHex(keys.id), keys)
    // A principal that never replaced its keys needs no memory: its id is the hash of its only record.
    const { version } = keys.current
    if (version > 0) heads.push({ principal: keys.id, version, record: statementId(chain[version] as Uint8Array) })
  }
  const find = (id: Uint8Array): PrincipalKeys | undefined => shown.get(toHex(id))
  const need = (id: Uint8Array, who: string): PrincipalKeys => {
    const keys = find(id)
    if (keys === undefined) throw new Problem('bad-statement', `The key chain of the ${who} is missing.`)
    return keys
  }
  return { find, need, all: [...shown.values()].map(({ id }) => id), heads }
}

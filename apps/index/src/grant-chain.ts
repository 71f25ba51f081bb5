/** Chains of stored grants, root first, and the keys that verify them. */
import { decode, decodeSigned, FORMAT_LIMITS, Grant, type PrincipalKeys, SealError } from '@scelle/seal/verify'
import { nameOf } from './names.ts'
import type { Services } from './services.ts'
import type { GrantEntry } from './store.ts'

/** The grant and its ancestors, root first. Throws `grant-chain-broken` where one is not stored. */
export const storedChain = async (
  services: Services, vault: Uint8Array, grant: Uint8Array | undefined,
): Promise<GrantEntry[]> => {
  const chain: GrantEntry[] = []
  for (let id = grant; id !== undefined; id = chain[0]?.parent) {
    const entry = await services.store.grant(vault, id)
    if (entry === undefined || chain.length >= FORMAT_LIMITS.grantChain) {
      throw new SealError('grant-chain-broken', 'a grant of the chain is not stored here, or the chain is too long')
    }
    chain.unshift(entry)
  }
  return chain
}

export const grantOf = (signed: Uint8Array): Grant => decode(Grant, decodeSigned('grant', signed).body)

/** Looks keys up beforehand: chains are verified without waiting in between. */
export const keysFor = async (
  services: Services, principals: readonly Uint8Array[],
): Promise<(principal: Uint8Array) => PrincipalKeys | undefined> => {
  const found = new Map<string, PrincipalKeys>()
  for (const principal of principals) {
    const keys = await services.registry.keysOf(principal)
    if (keys !== undefined) found.set(nameOf(principal), keys)
  }
  return (principal) => found.get(nameOf(principal))
}

/** Who may see what, from stored grants: categories are bits by their place in the part. */
import { equalBytes, type PrincipalKeys, RIGHTS } from '@scelle/seal/verify'
import { grantedMask } from './decisions.ts'
import { storedChain } from './grant-chain.ts'
import { secondsNow, type Services } from './services.ts'
import type { GrantEntry } from './store.ts'

/** All categories, those to come included. */
export const ALL = -1

/** Categories of one part in which the principal has one of these rights now. */
export const maskFor = async (
  services: Services, part: { vault: Uint8Array; custodian: Uint8Array }, principal: PrincipalKeys, rights: number,
): Promise<number> => {
  if (equalBytes(part.custodian, principal.id)) {
    const categories = await services.store.categories(part.vault, part.custodian)
    return categories.length === 0 ? 0 : ALL
  }
  const grants = await services.store.grants(part.vault, { custodian: part.custodian, grantee: principal.id })
  return grantedMask(grants, rights, secondsNow(services))
}

export const SEES = RIGHTS.read | RIGHTS.relay

/** What one principal sees of a part. */
export interface Sight {
  /** Categories seen whole, as bits. */
  readonly mask: number
  /** Categories of which only one author's commits are seen. */
  readonly kept: readonly { readonly mask: number; readonly author: Uint8Array }[]
}

const isKeepers = ({ purposes }: GrantEntry): boolean => purposes.includes('legal')

/** A keeper, and its officers, see what it wrote: the others' writing, and when they wrote, is none of its business. */
export const sightOf = async (
  services: Services, part: { vault: Uint8Array; custodian: Uint8Array }, principal: PrincipalKeys,
): Promise<Sight> => {
  if (equalBytes(part.custodian, principal.id)) {
    return { mask: await maskFor(services, part, principal, SEES), kept: [] }
  }
  const at = secondsNow(services)
  const grants = await services.store.grants(part.vault, { custodian: part.custodian, grantee: principal.id })
  const kept: { mask: number; author: Uint8Array }[] = []
  for (const grant of grants.filter(isKeepers)) {
    const mask = grantedMask([grant], SEES, at)
    const [root] = mask === 0 ? [] : await storedChain(services, part.vault, grant.id)
    if (root !== undefined) kept.push({ mask, author: root.grantee })
  }
  return { mask: grantedMask(grants.filter((grant) => !isKeepers(grant)), SEES, at), kept }
}

/** Who may see what, from stored grants: categories are bits by their place in the part. */
import { equalBytes, type PrincipalKeys, RIGHTS } from '@scelle/seal/verify'
import { grantedMask } from './decisions.ts'
import { secondsNow, type Services } from './services.ts'

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

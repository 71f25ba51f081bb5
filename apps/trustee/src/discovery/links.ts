/**
 * Vaults that turned out to be one person's, or not. A link tells where else to look. It gives nobody a right, and
 * takes nothing from any count: each vault stays a patient of its own at every meter, so merging makes nobody's count
 * smaller.
 */
import {
  decodeSigned, encode, equalBytes, type PrincipalKeys, requireCurrentKey, type VerifiedLink, verifyLink,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { LinkShown } from '@scelle/wire/messages'
import type { Serving } from '../routes.ts'
import type { ShownPrincipals } from '../shown.ts'
import type { Asked } from './evaluate.ts'
import type { DiscoveryStore } from './store.ts'

/** Checks that both vaults' controllers say so, under their newest keys. Throws SealError. */
export const verifyShownLink = async (shown: LinkShown, principals: ShownPrincipals): Promise<VerifiedLink> => {
  const verified = await verifyLink({ ...shown, keysOf: principals.find })
  for (const one of shown.link) {
    const signed = decodeSigned('link', one)
    requireCurrentKey(signed, principals.find(signed.signer) as PrincipalKeys)
  }
  return verified
}

/** Idempotent. Throws `too-large`; `not-found` where a split ends no merge that is known. */
export const applyLink = ({ id, link }: VerifiedLink, shown: LinkShown, discovery: DiscoveryStore): void => {
  const { vault, other, previous } = link
  if (previous === undefined) discovery.merge({ id, vault, other, shown: encode(LinkShown, shown) })
  else discovery.split(previous, { vault, other, split: id })
}

/** Throws `bad-statement`, `not-found`, `too-large` or the SealError of the rule that was broken. */
export const keepLink = async (
  { request, principals, asker }: Asked<LinkShown>, { store: { discovery } }: Pick<Serving, 'store'>,
): Promise<void> => {
  const verified = await verifyShownLink(request, principals)
  if (!verified.controllers.some((one) => equalBytes(one, asker.id))) throw new Problem('not-permitted')
  applyLink(verified, request, discovery)
}

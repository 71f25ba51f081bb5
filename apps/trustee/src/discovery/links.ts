/**
 * Vaults that turned out to be one person's, or not. A link tells where else to look. It gives nobody a right, and
 * takes nothing from any count: each vault stays a patient of its own at every meter, so merging makes nobody's count
 * smaller.
 */
import {
  decodeSigned, encode, equalBytes, type PrincipalKeys, requireCurrentKey, verifyLink,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { LinkShown } from '@scelle/wire/messages'
import type { Releaser } from '../release.ts'
import type { Asked } from './evaluate.ts'

/** Throws `bad-statement`, `not-found`, `too-large` or the SealError of the rule that was broken. */
export const keepLink = async (
  { request, principals, asker }: Asked<LinkShown>, { store: { discovery } }: Pick<Releaser, 'store'>,
): Promise<void> => {
  const { id, link, controllers } = await verifyLink({ ...request, keysOf: principals.find })
  for (const one of request.link) {
    const { signer } = decodeSigned('link', one)
    requireCurrentKey(decodeSigned('link', one), principals.find(signer) as PrincipalKeys)
  }
  if (!controllers.some((controller) => equalBytes(controller, asker.id))) throw new Problem('not-permitted')
  const { vault, other, previous } = link
  if (previous === undefined) discovery.merge({ id, vault, other, shown: encode(LinkShown, request) })
  else discovery.split(previous, { vault, other, split: id })
}

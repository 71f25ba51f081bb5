/** A person's keys: made, wrapped twice, the way back tried, and only then handed over. */
import { prfInput } from '@scelle/seal/recovery'
import type { Passkey } from '@scelle/seal/verify'
import type { KeptWrap } from '@scelle/wire/passkey-page'
import { enrolledChain, holds, newSheet, wrapUnderPasskey } from '../root.ts'
import { rehearse } from './sheet.ts'
import { agree, Declined, gesture, type Outcome, partiesShown, type Visit } from './visit.ts'

export interface BoundPasskey {
  readonly passkey: Passkey
  readonly wrap: KeptWrap
}

/** A new passkey with a wrap of the root under it: two gestures. Throws {@link Declined}. */
export const newPasskey = async (
  visit: Visit, root: Uint8Array, of: { readonly known: readonly Passkey[]; readonly deviceBound: boolean },
): Promise<BoundPasskey> => {
  const { ceremonies, asked, context } = visit
  const name = asked.request.personName ?? asked.houseName
  const passkey = await gesture(visit, 'create', () => ceremonies.create({ name, ...of }))
  const prf = await gesture(visit, 'bind', () => ceremonies.prf(prfInput(), [passkey]))
  return { passkey, wrap: await wrapUnderPasskey(root, prf, context) }
}

export const enrol = async (visit: Visit): Promise<Outcome> => {
  const { asked: { request, house }, context } = visit
  await agree(visit, (words) => {
    const { first, last } = partiesShown(visit, words)
    return { ...words.enrol, facts: [...first, ...last], agree: words.actions.enrol }
  })
  const root = context.random(32)
  const at = request.sealingKey === undefined ? undefined : { house: house.id, sealingKey: request.sealingKey }
  const { passkey, wrap } = await newPasskey(visit, root, { known: [], deviceBound: at !== undefined })
  const sheet = await newSheet(root, context)
  await rehearse(visit, sheet)
  const wraps = [wrap, sheet.wrap]
  if (!holds(wraps)) throw new Declined('no-recovery')
  return { chain: await enrolledChain({ root, passkey, at }, context), wraps }
}

/** A person's keys: made, wrapped twice, the way back tried, and only then handed over. */
import { prfInput } from '@scelle/seal/recovery'
import type { Passkey, PrincipalKeys } from '@scelle/seal/verify'
import type { KeptWrap } from '@scelle/wire/passkey-page'
import { wrapUnderPin } from '../pin.ts'
import { enrolledChain, holds, madeBy, newSheet, wrapUnderPasskey } from '../root.ts'
import { rehearse } from './sheet.ts'
import { byPin, choosePin, throughTrustees } from './unlock.ts'
import { agree, Declined, gesture, type Outcome, partiesShown, type Visit } from './visit.ts'

export interface BoundPasskey {
  readonly passkey: Passkey
  readonly wrap: KeptWrap
}

type Kind = { readonly known: readonly Passkey[]; readonly deviceBound: boolean }

const nameOf = ({ asked }: Visit): string => asked.request.personName ?? asked.houseName

const bound = async (visit: Visit, root: Uint8Array, passkey: Passkey): Promise<BoundPasskey> => {
  const prf = await gesture(visit, 'bind', () => visit.ceremonies.prf(prfInput(), [passkey]))
  return { passkey, wrap: await wrapUnderPasskey(root, prf, visit.context) }
}

/** A new passkey with a wrap of the root under it: two gestures. Throws {@link Declined}. */
export const newPasskey = async (visit: Visit, root: Uint8Array, of: Kind): Promise<BoundPasskey> => {
  const { passkey } = await gesture(visit, 'create', () => visit.ceremonies.create({ name: nameOf(visit), ...of }))
  return bound(visit, root, passkey)
}

/** Its PIN is tried before anything is handed over: the second visit, in {@link tried}, has the key records out. */
const enrolWithPin = async (visit: Visit, root: Uint8Array, chain: Uint8Array[]): Promise<never> => {
  const { asked: { trustees }, context, device } = visit
  const secret = await device.secret()
  const { wrap, pin } = await choosePin(visit, async (chosen) => ({
    wrap: await wrapUnderPin({ root, pin: chosen, secret, trustees: trustees.map(({ keys }) => keys) }, context),
  }))
  const sheet = await newSheet(root, context)
  await rehearse(visit, sheet)
  const wraps = [wrap, sheet.wrap]
  return throughTrustees(visit, { wraps, device, trustees }, pin, { chain, wraps })
}

/** The root that came out of PIN and trustees makes the very person that the first visit made. */
const tried = async (visit: Visit, person: PrincipalKeys): Promise<Outcome> => {
  const { asked: { request: { person: chain = [], wraps = [] }, house }, context } = visit
  await madeBy({ root: await byPin(visit), house: house.id, person, chain }, context)
  if (!holds(wraps)) throw new Declined('no-recovery')
  return { chain, wraps }
}

export const enrol = async (visit: Visit, before: PrincipalKeys | undefined): Promise<Outcome> => {
  const { asked: { request, house, trustees }, context } = visit
  await agree(visit, (words) => {
    const { first, last } = partiesShown(visit, words)
    return { ...words.enrol, facts: [...first, ...last], agree: words.actions.enrol }
  })
  if (before !== undefined) return tried(visit, before)
  const root = context.random(32)
  const at = request.sealingKey === undefined ? undefined : { house: house.id, sealingKey: request.sealingKey }
  const kind = { known: [], deviceBound: at !== undefined, plainWillDo: trustees.length === 3 }
  const { passkey, hasPrf } = await gesture(visit, 'create', () =>
    visit.ceremonies.create({ name: nameOf(visit), ...kind }))
  const chain = await enrolledChain({ root, passkey, at }, context)
  if (!hasPrf) return enrolWithPin(visit, root, chain)
  const { wrap } = await bound(visit, root, passkey)
  const sheet = await newSheet(root, context)
  await rehearse(visit, sheet)
  const wraps = [wrap, sheet.wrap]
  if (!holds(wraps)) throw new Declined('no-recovery')
  return { chain, wraps }
}

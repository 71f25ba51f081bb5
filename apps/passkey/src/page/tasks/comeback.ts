/**
 * Every passkey and the sheet are lost: a new passkey asks, two guardians answer, three days go by, two trustees give
 * their parts. What has to last until then follows from the new passkey, so that no disk has it.
 */
import { prfInput } from '@scelle/seal/recovery'
import type { Passkey } from '@scelle/seal/verify'
import type { GuardianWish } from '../asked-guardians.ts'
import { begin, digitsOfAsk, partCalls, rootThrough, type ToFinish } from '../guarding.ts'
import { newSheet, renewedChain, wrapUnderPasskey } from '../root.ts'
import { agreeToStep, showDigits } from './guardians.ts'
import { rehearse } from './sheet.ts'
import { gesture, type Outcome, type Visit } from './visit.ts'

/** A professional's passkeys are bound to their devices, so the new one is: the key record says which kind it had. */
const mustBeBound = ({ current: { passkeys = [] } }: GuardianWish['person']): boolean =>
  passkeys.length > 0 && passkeys.every(({ deviceBound }) => deviceBound)

export const beginRecovery = async (visit: Visit, { person }: GuardianWish): Promise<Outcome> => {
  const { asked: { request, houseName }, ceremonies, context } = visit
  await agreeToStep(visit, 'begin')
  const { passkey } = await gesture(visit, 'create', () =>
    ceremonies.create({ name: request.personName ?? houseName, known: [], deviceBound: mustBeBound(person) }))
  const { output } = await gesture(visit, 'bind', () => ceremonies.prf(prfInput(), [passkey]))
  const begun = await begin(output, passkey, context)
  await showDigits(visit, digitsOfAsk(begun.ask), 'ask')
  return { guarding: { begun } }
}

/** With the passkey that began it, and no other one. */
const withPasskey = <T>(
  visit: Visit, passkey: Passkey, work: (prf: { credential: Uint8Array; output: Uint8Array }) => Promise<T>,
): Promise<T> => gesture(visit, 'unlock', async () => work(await visit.ceremonies.prf(prfInput(), [passkey])))

type Finishing = Extract<GuardianWish, { readonly task: 'recover-by-guardians' }>

/** First visit: what is to be asked of the trustees. Second one: what they answered, and everything new. */
export const recoverByGuardians = async (
  visit: Visit, { person, begun, answers, trustees, heard }: Finishing,
): Promise<Outcome> => {
  const { asked: { house, request }, context } = visit
  const wraps = request.wraps ?? []
  const from = (prf: Uint8Array): ToFinish => ({ prf, begun, answers, wraps })
  await agreeToStep(visit, heard === undefined ? 'fetch' : 'finish')
  if (heard === undefined) {
    return {
      guarding: {
        calls: await withPasskey(visit, begun.passkey, ({ output }) => partCalls(from(output), trustees, context)),
      },
    }
  }
  const { root, wrap, chain } = await withPasskey(visit, begun.passkey, async (prf) => {
    const found = await rootThrough(from(prf.output), heard)
    return {
      root: found,
      wrap: await wrapUnderPasskey(found, prf, context),
      chain: await renewedChain({
        root: found, house: house.id, person, chain: request.person ?? [], passkeys: [begun.passkey],
      }, context),
    }
  })
  const sheet = await newSheet(root, context)
  await rehearse(visit, sheet)
  // Its guardians are still the same three people, and their shares open nothing without the trustees' parts.
  return { chain, wraps: [wrap, sheet.wrap, ...wraps.filter(({ set }) => set !== undefined)] }
}

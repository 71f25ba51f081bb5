/** Another passkey, one less, or all of them lost: each is a new key record, which takes the root secret to sign. */
import { equalBytes, type Passkey, type PrincipalKeys, toHex } from '@scelle/seal/verify'
import type { KeptWrap } from '@scelle/wire/passkey-page'
import { isOwn, newSheet, renewedChain } from '../root.ts'
import { element, type Screen } from '../screen.ts'
import { newPasskey } from './enrol.ts'
import { readSheet, rehearse } from './sheet.ts'
import { unlock } from './unlock.ts'
import { agree, Declined, type Outcome, partiesShown, type Visit } from './visit.ts'

const keptBy = ({ asked }: Visit): KeptWrap[] => asked.request.wraps ?? []

const chainOf = ({ asked }: Visit): Uint8Array[] => asked.request.person ?? []

const renewed = (visit: Visit, root: Uint8Array, person: PrincipalKeys, passkeys: readonly Passkey[]) =>
  renewedChain({ root, person, passkeys, chain: chainOf(visit), house: visit.asked.house.id }, visit.context)

export const addPasskey = async (visit: Visit, person: PrincipalKeys): Promise<Outcome> => {
  await agree(visit, (words) => {
    const { first, last } = partiesShown(visit, words)
    return { ...words.add, facts: [...first, ...last], agree: words.actions.add }
  })
  const known = person.current.passkeys ?? []
  const root = await unlock(visit, known)
  const { passkey, wrap } = await newPasskey(visit, root, { known, deviceBound: !(await isOwn(root, person)) })
  return { chain: await renewed(visit, root, person, [...known, passkey]), wraps: [...keptBy(visit), wrap] }
}

const endingOf = ({ credential }: Passkey): string => toHex(credential.subarray(-2)).toUpperCase()

/** Which one is lost. Throws {@link Declined}. */
const chooseLost = async (visit: Visit, passkeys: readonly Passkey[]): Promise<Passkey> => {
  const radios = passkeys.map((_, at) => {
    const radio = document.createElement('input')
    for (const [name, value] of Object.entries({ type: 'radio', name: 'lost', value: String(at), id: `lost-${at}` })) {
      radio.setAttribute(name, value)
    }
    return radio
  })
  for (;;) {
    const action = await visit.stage.choose((words): Screen<'remove' | 'decline'> => {
      const { first, last } = partiesShown(visit, words)
      return {
        title: words.remove.title,
        lead: words.remove.lead,
        facts: [...first, ...last],
        content: [element('fieldset', {}, element('legend', {}, words.remove.which), ...passkeys.map((passkey, at) =>
          element('label', { for: `lost-${at}` }, radios[at] ?? '', words.remove.passkey(at + 1, endingOf(passkey)))))],
        actions: [
          { name: 'remove', label: words.actions.remove }, { name: 'decline', label: words.actions.cancel },
        ],
      }
    })
    if (action === 'decline') throw new Declined()
    const lost = passkeys.find((_, at) => radios[at]?.checked === true)
    if (lost !== undefined) return lost
  }
}

export const removePasskey = async (visit: Visit, person: PrincipalKeys): Promise<Outcome> => {
  const passkeys = person.current.passkeys ?? []
  if (passkeys.length < 2) {
    await visit.stage.choose((words): Screen<'decline'> => ({
      title: words.remove.title, lead: words.remove.last, tone: 'stop',
      actions: [{ name: 'decline', label: words.actions.next }],
    }))
    throw new Declined('no-passkey')
  }
  const lost = await chooseLost(visit, passkeys)
  const left = passkeys.filter((passkey) => passkey !== lost)
  const root = await unlock(visit, left)
  return {
    chain: await renewed(visit, root, person, left),
    wraps: keptBy(visit).filter(({ credential }) =>
      credential === undefined || !equalBytes(credential, lost.credential)),
  }
}

/**
 * Every passkey is lost: the sheet gives the root back, for one new passkey. The sheet was out of its drawer, so it is
 * replaced as well, and the new one is tried like the first.
 */
export const recover = async (visit: Visit, person: PrincipalKeys): Promise<Outcome> => {
  await agree(visit, (words) => {
    const { first, last } = partiesShown(visit, words)
    const { title, lead, effect } = words.recover
    return { title, lead, warning: effect, facts: [...first, ...last], agree: words.actions.recover }
  })
  const read = await readSheet(visit, { wraps: keptBy(visit), title: ({ recover: { title } }) => title, again: false })
  if (!('root' in read)) throw new Declined('no-recovery')
  const { root } = read
  const { passkey, wrap } = await newPasskey(visit, root, { known: [], deviceBound: !(await isOwn(root, person)) })
  const sheet = await newSheet(root, visit.context)
  await rehearse(visit, sheet)
  // Other browsers' keys are lost with everything else; their PINs are worth nothing without them.
  const guarded = keptBy(visit).filter(({ set }) => set !== undefined)
  return { chain: await renewed(visit, root, person, [passkey]), wraps: [wrap, sheet.wrap, ...guarded] }
}

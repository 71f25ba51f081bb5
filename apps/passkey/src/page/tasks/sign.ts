/** One statement, shown in words and signed by a passkey: a session, a confirmation, an order, a ticket, a sign-out. */
import { equalBytes, toHex } from '@scelle/seal/verify'
import {
  challengeOf, signedByPasskey, signOutBody, type Unsigned, unsignedOf, unsignedSession,
} from '@scelle/seal/persons'
import type { Wish } from '../asked.ts'
import { CeremonyProblem } from '../ceremony.ts'
import type { Fact } from '../screen.ts'
import { momentIn } from '../words/languages.ts'
import type { Words } from '../words/words.ts'
import { agree, gesture, type Outcome, partiesShown, secondsNow, type Visit } from './visit.ts'

export type SignWish = Extract<Wish, { task: 'sign-in' | 'confirm' | 'order' | 'ticket' | 'sign-out' }>

const unsignedFor = (wish: SignWish, visit: Visit): Unsigned => {
  const { person } = wish
  if (wish.task === 'sign-in') return unsignedSession(wish.body, person)
  if (wish.task === 'sign-out') return unsignedOf('sign-out', signOutBody(person.id, visit.context), person)
  return unsignedOf(wish.task === 'confirm' ? 'confirmation' : wish.task, wish.body, person)
}

const confirmationShown = (
  { confirmation }: Extract<Wish, { task: 'confirm' }>, words: Words,
): Fact[] => [
  { label: words.labels.what, value: words.confirmations[confirmation.type] },
  { label: words.labels.reason, value: confirmation.reason },
  { label: words.labels.patients, value: confirmation.vault === undefined ? words.manyPatients : words.onePatient },
  ...(confirmation.duty === undefined
    ? [] : [{ label: words.labels.duty, value: words.duties[confirmation.duty] }]),
]

const orderShown = ({ order }: Extract<Wish, { task: 'order' }>, words: Words, now: number): Fact[] => [
  { label: words.labels.what, value: words.orders[order.action] },
  { label: words.labels.scope, value: words.scopes[order.scope] },
  { label: words.labels.target, value: toHex(order.target.subarray(0, 8)) },
  // The house names both: officers compare them with what the desk has, or a breached one would name a key of its own.
  ...(order.replacement === undefined
    ? [] : [{ label: words.labels.replacement, value: toHex(order.replacement.subarray(0, 8)) }]),
  { label: words.labels.patients, value: order.action === 'review' ? words.onePatient : words.allPatients },
  { label: words.labels.reason, value: order.reason },
  { label: words.labels.until, value: momentIn(words, order.expires, now) },
]

const ticketShown = ({ ticket }: Extract<Wish, { task: 'ticket' }>, words: Words, now: number): Fact[] => [
  { label: words.labels.vendor, value: toHex(ticket.vendor.subarray(0, 8)) },
  { label: words.labels.number, value: ticket.number },
  { label: words.labels.patients, value: words.namedPatients(ticket.vaults.length) },
  { label: words.labels.purposes, value: words.purposes[ticket.purpose] },
  { label: words.labels.others, value: ticket.subcontract ? words.yes : words.no },
  { label: words.labels.until, value: momentIn(words, ticket.expires, now) },
]

const sessionShown = ({ session }: Extract<Wish, { task: 'sign-in' }>, words: Words, now: number): Fact[] => [
  ...(session.purposes.length === 0 ? [] : [
    { label: words.labels.purposes, value: session.purposes.map((purpose) => words.purposes[purpose]).join(', ') },
  ]),
  { label: words.labels.until, value: momentIn(words, session.expires, now) },
]

interface Shown {
  readonly title: string
  readonly lead: string
  readonly agree: string
  readonly facts: readonly Fact[]
}

const shownFor = (wish: SignWish, words: Words, visit: Visit): Shown => {
  const now = secondsNow(visit)
  const { actions } = words
  if (wish.task === 'confirm') {
    return { ...words.confirm, agree: actions.confirm, facts: confirmationShown(wish, words) }
  }
  if (wish.task === 'order') return { ...words.order, agree: actions.confirm, facts: orderShown(wish, words, now) }
  if (wish.task === 'ticket') return { ...words.ticket, agree: actions.confirm, facts: ticketShown(wish, words, now) }
  if (wish.task === 'sign-out') return { ...words.signOut, agree: actions.signOut, facts: [] }
  // No purpose, no opening: a register asks so who somebody is, and nobody shall be told that it opens records.
  const isProof = wish.session.purposes.length === 0
  const { title, lead } = isProof ? words.proof : words.signIn
  return {
    title, lead: lead(visit.asked.houseName), agree: isProof ? actions.confirm : actions.signIn,
    facts: sessionShown(wish, words, now),
  }
}

export const sign = async (visit: Visit, wish: SignWish): Promise<Outcome> => {
  await agree(visit, (words) => {
    const { facts, ...shown } = shownFor(wish, words, visit)
    const { first, last } = partiesShown(visit, words)
    return { ...shown, facts: [...first, ...facts, ...last] }
  })
  const unsigned = unsignedFor(wish, visit)
  const passkeys = wish.person.current.passkeys ?? []
  const given = await gesture(visit, 'sign', () => visit.ceremonies.assertion(challengeOf(unsigned), passkeys))
  const passkey = passkeys.find(({ credential }) => equalBytes(credential, given.credential))
  // The browser may offer others of this relying party; the key record has none of them.
  if (passkey === undefined) throw new CeremonyProblem('no-passkey')
  return { signed: signedByPasskey(unsigned, passkey, given) }
}

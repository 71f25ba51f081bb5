/** Three people each keep a part: shown as guardian and owner meet it, one visit of the page for each step. */
import { challengeOf, signedByPasskey, unsignedOf } from '@scelle/seal/persons'
import { encode, equalBytes, Objection, recoverySetId, SUITE } from '@scelle/seal/verify'
import type { KeptWrap } from '@scelle/wire/passkey-page'
import { type GuardianAsked, type GuardianWish, idOfSet } from '../asked-guardians.ts'
import { CeremonyProblem } from '../ceremony.ts'
import {
  allOpened, deal, digitsOfAsk, digitsOfGuardian, guardianIn, packetOpened, released, sameDigits,
} from '../guarding.ts'
import { element, type Fact, type Screen } from '../screen.ts'
import type { Words } from '../words/words.ts'
import { unlock } from './unlock.ts'
import { agree, Declined, gesture, type Outcome, partiesShown, secondsNow, type Visit } from './visit.ts'

type Step<Task extends GuardianWish['task']> = Extract<GuardianWish, { readonly task: Task }>
type Spoken = keyof Words['guardians']['steps']

const keptBy = ({ asked }: Visit): KeptWrap[] => asked.request.wraps ?? []

export const agreeToStep = (visit: Visit, step: Spoken, facts: readonly Fact[] = []): Promise<void> =>
  agree(visit, (words) => {
    const { title, lead, agree: label, warning } = words.guardians.steps[step]
    const { first, last } = partiesShown(visit, words)
    return {
      title, lead, agree: label, facts: [...first, ...facts, ...last], ...(warning === undefined ? {} : { warning }),
    }
  })

const unlocked = (visit: Visit, { current: { passkeys = [] } }: GuardianWish['person']): Promise<Uint8Array> =>
  unlock(visit, passkeys)

/** To be read aloud, or written down. */
export const showDigits = async (visit: Visit, digits: string, said: 'own' | 'ask'): Promise<void> => {
  const action = await visit.stage.choose((words): Screen<'next' | 'decline'> => ({
    ...words.guardians.digits[said],
    content: [element('p', { class: 'digits', translate: 'no' }, digits)],
    actions: [{ name: 'next', label: words.actions.next }, { name: 'decline', label: words.actions.cancel }],
  }))
  if (action === 'decline') throw new Declined()
}

const digitsField = (words: Words, label: string, isWrong: boolean): { nodes: Node[]; value: () => string } => {
  const field = document.createElement('input')
  for (const [name, value] of Object.entries({
    id: 'digits', inputmode: 'numeric', autocomplete: 'off', maxlength: '40', 'aria-describedby': 'digits-note',
  })) field.setAttribute(name, value)
  return {
    nodes: [
      element('label', { for: 'digits' }, label), field,
      element('p', { id: 'digits-note', class: 'typed' }, words.guardians.twenty),
      ...(isWrong ? [element('p', { class: 'warning', role: 'alert' }, words.guardians.otherDigits)] : []),
    ],
    value: () => field.value,
  }
}

/**
 * The person types what the other one reads aloud; the page does not show what it expects, so that nobody nods at it.
 * Throws {@link Declined}.
 */
const hearDigits = async (
  visit: Visit, expected: string, screen: (words: Words) => { readonly title: string; readonly lead: string },
): Promise<void> => {
  for (let isWrong = false; ; isWrong = true) {
    let typed: () => string = () => ''
    const action = await visit.stage.choose((words): Screen<'next' | 'decline'> => {
      const { nodes, value } = digitsField(words, words.guardians.heard, isWrong)
      typed = value
      return {
        ...screen(words), content: nodes,
        actions: [{ name: 'next', label: words.actions.next }, { name: 'decline', label: words.actions.cancel }],
      }
    })
    if (action === 'decline') throw new Declined()
    if (sameDigits(typed(), expected)) return
  }
}

const guardianKey = async (visit: Visit, { person }: GuardianWish): Promise<Outcome> => {
  await agreeToStep(visit, 'key')
  const own = await guardianIn(await unlocked(visit, person), person, visit.asked.request.person ?? [])
  await showDigits(visit, digitsOfGuardian(own.id), 'own')
  return { guarding: { key: [...own.chain] } }
}

const namesShown = (guardians: readonly GuardianAsked[], { guardians: words }: Words): Fact =>
  ({ label: words.people, value: guardians.map(({ name }) => name).join(', ') })

const nameGuardians = async (visit: Visit, wish: Step<'name-guardians'>): Promise<Outcome> => {
  const { person, guardians, trustees } = wish
  const { asked: { request }, context } = visit
  await agreeToStep(visit, 'name', [namesShown(guardians, visit.stage.words)])
  // First: by a PIN the page is left in between, and what was heard before that would have to be heard again.
  const root = await unlocked(visit, person)
  for (const { name, keys } of guardians) {
    await hearDigits(visit, digitsOfGuardian(keys.id), (words) => words.guardians.call(name))
  }
  const keysOf = (all: Step<'name-guardians'>['trustees'] | readonly GuardianAsked[]) => all.map(({ keys }) => keys)
  const { wrap, ...dealt } = await deal({
    root, owner: person.id, guardians: keysOf(guardians), trustees: keysOf(trustees), name: request.personName ?? '',
  }, context)
  return { wraps: [...keptBy(visit).filter(({ set }) => set === undefined), wrap], guarding: dealt }
}

type Own = Awaited<ReturnType<typeof guardianIn>>

/** Throws {@link Declined} where it is another guardian's, or was changed: the person is told. */
const packetFor = (visit: Visit, packet: Uint8Array, own: Own): ReturnType<typeof packetOpened> =>
  gesture(visit, 'unlock', () => packetOpened(packet, own))

/** Shows whom it is about by what is in the packet: the owner wrote that, and no house. */
const guard = async (visit: Visit, { person, packet }: Step<'guard'>): Promise<Outcome> => {
  await agreeToStep(visit, 'guard')
  const own = await guardianIn(await unlocked(visit, person), person, visit.asked.request.person ?? [])
  const opened = await packetFor(visit, packet, own)
  await agree(visit, (words) => ({
    ...words.guardians.accept, facts: [{ label: words.guardians.about, value: opened.name }],
    agree: words.guardians.accept.agree,
  }))
  return { guarding: { code: opened.rehearsal } }
}

const tryGuardians = async (visit: Visit, { person, set, codes }: Step<'try-guardians'>): Promise<Outcome> => {
  await agreeToStep(visit, 'try')
  const root = await unlocked(visit, person)
  if (allOpened(root, set.encoded, codes)) return { guarding: { held: idOfSet(set) } }
  await visit.stage.choose((words): Screen<'next'> => ({
    ...words.guardians.notAll, tone: 'stop', actions: [{ name: 'next', label: words.actions.next }],
  }))
  throw new Declined('no-recovery')
}

/** A passkey alone objects: whoever is there does not have to unlock anything first. */
const object = async (visit: Visit, { person, set, recovery }: Step<'object'>): Promise<Outcome> => {
  await agreeToStep(visit, recovery === undefined ? 'end' : 'object')
  const { passkeys = [] } = person.current
  const unsigned = unsignedOf('objection', encode(Objection, {
    suite: SUITE, owner: person.id, set: recoverySetId(set.encoded), ...(recovery === undefined ? {} : { recovery }),
    time: secondsNow(visit), nonce: visit.context.random(16),
  }), person)
  const given = await gesture(visit, 'sign', () => visit.ceremonies.assertion(challengeOf(unsigned), passkeys))
  const passkey = passkeys.find(({ credential }) => equalBytes(credential, given.credential))
  if (passkey === undefined) throw new CeremonyProblem('no-passkey')
  return { signed: signedByPasskey(unsigned, passkey, given) }
}

const releaseShare = async (visit: Visit, { person, packet, ask }: Step<'release-share'>): Promise<Outcome> => {
  await agreeToStep(visit, 'release')
  const own = await guardianIn(await unlocked(visit, person), person, visit.asked.request.person ?? [])
  const { name } = await packetFor(visit, packet, own)
  await hearDigits(visit, digitsOfAsk(ask), (words) => words.guardians.confirm(name))
  return { guarding: { answer: await released(packet, ask, own) } }
}

/** Everything about guardians but the way back: see `comeback.ts`. */
export const aboutGuardians = async (
  visit: Visit, wish: Exclude<GuardianWish, { task: 'begin-recovery' | 'recover-by-guardians' }>,
): Promise<Outcome> => {
  switch (wish.task) {
    case 'guardian-key': return guardianKey(visit, wish)
    case 'name-guardians': return nameGuardians(visit, wish)
    case 'guard': return guard(visit, wish)
    case 'try-guardians': return tryGuardians(visit, wish)
    case 'object': return object(visit, wish)
    case 'release-share':
  }
  return releaseShare(visit, wish)
}

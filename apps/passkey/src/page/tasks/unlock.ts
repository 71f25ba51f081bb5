/** The root, for what takes it: by a passkey's PRF at once, by this browser's key and a PIN over the trustees. */
import { prfInput } from '@scelle/seal/recovery'
import { equalBytes, type Passkey, SealError } from '@scelle/seal/verify'
import { askPin, pinAnswered, type PinVisit } from '../pin.ts'
import { rootUnderPasskey } from '../root.ts'
import { element, type Screen } from '../screen.ts'
import type { Words } from '../words/words.ts'
import { Declined, gesture, Interrupted, type Visit } from './visit.ts'

const pinField = (label: string, id: string): { nodes: Node[]; value: () => string } => {
  const field = document.createElement('input')
  for (const [name, value] of Object.entries({
    id, type: 'password', autocomplete: 'off', inputmode: 'text', maxlength: '64',
  })) field.setAttribute(name, value)
  return { nodes: [element('label', { for: id }, label), field], value: () => field.value }
}

type Complaint = (words: Words) => string

const typedPin = async (
  visit: Visit, screen: 'choose' | 'enter', complaint: Complaint | undefined,
): Promise<{ readonly pin: string; readonly again: string }> => {
  let read: () => { pin: string; again: string } = () => ({ pin: '', again: '' })
  const action = await visit.stage.choose((words): Screen<'next' | 'decline'> => {
    const first = pinField(words.pin.label, 'pin')
    const second = screen === 'choose' ? pinField(words.pin.again, 'pin-again') : undefined
    read = () => ({ pin: first.value(), again: (second ?? first).value() })
    return {
      ...words.pin[screen], content: [
        ...first.nodes, ...(second?.nodes ?? []),
        ...(complaint === undefined ? [] : [element('p', { class: 'warning', role: 'alert' }, complaint(words))]),
      ],
      actions: [{ name: 'next', label: words.actions.next }, { name: 'decline', label: words.actions.cancel }],
    }
  })
  if (action === 'decline') throw new Declined()
  return read()
}

/** A new PIN, typed twice. `use` throws SealError `pin-invalid` where it is too short. Throws {@link Declined}. */
export const choosePin = async <T>(visit: Visit, use: (pin: string) => Promise<T>): Promise<T & { pin: string }> => {
  for (let complaint: Complaint | undefined; ;) {
    const { pin, again } = await typedPin(visit, 'choose', complaint)
    complaint = (words) => words.pin.different
    if (pin !== again) continue
    complaint = (words) => words.pin.short
    try {
      return { ...await use(pin), pin }
    } catch (error) {
      if (!(error instanceof SealError) || error.code !== 'pin-invalid') throw error
    }
  }
}

/** The trustees are asked before this goes on: the page is left, and visited once more. Throws {@link Interrupted}. */
export const throughTrustees = async (visit: Visit, from: PinVisit, pin: string, more = {}): Promise<never> => {
  throw new Interrupted({ ...more, pin: await askPin(from, pin, visit.context) })
}

const byPin = async (visit: Visit): Promise<Uint8Array> => {
  const { asked: { request, trustees }, device, context, known } = visit
  const from = { wraps: request.wraps ?? [], device, trustees }
  const { state, heard } = request.pin ?? {}
  let complaint: Complaint | undefined
  if (state !== undefined && heard !== undefined) {
    try {
      const outcome = await pinAnswered(from, { state, heard }, context)
      if (outcome.state === 'opened') {
        known.push(...outcome.known)
        return outcome.root
      }
      complaint = (words) => words.pin.wrong(outcome.left)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      complaint = (words) => words.pin.unanswered
    }
  }
  for (;;) {
    const { pin } = await typedPin(visit, 'enter', complaint)
    complaint = (words) => words.pin.short
    try {
      return await throughTrustees(visit, from, pin)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      if (error.code !== 'pin-invalid') throw new Declined('no-recovery')
    }
  }
}

/** Whether none of these passkeys has a wrap of its own, and some browser's key has. */
const isByPin = ({ asked: { request: { wraps = [] } } }: Visit, passkeys: readonly Passkey[]): boolean =>
  wraps.some(({ device }) => device === true) && !wraps.some(({ credential }) => credential !== undefined &&
    passkeys.some((passkey) => equalBytes(passkey.credential, credential)))

/** Throws {@link Declined}, {@link Interrupted}. */
export const unlock = (visit: Visit, passkeys: readonly Passkey[]): Promise<Uint8Array> =>
  isByPin(visit, passkeys) ? byPin(visit) : gesture(visit, 'unlock', async () =>
    rootUnderPasskey(visit.asked.request.wraps ?? [], await visit.ceremonies.prf(prfInput(), passkeys)))

export { byPin }

/** One visit of the page: a request is verified, shown, carried out, answered. */
import type { Context } from '@scelle/seal/verify'
import { type PageLanguage, writeAnswer } from '@scelle/wire/passkey-page'
import { type Asked, readAsked, Stop, type StopCode } from './asked.ts'
import { browserCeremonies, CeremonyProblem } from './ceremony.ts'
import type { Constellation } from './constellation.ts'
import { browserKeys, deviceWith } from './device.ts'
import { element, Stage } from './screen.ts'
import { beginRecovery, recoverByGuardians } from './tasks/comeback.ts'
import { enrol } from './tasks/enrol.ts'
import { aboutGuardians } from './tasks/guardians.ts'
import { addPasskey, recover, removePasskey } from './tasks/passkeys.ts'
import { sign } from './tasks/sign.ts'
import { Declined, Interrupted, type Outcome, type Visit } from './tasks/visit.ts'

/** Of this browser's own key. There is none before somebody enrols here with a PIN. */
const DATABASE = 'scelle'

/** The request leaves the address at once: addresses stay in histories. */
const takeFragment = (): string => {
  const fragment = location.hash.slice(1)
  history.replaceState(null, '', location.pathname)
  return fragment
}

const requireOwnWindow = ({ origin }: Constellation): void => {
  // Beside the header that forbids it: what is signed is what the person sees, in this window alone.
  if (window.top !== window.self) throw new Stop('framed')
  if (location.origin !== origin) throw new Stop('wrong-origin')
  if (typeof PublicKeyCredential === 'undefined') throw new Stop('unsupported')
}

const CHANGES = { 'add-passkey': addPasskey, 'remove-passkey': removePasskey, recover } as const

const carryOut = (visiting: Visit): Promise<Outcome> => {
  const { wish } = visiting.asked
  if (wish.task === 'enrol') return enrol(visiting, wish.tried)
  if (wish.task === 'guardians') {
    const { step } = wish
    if (step.task === 'recover-by-guardians') return recoverByGuardians(visiting, step)
    return step.task === 'begin-recovery' ? beginRecovery(visiting, step) : aboutGuardians(visiting, step)
  }
  return 'change' in wish ? CHANGES[wish.change](visiting, wish.person) : sign(visiting, wish)
}

const outcomeOf = async (visiting: Visit): Promise<Outcome> => {
  try {
    const outcome = await carryOut(visiting)
    return visiting.known.length === 0 ? outcome : { ...outcome, known: visiting.known }
  } catch (error) {
    if (error instanceof Declined || error instanceof Interrupted) return error.outcome
    if (error instanceof CeremonyProblem) return { problem: error.problem }
    throw error
  }
}

/** By a form, so that it stands in no address. */
const send = ({ request, returnOrigin }: Asked, stage: Stage, outcome: Outcome): void => {
  const answer = writeAnswer({ state: request.state, ...outcome })
  const form = element('form', { method: 'post', action: request.returnTo, hidden: '' },
    element('input', { type: 'hidden', name: 'answer', value: answer }))
  if (!(form instanceof HTMLFormElement)) throw new TypeError('not a form')
  stage.show((words) => ({
    title: outcome.problem === undefined ? words.going(returnOrigin) : words.problems[outcome.problem].title,
    lead: returnOrigin, tone: outcome.problem === undefined ? 'done' : 'stop', actions: [],
  }))
  document.body.append(form)
  form.submit()
}

const stopped = (stage: Stage, code: StopCode): void => {
  stage.show((words) => ({
    ...words.stops[code], tone: 'stop', actions: [],
    // Whoever comes back after an answer has signed something.
    ...(code === 'nothing-asked' ? {} : { warning: words.stopNothingSigned }),
  }))
}

const browserLanguage = (): PageLanguage => (navigator.language.startsWith('fr') ? 'fr' : 'en')

/** Shows whatever there is to show. Rejects only where the page itself is broken. */
export const visit = async (constellation: Constellation, context: Context): Promise<void> => {
  const stage = new Stage(browserLanguage(), location.origin)
  stage.show((words) => ({ title: words.waiting, lead: '', tone: 'wait', actions: [] }))
  const fragment = takeFragment()
  try {
    requireOwnWindow(constellation)
    const asked = await readAsked(fragment, constellation, Math.floor(context.now() / 1000))
    stage.language = asked.request.language
    const ceremonies = browserCeremonies(constellation, context.random)
    const device = deviceWith(browserKeys(DATABASE), context.random)
    // A PIN that was typed and never answered: whoever takes this device finds nothing of it.
    if (asked.request.pin?.heard === undefined) await device.forget()
    send(asked, stage, await outcomeOf({ asked, stage, ceremonies, context, device, known: [] }))
  } catch (error) {
    stopped(stage, error instanceof Stop ? error.code : 'malformed')
    if (!(error instanceof Stop)) throw error
  }
}

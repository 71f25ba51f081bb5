/** What a person is asked once they signed in: which patient an application is for, and why they go on. */
import { EdgeError, refusalOf } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { SignedIn } from '../passkeys/sign-in.ts'
import { ownFormIn } from './browser.ts'
import { type Choice, FORM_HEADERS, patientPage, reasonMissing, reasonPage } from './forms.ts'
import type { PatientChoice, PatientList } from './patient-choice.ts'
import type { Language } from './pages.ts'
import { formOf, languageIn, type NameOf, onward, over, pathOf, type Step } from './step.ts'
import type { StepUps } from './step-ups.ts'
import type { Visits } from './visits.ts'

export interface AfterSignInOptions {
  readonly choice: PatientChoice
  readonly stepUps: StepUps
  readonly visits: Pick<Visits, 'secret'>
  readonly issuer: string
  readonly base: string
  readonly nameOf: NameOf
}

export class AfterSignIn {
  readonly #options: AfterSignInOptions

  constructor(options: AfterSignInOptions) {
    this.#options = options
  }

  /** `GET …/patient`: whom this person is expected to see. */
  patients(step: Step): Promise<void> {
    const { session, person } = signedInOf(step)
    return this.#list(step, '', async () => this.#options.choice.expected(session, person))
  }

  /** `POST …/search`: by name, which is in no address, and so in no history and no log. */
  async search(step: Step): Promise<void> {
    const { choice, base } = this.#options
    const form = await this.#formOf(step)
    const name = (form.get('name') ?? '').trim().slice(0, EDGE_LIMITS.nameText)
    if (name === '') return this.patients(step)
    return this.#list(step, name, () => choice.named(signedInOf(step).session, name, base))
  }

  /** `POST …/patient`: one of those who were shown. Throws `forbidden`. */
  async chosen(step: Step): Promise<void> {
    const { visit } = step
    const patient = (await this.#formOf(step)).get('patient') ?? ''
    if (!visit.shown.has(patient)) throw new EdgeError('forbidden', 'this patient was not in the list')
    visit.patient = patient
    onward(step, `${pathOf(step)}/done`)
  }

  /** `GET …/reason` */
  async reason(step: Step, problem?: string): Promise<void> {
    step.response.writeHead(200, FORM_HEADERS)
    step.response.end(reasonPage(formOf(step, this.#options.nameOf, problem)))
  }

  /** `POST …/reason`: to the passkey page, which shows the reason and signs it. */
  async confirm(step: Step): Promise<void> {
    const { stepUps, issuer } = this.#options
    const { visit, request } = step
    const reason = ((await this.#formOf(step)).get('reason') ?? '').trim()
    const isReason = reason.length >= 3 && reason.length <= EDGE_LIMITS.reasonLength
    if (!isReason) return this.reason(step, reasonMissing(languageIn(request)))
    const { url, state } = await stepUps.begin({
      signedIn: signedInOf(step), reason, patient: visit.patient, language: languageIn(request),
      returnTo: `${issuer}${pathOf(step)}/confirmed`,
    })
    visit.asked = state
    onward(step, url)
  }

  #formOf({ request, visit }: Step): Promise<URLSearchParams> {
    return ownFormIn(request, visit, this.#options.visits.secret())
  }

  /** What the counter says against it is said on the page, and nobody is on it. Throws `forbidden` after a launch. */
  async #list(step: Step, name: string, find: () => Promise<PatientList>): Promise<void> {
    const { nameOf } = this.#options
    const { visit, request, response } = step
    if (visit.launch !== undefined) throw new EdgeError('forbidden', 'the launch of this application says for whom')
    let choice: Choice = { rows: [], isMore: false, name }
    let problem: string | undefined
    try {
      choice = { ...await find(), name }
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error
      problem = wordsOf(error, languageIn(request))
    }
    for (const { reference } of choice.rows) visit.shown.add(reference)
    response.writeHead(200, FORM_HEADERS)
    response.end(patientPage(formOf(step, nameOf, problem), choice))
  }
}

const signedInOf = ({ visit: { signedIn } }: Step): SignedIn => {
  if (signedIn === undefined) throw over()
  return signedIn
}

const wordsOf = (error: EdgeError, language: Language): string => {
  const [issue] = refusalOf(error).outcome.issue ?? []
  return (language === 'fr' ? issue?.details?.text : undefined) ?? issue?.diagnostics ?? error.message
}

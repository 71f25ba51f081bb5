/**
 * Between an authorization request and its code: the passkey page, and what has to be known before or after it. The
 * browser that ends it is the one that began it (one cookie) and the one that brought the page's answer (another):
 * somebody who sends the address of his own request to another person gets neither her session nor she his.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { EdgeError, refusalOf } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { ACR } from '../labels.ts'
import type { SignIn } from '../passkeys/sign-in.ts'
import type { Sessions } from '../sessions.ts'
import type { Accounts } from './accounts.ts'
import { acrAsked } from './acr.ts'
import { AfterSignIn } from './after-sign-in.ts'
import { cookieIn, equal, ownFormIn, redirect } from './browser.ts'
import { FORM_HEADERS, nameMissing, namePage } from './forms.ts'
import type { Launches } from './launches.ts'
import type { PatientChoice } from './patient-choice.ts'
import { page, PAGE_HEADERS } from './pages.ts'
import { INTERACTION } from './provider.ts'
import { isOfOnePatient, OTHER_SCOPES } from './scopes.ts'
import {
  answerIn, clientOf, type Details, deviceOf, formOf, hintOf, languageIn, type NameOf, onward, over, pathOf, scopesOf,
  type Step,
} from './step.ts'
import type { StepUps } from './step-ups.ts'
import { type Visit, Visits } from './visits.ts'

export interface SignInOptions {
  readonly provider: Provider
  readonly issuer: string
  readonly base: string
  readonly signIn: Pick<SignIn, 'begin' | 'finish'>
  readonly accounts: Accounts
  readonly launches: Launches
  readonly sessions: Pick<Sessions, 'touch' | 'end'>
  readonly choice: PatientChoice
  readonly stepUps: StepUps
  readonly nameOf: NameOf
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly fault: (error: unknown) => void
}

const ANSWER = 'scelle_answer'
const PATH = /^\/oauth\/interaction\/([A-Za-z0-9_-]{1,64})(?:\/([a-z]{1,16}))?$/

type Serve = (uid: string, request: IncomingMessage, response: ServerResponse) => Promise<void>

export class SignInRoutes {
  readonly #options: SignInOptions
  readonly #visits: Visits
  readonly #served: ReadonlyMap<string, Serve>

  constructor(options: SignInOptions) {
    this.#options = options
    const { sessions, now, random } = options
    this.#visits = new Visits({ endSession: (session) => sessions.end(session), now, random })
    const after = new AfterSignIn({ ...options, visits: this.#visits })
    const own = (serve: (step: Step) => Promise<void>): Serve => async (...of) => serve(await this.#signedIn(...of))
    this.#served = new Map<string, Serve>([
      ['GET ', (...of) => this.#begin(...of)],
      ['POST name', (...of) => this.#named(...of)],
      ['POST answer', (...of) => this.#answer(...of)],
      ['GET done', own((step) => this.#next(step))],
      ['GET patient', own((step) => after.patients(step))],
      ['POST search', own((step) => after.search(step))],
      ['POST patient', own((step) => after.chosen(step))],
      ['GET reason', own((step) => after.reason(step))],
      ['POST reason', own((step) => after.confirm(step))],
      ['POST confirmed', (...of) => this.#confirmed(...of)],
      ['POST cancel', (...of) => this.#cancel(...of)],
      ['GET end', (...of) => this.#end(...of)],
    ])
  }

  /** Whatever is below `INTERACTION`. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, uid = '', what = ''] = PATH.exec(request.url?.split('?', 1)[0] ?? '') ?? []
    const serve = uid === '' ? undefined : this.#served.get(`${request.method ?? ''} ${what}`)
    response.setHeader('cache-control', 'no-store')
    try {
      if (serve === undefined) throw new EdgeError('not-found', 'nothing is served at this path')
      await serve(uid, request, response)
    } catch (error) {
      this.#refuse(error, uid, request, response)
    }
  }

  async #begin(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { provider } = this.#options
    const details = await provider.interactionDetails(request, response)
    const step = { visit: this.#visits.begin(uid), details, request, response }
    const problem = this.#problemOf(step)
    if (problem !== undefined) {
      return provider.interactionFinished(request, response, problem, { mergeWithLastSubmission: false })
    }
    const hint = hintOf(details)
    const person = step.visit.launch?.person ?? (/^[0-9a-f]{64}$/.test(hint) ? hint : undefined)
    return person === undefined ? this.#askName(step, hint) : redirect(response, await this.#pageOf(step, { person }))
  }

  /** Whatever else the application expects of its person is put before them, and not believed. */
  #askName(step: Step, typed: string, problem?: string): void {
    step.response.writeHead(200, FORM_HEADERS)
    step.response.end(namePage(formOf(step, this.#options.nameOf, problem), typed.slice(0, EDGE_LIMITS.nameText)))
  }

  async #named(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const step = await this.#own(uid, request, response)
    const { visit, details } = step
    const form = await ownFormIn(request, visit, this.#visits.secret())
    const name = (form.get('name') ?? '').trim()
    const isName = name.length <= EDGE_LIMITS.nameText && /\p{L}/u.test(name)
    if (!isName) return this.#askName(step, '', nameMissing(languageIn(request)))
    if (++visit.tries > EDGE_LIMITS.namesEach) return this.#giveUp(step)
    onward(step, await this.#pageOf(step, { named: { name, by: clientOf(details) } }))
  }

  /** The passkey page's address, for this sign-in. */
  async #pageOf(
    { visit, details, request }: Step, who: Pick<Parameters<SignIn['begin']>[0], 'person' | 'named'>,
  ): Promise<string> {
    const { signIn, issuer, nameOf } = this.#options
    const { url, state } = await signIn.begin({
      ...who, device: deviceOf(details) ?? new Uint8Array(), purposes: ['treatment'],
      application: nameOf(clientOf(details)), returnTo: `${issuer}${INTERACTION}/${visit.uid}/answer`,
      language: languageIn(request),
    })
    visit.asked = state
    return url
  }

  /** Another origin posted it: of the cookies none came along, so it ends nothing by itself. */
  async #answer(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { signIn, sessions } = this.#options
    const signedIn = await signIn.finish(await answerIn(request))
    const visit = this.#visits.of(uid)
    if (visit === undefined || signedIn.state !== visit.asked) {
      sessions.end(signedIn.session)
      throw new EdgeError('forbidden', 'this is the answer to another sign-in')
    }
    visit.signedIn = signedIn
    this.#brought(visit, response)
  }

  /** As {@link #answer}, of the confirmation that was asked for after it. */
  async #confirmed(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await answerIn(request)
    const visit = this.#visits.of(uid)
    if (visit?.signedIn === undefined || visit.asked === undefined) throw over()
    await this.#options.stepUps.finish(answer, visit.signedIn, visit.patient)
    visit.isConfirmed = true
    this.#brought(visit, response)
  }

  #brought(visit: Visit, response: ServerResponse): void {
    const { issuer } = this.#options
    visit.asked = undefined
    visit.secret = this.#visits.secret()
    const secure = issuer.startsWith('https:') ? '; Secure' : ''
    const path = `${INTERACTION}/${visit.uid}`
    response.setHeader('set-cookie', `${ANSWER}=${visit.secret}; Path=${path}; HttpOnly; SameSite=Lax${secure}`)
    redirect(response, `${issuer}${path}/done`)
  }

  /** What is still to be known, or the end. */
  async #next(step: Step): Promise<void> {
    const { visit, details, response } = step
    if (visit.launch?.person !== undefined && visit.launch.person !== visit.signedIn?.person) {
      this.#visits.drop(visit.uid)
      throw new EdgeError('forbidden', 'this application was launched by somebody else')
    }
    const { issuer } = this.#options
    const at = `${issuer}${INTERACTION}/${visit.uid}`
    if (visit.patient === undefined && isOfOnePatient(scopesOf(details))) return redirect(response, `${at}/patient`)
    if (acrAsked(details.params['acr_values']) === ACR.stepUp && !visit.isConfirmed) {
      return redirect(response, `${at}/reason`)
    }
    return this.#finish(step)
  }

  async #finish({ visit, details, request, response }: Step): Promise<void> {
    const { provider, accounts } = this.#options
    const { signedIn, patient, isConfirmed } = visit
    if (signedIn === undefined) throw over()
    const device = String(details.params['dpop_jkt'])
    accounts.add({ ...signedIn, client: clientOf(details), device, patient })
    this.#visits.release(visit.uid)
    const grantId = await this.#grant(details, signedIn.session)
    const acr = isConfirmed ? ACR.stepUp : ACR.passkey
    const login = { accountId: signedIn.session, remember: false, amr: ['hwk', 'user'], acr }
    await provider.interactionFinished(request, response, { login, consent: { grantId } })
  }

  /** The operator said at most what, the application asked, the person signed: what is left is granted. */
  async #grant(details: Details, session: string): Promise<string> {
    const { provider, base } = this.#options
    const grant = new provider.Grant({ accountId: session, clientId: clientOf(details) })
    const scopes = scopesOf(details)
    const isOther = (scope: string): boolean => (OTHER_SCOPES as readonly string[]).includes(scope)
    grant.addOIDCScope(scopes.filter(isOther).join(' '))
    grant.addResourceScope(base, scopes.filter((scope) => !isOther(scope)).join(' '))
    return grant.save()
  }

  #problemOf({ visit, details }: Step): { error: string; error_description: string } | undefined {
    if (deviceOf(details) === undefined) {
      return { error: 'invalid_request', error_description: 'push the request with a DPoP proof' }
    }
    const { launch } = details.params
    if (typeof launch !== 'string' || visit.launch !== undefined) return undefined
    visit.launch = this.#options.launches.take(launch, clientOf(details))
    visit.patient = visit.launch?.patient
    if (visit.launch !== undefined) return undefined
    return { error: 'invalid_request', error_description: 'this launch is over' }
  }

  async #cancel(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const step = await this.#own(uid, request, response)
    await ownFormIn(request, step.visit, this.#visits.secret())
    this.#giveUp(step)
  }

  #giveUp(step: Step): void {
    step.visit.isGivenUp = true
    onward(step, `${pathOf(step)}/end`)
  }

  /** The application hears that nobody signed in. No link of another site gets here: the form comes before. */
  async #end(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { visit } = await this.#own(uid, request, response)
    if (!visit.isGivenUp) throw over()
    this.#visits.drop(uid)
    const result = { error: 'access_denied', error_description: 'nobody signed in' }
    return this.#options.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  }

  /** A step of the browser that began. Throws what `oidc-provider` throws where its cookie is missing; `forbidden`. */
  async #own(uid: string, request: IncomingMessage, response: ServerResponse): Promise<Step> {
    const details = await this.#options.provider.interactionDetails(request, response)
    const visit = this.#visits.of(uid)
    if (visit === undefined || details.uid !== uid) throw over()
    return { visit, details, request, response }
  }

  /** And of the one that brought the page's answer, in a session that lives. Two browsers are an attack: it ends. */
  async #signedIn(uid: string, request: IncomingMessage, response: ServerResponse): Promise<Step> {
    const step = await this.#own(uid, request, response)
    const { signedIn, secret } = step.visit
    const isSame = signedIn !== undefined && secret !== undefined && equal(cookieIn(request, ANSWER) ?? '', secret)
    if (isSame && this.#options.sessions.touch(signedIn.session)) return step
    this.#visits.drop(uid)
    throw new EdgeError('forbidden', isSame
      ? 'this session is over' : 'this sign-in was begun or answered in another browser')
  }

  #refuse(error: unknown, uid: string, request: IncomingMessage, response: ServerResponse): void {
    // What `oidc-provider` refuses has a 4xx status: most often, the browser has not the cookie of this interaction.
    const status = (error as { statusCode?: unknown } | null)?.statusCode
    const isTheirs = !(error instanceof EdgeError) && typeof status === 'number' && status < 500
    const refusal = refusalOf(isTheirs ? over() : error)
    if (refusal.status >= 500) this.#options.fault(error)
    const problem = refusal.outcome.issue?.[0]?.diagnostics ?? ''
    const again = this.#visits.of(uid) === undefined ? undefined : `${INTERACTION}/${uid}`
    response.writeHead(refusal.status, PAGE_HEADERS)
    response.end(page(languageIn(request), problem, again))
  }
}

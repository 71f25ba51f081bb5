/**
 * Between an authorization request and its code: the passkey page, and nothing else. The browser that ends it is the
 * one that began it (one cookie) and the one that brought the page's answer (another): somebody who sends the address
 * of his own request to another person gets neither her session nor she his.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { EdgeError, refusalOf } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { SignedIn, SignIn } from '../passkeys/sign-in.ts'
import type { Accounts } from './accounts.ts'
import type { Launch, Launches } from './launches.ts'
import { languageOf, page, PAGE_HEADERS } from './pages.ts'
import { INTERACTION } from './provider.ts'
import { OTHER_SCOPES } from './scopes.ts'

export interface SignInOptions {
  readonly provider: Provider
  readonly issuer: string
  readonly base: string
  readonly signIn: Pick<SignIn, 'begin' | 'finish'>
  readonly accounts: Accounts
  readonly launches: Launches
  readonly endSession: (session: string) => void
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly fault: (error: unknown) => void
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>

interface Answered {
  readonly signedIn: SignedIn
  readonly secret: string
  readonly until: number
}

const ANSWER = 'scelle_answer'
const PATH = /^\/oauth\/interaction\/([A-Za-z0-9_-]{1,64})(\/answer|\/done)?$/
const SECRET = 32
const THUMBPRINT = 32

export class SignInRoutes {
  readonly #options: SignInOptions
  /** Launches by interaction: each is taken once. */
  readonly #launched = new Map<string, Launch>()
  readonly #answered = new Map<string, Answered>()
  /** What the page was asked, by interaction. */
  readonly #begun = new Map<string, string>()

  constructor(options: SignInOptions) {
    this.#options = options
  }

  /** Answers what is under `/oauth/interaction`. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [, uid, step = ''] = PATH.exec(request.url ?? '') ?? []
      const isPost = request.method === 'POST'
      if (uid === undefined || isPost !== (step === '/answer') || (!isPost && request.method !== 'GET')) {
        throw new EdgeError('not-found', 'nothing is served at this path')
      }
      if (step === '/answer') await this.#answer(uid, request, response)
      else if (step === '/done') await this.#finish(uid, request, response)
      else await this.#begin(uid, request, response)
    } catch (error) {
      this.#refuse(error, request, response)
    }
  }

  async #begin(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { provider, signIn, issuer } = this.#options
    const details = await provider.interactionDetails(request, response)
    const problem = this.#problemOf(details, uid)
    const device = deviceOf(details)
    if (problem !== undefined || device === undefined) {
      const result = problem ?? { error: 'invalid_request', error_description: 'push the request with a DPoP proof' }
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
    }
    const person = this.#launched.get(uid)?.person ?? hintOf(details)
    const { url, state } = await signIn.begin({
      device, purposes: ['treatment'], returnTo: `${issuer}${INTERACTION}/${uid}/answer`,
      language: languageOf(request.headers['accept-language']),
      ...(person === undefined ? {} : { person }),
    })
    if (this.#begun.size >= EDGE_LIMITS.launches) this.#begun.clear()
    this.#begun.set(uid, state)
    redirect(response, url)
  }

  /** Another origin posted it: of the cookies none came along, so it ends nothing by itself. */
  async #answer(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { signIn, issuer, random, now } = this.#options
    const answer = new URLSearchParams(await formOf(request)).get('answer')
    if (answer === null) throw new EdgeError('bad-value', 'the page answers in one field', 'answer')
    const signedIn = await signIn.finish(answer)
    const begun = this.#begun.get(uid)
    this.#begun.delete(uid)
    if (signedIn.state !== begun) {
      this.#options.endSession(signedIn.session)
      throw new EdgeError('forbidden', 'this is the answer to another sign-in')
    }
    this.#sweep()
    const secret = Buffer.from(random(SECRET)).toString('base64url')
    this.#answered.set(uid, { signedIn, secret, until: now() + EDGE_LIMITS.signInTime * 1_000 })
    const secure = issuer.startsWith('https:') ? '; Secure' : ''
    const cookie = `${ANSWER}=${secret}; Path=${INTERACTION}/${uid}; HttpOnly; SameSite=Lax${secure}`
    response.setHeader('set-cookie', cookie)
    redirect(response, `${issuer}${INTERACTION}/${uid}/done`)
  }

  async #finish(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { provider, accounts, endSession } = this.#options
    const answered = this.#answered.get(uid)
    this.#answered.delete(uid)
    const details = await provider.interactionDetails(request, response)
    const isSame = details.uid === uid && answered !== undefined
      && equal(cookieIn(request, ANSWER) ?? '', answered.secret) && answered.until > this.#options.now()
    if (!isSame) {
      if (answered !== undefined) endSession(answered.signedIn.session)
      throw new EdgeError('forbidden', 'this sign-in was begun or answered in another browser')
    }
    const launch = this.#launched.get(uid)
    this.#launched.delete(uid)
    const { signedIn } = answered
    if (launch?.person !== undefined && launch.person !== signedIn.person) {
      endSession(signedIn.session)
      throw new EdgeError('forbidden', 'this application was launched by somebody else')
    }
    const device = String(details.params['dpop_jkt'])
    accounts.add({ ...signedIn, client: clientOf(details), device, patient: launch?.patient })
    const grantId = await this.#grant(details, signedIn.session)
    const login = { accountId: signedIn.session, remember: false, amr: ['hwk', 'user'] }
    await provider.interactionFinished(request, response, { login, consent: { grantId } })
  }

  /** The operator said at most what, the application asked, the person signed: what is left is granted. */
  async #grant({ params }: Details, session: string): Promise<string> {
    const { provider, base } = this.#options
    const grant = new provider.Grant({ accountId: session, clientId: String(params['client_id']) })
    const scopes = String(params['scope']).split(' ')
    const isOther = (scope: string): boolean => (OTHER_SCOPES as readonly string[]).includes(scope)
    grant.addOIDCScope(scopes.filter(isOther).join(' '))
    grant.addResourceScope(base, scopes.filter((scope) => !isOther(scope)).join(' '))
    return grant.save()
  }

  #problemOf(details: Details, uid: string): { error: string; error_description: string } | undefined {
    const { launches } = this.#options
    const { launch } = details.params
    if (typeof launch !== 'string' || this.#launched.has(uid)) return undefined
    const launched = launches.take(launch, clientOf(details))
    if (launched === undefined) return { error: 'invalid_request', error_description: 'this launch is over' }
    if (this.#launched.size >= EDGE_LIMITS.launches) this.#launched.clear()
    this.#launched.set(uid, launched)
    return undefined
  }

  /** What nobody came back for is nobody's session. */
  #sweep(): void {
    const { endSession, now } = this.#options
    for (const [uid, { signedIn, until }] of this.#answered) {
      if (until > now()) continue
      this.#answered.delete(uid)
      endSession(signedIn.session)
    }
  }

  #refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    // What `oidc-provider` refuses has a 4xx status: most often, the browser has not the cookie of this interaction.
    const status = (error as { statusCode?: unknown } | null)?.statusCode
    const isTheirs = !(error instanceof EdgeError) && typeof status === 'number' && status < 500
    const over = new EdgeError('forbidden', 'this sign-in is over, or another browser\'s')
    const refusal = refusalOf(isTheirs ? over : error)
    if (refusal.status >= 500) this.#options.fault(error)
    const problem = refusal.outcome.issue?.[0]?.diagnostics ?? ''
    response.writeHead(refusal.status, PAGE_HEADERS)
    response.end(page(languageOf(request.headers['accept-language']), problem))
  }
}

const clientOf = ({ params }: Details): string => String(params['client_id'])

/** Whom the application expects (`login_hint`, OpenID Connect Core section 3.1.2.1): the id of one of the people. */
const hintOf = ({ params }: Details): string | undefined =>
  (typeof params['login_hint'] === 'string' ? params['login_hint'] : undefined)

/** The thumbprint of the key that the pushed request was proven with. */
const deviceOf = ({ params }: Details): Uint8Array | undefined => {
  const thumbprint = params['dpop_jkt']
  const bytes = typeof thumbprint === 'string' ? new Uint8Array(Buffer.from(thumbprint, 'base64url')) : undefined
  return bytes?.length === THUMBPRINT ? bytes : undefined
}

const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(303, { location, 'referrer-policy': 'no-referrer' })
  response.end()
}

const cookieIn = ({ headers }: IncomingMessage, name: string): string | undefined =>
  headers.cookie?.split(';').map((each) => each.trim()).find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1)

const equal = (left: string, right: string): boolean =>
  timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest())

/** Throws EdgeError `media-type`, `too-large`. */
const formOf = async (request: IncomingMessage): Promise<string> => {
  if (!(request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
    throw new EdgeError('media-type', 'send application/x-www-form-urlencoded')
  }
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > EDGE_LIMITS.answerBody) throw new EdgeError('too-large')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

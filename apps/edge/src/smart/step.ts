/** One request within a sign-in, and what is read of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { EdgeError } from '../errors.ts'
import { formIn } from './browser.ts'
import { type Form, FORM_HEADERS, onwardPage } from './forms.ts'
import { type Language, languageOf } from './pages.ts'
import { INTERACTION } from './provider.ts'
import type { Visit } from './visits.ts'

export type Details = Awaited<ReturnType<Provider['interactionDetails']>>

export interface Step {
  readonly visit: Visit
  readonly details: Details
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Names of applications, by `client_id`. */
export type NameOf = (client: string) => string

const THUMBPRINT = 32

export const over = (): EdgeError => new EdgeError('forbidden', 'this sign-in is over, or another browser\'s')

export const clientOf = ({ params }: Details): string => String(params['client_id'])

export const scopesOf = ({ params }: Details): string[] => String(params['scope']).split(' ')

/** Whom the application expects (`login_hint`, OpenID Connect Core section 3.1.2.1); empty where it says nothing. */
export const hintOf = ({ params }: Details): string =>
  (typeof params['login_hint'] === 'string' ? params['login_hint'] : '')

/** The thumbprint of the key that the pushed request was proven with. */
export const deviceOf = ({ params }: Details): Uint8Array | undefined => {
  const thumbprint = params['dpop_jkt']
  const bytes = typeof thumbprint === 'string' ? new Uint8Array(Buffer.from(thumbprint, 'base64url')) : undefined
  return bytes?.length === THUMBPRINT ? bytes : undefined
}

export const languageIn = ({ headers }: IncomingMessage): Language => languageOf(headers['accept-language'])

/** The passkey page's answer. Throws `bad-value`. */
export const answerIn = async (request: IncomingMessage): Promise<string> => {
  const answer = (await formIn(request)).get('answer')
  if (answer === null) throw new EdgeError('bad-value', 'the page answers in one field', 'answer')
  return answer
}

export const pathOf = ({ visit: { uid } }: Pick<Step, 'visit'>): string => `${INTERACTION}/${uid}`

/** For a page of this sign-in with a form. */
export const formOf = (step: Step, nameOf: NameOf, problem?: string): Form => ({
  language: languageIn(step.request), path: pathOf(step), form: step.visit.form,
  application: nameOf(clientOf(step.details)), problem,
})

/** Where a form of this sign-in leads. */
export const onward = ({ request, response }: Step, address: string): void => {
  response.writeHead(200, FORM_HEADERS)
  response.end(onwardPage(languageIn(request), address))
}

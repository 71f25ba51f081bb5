/** Every refusal of the desk to whoever enrols in a browser: code, HTTP status and what to do, the only such table. */
import { CREDENTIAL_PROBLEMS, CredentialError, type CredentialErrorCode } from '@scelle/credentials/professional'
import { Problem, PROBLEMS } from '@scelle/wire/errors'
import { SealError } from '@scelle/seal/verify'

export const DESK_PROBLEMS = {
  'enrolment-over': [403, 'This enrolment is over, was answered, or never began.'],
  'other-browser': [403, 'This enrolment was begun in another browser.'],
  'passkey-refused': [403, 'A passkey of this very person, bound to its device, has to agree first.'],
  'not-of-house': [403, 'The credential says nothing of a practice at the organisation that asks.'],
  'other-person': [403, 'This principal was enrolled as another professional before.'],
  'other-house': [403, 'This principal is of another organisation.'],
  'way-closed': [404, 'This register does not enrol people in this way.'],
  'nothing-here': [404, 'Nothing is served at this path.'],
  'form-invalid': [400, 'This is no form of this page.'],
  'away': [503, 'The index or the identity provider does not answer. Try again in a moment.'],
  'failed': [500, 'The desk failed. Nothing was signed; try again.'],
} as const

export type DeskErrorCode = keyof typeof DESK_PROBLEMS

/** A refusal. It never quotes a credential, a name or a number. */
export class DeskError extends Error {
  readonly code: DeskErrorCode
  constructor(code: DeskErrorCode, options?: ErrorOptions) {
    super(DESK_PROBLEMS[code][1], options)
    this.name = 'DeskError'
    this.code = code
  }
}

export interface Refusal {
  readonly status: number
  readonly code: DeskErrorCode | CredentialErrorCode
  readonly words: string
}

const statusOf = (code: CredentialErrorCode): number => {
  if (code === 'overloaded') return 503
  return code === 'too-large' ? 413 : 403
}

/** What a browser or a wallet is told. Whatever is no refusal is `failed`, and says nothing of itself. */
export const refusalOf = (error: unknown): Refusal => {
  if (error instanceof CredentialError) {
    return { status: statusOf(error.code), code: error.code, words: CREDENTIAL_PROBLEMS[error.code] }
  }
  const code = error instanceof DeskError ? error.code : error instanceof SealError ? 'passkey-refused' : 'failed'
  return { status: DESK_PROBLEMS[code][0], code, words: DESK_PROBLEMS[code][1] }
}

/** The same to a house, in the words of the protocol. */
export const problemOfDesk = (error: unknown): unknown => {
  if (!(error instanceof DeskError)) return error
  if (error.code === 'away') return new Problem('overloaded', error.message, { cause: error })
  const code = DESK_PROBLEMS[error.code][0] === 404 ? 'not-found' : 'not-permitted'
  return new Problem(code, `${PROBLEMS[code][1]} ${error.message}`, { cause: error })
}

import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes'
import { answerOf, FhirError } from '@scelle/fhir/outcomes'
import { SdkError } from '@scelle/sdk'
import { PROBLEMS, Problem } from '@scelle/wire/errors'

type IssueCode = OperationOutcomeIssue['code']

/** Every refusal of the edge itself: HTTP status (R4 http.html#status-codes), IssueType, and what to do. */
const REFUSALS = {
  'bad-request': [400, 'invalid', 'The request is not one this server understands.'],
  'bad-value': [400, 'value', 'A value of the request does not fit.'],
  'not-supported': [400, 'not-supported', 'This server does not do that. See its CapabilityStatement at metadata.'],
  'not-found': [404, 'not-found', 'There is no such resource in this organisation\'s care.'],
  'gone': [410, 'deleted', 'The resource was deleted.'],
  'method-not-allowed': [405, 'not-supported', 'This path does not take that method.'],
  'not-acceptable': [406, 'not-supported', 'Only JSON is served: application/fhir+json.'],
  'media-type': [415, 'not-supported', 'Send application/fhir+json.'],
  'too-large': [413, 'too-long', 'The request is over this server\'s limit.'],
  'conflict': [409, 'conflict', 'Somebody wrote this resource meanwhile. Read the latest version and try again.'],
  'precondition-failed': [412, 'conflict', 'The resource is not at the version that the request names. Read it again.'],
  'multiple-matches': [412, 'multiple-matches', 'The condition matches more than one resource. Make it narrower.'],
  'digest-mismatch': [400, 'invalid', 'The body is not the one that its digest says. Nothing was kept; send it again.'],
  'range-invalid': [416, 'value', 'The range lies outside the content: ask for one range of bytes inside it.'],
  'stalled': [408, 'timeout', 'The body stopped coming. Nothing of it was kept; send it again.'],
  'no-space': [507, 'no-store', 'The disk of this server is full. Nothing was kept; tell its operator.'],
  'uploads-full': [429, 'throttled',
    'Too many uploads are under way. Complete or delete one, or wait until the oldest expire.'],
  'offset-mismatch': [409, 'conflict', 'The upload is at another offset: see Upload-Offset, and go on from there.'],
  'business-rule': [422, 'business-rule', 'The content is valid, but this server cannot keep it so.'],
  'too-costly': [403, 'too-costly', 'This would need records that are not open. Name one patient.'],
  'forbidden': [403, 'forbidden', 'This application, or the grant behind the record, does not give that right.'],
  'scope': [403, 'forbidden', 'The access token of this application does not cover that: ask for a scope that does.'],
  'status-required': [403, 'forbidden',
    'No register that the trustees list says who this reader is, or its status ended: ask the register for a new one.'],
  'status-withdrawn': [403, 'forbidden',
    'The register took back what it said of this reader or its organisation: nothing opens until it says otherwise.'],
  'fact-required': [403, 'forbidden',
    'This record opens for care only: with an appointment, an admission, a referral or the patient\'s presence.'],
  'step-up-required': [403, 'forbidden',
    'What opens without an explanation is spent for today, or this person opened nothing for 90 days: confirm with the '
    + 'second key and give a reason.'],
  'colleague-required': [403, 'forbidden',
    'What opens without an explanation is spent twice over: a colleague has to confirm.'],
  'budget-spent': [403, 'throttled',
    'The number of patients that this reader or organisation may open is reached. In an emergency, break the glass.'],
  'locked': [403, 'forbidden',
    'The trustees have locked this reader, organisation or vendor. Two officers clear a lock.'],
  'emergency-refused': [403, 'forbidden',
    'An emergency opening takes a registered site, a reason by the second key and, for more than the summary or after '
    + 'two patients, a colleague; five patients a shift.'],
  'ahead-refused': [403, 'forbidden',
    'Ahead of time opens what is care for a scheduled patient for 24 hours, for an admitted one for 96, and no more.'],
  'clock-skewed': [503, 'transient',
    'The clocks of the trustees are over a minute apart: none of them counts by its own. Their operators set them.'],
  'not-author': [403, 'business-rule',
    'Another organisation wrote this resource: only it changes or deletes it. Write a resource of your own.'],
  'person-required': [401, 'login',
    'This chart opens for a person: sign in with a passkey, by $scelle-login.'],
  'session-required': [403, 'forbidden',
    'Charts of this house open in a session that a device-bound passkey began, for the purpose that it names.'],
  'exposure-spent': [403, 'throttled',
    'So many patients were listed, missed or exported that nobody in care needs more. Open one by its number.'],
  'login': [401, 'login', 'Every request is signed (RFC 9421) by an application that this edge enrols.'],
  'cursor-expired': [410, 'expired', 'This page is no longer kept. Search again.'],
  'too-many': [429, 'throttled', 'An export of this application is under way, or too many are kept. Try again later.'],
  'overloaded': [503, 'throttled', 'Busy. Try again in a moment; nothing was written.'],
  'index-unavailable': [503, 'transient', 'The index does not answer. Nothing was written; try again.'],
  'outcome-unknown': [503, 'timeout',
    'The index has not answered yet. This edge keeps the write and completes it when it can: '
    + 'read before you send it again.'],
  'not-final': [503, 'transient', 'Not all three trustees have cosigned this record yet. Try again in a moment.'],
  'chart-unavailable': [503, 'transient', 'The chart cannot be opened now. Try again.'],
  'chart-too-large': [403, 'too-costly',
    'This chart is larger than the memory that this server gives to open charts (charts.bytes).'],
  'session-ended': [401, 'login',
    'This session ended while the request was under way. Send it again: that begins a new session.'],
  'internal': [500, 'exception', 'The server failed. Try again, and tell the operator if it stays so.'],
} as const satisfies Record<string, readonly [number, IssueCode, string]>

export type EdgeErrorCode = keyof typeof REFUSALS

/** What trustees refuse by their meter, for whoever sits before the screen: in French; English stands above. */
const METER_TEXTS = {
  'person-required':
    'Ce dossier s’ouvre pour une personne : identifiez-vous ($scelle-login) sur la page des clés.',
  'session-required':
    'Les dossiers de cet établissement s’ouvrent dans une session ouverte par une clé liée à son appareil, '
    + 'pour l’usage qu’elle nomme.',
  'exposure-spent':
    'Trop de patients ont été listés, cherchés en vain ou exportés : ouvrez un dossier par son numéro.',
  'status-required':
    'Aucun registre reconnu ne dit qui lit, ou son attestation a expiré : demandez-en une nouvelle au registre.',
  'status-withdrawn':
    'Le registre a retiré l’attestation de ce lecteur ou de son établissement : rien ne s’ouvre tant qu’il n’en donne '
    + 'pas une nouvelle.',
  'fact-required':
    'Ce dossier ne s’ouvre que pour un soin : rendez-vous, admission, adressage ou présence du patient.',
  'step-up-required':
    'Les ouvertures sans explication du jour sont épuisées, ou cette personne n’a rien ouvert depuis 90 jours : '
    + 'confirmez avec la seconde clé et donnez un motif.',
  'colleague-required': 'Les ouvertures sans explication sont épuisées deux fois : un collègue doit confirmer.',
  'budget-spent':
    'Le nombre de patients que ce lecteur ou son établissement peut ouvrir est atteint. En urgence, brisez la glace.',
  'locked': 'Les tiers de confiance ont verrouillé ce lecteur, cet établissement ou ce prestataire : '
    + 'deux responsables lèvent le verrou.',
  'emergency-refused':
    'Briser la glace demande un site d’urgence reconnu, un motif signé par la seconde clé et, au-delà du résumé ou de '
    + 'deux patients, un collègue ; cinq patients par garde.',
  'ahead-refused':
    'À l’avance ne s’ouvre, pour un soin, qu’un patient programmé, pour 24 heures, ou hospitalisé, pour 96.',
  'clock-skewed': 'Les horloges des tiers de confiance diffèrent de plus d’une minute : aucun ne compte d’après la '
    + 'sienne. Leurs opérateurs les remettent à l’heure.',
} as const satisfies Partial<Record<EdgeErrorCode, string>>

export type MeterRefusal = keyof typeof METER_TEXTS

export const isMeterRefusal = (code: string | undefined): code is MeterRefusal =>
  code !== undefined && Object.hasOwn(METER_TEXTS, code)

/** The system of the codes by which a client tells the refusals of the meter apart. */
export const METER_CODES = 'https://scelle.health/problems'

/** The refusal with its code, so that software asks for what is missing, and its text in two languages. */
const withMeterCode = ({ status, outcome }: Refusal, code: MeterRefusal): Refusal => ({
  status,
  outcome: {
    ...outcome,
    issue: (outcome.issue ?? []).map((issue) => ({
      ...issue, details: { coding: [{ system: METER_CODES, code }], text: METER_TEXTS[code] },
    })),
  },
})

/** The same may succeed later: nobody answered, or the index said that it was busy. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof SdkError
  && (error.code === 'network' || error.code === 'timeout' || error.problem === 'overloaded'
    || error.problem === 'internal')

/**
 * Nobody answered, of those whom an opening takes: what a trustee says against it is an answer. One that has not
 * cosigned what was logged a moment ago is not there.
 */
export const isAway = (error: unknown): boolean => {
  if (isUnreachable(error)) return true
  if (!(error instanceof SdkError) || error.code !== 'release-insufficient') return false
  return isUnreachable(error.cause) || (error.cause as Partial<SdkError> | undefined)?.problem === 'not-cosigned'
}

/** A refusal. `message` and `expression` end in answers and logs: never content, never a patient's identifier. */
export class EdgeError extends Error {
  readonly code: EdgeErrorCode
  readonly expression: string | undefined
  constructor(code: EdgeErrorCode, diagnostics?: string, expression?: string, options?: ErrorOptions) {
    super(diagnostics ?? REFUSALS[code][2], options)
    this.name = 'EdgeError'
    this.code = code
    this.expression = expression
  }
}

/** What a FHIR client is told: a status and an OperationOutcome. */
export interface Refusal {
  readonly status: number
  readonly outcome: OperationOutcome
}

const single = (status: number, code: IssueCode, diagnostics: string, expression?: string): Refusal => ({
  status,
  outcome: {
    resourceType: 'OperationOutcome',
    issue: [{
      severity: 'error', code, diagnostics, ...(expression === undefined ? {} : { expression: [expression] }),
    }],
  },
})

const STATUS_CODES: Readonly<Record<number, IssueCode>> = {
  400: 'invalid', 401: 'login', 403: 'forbidden', 404: 'not-found', 405: 'not-supported', 409: 'conflict',
  413: 'too-long', 415: 'not-supported', 429: 'throttled', 503: 'transient',
}

/**
 * The answer to anything thrown while a request was served. What is not one of our own errors is told as `internal`
 * and nothing more: its message may quote content.
 */
export const refusalOf = (error: unknown): Refusal => {
  if (error instanceof FhirError) return answerOf(error)
  if (error instanceof EdgeError) {
    const [status, code] = REFUSALS[error.code]
    const refusal = single(status, code, error.message, error.expression)
    return isMeterRefusal(error.code) ? withMeterCode(refusal, error.code) : refusal
  }
  if (error instanceof Problem) {
    const status = PROBLEMS[error.code][0]
    return single(status, STATUS_CODES[status] ?? 'exception', error.message)
  }
  if (isUnreachable(error)) return refusalOf(new EdgeError('index-unavailable'))
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  if (status === 413) return refusalOf(new EdgeError('too-large'))
  if (status === 414 || status === 431 || status === 400) return refusalOf(new EdgeError('bad-request'))
  return refusalOf(new EdgeError('internal'))
}

/** True for what the operator should hear of: the server's fault, not the request's. */
export const isOwnFault = (error: unknown): boolean => refusalOf(error).status >= 500

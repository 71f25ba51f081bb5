import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes'

/** Everything this room can refuse. Closed: a new reason is a new code here, never a free string. */
export type FhirErrorCode =
  | 'not-json'
  | 'duplicate-key'
  | 'too-large'
  | 'too-deep'
  | 'unknown-type'
  | 'invalid-resource'
  | 'invalid-bundle'
  | 'unresolved-reference'
  | 'multiple-matches'
  | 'ambiguous-patient'
  | 'unsupported-parameter'
  | 'unsupported-modifier'
  | 'invalid-value'
  | 'too-many-values'
  | 'invalid-rule-table'
  | 'invalid-profile'
  | 'profile-violated'
  | 'not-a-grant'

type IssueCode = OperationOutcomeIssue['code']

/** HTTP status (R4 http.html#status-codes) and IssueType of each code. */
const ANSWERS: Readonly<Record<FhirErrorCode, readonly [status: number, issue: IssueCode]>> = {
  'not-json': [400, 'structure'],
  'duplicate-key': [400, 'structure'],
  'too-large': [413, 'too-long'],
  'too-deep': [400, 'too-long'],
  'unknown-type': [400, 'not-supported'],
  'invalid-resource': [400, 'invalid'],
  'invalid-bundle': [400, 'invalid'],
  'unresolved-reference': [400, 'not-found'],
  'multiple-matches': [412, 'multiple-matches'],
  'ambiguous-patient': [422, 'business-rule'],
  'unsupported-parameter': [400, 'not-supported'],
  'unsupported-modifier': [400, 'not-supported'],
  'invalid-value': [400, 'value'],
  'too-many-values': [400, 'too-costly'],
  'invalid-rule-table': [400, 'invalid'],
  'invalid-profile': [400, 'invalid'],
  'profile-violated': [422, 'invalid'],
  'not-a-grant': [422, 'not-supported'],
}

/** One finding: what is wrong (`diagnostics`) and where (`expression`, a FHIRPath such as `Patient.name[0]`). */
export interface Finding {
  severity: 'error' | 'warning' | 'information'
  /** IssueType; absent: the error code's own. */
  code?: IssueCode
  diagnostics: string
  expression?: string
}

/**
 * A refusal of this room, with the OperationOutcome that the caller of a FHIR server should see.
 * Neither `message` nor the outcome holds values from the resource: only paths, parameter names, expected
 * types and codes, because errors end in logs and patients' words must not.
 */
export class FhirError extends Error {
  readonly code: FhirErrorCode
  readonly findings: readonly Finding[]

  constructor(code: FhirErrorCode, diagnostics: string, expression?: string) {
    super(diagnostics)
    this.name = 'FhirError'
    this.code = code
    const finding: Finding = { severity: 'error', diagnostics }
    if (expression !== undefined) finding.expression = expression
    this.findings = [finding]
  }

  /** An error with several findings; at least one of them has severity `error`. */
  static of(code: FhirErrorCode, findings: readonly Finding[]): FhirError {
    const first = findings.find((finding) => finding.severity === 'error') ?? findings[0]
    const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
    const at = first?.expression === undefined ? '' : ` at ${first.expression}`
    const error = new FhirError(code, `${first?.diagnostics ?? code}${at}${more}`)
    Object.defineProperty(error, 'findings', { value: [...findings], enumerable: true })
    return error
  }

  get status(): number {
    return ANSWERS[this.code][0]
  }

  get outcome(): OperationOutcome {
    return answerOf(this).outcome
  }
}

/** The HTTP answer to an error: status, and the OperationOutcome to send as its body. */
export function answerOf(error: FhirError): { status: number, outcome: OperationOutcome } {
  const [status, issueCode] = ANSWERS[error.code]
  return { status, outcome: { resourceType: 'OperationOutcome', issue: issuesOf(error.findings, issueCode) } }
}

/** Findings as OperationOutcome issues, for instance the warnings of an accepted resource. */
export function issuesOf(findings: readonly Finding[], fallback: IssueCode = 'informational'): OperationOutcomeIssue[] {
  return findings.map((finding) => {
    const issue: OperationOutcomeIssue = {
      severity: finding.severity,
      code: finding.code ?? fallback,
      diagnostics: finding.diagnostics,
    }
    if (finding.expression !== undefined) issue.expression = [finding.expression]
    return issue
  })
}

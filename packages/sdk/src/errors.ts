/**
 * What can go wrong around sealed material. What is wrong with sealed material itself is a SealError, passed on as it
 * is.
 */
import type { ProblemCode } from '@scelle/wire/errors'

export type SdkErrorCode =
  | 'bad-input'
  | 'network'
  | 'timeout'
  | 'aborted'
  | 'answer-invalid'
  | 'index-problem'
  | 'trustee-problem'
  | 'pin-mismatch'
  | 'trustee-unknown'
  | 'release-insufficient'
  | 'discovery-insufficient'
  | 'no-grant'
  | 'not-custodian'
  | 'not-claimed'
  | 'category-unknown'
  | 'record-unknown'
  | 'commit-pending'
  | 'commit-refused'
  | 'entry-refused'
  | 'rolled-back'
  | 'receipt-invalid'
  | 'log-forked'
  | 'log-rolled-back'
  | 'log-stale'
  | 'leaf-dropped'
  | 'leaf-late'
  | 'key-unlogged'
  | 'key-foreign'
  | 'chart-closed'
  | 'chart-too-large'
  | 'frames-missing'
  | 'frames-mixed'
  | 'frames-corrupt'
  | 'secret-in-request'
  | 'wrap-absent'
  | 'enrolment-incomplete'
  | 'recovery-insufficient'
  | 'ahead-invalid'
  | 'ahead-expired'
  | 'guardianship-refused'

export interface SdkErrorDetails extends ErrorOptions {
  /** The other party's code, where it refused. */
  readonly problem?: ProblemCode
  /** Hex ids of the parties concerned: trustees that failed or lied. */
  readonly parties?: readonly string[]
  /** Which of the caller's items, by their place in its list; of a card's codes that are missing, their numbers. */
  readonly items?: readonly number[]
  /** A file that shows strangers that the index lied (`@scelle/wire/evidence`), where it can be shown. */
  readonly evidence?: Uint8Array | undefined
}

/** `code` says what happened, `message` what to do. Neither holds content, keys, or words chosen by a server. */
export class SdkError extends Error {
  readonly code: SdkErrorCode
  readonly problem: ProblemCode | undefined
  readonly parties: readonly string[]
  readonly items: readonly number[]
  readonly evidence: Uint8Array | undefined
  constructor(code: SdkErrorCode, message: string, details: SdkErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SdkError'
    this.code = code
    this.problem = details.problem
    this.parties = details.parties ?? []
    this.items = details.items ?? []
    this.evidence = details.evidence
  }
}

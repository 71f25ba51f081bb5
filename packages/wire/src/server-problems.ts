/** From whatever was thrown to what the other side is told: in one place, for every server. */
import { SealError } from '@scelle/seal/verify'
import { Problem, type ProblemCode } from './errors.ts'

/** How a refusal is written. The edge answers FHIR clients with an OperationOutcome instead of a problem document. */
export type PresentProblem = (problem: Problem, status: number) => { readonly type: string; readonly body: string }

const ofSeal = (error: SealError): Problem => {
  const detail = `${error.code}: ${error.message}`
  if (error.code.startsWith('encoding-')) return new Problem('bad-encoding', detail, { cause: error })
  if (error.code === 'session-expired') return new Problem('session-ended', detail, { cause: error })
  if (error.code === 'grant-revoked') return new Problem('grant-revoked', detail, { cause: error })
  const code: ProblemCode =
    error.code === 'grant-insufficient' || error.code === 'grant-expired' ? 'not-permitted' : 'bad-statement'
  return new Problem(code, detail, { cause: error })
}

/** Fastify's own refusals carry a 4xx status and quote the request in their message, so only the code is kept. */
const ofFastify = (error: Error & { statusCode?: unknown }): Problem | undefined => {
  if (error.statusCode === 413) return new Problem('too-large', undefined, { cause: error })
  if (error.statusCode === 503) return new Problem('overloaded', undefined, { cause: error })
  const clients = typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500
  return clients ? new Problem('bad-request', undefined, { cause: error }) : undefined
}

/** Everything that is not a known refusal is `internal`, and says nothing of itself to the other side. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (error instanceof SealError) return ofSeal(error)
  const known = error instanceof Error ? ofFastify(error) : undefined
  return known ?? new Problem('internal', undefined, { cause: error })
}

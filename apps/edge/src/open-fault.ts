/** Why a chart could not be opened, as whoever asked for it is told. */
import { EdgeError, isMeterRefusal, type MeterRefusal } from './errors.ts'
import { faultFields, type Log } from './log.ts'

/** What index, trustees and sdk say where no grant in force covers the vault. */
const ENDED: ReadonlySet<string> = new Set([
  'no-grant', 'grant-expired', 'grant-revoked', 'grant-insufficient', 'not-permitted', 'not-found',
])

/** What index and trustees say of a person's session that is over. */
const OVER: ReadonlySet<string> = new Set(['session-ended'])

/** Its time at the sdk is over. */
export const isClosed = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'chart-closed'

/** What the trustees' meter said, where it is why two of them did not release. */
const meterRefusalIn = (error: unknown): MeterRefusal | undefined => {
  const { code, cause } = (error ?? {}) as { readonly code?: string; readonly cause?: { readonly problem?: string } }
  const problem = code === 'release-insufficient' ? cause?.problem : undefined
  return isMeterRefusal(problem) ? problem : undefined
}

/** Why a chart is not there, for whoever asked. */
export const openFault = (error: unknown, log: Log): EdgeError => {
  if (error instanceof EdgeError) return error
  const { code, problem } = (error ?? {}) as { readonly code?: string; readonly problem?: string }
  if (ENDED.has(code ?? '') || ENDED.has(problem ?? '')) return new EdgeError('forbidden')
  const { cause } = error as { readonly cause?: { readonly problem?: string } }
  // Signed out elsewhere, or ten hours are over: whoever sits there signs in again.
  if (OVER.has(problem ?? '') || OVER.has(cause?.problem ?? '')) return new EdgeError('session-ended')
  const refusal = meterRefusalIn(error)
  if (refusal !== undefined) return new EdgeError(refusal, undefined, undefined, { cause: error })
  log('chart-not-opened', faultFields(error))
  return new EdgeError('chart-unavailable', undefined, undefined, { cause: error })
}

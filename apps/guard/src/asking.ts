/** The guard's questions to index and trustees, and what follows from no answer. */
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { isProblemCode, Problem, PROBLEMS } from '@scelle/wire/errors'

/** Another party: its principal id in hex, which its keys must lead to, and its base URL. */
export interface Address {
  readonly id: string
  readonly url: string
}

export type Asking = AskOptions

/** Nobody answered, or could: what was known before may be relied on for a little while. */
export const isSilence = (error: unknown): boolean => error instanceof Problem && PROBLEMS[error.code][0] >= 500

/**
 * A refusal that is about what was asked: 401 is about this guard's own signature, and 5xx about the other server.
 * Undefined otherwise.
 */
const refusalIn = (error: unknown): Problem | undefined => {
  if (!(error instanceof Unanswered) || !isProblemCode(error.code)) return undefined
  const [status] = PROBLEMS[error.code]
  return status === 401 || status >= 500 ? undefined : new Problem(error.code)
}

/** The answer of a party. Throws Problem: what it refuses with, or `view-stale` where it does not answer. */
export const askParty = async (
  asking: Asking, { url }: Address, method: 'GET' | 'POST', path: string, body?: Uint8Array,
): Promise<Uint8Array> => {
  try {
    return await ask(asking, method, `${url}${path}`, body)
  } catch (error) {
    throw refusalIn(error) ?? new Problem('view-stale', undefined, { cause: error })
  }
}

/**
 * Ends sessions at the edge. Whoever's it was has a new one by then, which is nobody's, so nothing that comes through
 * the door reaches the old one while the edge does not answer.
 */
import { setTimeout } from 'node:timers/promises'
import type { EdgeClient } from '../edge-client.ts'
import { CLI_LIMITS } from '../limits.ts'

const LOGOUT = '/fhir/$scelle-logout'

/** Once, and not waited for long: an edge that is gone has nothing open any more. */
export const logout = async (edge: EdgeClient, session: string): Promise<void> => {
  const asked = edge('POST', LOGOUT, { session }).catch(() => undefined)
  await Promise.race([asked, setTimeout(CLI_LIMITS.logoutTime, undefined, { ref: false })])
}

/** Until the edge has heard it, or would have ended the session by itself. `session`: absent where a token names it. */
export const logoutSurely = async (edge: EdgeClient, session?: string): Promise<void> => {
  for (let tried = 0; tried < CLI_LIMITS.logoutTries; tried++) {
    const answer = await edge('POST', LOGOUT, session === undefined ? {} : { session }).catch(() => undefined)
    if (answer !== undefined && answer.status < 500) return
    await setTimeout(CLI_LIMITS.logoutPause, undefined, { ref: false })
  }
}

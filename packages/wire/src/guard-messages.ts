/** What is said at a guard's door, and what a guard asks trustees about whoever stands there. */
import { bytes, FORMAT_LIMITS, field, list, optional, struct, text, type Value } from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'

const statement = bytes(1, FORMAT_LIMITS.statement)

/** A person's session, shown to a guard once; with what a listed register says of the person and its house. */
export const SessionShown = struct({
  session: field(0, statement),
  statuses: field(1, list(statement, WIRE_LIMITS.shownStatuses)),
})
export type SessionShown = Value<typeof SessionShown>

/**
 * Somebody asks whether others may still act: whether `keys`, its own chain among them, are the newest that the log
 * has, and where a session is named, whether that was ended, its person locked or its status taken back.
 */
export const StandingQuery = struct({
  keys: field(0, list(list(statement, FORMAT_LIMITS.keyChain), WIRE_LIMITS.shownKeys)),
  shown: optional(1, SessionShown),
})
export type StandingQuery = Value<typeof StandingQuery>

/** `over`: why that session carries nothing any more: `signed-out`, `withdrawn`, or a lock's cause. */
export const StandingTold = struct({ over: optional(0, text(16)) })
export type StandingTold = Value<typeof StandingTold>

/** What looking at a log can find: the one table of statuses, for exit statuses, JSON lines and sentences alike. */
import { EXIT } from '../errors.ts'

/**
 * `alarm`: somebody's word does not hold. `silent`: nothing false was seen, but too little was seen to be sure.
 * `partly`: one party is missing, and what the others show holds.
 */
export const SEVERITIES = { good: EXIT.done, partly: EXIT.partly, silent: EXIT.silent, alarm: EXIT.alarm } as const
export type Severity = keyof typeof SEVERITIES

export const LOG_STATUSES = {
  /** Consistent with everything seen before, cosigned, fresh. */
  'good': 'good',
  /** Two histories. There is evidence. */
  'fork': 'alarm',
  /** A smaller log than was seen before. */
  'rolled-back': 'alarm',
  /** A checkpoint, cosignature, tile or entry that does not hold. */
  'not-valid': 'alarm',
  /** A key record of a watched principal that is not known to be its own. */
  'key-changed': 'alarm',
  /** A receipt, or a record's path, that does not prove what it says. */
  'not-proven': 'alarm',
  /** Evidence that was given holds. */
  'lie-proven': 'alarm',
  /** Evidence that was given does not show what it says. */
  'evidence-refused': 'alarm',
  /** What an index stores is not what was signed, or does not follow from it. */
  'not-stored': 'alarm',
  /** No checkpoint that all trustees cosigned. */
  'not-final': 'silent',
  /** The newest one is too old. */
  'stale': 'silent',
  /** The log does not answer. */
  'unreachable': 'silent',
  'trustee-unreachable': 'partly',
} as const satisfies Record<string, Severity>

export type LogStatus = keyof typeof LOG_STATUSES

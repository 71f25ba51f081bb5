/**
 * How a command can end. Exit statuses: 0 done, 1 done in part (see the report), 2 misuse, 3 not running, 4 failed,
 * 5 somebody's word does not hold, 6 nothing false was seen but too little to be sure.
 */
export const EXIT = { done: 0, partly: 1, usage: 2, 'not-running': 3, failed: 4, alarm: 5, silent: 6 } as const

export type ExitReason = keyof typeof EXIT

/** Ends the command with a sentence for people and a status for machines. */
export class CommandError extends Error {
  readonly reason: ExitReason
  constructor(reason: ExitReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.reason = reason
  }
}

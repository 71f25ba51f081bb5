/** Why the log is not published any more, or never was since the start. */

export type StopReason = 'uncertain' | 'disagrees'

/** What the operator does about it. Fixed sentences: they stand in logs. */
export const ADVICE: Readonly<Record<StopReason, string>> = {
  uncertain:
    'Whether the last checkpoint was stored is uncertain. Check the disk or database, then restart the index: it reads'
    + ' what is stored, derives the tree anew, and goes on where both agree.',
  disagrees:
    'The stored checkpoint and the stored leaves do not agree: one of them was restored, replaced or damaged. Stop the'
    + ' index, keep both as they are, and restore index database and log from one and the same backup; nothing is'
    + ' signed until they agree.',
}

/** The log cannot be gone on with. `message` is what the operator does. */
export class LogUnusable extends Error {
  readonly reason: StopReason
  constructor(reason: StopReason, options?: ErrorOptions) {
    super(ADVICE[reason], options)
    this.name = 'LogUnusable'
    this.reason = reason
  }
}

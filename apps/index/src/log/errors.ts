/** Why the log is not published any more, or never was since the start. */

export type StopReason = 'uncertain' | 'disagrees' | 'another-history' | 'taken-back'

/** What the operator does about it. Fixed sentences: they stand in logs. */
export const ADVICE: Readonly<Record<StopReason, string>> = {
  uncertain:
    'Whether the last checkpoint was stored is uncertain. Check the disk or database, then restart the index: it reads'
    + ' what is stored, derives the tree anew, and goes on where both agree.',
  disagrees:
    'The stored checkpoint and the stored leaves do not agree: one of them was restored, replaced or damaged. Stop the'
    + ' index, keep both as they are, and restore index database and log from one and the same backup; nothing is'
    + ' signed until they agree.',
  'another-history':
    'A trustee has a checkpoint that this index signed and whose leaves are not those stored here. Stop the index,'
    + ' keep its directory as it is, and restore the newest backup whose leaves the trustees have; nothing is signed'
    + ' before.',
  'taken-back':
    'The database has an older log than it had a moment ago: it was restored, or a standby without its newest'
    + ' transactions took over. Bring back the database that has them, then restart all processes of the index: they'
    + ' ask the trustees whether anything is missing.',
}

/** What the operator does when leaves wait and no process publishes them. */
export const STILL_ADVICE =
  'Leaves wait and no checkpoint was published for a while. Check that one process of this index leads the log and can'
  + ' write to the database; restart those whose log stopped.'

/** What the operator does while the index does not serve. */
export const RECOVERY_ADVICE = {
  asking:
    'Too few trustees have told how far they know this log, so whether this index was restored from a backup is not'
    + ' known, and it takes nothing. Check their addresses and that they run.',
  'catching-up':
    'This index was restored from a backup: trustees cosigned more than it has. It takes nothing until it has all of'
    + ' it again. Leave it running, and have edges and other clients send what they kept; what nobody brings back is'
    + ' given up once all three trustees signed its list (see README, A restored index).',
  older:
    'The database is an older one: trustees cosigned more than it has, and this engine takes nothing back from them. It'
    + ' serves nothing and signs nothing. Stop the index, and bring back the database up to its last transaction, from'
    + ' the server\'s archive or the standby that has it.',
} as const

/** The log cannot be gone on with. `message` is what the operator does. */
export class LogUnusable extends Error {
  readonly reason: StopReason
  constructor(reason: StopReason, options?: ErrorOptions) {
    super(ADVICE[reason], options)
    this.name = 'LogUnusable'
    this.reason = reason
  }
}

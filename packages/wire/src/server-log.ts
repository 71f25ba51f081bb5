/** Logs without content: a closed union of events whose fields can hold neither people nor vaults. */
import type { ProblemCode } from './errors.ts'

export type Role = 'index' | 'trustee' | 'edge' | 'guard' | 'register'

/**
 * `cosigning`: as it should be. `silent`: no answer, or a refusal. `lying`: what it sent does not hold. `ahead`: it
 * cosigned more than this index has. `forked`: it says that it saw two histories of the log.
 */
export type WitnessState = 'cosigning' | 'silent' | 'lying' | 'ahead' | 'forked'

/** Why an index's log stopped: see its README. */
export type LogStop = 'uncertain' | 'disagrees' | 'another-history' | 'taken-back'

/** A new event is added here, where a reviewer sees what it can carry: never ids, targets, bodies or messages. */
export type LogEvent =
  | { readonly event: 'started'; readonly role: Role; readonly port: number }
  | { readonly event: 'stopping'; readonly role: Role }
  | { readonly event: 'stopped'; readonly role: Role }
  /** `route` is the pattern (`/v1/vaults/:vault`), `request` a random id that also stands in the answer's headers. */
  | {
    readonly event: 'request'
    readonly request: string
    readonly method: string
    readonly route: string
    readonly status: number
    readonly milliseconds: number
    readonly code?: ProblemCode
  }
  /** Two histories of the log were seen, both signed by it: this trustee serves neither. */
  | { readonly event: 'log-forked' }
  /** What the index handed over since the last cosignature is not what its checkpoint says; it is asked for anew. */
  | { readonly event: 'log-unlike-mirror' }
  /** This trustee cosigned more than it remembers: it waits until its mirror has that again. */
  | { readonly event: 'witness-restored' }
  /** The index's log is not published any more; `advice` is one of a few fixed sentences. */
  | { readonly event: 'log-stopped'; readonly reason: LogStop; readonly advice: string }
  /** Of several processes of an index: whether this one leads the log from now on, or follows another. */
  | { readonly event: 'log-leader'; readonly leads: boolean }
  /** Leaves wait, and no process of the index publishes them. */
  | { readonly event: 'log-still'; readonly advice: string }
  /** Too few trustees have told how far they know the log: nothing is taken until `needed` have. */
  | { readonly event: 'log-asking'; readonly told: number; readonly needed: number; readonly advice: string }
  /** The index was restored: it has `has` leaves of `needs`, and of those, `missing` are without their statement. */
  | {
    readonly event: 'log-recovering'
    readonly has: number
    readonly needs: number
    readonly missing: number
    readonly advice: string
  }
  /** A restored index has all `leaves` of its log again, and serves. */
  | { readonly event: 'log-recovered'; readonly leaves: number }
  /** How it stands between the index and a trustee, by its place in the configuration; told when it changes. */
  | { readonly event: 'witness'; readonly trustee: number; readonly state: WitnessState }
  /** Making or renewing the key for finding vaults stopped: by which rule, and which peer broke it, if one did. */
  | { readonly event: 'discovery'; readonly problem: string; readonly trustee?: number }
  /** The index refused to put a release of this trustee on record, for good. */
  | { readonly event: 'release-refused' }
  /**
   * A notice at a leaf of the log changed nothing here: it does not open, or what it tells does not hold. Anybody with
   * a key may put one there, so it stops nothing.
   */
  | { readonly event: 'notice-ignored'; readonly leaf: number; readonly code: string }
  /**
   * The log shows two trustees' bindings of an identity to another vault than the one it is known to have, and none
   * says that it takes the other's place. `trustees`: who signed, by their place among the peers; 0 is this one.
   */
  | { readonly event: 'binding-conflict'; readonly leaf: number; readonly trustees: readonly number[] }
  /** A restored meter has back what it spent: so many charges. */
  | { readonly event: 'meter-replayed'; readonly entries: number }
  /** All readers together opened more in 24 hours, `day`, than is usual: told once a day, and nobody is refused. */
  | { readonly event: 'meter-everyone'; readonly day: number; readonly usual: number }
  /** A register's desk cannot read one of its status lists, by its place; after a while its people count as gone. */
  | { readonly event: 'list-unread'; readonly list: number; readonly code: string }
  /** So many statuses were taken back, given again or prolonged in one look; told where any was. */
  | { readonly event: 'statuses'; readonly withdrawn: number; readonly returned: number; readonly renewed: number }
  /** Withdrawals that a trustee or the index has not got yet; told where there are any. */
  | { readonly event: 'withdrawals-pending'; readonly count: number; readonly code?: string }
  /** A node of a trustee reaches the process that holds its meter, or does not any more. */
  | { readonly event: 'holder'; readonly reached: boolean }
  /** A defect. Its kind and where it was thrown; its message could hold what a patient's record holds. */
  | { readonly event: 'fault'; readonly request?: string; readonly kind: string; readonly at: readonly string[] }

export type Log = (event: LogEvent) => void

/** One JSON object a line, each with its time. `write` gets the line with its newline. */
export const createLog = (write: (line: string) => void, now: () => number): Log => (event) => {
  write(`${JSON.stringify({ time: new Date(now()).toISOString(), ...event })}\n`)
}

const FRAMES = 6

/** What may be said of an unexpected error: the class, and file names with lines. */
export const faultOf = (error: unknown): { kind: string; at: string[] } => {
  if (!(error instanceof Error)) return { kind: 'not-an-error', at: [] }
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  const at = frames.flatMap((frame) => /([\w.-]+\.[cm]?[jt]s:\d+:\d+)\)?$/.exec(frame)?.[1] ?? []).slice(0, FRAMES)
  const name = error.constructor.name
  return { kind: /^\w{1,64}$/.test(name) ? name : 'Error', at }
}

/**
 * Who is locked, and for whom more is allowed for some hours. A lock is on disk before the refusal that made it is
 * answered, and two officers clear it.
 */
import { LOCK_SCOPES, type LockScope, type Status } from '@scelle/seal/verify'
import type { Database } from '../database.ts'
import type { Standing } from './standing.ts'

/** Why: a budget was spent, an officer ordered it, a patient was touched whom nobody has in care. */
export const LOCK_CAUSES = ['budget', 'order', 'honey'] as const
export type LockCause = (typeof LOCK_CAUSES)[number]

export interface Lock {
  readonly scope: LockScope
  readonly target: Uint8Array
  readonly cause: LockCause
  /** Seconds. */
  readonly since: number
}

export const LOCK_SCHEMA = `
  CREATE TABLE IF NOT EXISTS locked (
    scope INTEGER NOT NULL, target BLOB NOT NULL, cause INTEGER NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (scope, target)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS surge (
    scope INTEGER NOT NULL, target BLOB NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL,
    PRIMARY KEY (scope, target, begins)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lock_times (
    scope INTEGER NOT NULL, target BLOB NOT NULL, locked INTEGER NOT NULL, cleared INTEGER NOT NULL,
    PRIMARY KEY (scope, target)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ordered (nonce BLOB PRIMARY KEY, time INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

export interface LockTimes {
  readonly locked: number
  readonly cleared: number
}

interface LockRow {
  readonly scope: number
  readonly target: Uint8Array
  readonly cause: number
  readonly since: number
}

const lockIn = ({ scope, target, cause, since }: LockRow): Lock => ({
  scope: LOCK_SCOPES[scope] as LockScope, target, cause: LOCK_CAUSES[cause] as LockCause, since,
})

/** Locks, as far as they are known where a request is verified. */
export interface KnownLocks {
  readonly of: (scope: LockScope, target: Uint8Array) => Pick<Lock, 'cause'> | undefined
}

/**
 * Whether somebody vouches for nobody: its device, itself, or the organisation for which it speaks is locked. Whoever
 * has stolen a colleague's keys still has them after the colleague was locked. In an emergency a spent budget keeps
 * nobody from helping.
 */
export const isSilenced = (
  locks: KnownLocks, signer: Uint8Array, status: Pick<Status, 'meter' | 'organisation'> | undefined, emergency: boolean,
): boolean => {
  const targets: [LockScope, Uint8Array | undefined][] = [
    ['device', signer], ['organisation', signer], ['vendor', signer], ['person', status?.meter],
    ['organisation', status?.organisation],
  ]
  return targets.some(([scope, target]) => {
    const lock = target === undefined ? undefined : locks.of(scope, target)
    return lock !== undefined && !(emergency && lock.cause === 'budget')
  })
}

export class Locks {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * The first lock stays: what it was for is not forgotten for a later one, but an order outlasts a budget. `at`: of an
   * order, the time that its officers signed.
   */
  add({ scope, target, cause, since }: Lock, at: number = since): void {
    this.#db.run(`INSERT INTO locked (scope, target, cause, since) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET cause = max(cause, excluded.cause)`,
    LOCK_SCOPES.indexOf(scope), target, LOCK_CAUSES.indexOf(cause), since)
    this.#keepTimes(scope, target, { locked: at, cleared: 0 })
  }

  clear(scope: LockScope, target: Uint8Array, at: number): void {
    this.#db.run('DELETE FROM locked WHERE scope = ? AND target = ?', LOCK_SCOPES.indexOf(scope), target)
    this.#keepTimes(scope, target, { locked: 0, cleared: at })
  }

  #keepTimes(scope: LockScope, target: Uint8Array, { locked, cleared }: LockTimes): void {
    this.#db.run(`INSERT INTO lock_times (scope, target, locked, cleared) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET locked = max(locked, excluded.locked), cleared = max(cleared, excluded.cleared)`,
    LOCK_SCOPES.indexOf(scope), target, locked, cleared)
  }

  /** When it was last locked and last cleared, in seconds; 0 for never. Orders of the log come late, out of turn. */
  times(scope: LockScope, target: Uint8Array): LockTimes {
    return this.#db.row<LockTimes>('SELECT locked, cleared FROM lock_times WHERE scope = ? AND target = ?',
      LOCK_SCOPES.indexOf(scope), target) ?? { locked: 0, cleared: 0 }
  }

  of(scope: LockScope, target: Uint8Array): Lock | undefined {
    const row = this.#db.row<LockRow>('SELECT * FROM locked WHERE scope = ? AND target = ?',
      LOCK_SCOPES.indexOf(scope), target)
    return row === undefined ? undefined : lockIn(row)
  }

  /** All that are about one of these, whatever their scope. */
  about(targets: readonly Uint8Array[]): Lock[] {
    return targets.flatMap((target) => LOCK_SCOPES.flatMap((scope) => this.of(scope, target) ?? []))
  }

  all(): Lock[] {
    return this.#db.rows<LockRow>('SELECT * FROM locked ORDER BY since, scope, target').map(lockIn)
  }

  /** The first lock that is in the reader's way: its device, itself, any house that it acts for. */
  inWayOf({ reader, meters }: Standing): Lock | undefined {
    const targets: [LockScope, Uint8Array][] = [['device', reader], ...meters.flatMap(({ scope, key }) =>
      [[scope, key] as [LockScope, Uint8Array]])]
    for (const [scope, target] of targets) {
      const lock = this.of(scope, target)
      if (lock !== undefined) return lock
    }
    return undefined
  }

  /** More than usual, from one time to another, for an organisation or a person. */
  surge(scope: LockScope, target: Uint8Array, { from, to }: { from: number; to: number }): void {
    this.#db.run('INSERT INTO surge (scope, target, begins, ends) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      LOCK_SCOPES.indexOf(scope), target, from, to)
  }

  hasSurge(scope: LockScope, target: Uint8Array, now: number): boolean {
    return this.#db.row('SELECT 1 FROM surge WHERE scope = ? AND target = ? AND begins <= ? AND ends > ?',
      LOCK_SCOPES.indexOf(scope), target, now, now) !== undefined
  }

  /** When the last one ended, or will; undefined where there was none. */
  lastSurge(scope: LockScope, target: Uint8Array): number | undefined {
    return this.#db.row<{ ends: number | null }>('SELECT max(ends) AS ends FROM surge WHERE scope = ? AND target = ?',
      LOCK_SCOPES.indexOf(scope), target)?.ends ?? undefined
  }

  /** False where the order was carried out before: a lock that was cleared does not come back by an old order. */
  once(nonce: Uint8Array, now: number): boolean {
    if (this.#db.row('SELECT 1 FROM ordered WHERE nonce = ?', nonce) !== undefined) return false
    this.#db.run('INSERT INTO ordered (nonce, time) VALUES (?, ?)', nonce, now)
    return true
  }
}

/** What a trustee must not forget: what it released, what was revoked, and how far each principal's keys went. */
import { encode, equalBytes } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Counter } from '@scelle/wire/messages'
import { Database } from './database.ts'
import { DISCOVERY_SCHEMA, DiscoveryStore } from './discovery/store.ts'
import { LOG_SCHEMA, MirrorStore, type ShownLeaf } from './log/mirror-store.ts'
import { ALARM_SCHEMA } from './meter/alarm.ts'
import { CHANGE_SCHEMA, type Withdrawn } from './meter/changes.ts'
import { DECOY_SCHEMA } from './meter/decoys.ts'
import { EMERGENCY_SCHEMA } from './meter/emergencies.ts'
import { METER_SCHEMA } from './meter/ledger.ts'
import { LOCK_SCHEMA } from './meter/locks.ts'
import { JournalEntry } from './meter/journal.ts'
import { type Charge, Meter, type MeterOptions, type Verdict } from './meter/meter.ts'
import { SPENT_SCHEMA } from './meter/spent.ts'
import type { VerifiedOrder } from './meter/orders.ts'
import { RECOVERY_SCHEMA, RecoveryStore } from './recovery/store.ts'
import type { KeyHead } from './shown.ts'
import { type Word, WORD_SCHEMA, WordStore } from './words/word-store.ts'

export interface Release {
  readonly reader: Uint8Array
  /** The reader's own 16-byte id of the access. */
  readonly access: Uint8Array
  /** Statement id of the access: its whole content. */
  readonly statement: Uint8Array
  readonly vault: Uint8Array
  /** Seconds; when it was released. */
  readonly time: number
  /** The encoded answer, sealed to the reader's one-time key, once it is known where the reader stands. */
  readonly answer: (counter: Counter | undefined) => Uint8Array
  /** What is charged for it; undefined where the owner opens its own vault. */
  readonly charge: Charge | undefined
  /** What its word says was charged; undefined where the meter had refused. */
  readonly entry: JournalEntry | undefined
  /** This trustee's signed word of it, and what it is about. */
  readonly word: Word
  /** Told, once it is kept, that all readers together open more than usual. */
  readonly alarm?: (numbers: { readonly day: number; readonly usual: number }) => void
  /** The access in the log. */
  readonly leaf?: ShownLeaf | undefined
}

/**
 * Grants that a release rests on, how many revocations of them the log held when they were checked, and which sign-out
 * of the reader was the last one then: its leaf, 0 where there was none.
 */
export interface CheckedGrants {
  readonly ids: readonly Uint8Array[]
  readonly revocations: number
  readonly lastSignOut: number
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS release (
    reader BLOB NOT NULL, access BLOB NOT NULL, statement BLOB NOT NULL, vault BLOB NOT NULL, time INTEGER NOT NULL,
    answer BLOB, PRIMARY KEY (reader, access)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS answered ON release (time) WHERE answer IS NOT NULL;
  CREATE TABLE IF NOT EXISTS revocation (
    grant_id BLOB PRIMARY KEY, statement BLOB NOT NULL, time INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS key_head (
    principal BLOB PRIMARY KEY, version INTEGER NOT NULL, record BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** The trustee's file. Every change is on disk when the call returns. */
export class TrusteeStore {
  /** The mirror of the log, in the same file. */
  readonly log: MirrorStore
  /** What it said about accesses, likewise. */
  readonly words: WordStore
  /** What was opened by whom, and who is locked, likewise. */
  readonly meter: Meter
  /** What it needs for finding vaults, likewise. */
  readonly discovery: DiscoveryStore
  /** Of recoveries and PINs, likewise. */
  readonly recovery: RecoveryStore
  readonly #db: Database

  /** `:memory:` keeps nothing. Throws where another process has the file. */
  constructor(path: string, { shadow = false }: Partial<MeterOptions> = {}) {
    const meters = METER_SCHEMA + LOCK_SCHEMA + DECOY_SCHEMA + SPENT_SCHEMA + EMERGENCY_SCHEMA + ALARM_SCHEMA +
      CHANGE_SCHEMA
    this.#db = new Database(path, SCHEMA + LOG_SCHEMA + WORD_SCHEMA + meters + DISCOVERY_SCHEMA + RECOVERY_SCHEMA)
    this.log = new MirrorStore(this.#db)
    this.words = new WordStore(this.#db)
    this.meter = new Meter(this.#db, { shadow })
    this.discovery = new DiscoveryStore(this.#db)
    this.recovery = new RecoveryStore(this.#db)
  }

  /**
   * The answer already given to this very access, if any. Throws `already-exists` where the reader used the id for
   * another access: the first one's record must not be overwritten.
   */
  answerTo(release: Pick<Release, 'reader' | 'access' | 'statement'>): Uint8Array | undefined {
    const row = this.#db.row<{ statement: Uint8Array; answer: Uint8Array | null }>(
      'SELECT statement, answer FROM release WHERE reader = ? AND access = ?', release.reader, release.access)
    if (row === undefined) return undefined
    if (Buffer.compare(row.statement, release.statement) !== 0) {
      throw new Problem('already-exists', 'This access id was used for another access. Draw a new one.')
    }
    return row.answer ?? undefined
  }

  /** As {@link answerTo}, where an id that was used for another access is none of the asker's business yet. */
  given({ reader, access, statement }: Pick<Release, 'reader' | 'access' | 'statement'>): Uint8Array | undefined {
    return this.#db.row<{ answer: Uint8Array | null }>(
      'SELECT answer FROM release WHERE reader = ? AND access = ? AND statement = ?', reader, access, statement,
    )?.answer ?? undefined
  }

  /**
   * Charges a release, keeps it, and returns the answer on record: an earlier one's, if two came at once. Throws
   * `grant-revoked` where one of the grants was revoked, here or in the log, while the shares were being opened, and
   * what the meter refuses with: what a refusal leaves behind is kept, the release is not.
   */
  keepRelease(release: Release, grants: CheckedGrants, heads: readonly KeyHead[]): Uint8Array {
    const kept = this.#db.transaction(() => {
      const more = this.log.countRevocations(grants.ids) !== grants.revocations
      if (more || grants.ids.some((grant) => this.isRevoked(grant))) throw new Problem('grant-revoked')
      if (this.log.lastSignOut(release.reader) !== grants.lastSignOut) throw new Problem('session-ended')
      const earlier = this.answerTo(release)
      if (earlier !== undefined) return { answer: earlier }
      const verdict = this.#charge(release)
      if (verdict?.refused !== undefined) return { refused: verdict.refused }
      this.#keepHeads(heads)
      const answer = release.answer(verdict?.counter)
      const { reader, access, statement, vault, time, word, leaf, charge: charged } = release
      this.words.add(word)
      if (leaf !== undefined) this.log.keepShown(leaf)
      this.#db.run('INSERT INTO release (reader, access, statement, vault, time, answer) VALUES (?, ?, ?, ?, ?, ?)',
        reader, access, statement, vault, time, answer)
      return { answer, alarm: charged === undefined ? undefined : this.meter.alarm(time) }
    })
    if (kept.answer === undefined) throw new Problem(kept.refused)
    if (kept.alarm !== undefined) release.alarm?.(kept.alarm)
    return kept.answer
  }

  /** Charges what the word says, or nothing: an order may have come between the word and this. */
  #charge({ charge, entry }: Release): Verdict | undefined {
    if (charge === undefined) return undefined
    const plan = this.meter.plan(charge)
    if (plan.refused === undefined) {
      const { counted, used } = plan
      const serial = this.meter.spent.serial + 1
      const now = encode(JournalEntry, { serial, vault: charge.vault, time: charge.now, counted, used })
      if (entry === undefined || !equalBytes(now, encode(JournalEntry, entry))) throw new Problem('overloaded')
      this.meter.spent.serial = serial
    }
    return this.meter.carryOut(plan, charge)
  }

  /** Carries out officers' orders, all or nothing. `logged`: see `Meter.order`. */
  order(verified: VerifiedOrder, heads: readonly KeyHead[], now: number, logged = false): void {
    this.#db.transaction(() => {
      this.#keepHeads(heads)
      this.meter.order(verified, now, logged)
    })
  }

  /** Keeps that an issuer took back what it said. Idempotent. */
  withdraw(withdrawn: Withdrawn, heads: readonly KeyHead[]): void {
    this.#db.transaction(() => {
      this.#keepHeads(heads)
      this.meter.changes.withdraw(withdrawn)
    })
  }

  /**
   * What the meter says at a time, and nothing more: a count moves its windows on for good, so whoever asked under a
   * clock that was put forward would have emptied them.
   */
  looked<T>(work: (meter: Meter) => T): T {
    return this.#db.undone(() => work(this.meter))
  }

  /** Reads of the meter move its windows on, so they are a transaction too. */
  asked<T>(work: (meter: Meter) => T): T {
    return this.#db.transaction(() => work(this.meter))
  }

  /** Drops answers given before `time`, whose accesses are too old to be repeated. That they were given stays. */
  dropAnswers(time: number): void {
    this.#db.run('UPDATE release SET answer = NULL WHERE answer IS NOT NULL AND time < ?', time)
  }

  isRevoked(grant: Uint8Array): boolean {
    return this.#db.row('SELECT 1 FROM revocation WHERE grant_id = ?', grant) !== undefined
  }

  /** Idempotent: the first revocation of a grant stays. */
  keepRevocation(grant: Uint8Array, statement: Uint8Array, time: number, heads: readonly KeyHead[]): void {
    this.#db.transaction(() => {
      this.#keepHeads(heads)
      this.#db.run('INSERT INTO revocation (grant_id, statement, time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
        grant, statement, time)
    })
  }

  headOf(principal: Uint8Array): KeyHead | undefined {
    const row = this.#db.row<{ version: number; record: Uint8Array }>(
      'SELECT version, record FROM key_head WHERE principal = ?', principal)
    return row === undefined ? undefined : { principal, ...row }
  }

  #keepHeads(heads: readonly KeyHead[]): void {
    for (const { principal, version, record } of heads) {
      this.#db.run(`INSERT INTO key_head (principal, version, record) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
        SET version = excluded.version, record = excluded.record WHERE excluded.version > version`,
      principal, version, record)
    }
  }

  /** True while the file can be read. */
  get works(): boolean {
    return this.#db.works
  }

  close(): void {
    this.#db.close()
  }
}

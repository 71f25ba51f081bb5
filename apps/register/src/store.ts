/**
 * What the desk must not forget: which status rests on which credential, what was taken back and is not known to every
 * trustee yet, and how far each status list went. Nobody's name or register number is here.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { StatusReference } from '@scelle/credentials/status-list'
import type { ClientState } from '@scelle/sdk'
import type { Role } from '@scelle/seal/verify'

/**
 * `good`: the status holds. `away`: suspended, or not known; it comes back with the credential. `gone`: taken back for
 * good, until the person shows another credential.
 */
export type Standing = 'good' | 'away' | 'gone'

/** One principal, as it was enrolled last. Times are seconds since 1970. */
export interface Enrolled {
  readonly person: Uint8Array
  readonly house: Uint8Array
  readonly meter: Uint8Array
  readonly role: Role
  /** Who issued the credential; undefined of a sign-in, which no list is about. */
  readonly listed: ({ readonly issuer: string } & StatusReference) | undefined
  readonly credentialEnds: number
  readonly standing: Standing
  /** The newest one signed, and its times. */
  readonly status: Uint8Array
  readonly begins: number
  readonly ends: number
  /** When anything of this principal was taken back last; 0 for never. */
  readonly withdrawn: number
}

export interface Withdrawal {
  readonly id: number
  readonly signed: Uint8Array
  /** Whether it is on record: then a trustee that was away has it before it cosigns anything later. */
  readonly isLogged: boolean
}

interface Row {
  readonly person: Uint8Array
  readonly house: Uint8Array
  readonly meter: Uint8Array
  readonly role: Role
  readonly issuer: string | null
  readonly list: string | null
  readonly entry: number | null
  readonly credential_ends: number
  readonly standing: Standing
  readonly status: Uint8Array
  readonly begins: number
  readonly ends: number
  readonly withdrawn: number
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS enrolled (
    person BLOB PRIMARY KEY, house BLOB NOT NULL, meter BLOB NOT NULL, role TEXT NOT NULL, issuer TEXT, list TEXT,
    entry INTEGER, credential_ends INTEGER NOT NULL, standing TEXT NOT NULL, status BLOB NOT NULL,
    begins INTEGER NOT NULL, ends INTEGER NOT NULL, withdrawn INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS listed ON enrolled (issuer, list) WHERE standing <> 'gone';
  CREATE TABLE IF NOT EXISTS withdrawal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, signed BLOB NOT NULL, logged INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS list (name TEXT PRIMARY KEY, issued INTEGER, read INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
`

const enrolledIn = (row: Row): Enrolled => ({
  person: new Uint8Array(row.person), house: new Uint8Array(row.house), meter: new Uint8Array(row.meter),
  role: row.role, credentialEnds: row.credential_ends, standing: row.standing, status: new Uint8Array(row.status),
  begins: row.begins, ends: row.ends, withdrawn: row.withdrawn,
  listed: row.issuer === null || row.list === null || row.entry === null
    ? undefined : { issuer: row.issuer, uri: row.list, index: row.entry },
})

/** One SQLite file, used by one process. Every change is on the disk when the call that made it returns. */
export class DeskStore {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** `:memory:` keeps nothing. Throws where another process has the file. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path)
    // EXCLUSIVE: two desks over one file would each sign what the other one took back.
    this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    this.#db.exec(SCHEMA)
  }

  #prepared(text: string): StatementSync {
    const known = this.#statements.get(text) ?? this.#db.prepare(text)
    this.#statements.set(text, known)
    return known
  }

  #run(text: string, ...values: SQLInputValue[]): void {
    this.#prepared(text).run(...values)
  }

  #rows<T>(text: string, ...values: SQLInputValue[]): T[] {
    return this.#prepared(text).all(...values) as T[]
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      // A full disk may have ended it already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  of(person: Uint8Array): Enrolled | undefined {
    const [row] = this.#rows<Row>('SELECT * FROM enrolled WHERE person = ?', person)
    return row === undefined ? undefined : enrolledIn(row)
  }

  keep(enrolled: Enrolled): void {
    this.#transaction(() => this.#put(enrolled))
  }

  /** Kept together: nobody counts as gone here whose withdrawal was lost. */
  withdraw(enrolled: Enrolled, signed: Uint8Array): void {
    this.#transaction(() => {
      this.#put(enrolled)
      this.#run('INSERT INTO withdrawal (signed) VALUES (?)', signed)
    })
  }

  #put(one: Enrolled): void {
    const { issuer, uri, index } = one.listed ?? { issuer: null, uri: null, index: null }
    this.#run(
      `INSERT OR REPLACE INTO enrolled (person, house, meter, role, issuer, list, entry, credential_ends, standing,
        status, begins, ends, withdrawn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      one.person, one.house, one.meter, one.role, issuer, uri, index, one.credentialEnds, one.standing,
      one.status, one.begins, one.ends, one.withdrawn,
    )
  }

  /** Lists that somebody's status rests on. */
  lists(): { readonly issuer: string; readonly uri: string }[] {
    return this.#rows<{ issuer: string; list: string }>(
      "SELECT DISTINCT issuer, list FROM enrolled WHERE standing <> 'gone' AND issuer IS NOT NULL",
    ).map(({ issuer, list }) => ({ issuer, uri: list }))
  }

  on({ issuer, uri }: { readonly issuer: string; readonly uri: string }): Enrolled[] {
    return this.#rows<Row>(
      "SELECT * FROM enrolled WHERE standing <> 'gone' AND issuer = ? AND list = ?", issuer, uri,
    ).map(enrolledIn)
  }

  /** Those whom no list is about. */
  signedIn(): Enrolled[] {
    return this.#rows<Row>("SELECT * FROM enrolled WHERE standing <> 'gone' AND issuer IS NULL").map(enrolledIn)
  }

  /** What trustees or the index do not all have yet, the oldest first. */
  untold(): Withdrawal[] {
    return this.#rows<{ id: number; signed: Uint8Array; logged: number }>(
      'SELECT id, signed, logged FROM withdrawal ORDER BY id',
    ).map(({ id, signed, logged }) => ({ id, signed: new Uint8Array(signed), isLogged: logged === 1 }))
  }

  logged(id: number): void {
    this.#run('UPDATE withdrawal SET logged = 1 WHERE id = ?', id)
  }

  told(id: number): void {
    this.#run('DELETE FROM withdrawal WHERE id = ?', id)
  }

  /** When a list was issued that was seen last; seconds. */
  issuedAt(name: string): number | undefined {
    return this.#rows<{ issued: number | null }>('SELECT issued FROM list WHERE name = ?', name)[0]?.issued ?? undefined
  }

  saw(name: string, issued: number): void {
    this.#run('INSERT INTO list (name, issued) VALUES (?, ?) ON CONFLICT DO UPDATE SET issued = excluded.issued',
      name, issued)
  }

  /** When a list was read last; milliseconds. */
  readAt(name: string): number | undefined {
    return this.#rows<{ read: number | null }>('SELECT read FROM list WHERE name = ?', name)[0]?.read ?? undefined
  }

  read(name: string, at: number): void {
    this.#run('INSERT INTO list (name, read) VALUES (?, ?) ON CONFLICT DO UPDATE SET read = excluded.read', name, at)
  }

  /** What the sdk remembers of index and trustees. */
  get state(): ClientState {
    return {
      get: async (name) => {
        const [row] = this.#rows<{ value: Uint8Array }>('SELECT value FROM state WHERE name = ?', name)
        return row === undefined ? undefined : new Uint8Array(row.value)
      },
      set: async (name, value) => this.#run('INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)', name, value),
    }
  }

  get works(): boolean {
    return this.#db.isOpen && this.#rows('SELECT 1 AS one').length === 1
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }
}

/** What a trustee keeps for finding vaults: dealings (its share is sealed in them), lookups, bindings and notices. */
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import type { Database } from '../database.ts'
import { WINDOWS } from '../meter/budgets.ts'

export const DISCOVERY_SCHEMA = `
  CREATE TABLE IF NOT EXISTS discovery_dealing (
    generation INTEGER NOT NULL, dealer BLOB NOT NULL, statement BLOB NOT NULL, PRIMARY KEY (generation, dealer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS discovery_key (
    generation INTEGER NOT NULL, trustee BLOB NOT NULL, statement BLOB NOT NULL, PRIMARY KEY (generation, trustee)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS discovery_active (generation INTEGER PRIMARY KEY, since INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS lookup (
    meter BLOB NOT NULL, request BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (meter, request)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lookup_time ON lookup (meter, time);
  CREATE TABLE IF NOT EXISTS binding (
    pseudonym BLOB PRIMARY KEY, vault BLOB NOT NULL, mode TEXT NOT NULL, controller BLOB NOT NULL,
    statement BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS logged_binding (
    pseudonym BLOB NOT NULL, vault BLOB NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY (pseudonym, vault)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS claim (
    vault BLOB NOT NULL, pseudonym BLOB NOT NULL, PRIMARY KEY (vault, pseudonym)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS link (
    id BLOB PRIMARY KEY, vault BLOB NOT NULL, other BLOB NOT NULL, shown BLOB NOT NULL, split BLOB
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS link_vault ON link (vault);
  CREATE INDEX IF NOT EXISTS link_other ON link (other);
  CREATE TABLE IF NOT EXISTS binding_notice (
    pseudonym BLOB PRIMARY KEY, vault BLOB NOT NULL, asker BLOB NOT NULL, due INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** An identity's vault, as this trustee signed it. */
export interface Bound {
  readonly pseudonym: Uint8Array
  readonly vault: Uint8Array
  readonly mode: 'owner' | 'custody'
  /** Who controls that vault. */
  readonly controller: Uint8Array
  readonly statement: Uint8Array
}

/** A change that waits. */
export interface Notice {
  readonly pseudonym: Uint8Array
  /** The vault that is to take the other one's place. */
  readonly vault: Uint8Array
  readonly asker: Uint8Array
  /** Seconds: not before. */
  readonly due: number
}

/** Lookups that a meter may have in each window. */
export interface LookupBound {
  readonly meter: Uint8Array
  readonly day: number
  readonly month: number
}

export class DiscoveryStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  dealings(generation: number): { dealer: Uint8Array; statement: Uint8Array }[] {
    return this.#db.rows('SELECT dealer, statement FROM discovery_dealing WHERE generation = ?', generation)
  }

  /** The first dealing of a dealer stays: one that deals twice ends with a key that nobody else signs. */
  keepDealing(generation: number, dealer: Uint8Array, statement: Uint8Array): void {
    this.#db.run(`INSERT INTO discovery_dealing (generation, dealer, statement) VALUES (?, ?, ?)
      ON CONFLICT DO NOTHING`, generation, dealer, statement)
  }

  keys(generation: number): { trustee: Uint8Array; statement: Uint8Array }[] {
    return this.#db.rows('SELECT trustee, statement FROM discovery_key WHERE generation = ?', generation)
  }

  keepKey(generation: number, trustee: Uint8Array, statement: Uint8Array): void {
    this.#db.run('INSERT INTO discovery_key (generation, trustee, statement) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      generation, trustee, statement)
  }

  /** Newest generation that all three signed, and since when, in seconds. */
  active(): { readonly generation: number; readonly since: number } | undefined {
    return this.#db.row('SELECT generation, since FROM discovery_active ORDER BY generation DESC LIMIT 1')
  }

  activate(generation: number, since: number): void {
    this.#db.run('INSERT INTO discovery_active (generation, since) VALUES (?, ?) ON CONFLICT DO NOTHING',
      generation, since)
  }

  /** Forgets shares of earlier generations: together with later ones they are worth nothing, by themselves a key. */
  dropBefore(generation: number): void {
    this.#db.run('DELETE FROM discovery_dealing WHERE generation < ?', generation)
    this.#db.run('DELETE FROM discovery_active WHERE generation < ?', generation)
  }

  /**
   * Counts a request at every meter, or at none: throws `budget-spent` where it would be one more than a bound allows.
   * The same request again is the same one. Answers with the first meter's lookups of the last day.
   */
  charge(bounds: readonly LookupBound[], request: Uint8Array, now: number): number {
    return this.#db.transaction(() => {
      for (const { meter, day, month } of bounds) {
        const at = this.#notBefore(meter, now)
        this.#db.run('DELETE FROM lookup WHERE meter = ? AND time <= ?', meter, at - WINDOWS.month)
        if (this.#db.row('SELECT 1 FROM lookup WHERE meter = ? AND request = ?', meter, request) !== undefined) continue
        if (this.#count(meter, at - WINDOWS.day) >= day || this.#count(meter, at - WINDOWS.month) >= month) {
          throw new Problem('budget-spent', 'Too many people were looked up. Ask again tomorrow, or for more.')
        }
        this.#db.run('INSERT INTO lookup (meter, request, time) VALUES (?, ?, ?)', meter, request, at)
      }
      const own = bounds[0]?.meter
      return own === undefined ? 0 : this.#count(own, this.#notBefore(own, now) - WINDOWS.day)
    })
  }

  #count(meter: Uint8Array, after: number): number {
    return this.#db.row<{ count: number }>(
      'SELECT count(*) AS count FROM lookup WHERE meter = ? AND time > ?', meter, after)?.count ?? 0
  }

  /** A clock that stepped back refills nothing. */
  #notBefore(meter: Uint8Array, now: number): number {
    return Math.max(now, this.#db.row<{ last: number | null }>(
      'SELECT max(time) AS last FROM lookup WHERE meter = ?', meter)?.last ?? now)
  }

  bound(pseudonym: Uint8Array): Bound | undefined {
    return this.#db.row('SELECT pseudonym, vault, mode, controller, statement FROM binding WHERE pseudonym = ?',
      pseudonym)
  }

  /**
   * Whether this vault in custody is of the identity whose own vault this principal controls now: its patient, who
   * claimed it, and is not counted when reading it.
   */
  isClaimedBy(vault: Uint8Array, principal: Uint8Array): boolean {
    return this.#db.row(`SELECT 1 FROM claim JOIN binding USING (pseudonym)
      WHERE claim.vault = ? AND binding.mode = 'owner' AND binding.controller = ?`, vault, principal) !== undefined
  }

  /** Vaults in custody that an identity had before its own. */
  claimed(pseudonym: Uint8Array): Uint8Array[] {
    return this.#db.rows<{ vault: Uint8Array }>(
      'SELECT vault FROM claim WHERE pseudonym = ? LIMIT ?', pseudonym, WIRE_LIMITS.links).map(({ vault }) => vault)
  }

  /** Vaults to which the log showed two trustees' bindings of an identity, as far as this trustee keeps. */
  loggedVaults(pseudonym: Uint8Array): Uint8Array[] {
    return this.#db.rows<{ vault: Uint8Array }>(
      'SELECT vault FROM logged_binding WHERE pseudonym = ? ORDER BY leaf', pseudonym).map(({ vault }) => vault)
  }

  keepLogged(pseudonym: Uint8Array, vault: Uint8Array, leaf: number): void {
    this.#db.run('INSERT INTO logged_binding (pseudonym, vault, leaf) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      pseudonym, vault, leaf)
  }

  /** Idempotent; one that was split stays split. Throws `too-large` where a vault has too many. */
  merge({ id, vault, other, shown }: {
    readonly id: Uint8Array; readonly vault: Uint8Array; readonly other: Uint8Array; readonly shown: Uint8Array
  }): void {
    this.#db.transaction(() => {
      if (this.#db.row('SELECT 1 FROM link WHERE id = ?', id) !== undefined) return
      if (Math.max(this.links(vault).length, this.links(other).length) >= WIRE_LIMITS.links) {
        throw new Problem('too-large', 'This vault is merged with too many others.')
      }
      this.#db.run('INSERT INTO link (id, vault, other, shown) VALUES (?, ?, ?, ?)', id, vault, other, shown)
    })
  }

  /** Throws `not-found` where there is no such merge of these two. */
  split(id: Uint8Array, { vault, other, split }: {
    readonly vault: Uint8Array; readonly other: Uint8Array; readonly split: Uint8Array
  }): void {
    this.#db.transaction(() => {
      const merged = 'SELECT 1 FROM link WHERE id = ? AND vault = ? AND other = ?'
      if (this.#db.row(merged, id, vault, other) === undefined) throw new Problem('not-found')
      this.#db.run('UPDATE link SET split = ? WHERE id = ? AND split IS NULL', split, id)
    })
  }

  /** Merges of a vault that hold, as they were shown. */
  links(vault: Uint8Array): Uint8Array[] {
    return this.#db.rows<{ shown: Uint8Array }>(
      'SELECT shown FROM link WHERE (vault = ? OR other = ?) AND split IS NULL', vault, vault)
      .map(({ shown }) => shown)
  }

  notice(pseudonym: Uint8Array): Notice | undefined {
    return this.#db.row('SELECT pseudonym, vault, asker, due FROM binding_notice WHERE pseudonym = ?', pseudonym)
  }

  /** One at a time: a second asker neither hurries nor replaces the first. Throws `already-bound`. */
  keepNotice(notice: Notice): Notice {
    return this.#db.transaction(() => {
      const { pseudonym, vault, asker, due } = notice
      this.#db.run(`INSERT INTO binding_notice (pseudonym, vault, asker, due) VALUES (?, ?, ?, ?)
        ON CONFLICT DO NOTHING`, pseudonym, vault, asker, due)
      const kept = this.notice(pseudonym) as Notice
      if (Buffer.compare(kept.vault, vault) !== 0) {
        throw new Problem('already-bound', 'Another change of this identity\'s vault is waiting.')
      }
      return kept
    })
  }

  dropNotice(pseudonym: Uint8Array): void {
    this.#db.run('DELETE FROM binding_notice WHERE pseudonym = ?', pseudonym)
  }

  /**
   * Binds, where what is bound is still what was decided on: two at once, and the second finds the first. Answers with
   * what is bound then.
   */
  bind(next: Bound, expected: Uint8Array | undefined): Bound {
    return this.#db.transaction(() => {
      const now = this.bound(next.pseudonym)
      const same = now === undefined ? expected === undefined
        : expected !== undefined && Buffer.compare(now.statement, expected) === 0
      if (!same) throw new Problem('already-bound')
      const { pseudonym, vault, mode, controller, statement } = next
      if (now?.mode === 'custody' && mode === 'owner') {
        this.#db.run('INSERT INTO claim (vault, pseudonym) VALUES (?, ?) ON CONFLICT DO NOTHING', now.vault, pseudonym)
      }
      this.#db.run(`INSERT INTO binding (pseudonym, vault, mode, controller, statement) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET vault = excluded.vault, mode = excluded.mode, controller = excluded.controller,
          statement = excluded.statement`, pseudonym, vault, mode, controller, statement)
      this.dropNotice(pseudonym)
      return next
    })
  }
}

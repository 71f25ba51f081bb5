/** What a witness must not forget: every leaf, what it cosigned last, what control leaves said, and any lie it saw. */
import { LOG_LIMITS } from '@scelle/log'
import type { Database } from '../database.ts'

/** A leaf as the index handed it over. */
export interface MirrorLeaf {
  readonly entry: Uint8Array
  /** Of a control leaf. */
  readonly control?: { readonly statement: Uint8Array; readonly salt: Uint8Array } | undefined
  /** Of a denial by the index. */
  readonly denial?: Omit<ShownLeaf, 'leaf'> | undefined
}

/** A statement of the log that is no control leaf's, as it was shown here: an access, or a denial with its access. */
export interface ShownLeaf {
  readonly leaf: number
  readonly statement: Uint8Array
  readonly salt: Uint8Array
  readonly access?: Uint8Array | undefined
}

/** The bytes of a tile of hashes as far as it is filled: 32 a hash. */
export interface MirrorTile {
  readonly level: number
  readonly index: number
  readonly bytes: Uint8Array
}

/** A sign-out that the log holds. Never leaf 0: the key record of whoever signed it stands before it. */
export interface LoggedSignOut {
  readonly principal: Uint8Array
  readonly leaf: number
  readonly before: number
  /** Statement id of the one session that it ends. */
  readonly session?: Uint8Array
}

const ALL_SESSIONS = new Uint8Array(32)

/** What this trustee cosigned last. */
export interface Cosigned {
  readonly size: number
  readonly root: Uint8Array
  /** Seconds; no cosignature is dated before it. */
  readonly time: number
  /** The note with this trustee's cosignature. */
  readonly note: Uint8Array
}

/** A note that carries a trustee's cosignature, as it was seen. */
export interface SeenNote {
  readonly size: number
  readonly root: Uint8Array
  readonly note: Uint8Array
}

/** The newest key record of a principal in the log. */
export interface LoggedKey {
  readonly version: number
  /** Statement id of the record. */
  readonly record: Uint8Array
  /** The key that signs what follows. */
  readonly signingKey: Uint8Array
}

export interface LoggedManifest {
  readonly version: number
  readonly manifest: Uint8Array
}

export const LOG_SCHEMA = `
  CREATE TABLE IF NOT EXISTS leaf (leaf INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS control (leaf INTEGER PRIMARY KEY, statement BLOB NOT NULL, salt BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS shown (
    leaf INTEGER PRIMARY KEY, statement BLOB NOT NULL, salt BLOB NOT NULL, access BLOB
  ) STRICT;
  CREATE TABLE IF NOT EXISTS tile (
    level INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (level, place)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cosigned (
    one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL,
    note BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS log_signer (version INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS seen_note (
    witness BLOB PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS seen_time (witness BLOB PRIMARY KEY, time INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS fork (one INTEGER PRIMARY KEY CHECK (one = 1), evidence BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS logged_key (
    principal BLOB PRIMARY KEY, version INTEGER NOT NULL, record BLOB NOT NULL, signing_key BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS logged_revocation (
    grant_id BLOB NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY (grant_id, leaf)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session_end (
    principal BLOB NOT NULL, session BLOB NOT NULL, leaf INTEGER NOT NULL, before INTEGER NOT NULL,
    PRIMARY KEY (principal, session)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS logged_manifest (
    vault BLOB NOT NULL, custodian BLOB NOT NULL, version INTEGER NOT NULL, manifest BLOB NOT NULL,
    PRIMARY KEY (vault, custodian)
  ) STRICT, WITHOUT ROWID;
`

const HASH = 32
const { tileWidth: WIDTH, tileHeight: HEIGHT } = LOG_LIMITS
/** Levels of tiles that a tree can have whose size a double holds. */
const TILE_LEVELS = Math.ceil(53 / HEIGHT)

/** Tables of the log in the trustee's own file, so that leaves, cosignatures and releases share its transactions. */
export class MirrorStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  transaction<T>(work: () => T): T {
    return this.#db.transaction(work)
  }

  /** Leaves mirrored, without a gap. */
  get size(): number {
    return this.#db.row<{ size: number }>('SELECT coalesce(max(leaf) + 1, 0) AS size FROM leaf')?.size ?? 0
  }

  /** To be called within a transaction, with the tiles that the leaves changed. */
  append(from: number, leaves: readonly MirrorLeaf[], tiles: Iterable<MirrorTile>): void {
    for (const [place, { entry, control, denial }] of leaves.entries()) {
      this.#db.run('INSERT INTO leaf (leaf, entry) VALUES (?, ?)', from + place, entry)
      if (denial !== undefined) this.keepShown({ leaf: from + place, ...denial })
      if (control === undefined) continue
      this.#db.run('INSERT INTO control (leaf, statement, salt) VALUES (?, ?, ?)',
        from + place, control.statement, control.salt)
    }
    this.#keepTiles(tiles)
  }

  /** Forgets the leaves from `size` on. */
  truncate(size: number): void {
    this.transaction(() => {
      this.#db.run('DELETE FROM leaf WHERE leaf >= ?', size)
      this.#db.run('DELETE FROM control WHERE leaf >= ?', size)
      this.#db.run('DELETE FROM shown WHERE leaf >= ?', size)
      for (let level = 0, nodes = size; level < TILE_LEVELS; level++, nodes = Math.floor(nodes / WIDTH)) {
        const last = Math.floor(nodes / WIDTH)
        this.#db.run('UPDATE tile SET bytes = substr(bytes, 1, ?) WHERE level = ? AND place = ?',
          (nodes % WIDTH) * HASH, level, last)
        this.#db.run('DELETE FROM tile WHERE level = ? AND (place > ? OR length(bytes) = 0)', level, last)
      }
    })
  }

  #keepTiles(tiles: Iterable<MirrorTile>): void {
    for (const { level, index, bytes } of tiles) {
      this.#db.run('INSERT OR REPLACE INTO tile (level, place, bytes) VALUES (?, ?, ?)', level, index, bytes)
    }
  }

  tile(level: number, index: number): Uint8Array | undefined {
    return this.#db.row<{ bytes: Uint8Array }>('SELECT bytes FROM tile WHERE level = ? AND place = ?', level, index)
      ?.bytes
  }

  entries(from: number, to: number): Uint8Array[] {
    return this.#db.rows<{ entry: Uint8Array }>(
      'SELECT entry FROM leaf WHERE leaf >= ? AND leaf < ? ORDER BY leaf', from, to,
    ).map(({ entry }) => entry)
  }

  /** Control leaves from `from` up to but without `to`, in their order. */
  controls(from: number, to: number): { leaf: number; statement: Uint8Array; salt: Uint8Array }[] {
    return this.#db.rows(
      'SELECT leaf, statement, salt FROM control WHERE leaf >= ? AND leaf < ? ORDER BY leaf', from, to,
    )
  }

  /** Kept for the index, should it be restored from a backup: nobody else may have it then. */
  keepShown({ leaf, statement, salt, access }: ShownLeaf): void {
    this.#db.run('INSERT OR IGNORE INTO shown (leaf, statement, salt, access) VALUES (?, ?, ?, ?)',
      leaf, statement, salt, access ?? null)
  }

  /** All that is known of leaves from `from` up to but without `to`, in their order, `limit` at most. */
  known(from: number, to: number, limit: number): (Omit<ShownLeaf, 'access'> & { access: Uint8Array | null })[] {
    return this.#db.rows(
      `SELECT leaf, statement, salt, NULL AS access FROM control WHERE leaf >= ?1 AND leaf < ?2
       UNION ALL SELECT leaf, statement, salt, access FROM shown WHERE leaf >= ?1 AND leaf < ?2
       ORDER BY leaf LIMIT ?3`, from, to, limit,
    )
  }

  cosigned(): Cosigned | undefined {
    return this.#db.row('SELECT size, root, time, note FROM cosigned')
  }

  /** To be called within the transaction that applied the control leaves up to `size`. */
  keepCosigned({ size, root, time, note }: Cosigned): void {
    this.#db.run('INSERT OR REPLACE INTO cosigned (one, size, root, time, note) VALUES (1, ?, ?, ?, ?)',
      size, root, time, note)
  }

  /** Key records of the index, genesis first; empty before it was first heard. */
  signerChain(): Uint8Array[] {
    return this.#db.rows<{ record: Uint8Array }>('SELECT record FROM log_signer ORDER BY version')
      .map(({ record }) => record)
  }

  keepSignerChain(chain: readonly Uint8Array[]): void {
    this.transaction(() => {
      for (const [version, record] of chain.entries()) {
        this.#db.run('INSERT OR IGNORE INTO log_signer (version, record) VALUES (?, ?)', version, record)
      }
    })
  }

  seenNote(witness: Uint8Array): SeenNote | undefined {
    return this.#db.row('SELECT size, root, note FROM seen_note WHERE witness = ?', witness)
  }

  /** Keeps the largest note that carries this witness's cosignature. */
  keepSeenNote(witness: Uint8Array, { size, root, note }: SeenNote): void {
    this.#db.run(`INSERT INTO seen_note (witness, size, root, note) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET size = excluded.size, root = excluded.root, note = excluded.note WHERE excluded.size > size`,
    witness, size, root, note)
  }

  /** In seconds, of each witness. */
  seenTimes(): { witness: Uint8Array; time: number }[] {
    return this.#db.rows('SELECT witness, time FROM seen_time')
  }

  keepSeenTime(witness: Uint8Array, time: number): void {
    this.#db.run(`INSERT INTO seen_time (witness, time) VALUES (?, ?) ON CONFLICT DO UPDATE
      SET time = excluded.time WHERE excluded.time > time`, witness, time)
  }

  evidence(): Uint8Array | undefined {
    return this.#db.row<{ evidence: Uint8Array }>('SELECT evidence FROM fork')?.evidence
  }

  /** The first one stays: nothing is said about the log after it. */
  keepEvidence(evidence: Uint8Array): void {
    this.#db.run('INSERT OR IGNORE INTO fork (one, evidence) VALUES (1, ?)', evidence)
  }

  loggedKey(principal: Uint8Array): LoggedKey | undefined {
    return this.#db.row('SELECT version, record, signing_key AS signingKey FROM logged_key WHERE principal = ?',
      principal)
  }

  keepLoggedKey(principal: Uint8Array, { version, record, signingKey }: LoggedKey): void {
    this.#db.run('INSERT OR REPLACE INTO logged_key (principal, version, record, signing_key) VALUES (?, ?, ?, ?)',
      principal, version, record, signingKey)
  }

  keepLoggedRevocation(grant: Uint8Array, leaf: number): void {
    this.#db.run('INSERT OR IGNORE INTO logged_revocation (grant_id, leaf) VALUES (?, ?)', grant, leaf)
  }

  /** Signed revocations of a grant in the log. Who made them is not checked. */
  loggedRevocations(grant: Uint8Array): Uint8Array[] {
    return this.#db.rows<{ statement: Uint8Array }>(
      'SELECT statement FROM logged_revocation JOIN control USING (leaf) WHERE grant_id = ? ORDER BY leaf',
      grant,
    ).map(({ statement }) => statement)
  }

  /** How many revocations of these grants are in the log. */
  countRevocations(grants: readonly Uint8Array[]): number {
    return grants.reduce((sum, grant) => sum + (this.#db.row<{ count: number }>(
      'SELECT count(*) AS count FROM logged_revocation WHERE grant_id = ?', grant)?.count ?? 0), 0)
  }

  /**
   * Of all sessions of a person, what ends most; of one session, that it ended. Neither is ever pushed out: whoever has
   * the key of a session that is over can still sign that others are, as many as they like.
   */
  keepSignOut({ principal, session = ALL_SESSIONS, leaf, before }: LoggedSignOut): void {
    this.#db.run(`INSERT INTO session_end (principal, session, leaf, before) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET leaf = excluded.leaf, before = excluded.before WHERE excluded.before > before`,
    principal, session, leaf, before)
  }

  /** Signed sign-outs that the log holds: of all sessions of a person, and of this one; two at most. */
  signOuts(principal: Uint8Array, session: Uint8Array | undefined): Uint8Array[] {
    return this.#db.rows<{ statement: Uint8Array }>(
      `SELECT statement FROM session_end JOIN control USING (leaf) WHERE principal = ? AND session IN (?, ?)
       ORDER BY leaf`, principal, ALL_SESSIONS, session ?? ALL_SESSIONS,
    ).map(({ statement }) => statement)
  }

  /** Leaf of the last one that ended anything of a person, 0 where there is none: whether another came meanwhile. */
  lastSignOut(principal: Uint8Array): number {
    return this.#db.row<{ leaf: number | null }>('SELECT max(leaf) AS leaf FROM session_end WHERE principal = ?',
      principal)?.leaf ?? 0
  }

  loggedManifest(vault: Uint8Array, custodian: Uint8Array): LoggedManifest | undefined {
    return this.#db.row('SELECT version, manifest FROM logged_manifest WHERE vault = ? AND custodian = ?',
      vault, custodian)
  }

  keepLoggedManifest(vault: Uint8Array, custodian: Uint8Array, { version, manifest }: LoggedManifest): void {
    this.#db.run('INSERT OR REPLACE INTO logged_manifest (vault, custodian, version, manifest) VALUES (?, ?, ?, ?)',
      vault, custodian, version, manifest)
  }
}

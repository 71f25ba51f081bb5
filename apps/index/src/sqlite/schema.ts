/**
 * Tables of the embedded engine. Vaults, parts (a custodian's part of one vault) and principals have small numbers
 * inside, because a 32-byte id in every row would be a third of what the state stores; ids stand once.
 *
 * Rows that grow with the records are appended in rowid order, so that a write touches the same few pages whether the
 * database holds 10^3 records or 10^6; only narrow tables are keyed by ids.
 */
import { DatabaseSync } from 'node:sqlite'
import { INDEX_LIMITS } from '../limits.ts'

/** Changed together with the tables; a database of another version is refused. */
export const SCHEMA_VERSION = 6

const TABLES = `
CREATE TABLE principals (no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;

-- Every signed statement in the order of positions: leaf sequence - 1 of the log. vault 0: key records. signature:
-- empty for commits. subject: the label of control leaves, NULL for others.
CREATE TABLE statements (
  sequence INTEGER PRIMARY KEY, vault INTEGER NOT NULL, id BLOB NOT NULL, time INTEGER NOT NULL,
  key_version INTEGER NOT NULL, signature BLOB NOT NULL, statement BLOB NOT NULL, salt BLOB NOT NULL,
  subject BLOB) STRICT;
CREATE UNIQUE INDEX statement_ids ON statements (vault, id);

CREATE TABLE key_records (
  principal INTEGER NOT NULL, version INTEGER NOT NULL, sequence INTEGER NOT NULL,
  PRIMARY KEY (principal, version)) STRICT, WITHOUT ROWID;

CREATE TABLE vaults (no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, sequence INTEGER NOT NULL) STRICT;

CREATE TABLE parts (no INTEGER PRIMARY KEY, vault INTEGER NOT NULL, custodian INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX parts_of_vault ON parts (vault, custodian);
CREATE INDEX parts_of_custodian ON parts (custodian);

CREATE TABLE manifests (
  part INTEGER NOT NULL, version INTEGER NOT NULL, sequence INTEGER NOT NULL, id BLOB NOT NULL,
  PRIMARY KEY (part, version)) STRICT, WITHOUT ROWID;

CREATE TABLE categories (
  part INTEGER NOT NULL, place INTEGER NOT NULL, category BLOB NOT NULL, epoch INTEGER NOT NULL,
  strict INTEGER NOT NULL, access_log INTEGER NOT NULL, closed INTEGER NOT NULL,
  PRIMARY KEY (part, place)) STRICT, WITHOUT ROWID;

-- revoked: sequence of the revocation, 0 for none.
CREATE TABLE grants (
  sequence INTEGER PRIMARY KEY, vault INTEGER NOT NULL, id BLOB NOT NULL, parent BLOB, part INTEGER NOT NULL,
  signer INTEGER NOT NULL, grantee INTEGER NOT NULL, mask INTEGER NOT NULL, rights INTEGER NOT NULL,
  purposes INTEGER NOT NULL, not_before INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT NULL,
  keys_sequence INTEGER NOT NULL, keys_version INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX grant_ids ON grants (vault, id);
CREATE INDEX grants_of_part ON grants (part, grantee);
CREATE INDEX grants_to ON grants (grantee, signer);
CREATE INDEX grants_below ON grants (vault, parent) WHERE parent IS NOT NULL;

-- Named by content and used for a day over many vaults: no vault's.
CREATE TABLE encapsulations (no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;

-- Capsules and records of a commit have consecutive numbers.
CREATE TABLE commits (
  sequence INTEGER PRIMARY KEY, part INTEGER NOT NULL, author INTEGER NOT NULL, mask INTEGER NOT NULL,
  capsule INTEGER NOT NULL, capsules INTEGER NOT NULL, record INTEGER NOT NULL, records INTEGER NOT NULL,
  leaves BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX commits_of_part ON commits (part, sequence);

CREATE TABLE capsules (
  no INTEGER PRIMARY KEY, category INTEGER NOT NULL, place INTEGER NOT NULL, capsule BLOB NOT NULL) STRICT;

CREATE TABLE capsule_states (
  vault INTEGER NOT NULL, capsule BLOB NOT NULL, part INTEGER NOT NULL, writer INTEGER NOT NULL,
  category INTEGER NOT NULL, epoch INTEGER NOT NULL, opened INTEGER NOT NULL, sequence INTEGER NOT NULL,
  closed INTEGER NOT NULL, records INTEGER NOT NULL, PRIMARY KEY (vault, capsule)) STRICT, WITHOUT ROWID;

CREATE TABLE capsule_hashes (
  vault INTEGER NOT NULL, hash BLOB NOT NULL, capsule BLOB NOT NULL,
  PRIMARY KEY (vault, hash)) STRICT, WITHOUT ROWID;

CREATE TABLE records (
  no INTEGER PRIMARY KEY, category INTEGER NOT NULL, place INTEGER NOT NULL, header BLOB NOT NULL,
  size INTEGER NOT NULL, digest BLOB, body BLOB) STRICT;

-- A handle is its author's own name for a resource: everybody who reads the feed knows it, nobody else can use it up.
CREATE TABLE versions (
  part INTEGER NOT NULL, category INTEGER NOT NULL, author INTEGER NOT NULL, handle BLOB NOT NULL,
  version INTEGER NOT NULL, PRIMARY KEY (part, category, author, handle, version)) STRICT, WITHOUT ROWID;

CREATE TABLE blob_places (
  digest BLOB NOT NULL, part INTEGER NOT NULL, category INTEGER NOT NULL,
  PRIMARY KEY (digest, part, category)) STRICT, WITHOUT ROWID;

CREATE TABLE accesses (sequence INTEGER PRIMARY KEY, part INTEGER NOT NULL, reader INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX accesses_of_part ON accesses (part, sequence);

-- Refused accesses: the sequence is the denial's, access the signed statement that was refused.
CREATE TABLE denials (
  sequence INTEGER PRIMARY KEY, part INTEGER NOT NULL, reader INTEGER NOT NULL, access BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX denials_of_part ON denials (part, sequence);

-- Leaves after the last statement, where a restored index has them from its trustees. content: what somebody brought
-- back, NULL while nobody has. Empty but for such times.
CREATE TABLE lost_leaves (leaf INTEGER PRIMARY KEY, entry BLOB NOT NULL, content BLOB) STRICT;
CREATE UNIQUE INDEX lost_entries ON lost_leaves (entry);
CREATE INDEX lost_missing ON lost_leaves (leaf) WHERE content IS NULL;

-- Leaves whose statements all trustees agreed to be lost, and the statements (losses) by which they did.
CREATE TABLE given_up (leaf INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
CREATE TABLE losses (sequence INTEGER PRIMARY KEY) STRICT;
`

const versionOf = (database: DatabaseSync): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

/** Opens the one connection that writes, and makes the tables where the file is new. NORMAL: somebody else flushes. */
export const openWriter = (file: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync => {
  const database = new DatabaseSync(file)
  database.exec(`
    PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -${INDEX_LIMITS.writerCache / 1024}; PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = ${INDEX_LIMITS.checkpointPages}`)
  // What a killed process wrote last may be in the system's memory only, also where a flush of the log said otherwise
  // after one that failed. It is read from now on, so it is moved first, and flushed where it goes.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const version = versionOf(database)
  if (version === 0) database.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
  else if (version !== SCHEMA_VERSION) {
    database.close()
    throw new Error(`the index's database has schema ${version}, this program needs ${SCHEMA_VERSION}`)
  }
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  return database
}

const LOG_TABLES = `
CREATE TABLE tiles (
  level INTEGER NOT NULL, no INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (level, no)) STRICT;
CREATE TABLE checkpoint (
  one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL) STRICT;
CREATE TABLE cosigned (kind TEXT PRIMARY KEY, size INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
`

/**
 * What is derived from the leaves, in a file of its own: to publish it never waits for a group, nor a group for it.
 * NORMAL: somebody else flushes.
 */
export const openLog = (file: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync => {
  const database = new DatabaseSync(file)
  database.exec(`
    PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;
    PRAGMA wal_checkpoint(TRUNCATE)`)
  const version = versionOf(database)
  if (version === 0) database.exec(`BEGIN; ${LOG_TABLES} PRAGMA user_version = 1; COMMIT`)
  else if (version !== 1) {
    database.close()
    throw new Error(`the log's database has schema ${version}, this program needs 1`)
  }
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  return database
}

/** A second connection: it sees what is committed, never what a group is still writing. */
export const openReader = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file, { readOnly: true })
  database.exec(`PRAGMA cache_size = -${INDEX_LIMITS.readerCache / 1024}; PRAGMA trusted_schema = OFF`)
  return database
}

/**
 * Holds the data directory for this process: a second one would give the same sequence numbers again. The system drops
 * the lock with the process, however it ends.
 */
export const lockDirectory = (file: string): DatabaseSync => {
  const lock = new DatabaseSync(file)
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new Error('another process has this data directory; stop it first', { cause })
  }
  return lock
}

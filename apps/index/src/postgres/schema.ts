/**
 * Tables of the PostgreSQL engine. `vault` (32 octets) leads the key of every table that belongs to a vault, so that
 * an engine which speaks PostgreSQL may spread vaults by hashing it. A principal's key records are a vault of their
 * own, named by the principal: registrations never wait for each other.
 *
 * `seq` counts a vault's statements. The log's sequence is given later, in `leaves`, to what stands in `pending`.
 */
import type { Pool, PoolClient } from 'pg'

/** Each is applied once, in order; the version of a database is how many were. Never changed once released. */
const MIGRATIONS: readonly string[] = [`
CREATE TABLE settings (name text PRIMARY KEY, value bytea NOT NULL);

-- The row that every write to a vault locks. genesis: seq of the genesis; NULL for a principal's key records.
CREATE TABLE vaults (
  vault bytea PRIMARY KEY, counter bigint NOT NULL DEFAULT 0, parts integer NOT NULL DEFAULT 0,
  genesis bigint) WITH (fillfactor = 70);

-- time: of commits, which are signed for in the answer; of others the time stands in positions.
CREATE TABLE statements (
  vault bytea NOT NULL, seq bigint NOT NULL, id bytea NOT NULL, statement bytea NOT NULL, salt bytea NOT NULL,
  subject bytea, time bigint, PRIMARY KEY (vault, seq));
CREATE UNIQUE INDEX statement_ids ON statements (vault, id);

CREATE TABLE positions (
  vault bytea NOT NULL, seq bigint NOT NULL, time bigint NOT NULL, key_version integer NOT NULL,
  signature bytea NOT NULL, PRIMARY KEY (vault, seq));

CREATE TABLE key_records (
  principal bytea NOT NULL, version integer NOT NULL, seq bigint NOT NULL, id bytea NOT NULL,
  PRIMARY KEY (principal, version));
CREATE INDEX key_record_ids ON key_records (id);

-- categories: as part-categories.ts packs them. manifest, version: the newest one's id and version.
CREATE TABLE parts (
  vault bytea NOT NULL, part integer NOT NULL, custodian bytea NOT NULL, categories bytea NOT NULL,
  manifest bytea NOT NULL, version integer NOT NULL, PRIMARY KEY (vault, part));
CREATE UNIQUE INDEX parts_of_vault ON parts (vault, custodian);
CREATE INDEX parts_of_custodian ON parts (custodian);

CREATE TABLE manifests (
  vault bytea NOT NULL, part integer NOT NULL, version integer NOT NULL, seq bigint NOT NULL,
  PRIMARY KEY (vault, part, version));

-- revoked: seq of the revocation, 0 for none.
CREATE TABLE grants (
  vault bytea NOT NULL, id bytea NOT NULL, seq bigint NOT NULL, parent bytea, part integer NOT NULL,
  signer bytea NOT NULL, grantee bytea NOT NULL, mask integer NOT NULL, rights integer NOT NULL,
  purposes integer NOT NULL, not_before bigint NOT NULL, expires bigint NOT NULL, revoked bigint NOT NULL,
  keys_seq bigint NOT NULL, keys_version bigint NOT NULL, PRIMARY KEY (vault, id));
CREATE INDEX grants_in_vault ON grants (vault, grantee);
CREATE INDEX grants_to ON grants (grantee, signer);

-- Named by content and used for a day over many vaults: no vault's.
CREATE TABLE encapsulations (id bytea PRIMARY KEY, bytes bytea NOT NULL);

CREATE TABLE commits (
  vault bytea NOT NULL, part integer NOT NULL, seq bigint NOT NULL, author bytea NOT NULL, mask integer NOT NULL,
  leaves bytea NOT NULL, PRIMARY KEY (vault, part, seq));

CREATE TABLE capsules (
  vault bytea NOT NULL, seq bigint NOT NULL, place integer NOT NULL, category integer NOT NULL, bytes bytea NOT NULL,
  PRIMARY KEY (vault, seq, place));

CREATE TABLE capsule_states (
  vault bytea NOT NULL, capsule bytea NOT NULL, hash bytea NOT NULL, part integer NOT NULL, writer bytea NOT NULL,
  category integer NOT NULL, epoch bigint NOT NULL, opened bigint NOT NULL, seq bigint NOT NULL,
  closed boolean NOT NULL, records integer NOT NULL, PRIMARY KEY (vault, capsule)) WITH (fillfactor = 85);
CREATE UNIQUE INDEX capsule_hashes ON capsule_states (vault, hash);

CREATE TABLE records (
  vault bytea NOT NULL, seq bigint NOT NULL, place integer NOT NULL, category integer NOT NULL, header bytea NOT NULL,
  size bigint NOT NULL, digest bytea, body bytea, PRIMARY KEY (vault, seq, place));
-- What is sealed does not get smaller.
ALTER TABLE records ALTER body SET STORAGE EXTERNAL;

-- A handle is its author's own name for a resource: everybody who reads the feed knows it, nobody else can use it up.
CREATE TABLE versions (
  vault bytea NOT NULL, handle bytea NOT NULL, version bigint NOT NULL, part integer NOT NULL,
  category integer NOT NULL, author bytea NOT NULL, PRIMARY KEY (vault, handle, version, part, category, author));

CREATE TABLE blob_places (
  vault bytea NOT NULL, part integer NOT NULL, category integer NOT NULL, digest bytea NOT NULL,
  PRIMARY KEY (vault, part, category, digest));
CREATE INDEX blobs_by_digest ON blob_places (digest);

-- refused: the signed access, where the statement is a denial of it.
CREATE TABLE accesses (
  vault bytea NOT NULL, part integer NOT NULL, seq bigint NOT NULL, reader bytea NOT NULL, refused bytea,
  PRIMARY KEY (vault, part, seq));

-- Leaves without a number yet, in the order of their vaults.
CREATE TABLE pending (
  no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vault bytea NOT NULL, seq bigint NOT NULL, id bytea NOT NULL,
  salt bytea NOT NULL, subject bytea)
  WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE leaves (
  sequence bigint PRIMARY KEY, vault bytea NOT NULL, seq bigint NOT NULL, id bytea NOT NULL, salt bytea NOT NULL,
  subject bytea);
CREATE UNIQUE INDEX leaves_of_vault ON leaves (vault, seq);

-- One row. term: grows with every leader; whoever's term it is not changes nothing. locked: its leader holds the lock.
-- checkpoint: its size, 0 for none.
CREATE TABLE log_head (
  one integer PRIMARY KEY CHECK (one = 1), term bigint NOT NULL, locked boolean NOT NULL, beat bigint NOT NULL,
  size bigint NOT NULL, checkpoint bigint NOT NULL, root bytea, note bytea) WITH (fillfactor = 50);
INSERT INTO log_head VALUES (1, 0, true, 0, 0, 0, NULL, NULL);

CREATE TABLE tiles (level integer NOT NULL, no bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (level, no));
ALTER TABLE tiles ALTER bytes SET STORAGE EXTERNAL;
CREATE TABLE cosigned (kind text PRIMARY KEY, size bigint NOT NULL, note bytea NOT NULL);
`, `
-- By the place of the denial: trustees are sent the access that was refused with its leaf.
CREATE UNIQUE INDEX refused_accesses ON accesses (vault, seq) WHERE refused IS NOT NULL;
`, `
-- Of no vault, and in no log.
CREATE TABLE wraps (
  locator bytea PRIMARY KEY, writer bytea NOT NULL, version bigint NOT NULL, bytes bytea NOT NULL);
ALTER TABLE wraps ALTER bytes SET STORAGE EXTERNAL;
`, `
-- Which sessions ended, for as long as they could last. session: empty for all that began before.
CREATE TABLE sign_outs (
  principal bytea NOT NULL, session bytea NOT NULL, before bigint NOT NULL, at bigint NOT NULL,
  PRIMARY KEY (principal, session));
CREATE INDEX sign_outs_at ON sign_outs (at);
`]

/** Held while the tables are made: several processes may start at once. */
const MIGRATION_LOCK = 7_236_001

const migrateOn = async (client: PoolClient): Promise<void> => {
  await client.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`)
  await client.query('CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)')
  const { rows } = await client.query<{ version: number }>('SELECT version FROM schema_version')
  const version = rows[0]?.version ?? 0
  if (version > MIGRATIONS.length) {
    throw new Error(`the index's database has schema ${version}, this program knows ${MIGRATIONS.length}`)
  }
  for (const migration of MIGRATIONS.slice(version)) await client.query(migration)
  await client.query('DELETE FROM schema_version')
  await client.query(`INSERT INTO schema_version VALUES (${MIGRATIONS.length})`)
}

/** Makes the tables, or brings them to this program's version. Throws where they are of a newer one. */
export const migrate = async (pool: Pool): Promise<void> => {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await migrateOn(client)
    await client.query('COMMIT')
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

/** What a commit's durability rests on at the server. Throws where it was taken away. */
export const requireDurable = async (pool: Pool): Promise<void> => {
  const { rows } = await pool.query<{ fsync: string; pages: string }>(
    "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages",
  )
  if (rows[0]?.fsync !== 'on' || rows[0].pages !== 'on') {
    throw new Error('the database server runs without fsync or full_page_writes: what it acknowledges can be lost')
  }
}

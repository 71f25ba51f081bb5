/**
 * Honey patients: vaults with real keys and ciphertext that are nobody's. Whoever opens one reads what it has no
 * business with, and is locked at once. No log and no index knows which they are.
 */
import { equalBytes } from '@scelle/seal/verify'
import type { Database } from '../database.ts'
import type { Standing } from './standing.ts'

export const DECOY_SCHEMA = `
  CREATE TABLE IF NOT EXISTS decoy (
    vault BLOB NOT NULL, signer BLOB NOT NULL, everyone INTEGER NOT NULL, PRIMARY KEY (vault, signer)
  ) STRICT, WITHOUT ROWID;
`

export interface DecoyOf {
  readonly vault: Uint8Array
  /** Who said so: the custodian, for its own people, or a listed register. */
  readonly signer: Uint8Array
  readonly everyone: boolean
}

export class Decoys {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Idempotent. */
  add({ vault, signer, everyone }: DecoyOf): void {
    this.#db.run('INSERT INTO decoy (vault, signer, everyone) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      vault, signer, Number(everyone))
  }

  get count(): number {
    return this.#db.row<{ count: number }>('SELECT count(DISTINCT vault) AS count FROM decoy')?.count ?? 0
  }

  /**
   * Whether opening this vault gives the reader away. A custodian's word counts against its own people alone: one who
   * calls a real patient a decoy must not be able to have another hospital's doctors locked.
   */
  catches(vault: Uint8Array, { houses }: Standing): boolean {
    return this.#db.rows<{ signer: Uint8Array; everyone: number }>(
      'SELECT signer, everyone FROM decoy WHERE vault = ?', vault)
      .some(({ signer, everyone }) => everyone === 1 || houses.some((house) => equalBytes(house, signer)))
  }
}

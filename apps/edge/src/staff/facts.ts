/**
 * Signed facts about patients, kept until they end and shown to trustees with an opening that they explain. Sealed like
 * everything here. Only what verified comes in; whether it explains anything, trustees decide by themselves.
 */
import type { KnownFact } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'

export interface KeptFact extends KnownFact {
  /** The signed statement, and the statuses of whoever signed it; in base64. */
  readonly signed: string
  readonly statuses: readonly string[]
}

export class FactShelf {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #now: () => number

  constructor({ db, cabinet, now }: { readonly db: Database; readonly cabinet: Cabinet; readonly now: () => number }) {
    this.#db = db
    this.#cabinet = cabinet
    this.#now = now
  }

  /** The newest stay where there are more than the limit: a desk that repeats itself pushes nobody out. */
  keep(fact: KeptFact): void {
    const others = this.of(fact.vault).filter(({ signed }) => signed !== fact.signed)
    const kept = [fact, ...others].slice(0, EDGE_LIMITS.factsKept)
    const row = this.#cabinet.lookup('fact', fact.vault)
    this.#db.write(true, () =>
      this.#db.put('fact', row, this.#cabinet.seal('fact', row, Buffer.from(JSON.stringify(kept)))))
  }

  /** Those that have not ended, the newest first. */
  of(vault: string): KeptFact[] {
    const row = this.#cabinet.lookup('fact', vault)
    const sealed = this.#db.get('fact', row)
    if (sealed === undefined) return []
    return this.#opened(row, sealed)
  }

  /** Those of all patients that have not ended and are one reader's, by somebody else's word. */
  expected(): KeptFact[] {
    return [...this.#db.all('fact')].flatMap(({ row, sealed }) => this.#opened(row, sealed))
      .filter(({ reader, signer }) => reader !== undefined && reader !== signer)
  }

  /** What may explain this reader's opening: never the reader's own word, which trustees would not count. */
  for(vault: string, reader: string): KeptFact[] {
    return this.of(vault)
      .filter((fact) => fact.signer !== reader && (fact.reader === undefined || fact.reader === reader))
      .slice(0, EDGE_LIMITS.factsShown)
  }

  #opened(row: Uint8Array, sealed: Uint8Array): KeptFact[] {
    return (JSON.parse(this.#cabinet.open('fact', row, sealed).toString()) as KeptFact[])
      .filter(({ until }) => until > this.#now())
  }
}

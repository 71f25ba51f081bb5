/**
 * The organisation's own register of what it opened, for its privacy officer: where this edge is what was broken into,
 * the list of the people concerned is still there. A copy of each entry is kept sealed on this disk when the entry is
 * made, and moves into the access log of the organisation's own vault soon after, where it is kept as long as those.
 */
import type { AuditEvent } from '@medplum/fhirtypes'
import { ACCESS_LOG, type AccessFacts, handleOf, SdkError, type Vault, type WriteItem } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import { entryText } from './facts.ts'

export interface RegisterOptions {
  readonly db: Database
  readonly cabinet: Cabinet
  /** The organisation's own vault; undefined before it was made. */
  readonly own: () => { readonly id: string; readonly vault: () => Promise<Pick<Vault, 'write'>> } | undefined
  readonly log: Log
}

/** The copy has a name of its own: the patient's entry has the access's. */
const copyOf = (text: string): string => {
  const event = JSON.parse(text) as AuditEvent
  return JSON.stringify({ ...event, id: `r-${event.id ?? ''}` })
}

type Row = ReturnType<Database['after']>[number]

export class Register {
  readonly #options: RegisterOptions
  #moving: Promise<void> | undefined

  constructor(options: RegisterOptions) {
    this.#options = options
  }

  /** Words the entry about an access, and keeps a copy. The organisation's own records are no patient's. */
  readonly text = (facts: AccessFacts): string => {
    const { cabinet, db, log, own } = this.#options
    const text = entryText(facts)
    if (own()?.id === facts.vault) return text
    const row = cabinet.lookup('register', `${facts.access}/${facts.openedOffline ?? ''}`)
    db.write(false, () => db.put('register', row, cabinet.seal('register', row, Buffer.from(copyOf(text)))))
    try {
      db.flush() // with the system, so that it outlives this process
    } catch (error) {
      // A full disk: it waits in memory. Care goes on, and the patient's own entry is not here.
      log('register-not-kept', faultFields(error))
    }
    return text
  }

  /** Copies that are on this disk only. */
  get waiting(): number {
    return this.#options.db.count('register')
  }

  /** Moves what waits into the vault. What cannot be moved now waits on. */
  move(): Promise<void> {
    this.#moving ??= this.#moveAll()
      .catch((error: unknown) => this.#options.log('register-not-moved', faultFields(error)))
      .finally(() => {
        this.#moving = undefined
      })
    return this.#moving
  }

  async #moveAll(): Promise<void> {
    const { db, own } = this.#options
    const vault = await own()?.vault()
    if (vault === undefined) return
    for (;;) {
      const rows = db.after('register', undefined, EDGE_LIMITS.registerBatch)
      if (rows.length === 0) return
      await this.#write(vault, rows)
      db.write(false, () => rows.forEach(({ row }) => db.drop('register', row)))
    }
  }

  async #write(vault: Pick<Vault, 'write'>, rows: readonly Row[]): Promise<void> {
    const { cabinet } = this.#options
    const items = rows.map(({ row, sealed }): WriteItem => {
      const content = cabinet.open('register', row, sealed)
      const { id = '' } = JSON.parse(content.toString()) as AuditEvent
      const handle = handleOf(cabinet.handleKey, 'AuditEvent', id)
      return { category: ACCESS_LOG, handle, version: 1, content: new Uint8Array(content), retention: 'access-log' }
    })
    try {
      await vault.write(items)
    } catch (error) {
      // Moved already, by an attempt whose answer was lost: the rest is written without those.
      if (!(error instanceof SdkError) || error.problem !== 'version-exists') throw error
      const there = new Set(error.items)
      const rest = items.filter((_, place) => !there.has(place))
      if (there.size === 0) throw error
      if (rest.length > 0) await vault.write(rest)
    }
  }
}

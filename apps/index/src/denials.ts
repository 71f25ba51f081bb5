/**
 * Refused accesses on record: the index's signed word that somebody asked for what it may not open, for the custodian
 * and the owner to see. Who asks is anybody with a registered key, so how much of the log each may fill is bounded.
 */
import type { Identity } from '@scelle/seal/identity'
import { type Access, type Context, Denial, encode, statementId, SUITE } from '@scelle/seal/verify'
import type { ProblemCode } from '@scelle/wire/errors'
import { Cache } from './cache.ts'
import { HourlyCounts } from './hourly.ts'
import { INDEX_LIMITS } from './limits.ts'
import { nameOf } from './names.ts'
import type { Store } from './store.ts'

/** A verified access that was refused. */
export interface RefusedAccess {
  readonly id: Uint8Array
  /** The signed statement. */
  readonly bytes: Uint8Array
  readonly access: Access
}

export interface DenialsOptions {
  readonly identity: Identity
  readonly store: Store
  readonly context: Context
}

export class Denials {
  readonly #options: DenialsOptions
  readonly #counts = new HourlyCounts(INDEX_LIMITS.deniedPrincipals)
  /** Accesses whose refusal is on record: asked again, they are refused again without another leaf. */
  readonly #told = new Cache<true>(INDEX_LIMITS.deniedPrincipals)

  constructor(options: DenialsOptions) {
    this.#options = options
  }

  /** Puts it on record where the vault has that part, unless there were too many. */
  async record(problem: ProblemCode, { id, bytes, access }: RefusedAccess): Promise<void> {
    const { identity, store, context } = this.#options
    const time = Math.floor(context.now() / 1000)
    const known = (await store.categories(access.vault, access.custodian)).length > 0
    if (!known || !this.#counted(id, access, time)) return
    const signed = await identity.sign('denial', encode(Denial, {
      suite: SUITE, server: identity.id, vault: access.vault, reader: access.reader, access: id, problem, time,
      salt: context.random(16),
    }))
    await store.apply([{
      kind: 'denial',
      statement: { id: statementId(signed), bytes: signed },
      vault: access.vault,
      custodian: access.custodian,
      reader: access.reader,
      access: bytes,
    }])
  }

  #counted(id: Uint8Array, { reader }: Access, time: number): boolean {
    if (this.#told.get(nameOf(id)) === true) return false
    if (!this.#counts.take(reader, INDEX_LIMITS.denialsPerHour, time)) return false
    this.#told.set(nameOf(id), true)
    return true
  }
}

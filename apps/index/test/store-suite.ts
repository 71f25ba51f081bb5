/** What the contract's tests work with: a store, made-up operations, and a few of them put together. */
import { expect } from 'vitest'
import type { FeedQuery, Operation, Outcome, Store } from '../src/store.ts'
import { capsule, commit, keyRecord, type Random, record, vault } from './operations.ts'
import { seeded } from './world.ts'

export interface OpenedStore {
  readonly store: Store
  /** Closes it and opens the same data again. */
  readonly reopen: () => Promise<OpenedStore>
  readonly remove: () => Promise<void>
}

export interface Made {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly categories: Uint8Array[]
  readonly made: ReturnType<typeof vault>
}

const ALL = -1

export class Suite {
  #opened!: OpenedStore
  #random!: Random

  start(opened: OpenedStore): void {
    this.#opened = opened
    this.#random = seeded('conformance')
  }

  async end(): Promise<void> {
    await this.#opened.remove()
  }

  async reopen(): Promise<void> {
    this.#opened = await this.#opened.reopen()
  }

  get store(): Store {
    return this.#opened.store
  }

  random = (length: number): Uint8Array => this.#random(length)

  one = async (operation: Operation): Promise<Outcome> => {
    const [outcome] = await this.store.apply([operation])
    return outcome as Outcome
  }

  must = async (operation: Operation): Promise<number> => requireStored(operation, await this.one(operation))

  setUp = async (categories = 2): Promise<Made> => {
    // Other leaves of the log: what is ordered within a vault must not be taken for the log's order.
    for (let i = 0; i < 3; i++) await this.must(keyRecord(this.#random, this.random(32), 0))
    const custodian = this.random(32)
    const ids = Array.from({ length: categories }, () => this.random(16))
    const made = vault(this.#random, custodian, ids)
    await this.must(made)
    return { vault: made.statement.id, custodian, categories: ids, made }
  }

  feedOf = (part: { vault: Uint8Array; custodian: Uint8Array }, query: Partial<FeedQuery> = {}) =>
    this.store.feed({
      vault: part.vault,
      custodian: part.custodian,
      mask: ALL,
      after: 0,
      limit: 100,
      maxBytes: 1e6,
      ...query,
    })

  write = async (part: Made, place = 0, author = part.custodian) => {
    const made = capsule(this.#random, part.categories[place] as Uint8Array)
    const operation = commit(
      this.#random,
      { vault: part.vault, custodian: part.custodian, author },
      { capsules: [made], records: [record(this.#random, made.capsule)] },
    )
    return { made, operation, sequence: await this.must(operation) }
  }
}

/**
 * Its sequence number. The signer of these tests signs with the statement's id, so a position mixed up is seen; those
 * of commits are signed by whoever answers.
 */
const requireStored = (operation: Operation, outcome: Outcome): number => {
  if ('problem' in outcome) throw new Error(`refused: ${outcome.problem} ${outcome.detail ?? ''}`)
  const { id } = operation.statement
  const signature = operation.kind === 'commit' ? [] : [...id, ...id]
  expect(outcome.position.signature).toEqual(new Uint8Array(signature))
  return outcome.position.sequence
}

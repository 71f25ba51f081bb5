/**
 * What the authorization server remembers, in memory alone: each row ends with an edge session, and those are in memory
 * alone as well. Whoever takes the disk takes no code, no token and no key of it (docs/decisions/0030-smart.md).
 */
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'
import { EDGE_LIMITS } from '../limits.ts'

interface Row {
  readonly payload: AdapterPayload
  readonly expires: number
}

export class OAuthStore {
  readonly #rows = new Map<string, Row>()
  readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  get size(): number {
    return this.#rows.size
  }

  /** Throws `temporarily_unavailable` when it is full, of all or of one application: what is there stays. */
  put(key: string, payload: AdapterPayload, seconds: number): void {
    if (!this.#rows.has(key)) this.#requireRoom(payload.clientId)
    this.#rows.set(key, { payload, expires: this.now() + seconds * 1_000 })
  }

  get(key: string): AdapterPayload | undefined {
    const row = this.#rows.get(key)
    if (row !== undefined && row.expires > this.now()) return row.payload
    this.#rows.delete(key)
    return undefined
  }

  find(kind: string, fits: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, { payload }] of this.#rows) if (key.startsWith(`${kind} `) && fits(payload)) return this.get(key)
    return undefined
  }

  drop(key: string): void {
    this.#rows.delete(key)
  }

  /** Drops what fits. */
  dropAll(fits: (payload: AdapterPayload) => boolean): void {
    for (const [key, { payload }] of this.#rows) if (fits(payload)) this.#rows.delete(key)
  }

  #requireRoom(client: string | undefined): void {
    if (this.#rows.size >= EDGE_LIMITS.oauthRows) this.#sweep()
    const own = client === undefined || this.#rows.size < EDGE_LIMITS.oauthRowsEach ? 0 : this.#countOf(client)
    if (this.#rows.size >= EDGE_LIMITS.oauthRows || own >= EDGE_LIMITS.oauthRowsEach) {
      throw new errors.TemporarilyUnavailable('too much is under way: try again later')
    }
  }

  #countOf(client: string): number {
    this.#sweep()
    return [...this.#rows.values()].filter(({ payload }) => payload.clientId === client).length
  }

  #sweep(): void {
    const now = this.now()
    for (const [key, { expires }] of this.#rows) if (expires <= now) this.#rows.delete(key)
  }
}

/** The adapter of one kind of row, as `oidc-provider` calls it. */
export const adapterOf = (store: OAuthStore) => (kind: string): Adapter => {
  const key = (id: string): string => `${kind} ${id}`
  return {
    upsert: async (id, payload, seconds) => store.put(key(id), payload, seconds ?? EDGE_LIMITS.signInTime),
    find: async (id) => store.get(key(id)),
    findByUid: async (uid) => store.find(kind, (payload) => payload.uid === uid),
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const payload = store.get(key(id))
      if (payload !== undefined) payload.consumed = Math.floor(store.now() / 1000)
    },
    destroy: async (id) => store.drop(key(id)),
    revokeByGrantId: async (grant) => store.dropAll((payload) => payload.grantId === grant),
  }
}

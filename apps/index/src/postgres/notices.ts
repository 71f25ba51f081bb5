/**
 * What processes of one database tell one another by NOTIFY. A notification is lost with its connection, so each of
 * them is a courtesy: whoever waits for one looks by itself from time to time. They are sent outside of transactions
 * that write, because the server lets transactions with notifications commit only one after another.
 */
import type { Client, Pool } from 'pg'
import { INDEX_LIMITS } from '../limits.ts'
import { connectAlone } from './connect.ts'
import { prepared } from './prepared.ts'

/**
 * `pending`: leaves wait for their numbers. `leaves`: some got theirs. `published`: a checkpoint or cosignatures were
 * stored. `wanted`: somebody waits for a leaf, whose number goes with it.
 */
export type Notice = 'pending' | 'leaves' | 'published' | 'wanted'

const CHANNEL = { pending: 'scelle_pending', leaves: 'scelle_leaves', published: 'scelle_log', wanted: 'scelle_wanted' }
const LISTEN = Object.values(CHANNEL).map((channel) => `LISTEN ${channel}`).join('; ')
const NOTIFY = prepared('SELECT pg_notify($1, $2)')

export class Notices {
  readonly #database: string
  readonly #pool: Pool
  readonly #heard = new Map<string, (number: number) => void>()
  /** By notice, what is to be told next; a notice is here while one is being told. */
  readonly #telling = new Map<Notice, number | undefined>()
  readonly #ended: Promise<void>
  #client: Client | undefined
  #closed = false
  /** Called when notifications may have been lost. */
  connected: () => void = () => undefined

  constructor(database: string, pool: Pool) {
    this.#database = database
    this.#pool = pool
    this.#ended = this.#listen()
  }

  /** From whatever process, this one included. One listener each. */
  on(notice: Notice, call: (number: number) => void): void {
    this.#heard.set(CHANNEL[notice], call)
  }

  /** One at a time: what comes meanwhile is told together, by the largest number. `on`: a connection to use for it. */
  tell(notice: Notice, number?: number, on?: Client): void {
    const underWay = this.#telling.has(notice)
    const before = this.#telling.get(notice) ?? 0
    this.#telling.set(notice, Math.max(before, number ?? 0))
    if (!underWay) void this.#tell(notice, on ?? this.#pool)
  }

  async #tell(notice: Notice, on: Client | Pool): Promise<void> {
    for (let next = this.#telling.get(notice); next !== undefined; next = this.#telling.get(notice)) {
      this.#telling.set(notice, undefined)
      await NOTIFY(on, CHANNEL[notice], String(next)).catch(() => undefined)
    }
    this.#telling.delete(notice)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#client?.end().catch(() => undefined)
    await this.#ended
  }

  async #listen(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#listenOn(await connectAlone(this.#database))
      } catch {
        await new Promise((resolve) => void setTimeout(resolve, this.#closed ? 0 : INDEX_LIMITS.reconnectPause))
      }
    }
  }

  async #listenOn(client: Client): Promise<void> {
    this.#client = client
    const gone = new Promise<void>((resolve) => void client.once('end', resolve))
    try {
      if (this.#closed) return
      client.on('notification', ({ channel, payload }) => this.#heard.get(channel)?.(Number(payload) || 0))
      await client.query(LISTEN)
      this.connected()
      await gone
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

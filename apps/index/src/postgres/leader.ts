/**
 * One process gives leaves their numbers and publishes. A session's lock finds it; what makes it safe is its term, a
 * number in the log's row that grows with every leader and is checked inside every transaction of the log. So a leader
 * that was paused, or cut off, and wakes up while another leads changes nothing.
 */
import type { Client } from 'pg'
import { INDEX_LIMITS } from '../limits.ts'
import { connectAlone } from './connect.ts'
import { prepared } from './prepared.ts'
import { Signal } from './signal.ts'
import type { Placed, Watch } from './watch.ts'

const LEADER_LOCK = 7_236_002

const TRY = prepared<{ got: boolean }>(`SELECT pg_try_advisory_lock(${LEADER_LOCK}) AS got`)
const UNLOCK = prepared(`SELECT pg_advisory_unlock(${LEADER_LOCK})`)
interface Head { readonly term: number; readonly locked: boolean; readonly beat: number; readonly size: number }
const HEAD = prepared<Head>('SELECT term, locked, beat, size FROM log_head')
const TAKE = prepared<{ term: number }>(
  'UPDATE log_head SET term = term + 1, locked = $2::boolean WHERE term = $1 RETURNING term',
)
const BEAT = prepared<{ term: number }>(
  'UPDATE log_head SET beat = beat + 1, locked = $2::boolean WHERE term = $1 RETURNING term',
)

/**
 * One transaction. The row of the head is locked by it, so leaders follow one another there, and the one whose term has
 * ended finds no row. Numbers have no gaps: those of a transaction that fails are given again. All parts of it see the
 * same rows, so what is up to the batch's last is the batch.
 */
const SEQUENCE = prepared<Placed>(`WITH batch AS MATERIALIZED (
    SELECT no, vault, seq, id, salt, subject, row_number() OVER (ORDER BY no) AS place
    FROM (SELECT * FROM pending ORDER BY no LIMIT $2) AS first),
  head AS (
    UPDATE log_head SET size = size + (SELECT count(*) FROM batch)
    WHERE term = $1 AND EXISTS (SELECT FROM batch) RETURNING size),
  gone AS (DELETE FROM pending WHERE no <= (SELECT max(no) FROM batch) AND EXISTS (SELECT FROM head)),
  placed AS (
    INSERT INTO leaves (sequence, vault, seq, id, salt, subject)
    SELECT head.size - (SELECT count(*) FROM batch) + place, vault, seq, id, salt, subject FROM batch, head ORDER BY no
    RETURNING vault, seq, sequence)
  SELECT vault, seq, sequence FROM placed`)

export type LeaderPoint = 'sequence-begun' | 'sequence-written'

export interface LeaderOptions {
  readonly database: string
  readonly watch: Watch
  readonly faultPoint: (point: LeaderPoint) => void
}

/** A connection and the term under which it may write to the log. */
export interface Led {
  readonly client: Client
  readonly term: number
  locked: boolean
}

const pause = async (milliseconds: number): Promise<void> => {
  if (milliseconds > 0) await new Promise((resolve) => void setTimeout(resolve, milliseconds))
}

export class Leader {
  readonly #options: LeaderOptions
  readonly #wake = new Signal()
  readonly #ended: Promise<void>
  readonly #tried = Promise.withResolvers<boolean>()
  #led: Led | undefined
  #waiting: (() => void)[] = []
  #closed = false

  constructor(options: LeaderOptions) {
    this.#options = options
    options.watch.pending = () => {
      if (this.#led !== undefined) this.#wake.raise()
    }
    options.watch.leads = () => this.#led !== undefined
    this.#ended = this.#run()
  }

  get led(): Led | undefined {
    return this.#led
  }

  /** Whether the first try was enough: nobody led when this process came. */
  get tried(): Promise<boolean> {
    return this.#tried.promise
  }

  /** Waits until this process leads. Rejects with the signal's reason. */
  async lead(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#led !== undefined) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    this.#waiting.push(resolve)
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Leads no more, and does not try to: another process is to. */
  async close(): Promise<void> {
    this.#closed = true
    this.#tried.resolve(false)
    this.#wake.raise()
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      let client: Client | undefined
      try {
        client = await connectAlone(this.#options.database)
        const led = await this.#campaign(client)
        if (led !== undefined) await this.#hold(led)
      } catch {
        // The connection is gone or the term has ended: somebody else leads by now, or this process will again.
        if (!this.#closed) await this.#wake.wait(INDEX_LIMITS.reconnectPause)
      } finally {
        this.#led = undefined
        await client?.end().catch(() => undefined)
      }
    }
  }

  /** The term that this process leads in; undefined when it is closed before. */
  async #campaign(client: Client): Promise<Led | undefined> {
    let seen = ''
    let since = 0
    while (!this.#closed) {
      const [[lock], [head]] = await Promise.all([TRY(client), HEAD(client)])
      if (lock === undefined || head === undefined) throw new Error('the log has no head')
      const now = performance.now()
      const state = `${head.term}/${head.beat}/${head.size}`
      if (state !== seen) since = now
      seen = state
      // Whoever leads beats every second. One that does not stands still, and loses its term, lock or no lock.
      const silent = now - since >= INDEX_LIMITS.leaderSilence * 1000
      const [taken] = silent || (lock.got && head.locked) ? await TAKE(client, head.term, String(lock.got)) : []
      if (taken !== undefined) return { client, term: taken.term, locked: lock.got }
      // It leads without the lock because a predecessor that stood still had it: it is to get it now.
      if (lock.got) await UNLOCK(client)
      this.#tried.resolve(false)
      await this.#wake.wait(INDEX_LIMITS.campaignInterval)
    }
    return undefined
  }

  async #hold(led: Led): Promise<void> {
    this.#led = led
    for (const resolve of this.#waiting.splice(0)) resolve()
    this.#tried.resolve(true)
    let beat = performance.now()
    while (!this.#closed) {
      const begun = performance.now()
      const placed = await this.#sequence(led)
      if (performance.now() - beat >= INDEX_LIMITS.beat * 1000) {
        await this.#beat(led)
        beat = performance.now()
      }
      if (placed === 0) await this.#wake.wait(INDEX_LIMITS.lookInterval)
      // At once when idle. Under load, more leaves share a transaction.
      else if (placed < INDEX_LIMITS.sequenceBatch) await pause(begun + INDEX_LIMITS.sequenceEvery - performance.now())
    }
  }

  async #beat(led: Led): Promise<void> {
    if (!led.locked) led.locked = (await TRY(led.client))[0]?.got === true
    const [mine] = await BEAT(led.client, led.term, String(led.locked))
    if (mine === undefined) throw new Error('another process leads')
  }

  async #sequence({ client, term }: Led): Promise<number> {
    const { faultPoint, watch } = this.#options
    faultPoint('sequence-begun')
    const rows = await SEQUENCE(client, term, INDEX_LIMITS.sequenceBatch)
    if (rows.length === 0) return 0
    faultPoint('sequence-written')
    watch.placed(rows)
    watch.tell(client)
    return rows.length
  }
}

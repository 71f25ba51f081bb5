/** Time in the hand of a test: it stands still until it is told to go on. */
import type { Timers } from '@scelle/sdk'

interface Due {
  readonly at: number
  readonly run: () => void
  /** Somebody waits for it: time may go there by itself. */
  readonly awaited: boolean
  /** Set by a server that answers a request when the timer ends, or before. */
  readonly serving: boolean
}

/** Lets everything that is ready run: promises, then sockets and files. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Looks that the clock takes at a world where nothing moves, before it goes on: 2 ms each. */
const STILL = 3
/** The same while servers work, but one of them waits for a timer: others may wait for that one. */
const STUCK = 500

/** Turns of the event loop after which a server is not waited for any more: it may wait for something else. */
const TURNS = 1_000

export class TestClock {
  #now: number
  readonly #due = new Set<Due>()
  readonly #jump: number
  #pump: NodeJS.Timeout | undefined

  /**
   * `jump`: while somebody waits for a timer at most this many milliseconds ahead, and nothing else moves, time goes
   * there by itself, so that retries and timeouts need no help. 0 never does.
   */
  constructor(start: number, jump: number) {
    this.#now = start
    this.#jump = jump
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => this.#now

  readonly timers: Timers = {
    after: (ms, then, awaited = true) => {
      if (ms <= 0) {
        const soon = setImmediate(then)
        return () => clearImmediate(soon)
      }
      return this.#add({ at: this.#now + ms, run: then, awaited, serving: false })
    },
  }

  /**
   * For servers. Their retries and what they do now and then wait until time goes on for somebody else's sake: one that
   * is down would otherwise have the days fly by. Only where a request waits for the timer does time go there.
   */
  readonly background: Timers = {
    after: (ms, then, awaited = false) => {
      if (ms <= 0) return this.timers.after(0, then)
      return this.#add({ at: this.#now + ms, run: then, awaited, serving: awaited })
    },
  }

  #add(due: Due): () => void {
    this.#due.add(due)
    this.#watch()
    return () => this.#due.delete(due)
  }

  /** Goes on by `ms`, running every timer in its order and what follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#run(next)
      await this.#settle()
    }
    this.#now = end
    await this.#settle()
  }

  /** Until servers have answered what they are asked: what they do takes no time of this clock. */
  async #settle(): Promise<void> {
    for (let turns = 0; turns === 0 || (turns < TURNS && this.busy(this.#serving())); turns++) await settle()
  }

  /** Requests that wait for a server's timer. */
  #serving(): number {
    let count = 0
    for (const { serving } of this.#due) if (serving) count++
    return count
  }

  /** Sets the time without running anything: a clock that was put right, or wrong. */
  set(now: number): void {
    this.#now = now
  }

  stop(): void {
    clearInterval(this.#pump)
    this.#pump = undefined
    this.#due.clear()
  }

  #next(): Due | undefined {
    let first: Due | undefined
    for (const due of this.#due) if (first === undefined || due.at < first.at) first = due
    return first
  }

  #run(due: Due): void {
    this.#due.delete(due)
    this.#now = Math.max(this.#now, due.at)
    due.run()
  }

  /**
   * True while something is under way that needs no timer: then time stands. `waiting`: requests that wait for a
   * server's timer. Set by the network.
   */
  busy: (waiting: number) => boolean = () => false
  /** Counts what the network carries. */
  moves: () => number = () => 0

  #watch(): void {
    if (this.#jump === 0 || this.#pump !== undefined || ![...this.#due].some(({ awaited }) => awaited)) return
    const quiet = { looks: 0, moves: -1, needed: STILL }
    this.#pump = setInterval(() => {
      const due = [...this.#due]
      const soon = due.some(({ at, awaited }) => awaited && at - this.#now <= this.#jump)
      const serving = this.#serving()
      const needed = this.busy(serving) ? (serving > 0 ? STUCK : Infinity) : STILL
      const same = soon && needed === quiet.needed && (needed === STILL || this.moves() === quiet.moves)
      Object.assign(quiet, { looks: same ? quiet.looks + 1 : 0, moves: this.moves(), needed })
      const next = this.#next()
      if (quiet.looks >= needed && next !== undefined) {
        quiet.looks = 0
        this.#run(next)
      }
      if (!due.some(({ awaited }) => awaited)) {
        clearInterval(this.#pump)
        this.#pump = undefined
      }
    }, 2)
    this.#pump.unref()
  }
}

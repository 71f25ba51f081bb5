/**
 * Requests under way, by session: what a closed chart held is overwritten, but not while somebody who was given it may
 * still be reading, or half an answer would be zeros.
 */
interface Turns {
  next: number
  /** In the order in which they began. */
  readonly running: Set<number>
  readonly waiting: { readonly before: number; readonly work: () => void }[]
}

export class Underway {
  readonly #turns = new Map<string, Turns>()

  /** A request begins; the answer ends it. Ending twice is ending once. */
  begin(session: string): () => void {
    const turns = this.#turns.get(session) ?? { next: 0, running: new Set(), waiting: [] }
    this.#turns.set(session, turns)
    const turn = turns.next++
    turns.running.add(turn)
    return () => {
      if (!turns.running.delete(turn)) return
      flush(turns)
      if (turns.running.size === 0 && this.#turns.get(session) === turns) this.#turns.delete(session)
    }
  }

  /** Does `work` once every request of the session that is under way now has ended; at once if there is none. */
  after(session: string, work: () => void): void {
    const turns = this.#turns.get(session)
    if (turns === undefined) work()
    else turns.waiting.push({ before: turns.next, work })
  }

  /** Does `work` once every request of any session that is under way now has ended. */
  afterAll(work: () => void): void {
    let left = 1
    const one = (): void => {
      if (--left === 0) work()
    }
    for (const session of this.#turns.keys()) {
      left++
      this.after(session, one)
    }
    one()
  }
}

const flush = ({ running, waiting }: Turns): void => {
  const [oldest = Number.POSITIVE_INFINITY] = running
  while (waiting[0] !== undefined && waiting[0].before <= oldest) waiting.shift()?.work()
}

/**
 * The trustee's ledger in memory: the same answers as the one on disk, which `drills/test/ledger.test.ts` compares, at
 * the speed that years of openings take.
 */
import type { LedgerLike } from '@scelle/trustee/meter'

const DAY = 24 * 3_600
const SPANS = { hour: 3_600, shift: 12 * 3_600, day: DAY, month: 30 * DAY } as const

const names = new WeakMap<Uint8Array, string>()
const nameOf = (id: Uint8Array): string => {
  const known = names.get(id)
  if (known !== undefined) return known
  const name = Buffer.from(id).toString('latin1')
  names.set(id, name)
  return name
}

interface Span {
  readonly length: number
  horizon: number
  count: number
  /** Place in the events of the first that may still lie within. */
  head: number
}

class Counted {
  readonly times = new Map<string, number>()
  readonly events: { readonly time: number; readonly vault: string }[] = []
  readonly spans = new Map<string, Span>(Object.entries(SPANS).map(([name, length]) =>
    [name, { length, horizon: -Infinity, count: 0, head: 0 }]))

  move(window: string, now: number): Span {
    const span = this.spans.get(window) as Span
    const horizon = Math.max(span.horizon, now - span.length)
    span.horizon = horizon
    for (let event = this.events[span.head]; event !== undefined && event.time <= horizon;
      event = this.events[++span.head]) {
      if (this.times.get(event.vault) === event.time) span.count--
    }
    return span
  }
}

export class FastLedger implements LedgerLike {
  readonly #counted = new Map<string, Counted>()
  readonly #days = new Map<string, Map<number, number>>()
  readonly #confirmed = new Set<string>()
  readonly #confirmedFor = new Map<string, number[]>()

  count(meter: Uint8Array, measure: string, window: string, now: number): number {
    return this.#of(meter, measure).move(window, now).count
  }

  has(meter: Uint8Array, measure: string, window: string, vault: Uint8Array, now: number): boolean {
    const counted = this.#of(meter, measure)
    const last = counted.times.get(nameOf(vault))
    return last !== undefined && last > counted.move(window, now).horizon
  }

  add(meter: Uint8Array, measure: string, vault: Uint8Array, now: number): void {
    const counted = this.#of(meter, measure)
    const name = nameOf(vault)
    const last = counted.times.get(name)
    for (const [window, { length }] of counted.spans) {
      const span = counted.move(window, now)
      if (last !== undefined && last > span.horizon) continue
      span.count++
      if (measure === 'own' && length === DAY) this.#addToDay(meter, now)
    }
    counted.times.set(name, now)
    counted.events.push({ time: now, vault: name })
  }

  pastDays(meter: Uint8Array, days: number, now: number): { days: number; most: number } {
    const today = Math.floor(now / DAY)
    const counts = [...this.#days.get(nameOf(meter)) ?? []].flatMap(([day, count]) =>
      day >= today - days && day < today ? [count] : [])
    return { days: counts.length, most: Math.max(0, ...counts) }
  }

  lastSeen(meter: Uint8Array): number | undefined {
    return this.#of(meter, 'seen').events.at(-1)?.time
  }

  confirmations(meter: Uint8Array, colleague: boolean, now: number): number {
    const times = this.#confirmedFor.get(`${colleague}/${nameOf(meter)}`) ?? []
    return times.length - times.findLastIndex((time) => time <= now - DAY) - 1
  }

  isConfirmed(statement: Uint8Array): boolean {
    return this.#confirmed.has(nameOf(statement))
  }

  confirm(statement: Uint8Array, meter: Uint8Array, colleague: boolean, now: number): void {
    if (this.isConfirmed(statement)) return
    this.#confirmed.add(nameOf(statement))
    const name = `${colleague}/${nameOf(meter)}`
    const times = this.#confirmedFor.get(name) ?? []
    this.#confirmedFor.set(name, times)
    times.push(now)
  }

  #of(meter: Uint8Array, measure: string): Counted {
    const name = `${measure}/${nameOf(meter)}`
    const known = this.#counted.get(name) ?? new Counted()
    this.#counted.set(name, known)
    return known
  }

  #addToDay(meter: Uint8Array, now: number): void {
    const days = this.#days.get(nameOf(meter)) ?? new Map<number, number>()
    this.#days.set(nameOf(meter), days)
    const day = Math.floor(now / DAY)
    days.set(day, (days.get(day) ?? 0) + 1)
  }
}

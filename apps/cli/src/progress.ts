/** A progress bar with rate and time left on a terminal; a line now and then where output is kept in a file. */
import type { Language } from './messages.ts'
import { MESSAGES } from './messages.ts'

const WIDTH = 28
const REDRAW_MS = 100
const LINE_MS = 10_000

export interface Terminal {
  readonly isTTY: boolean
  readonly columns: number
  write(text: string): void
}

/** Hours, minutes and seconds, the two largest that matter. */
export const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

const bar = (share: number): string => {
  const full = Math.round(share * WIDTH)
  return '█'.repeat(full) + '░'.repeat(WIDTH - full)
}

/** `total` is in units of work (bytes, patients); `count` is what people read (resources). */
export class Progress {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #total: number
  readonly #language: Language
  readonly #started: number
  #done = 0
  #count = 0
  #drawn = -Infinity

  constructor(terminal: Terminal, now: () => number, total: number, language: Language) {
    this.#terminal = terminal
    this.#now = now
    this.#total = Math.max(1, total)
    this.#language = language
    this.#started = now()
  }

  get count(): number {
    return this.#count
  }

  add(work: number, count: number): void {
    this.#done += work
    this.#count += count
    this.#draw(false)
  }

  finish(): void {
    this.#draw(true)
    if (this.#terminal.isTTY) this.#terminal.write('\n')
  }

  /** The line as it would be drawn now. */
  line(): string {
    const { remaining, resources } = MESSAGES[this.#language]
    const elapsed = Math.max(1, this.#now() - this.#started)
    const share = Math.min(1, this.#done / this.#total)
    const rate = Math.round((this.#count * 1000) / elapsed)
    const left = share > 0 && share < 1 ? `  ${remaining(duration((elapsed * (1 - share)) / share))}` : ''
    return `${bar(share)} ${Math.floor(share * 100)} %  ${this.#count} ${resources}  ${rate}/s${left}`
  }

  #draw(last: boolean): void {
    const now = this.#now()
    const every = this.#terminal.isTTY ? REDRAW_MS : LINE_MS
    if (!last && now - this.#drawn < every) return
    this.#drawn = now
    if (this.#terminal.isTTY) this.#terminal.write(`\r\u001b[K${this.line().slice(0, this.#terminal.columns - 1)}`)
    else this.#terminal.write(`${this.line()}\n`)
  }
}

/**
 * Whose key is pulled is gone: what they had open closes at once, before anybody else sits down. Which of several keys
 * somebody signed in with is known to the browser alone, so each that was there then counts as theirs: one too many
 * locks a screen, one too few leaves it open.
 */
import { CLI_LIMITS } from '../limits.ts'
import type { FidoDevices } from './fido-devices.ts'

export interface KeyWatchOptions {
  readonly devices: Pick<FidoDevices, 'now'>
  readonly now: () => number
  /** A key of this holder's (the digest of their token) is gone. */
  readonly pulled: (holder: string) => void
}

export class KeyWatch {
  readonly #options: KeyWatchOptions
  #present: ReadonlySet<string>
  /** When each key went, for a moment. */
  readonly #gone = new Map<string, number>()
  /** By holder: keys that were there when they signed in. */
  readonly #held = new Map<string, ReadonlySet<string>>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: KeyWatchOptions) {
    this.#options = options
    this.#present = options.devices.now()
  }

  /** Looks several times a second until it is stopped. */
  start(): void {
    this.#timer ??= setInterval(() => {
      this.look()
    }, CLI_LIMITS.keyInterval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  look(): void {
    const now = this.#options.now()
    const present = this.#options.devices.now()
    const gone = [...this.#present].filter((key) => !present.has(key))
    this.#present = present
    for (const [key, at] of this.#gone) if (now - at > CLI_LIMITS.keyGrace) this.#gone.delete(key)
    for (const key of gone) this.#gone.set(key, now)
    if (gone.length === 0) return
    for (const [holder, keys] of this.#held) if (gone.some((key) => keys.has(key))) this.#end(holder)
  }

  /**
   * Somebody signed in. A key that was touched and pulled before its answer came here is theirs as well, and gone.
   * Where no key is plugged in there is none to pull: what they signed in with is part of another device.
   */
  signedIn(holder: string): void {
    this.look()
    this.#held.set(holder, this.#present)
    if (this.#gone.size > 0) this.#end(holder)
  }

  /** They signed out by themselves. */
  signedOut(holder: string): void {
    this.#held.delete(holder)
  }

  #end(holder: string): void {
    this.#held.delete(holder)
    this.#options.pulled(holder)
  }
}

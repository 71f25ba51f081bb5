/** The patients in this organisation's care, searchable without opening a chart. Loaded at the first search. */
import type { Entry } from './entry.ts'
import type { Opening } from './charts.ts'
import { Records } from './records.ts'
import type { Directory } from './store/directory.ts'

export class Persons {
  readonly #directory: Directory
  readonly #random: (length: number) => Uint8Array
  #loaded: Opening | undefined

  constructor(directory: Directory, random: (length: number) => Uint8Array) {
    this.#directory = directory
    this.#random = random
  }

  use(): Opening {
    if (this.#loaded !== undefined) return this.#loaded
    const records = new Records()
    for (const entry of this.#directory.persons()) records.put(entry)
    this.#loaded = { name: Buffer.from(this.#random(9)).toString('base64url'), records, gaps: () => 0 }
    return this.#loaded
  }

  accepted(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.type === 'Patient') this.#loaded?.records.put(entry)
  }

  /** Somebody left the list: it is read again at the next search. */
  forget(): void {
    this.#loaded = undefined
  }
}

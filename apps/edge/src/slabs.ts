/**
 * Contents of one chart, copied one after the other into memory of its own: a small content does not keep alive the
 * large buffer that it was cut from, and closing the chart overwrites every byte of it.
 */
const FIRST = 16 * 1024
const LARGEST = 256 * 1024

const EMPTY = new Uint8Array(0)

export class Slabs {
  #slabs: Uint8Array[] = []
  #free = EMPTY
  #bytes = 0

  /** Bytes of memory held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Room for so many bytes that are about to come, in one piece. */
  reserve(bytes: number): void {
    if (bytes > this.#free.length) this.#add(bytes)
  }

  /** A copy. It reads as zeros after {@link wipe}. */
  keep(content: Uint8Array): Uint8Array {
    if (content.length === 0) return EMPTY
    if (content.length > this.#free.length) {
      this.#add(Math.max(content.length, Math.min(LARGEST, Math.max(FIRST, this.#bytes >> 2))))
    }
    const kept = this.#free.subarray(0, content.length)
    kept.set(content)
    this.#free = this.#free.subarray(content.length)
    return kept
  }

  wipe(): void {
    for (const slab of this.#slabs) slab.fill(0)
    this.#slabs = []
    this.#free = EMPTY
    this.#bytes = 0
  }

  #add(bytes: number): void {
    this.#free = new Uint8Array(bytes)
    this.#slabs.push(this.#free)
    this.#bytes += bytes
  }
}

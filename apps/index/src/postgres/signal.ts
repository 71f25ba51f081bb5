/** Something may have happened: wakes whoever waits for it, or, where nobody does, the next one who would. */
export class Signal {
  #raised = false
  #wake: (() => void) | undefined

  raise(): void {
    this.#raised = true
    this.#wake?.()
  }

  /** Resolves once it was raised since the last time, or after so many milliseconds. */
  async wait(atMost: number): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, atMost)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = undefined
    }
    this.#raised = false
  }
}

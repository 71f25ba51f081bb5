/** What the pure rooms are handed from outside. Nothing in this package reads a clock or draws randomness by itself. */
export interface Context {
  /** Cryptographically secure random bytes. */
  readonly random: (length: number) => Uint8Array
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number
}

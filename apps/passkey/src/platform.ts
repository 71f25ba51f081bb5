/** Clock and randomness of the browser. */
import type { Context } from '@scelle/seal/verify'

export const browserContext: Context = {
  now: () => Date.now(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
}

/** Bytes of a category's secret and of its public key, one after another for each key between two threads. */
export const KEY = { secret: 32, publicKey: 1_216 } as const

/** The memory of several clients of the sdk in one. */
import type { ClientState } from '@scelle/sdk'

export const prefixedState = (state: ClientState, prefix: string): ClientState => ({
  get: (key) => state.get(`${prefix}${key}`),
  set: (key, value) => state.set(`${prefix}${key}`, value),
})

import { type Client, type ClientState, connect, type Options, type Standing, type Timers } from '@scelle/sdk'
import type { Log } from './log.ts'

export interface PartyAddress {
  readonly url: string
  /** Principal id, hex; the first one met is remembered where absent. */
  readonly id?: string | undefined
}

export interface Joining extends Pick<Options, 'identity' | 'fetch' | 'entryText'> {
  readonly index: PartyAddress
  readonly trustees: readonly PartyAddress[]
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly state: ClientState
  readonly timers: Timers
  readonly log: Log
  /** Shown to trustees with each opening. */
  readonly show?: Standing | undefined
}

/** Meets index and trustees as this organisation, and checks that they are those that they were. */
export const join = (from: Joining): Promise<Client> => {
  const { index, trustees, identity, now, random, state, timers, log } = from
  const ids = trustees.flatMap(({ id }) => id ?? [])
  return connect({
    index: index.url,
    trustees: trustees.map(({ url }) => url),
    identity,
    context: { now, random },
    state,
    timers,
    log: (event) => log(`sdk-${event}`),
    ...(from.entryText === undefined ? {} : { entryText: from.entryText }),
    ...(from.show === undefined ? {} : { standing: from.show }),
    ...(from.fetch === undefined ? {} : { fetch: from.fetch }),
    pins: {
      ...(index.id === undefined ? {} : { index: index.id }),
      ...(ids.length === trustees.length ? { trustees: ids } : {}),
    },
  })
}

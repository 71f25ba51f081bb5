/** A trustee: holds one share of every release secret, released to readers who prove their right and their access. */
import { type Context, fromHex } from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import { CourierKeys } from '@scelle/seal/shares'
import type { AskOptions, Fetch } from '@scelle/wire/ask'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { createServer, type Log, type Server } from '@scelle/wire/server'
import { systemTimers, type Timers } from '@scelle/wire/timers'
import { HeldHere } from './holder.ts'
import { TRUSTEE_LIMITS } from './limits.ts'
import { Ceremony } from './discovery/ceremony.ts'
import { addDiscoveryRoutes } from './discovery/routes.ts'
import { type Address, Gossip } from './log/gossip.ts'
import { Notices } from './log/notices.ts'
import { LogSigners } from './log/receipt.ts'
import { addLogRoutes } from './log/routes.ts'
import { SeenNotes } from './log/seen.ts'
import { Turns } from './log/turns.ts'
import { Witness } from './log/witness.ts'
import { Journal } from './meter/journal.ts'
import { addStandingRoute } from './meter/query.ts'
import { Replay } from './meter/replay.ts'
import { addMeterRoutes } from './meter/routes.ts'
import { Spending } from './meter/spending.ts'
import { openDoor } from './nodes/door.ts'
import type { FrameServer } from './nodes/frames.ts'
import { addRecoveryRoutes } from './recovery/routes.ts'
import { addReleaseRoute, addRoutes } from './routes.ts'
import type { TrusteeStore } from './store.ts'
import { Sender } from './words/sender.ts'

export type { Address } from './log/gossip.ts'
export { createNode, type NodeOptions } from './nodes/node.ts'
export { TrusteeStore } from './store.ts'

export interface TrusteeOptions {
  readonly identity: Identity
  readonly store: TrusteeStore
  /** The index whose log this trustee witnesses, and its base URL. */
  readonly index: Address
  /** The other trustees. */
  readonly peers?: readonly Address[]
  /** Principal ids in hex of the registers whose statuses count here. Where absent, nobody is a professional. */
  readonly issuers?: readonly string[]
  /** Principal ids in hex of emergency keys. Where absent, nobody breaks the glass here. */
  readonly emergencyKeys?: readonly string[]
  readonly context: Context
  readonly log: Log
  /** Names under which readers reach this trustee, beside loopback and the address it listens on. */
  readonly authorities?: readonly string[]
  /** How others are asked, and time waited for; the platform's unless said otherwise. */
  readonly fetch?: Fetch
  readonly timers?: Timers
  /** Milliseconds between two exchanges with the peers: the protocol's, unless a test lets days go by at once. */
  readonly gossipEvery?: number
  /**
   * Milliseconds between two looks at the peers' parts of the key for finding vaults. Where absent it looks only when
   * `discovery` of the trustee is called.
   */
  readonly discoveryEvery?: number
}

/** `close` ends the server, `halt` what it does by itself alone; the store stays its owner's to close. */
export interface Trustee extends Pick<Server, 'listen' | 'inject' | 'close' | 'routes'> {
  readonly halt: () => void
  /** Exchanges checkpoints with the peers now, beside the regular times. */
  readonly gossip: () => Promise<void>
  /** Tries to get back what a restored meter spent, beside the regular times: whether all is known. */
  readonly replay: () => Promise<boolean>
  /** Lets nodes in at a socket: see `nodes/`. Closed with the trustee. */
  readonly serveNodes: (path: string) => Promise<void>
  /** Makes and renews the key for finding vaults, with the peers. */
  readonly discovery: Pick<Ceremony, 'round' | 'renew'>
}

const principalIn = (hex: string): Uint8Array => {
  const id = fromHex(hex)
  if (id?.length !== 32) throw new TypeError('the id of a principal is 64 hexadecimal digits')
  return id
}

const issuersOf = ({ issuers = [] }: TrusteeOptions): Uint8Array[] => issuers.map(principalIn)

const followLog = (
  options: TrusteeOptions, indexId: Uint8Array, signal: AbortSignal,
): { witness: Witness; seen: SeenNotes; gossip: Gossip; asking: AskOptions; replay: Replay; spending: Spending } => {
  const { identity, store, index, peers = [], context, log } = options
  const { fetch = globalThis.fetch, timers = systemTimers, gossipEvery = WIRE_LIMITS.gossipEvery * 1000 } = options
  const restored = (leaf: number): void => {
    store.asked((meter) => meter.spent.wasRestored({ at: Math.floor(context.now() / 1000), leaf }))
    replay.wake()
  }
  const notices = new Notices({
    identity, store, issuers: issuersOf(options), peers: peers.map(({ id }) => principalIn(id)), now: context.now, log,
  })
  const witness = new Witness({
    identity, indexId, store: store.log, now: context.now, log, restored,
    notices: (effects, since) => notices.read(effects, since),
  })
  const isRestored = (): boolean =>
    store.asked((meter) => meter.spent.restored(Math.floor(context.now() / 1000))) !== undefined
  const spending = new Spending(store, identity, () => {
    if (!isRestored()) restored(witness.cosigned?.size ?? 0)
  })
  const seen = new SeenNotes(store.log)
  const asking: AskOptions = {
    identity, context, timers, fetch, signal, timeout: TRUSTEE_LIMITS.askTimeout, answerBytes: TRUSTEE_LIMITS.askAnswer,
  }
  const replay = new Replay({
    identity, store, journal: new Journal(identity), index, peers, asking, now: context.now, log,
  })
  const gossip = new Gossip({ identity, indexId, peers, witness, seen, spending, asking, log, every: gossipEvery })
  // One that was stopped meanwhile has no store any more.
  const replayUnlessStopped = (): void => { if (!signal.aborted) replay.wake() }
  void witness.waitFor(gossip.start()).then(replayUnlessStopped)
  return { witness, seen, gossip, asking, replay, spending }
}

export const createTrustee = (options: TrusteeOptions): Trustee => {
  const { identity, store, context } = options
  const indexId = principalIn(options.index.id)
  const ended = new AbortController()
  const { witness, seen, gossip, asking, replay, spending } = followLog(options, indexId, ended.signal)
  const sender = new Sender({
    identity, words: store.words, mirror: store.log, index: options.index, asking, log: options.log,
  })
  const issuers = issuersOf(options)
  const holder = new HeldHere({
    identity, store, context, issuers, log: options.log,
    trustee: identity.id,
    index: indexId,
    emergencyKeys: (options.emergencyKeys ?? []).map(principalIn),
    logged: { witness, seen, own: identity.id },
    turns: new Turns(TRUSTEE_LIMITS.releaseTurns),
    journal: new Journal(identity),
    kept: () => sender.wake(),
  })
  const serving = { identity, index: indexId, store, issuers, context }
  const server = createServer({
    role: 'trustee',
    chain: identity.chain,
    log: options.log,
    now: context.now,
    random: context.random,
    // Nobody is registered at a trustee: whoever asks shows its keys in the request.
    keyOf: () => undefined,
    readiness: () => store.works && witness.forks.evidence === undefined && !witness.behind,
    ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
  })
  addReleaseRoute(server, {
    identity, context, holder, signers: new LogSigners(),
    couriers: new CourierKeys(identity, TRUSTEE_LIMITS.openCouriers),
  })
  addRoutes(server, serving)
  addMeterRoutes(server, serving, spending)
  addStandingRoute(server, serving)
  const ceremony = new Ceremony({
    identity, peers: options.peers ?? [], store: store.discovery, asking, log: options.log,
  })
  addDiscoveryRoutes(server, ceremony, serving)
  addRecoveryRoutes(server, serving, seen)
  if (options.discoveryEvery !== undefined) ceremony.start(options.discoveryEvery)
  addLogRoutes(server, { witness, store: store.log, seen, indexId })
  // What was released before this start may not be on record yet.
  sender.wake()
  const doors: FrameServer[] = []
  const halt = (): void => ended.abort()
  const close = async (): Promise<void> => {
    halt()
    await server.close()
    for (const door of doors) await door.close()
  }
  return {
    ...server, halt, close, gossip: () => gossip.round(), replay: () => replay.once(), discovery: ceremony,
    serveNodes: async (path) => { doors.push(await openDoor(path, holder, options.log)) },
  }
}

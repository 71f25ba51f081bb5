/**
 * A node of a trustee: verifies what readers ask, opens and seals shares, and answers once its holder has charged it.
 * It keeps nothing, so it may be killed at any time, and there may be any number of it.
 */
import type { Identity } from '@scelle/seal/identity'
import { CourierKeys } from '@scelle/seal/shares'
import { type Context, equalBytes } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { createServer, type Log, type Server } from '@scelle/wire/server'
import { systemTimers, type Timers } from '@scelle/wire/timers'
import type { Holder } from '../holder.ts'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { LogSigners } from '../log/receipt.ts'
import { addReleaseRoute } from '../routes.ts'
import { HeldElsewhere } from './door.ts'

export interface NodeOptions {
  /** The trustee's: a node opens its shares. */
  readonly identity: Identity
  /** The socket at which the holder is asked. */
  readonly holder: string
  readonly context: Context
  readonly log: Log
  readonly authorities?: readonly string[]
  readonly timers?: Timers
}

/** Nothing is released through another trustee's holder: its word would be about shares that it does not have. */
const sameTrustee = (holder: Holder, { id }: Identity): Holder => ({
  ...holder,
  settings: async () => {
    const settings = await holder.settings()
    if (!equalBytes(settings.trustee, id)) throw new Problem('internal')
    return settings
  },
})

export const createNode = (options: NodeOptions): Pick<Server, 'listen' | 'inject' | 'close' | 'routes'> => {
  const { identity, context, log } = options
  const elsewhere = new HeldElsewhere(options.holder, options.timers ?? systemTimers, log)
  const holder = sameTrustee(elsewhere, identity)
  const server = createServer({
    role: 'trustee',
    chain: identity.chain,
    log,
    now: context.now,
    random: context.random,
    keyOf: () => undefined,
    readiness: () => holder.settings().then(() => true, () => false),
    ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
  })
  addReleaseRoute(server, {
    identity, context, holder, signers: new LogSigners(),
    couriers: new CourierKeys(identity, TRUSTEE_LIMITS.openCouriers),
  })
  return {
    ...server,
    close: async () => {
      await server.close()
      elsewhere.close()
    },
  }
}

/**
 * A guard: the only way to a legacy system that knows no sessions. It has a key of its own to ask index and trustees,
 * and none that opens anything.
 */
import { decode, fromHex, toHex } from '@scelle/seal/verify'
import type { Context, PrincipalKeys } from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import type { Fetch } from '@scelle/wire/ask'
import { Problem } from '@scelle/wire/errors'
import { SessionShown } from '@scelle/wire/messages'
import { type Answer, createServer, type Log, type Server, type SignedRequest } from '@scelle/wire/server'
import { systemTimers, type Timers } from '@scelle/wire/timers'
import { type Address, type Asking, askParty } from './asking.ts'
import type { Audit } from './audit.ts'
import { Callers, type Shown } from './callers.ts'
import { Directory } from './directory.ts'
import { REQUEST_FIELDS, TOLD } from './labels.ts'
import type { Legacy } from './legacy.ts'
import { GUARD_LIMITS } from './limits.ts'
import { type Caller, requirePlainPath, type Rule, ruleFor } from './rules.ts'

export type { Address } from './asking.ts'
export { type Audit, auditFile, type AuditLine } from './audit.ts'
export { type Legacy, legacyAt, type LegacyOptions } from './legacy.ts'
export type { Rule } from './rules.ts'

export interface GuardOptions {
  /** Of kind `machine`. */
  readonly identity: Pick<Identity, 'id' | 'chain' | 'signRaw' | 'keys'>
  readonly index: Address
  readonly trustees: readonly Address[]
  /** Principal ids in hex: of the house whose people come, and of the registers whose statuses count. */
  readonly house: string
  readonly issuers: readonly string[]
  readonly rules: readonly Rule[]
  readonly legacy: Legacy
  readonly audit: Audit
  readonly context: Context
  readonly log: Log
  readonly authorities?: readonly string[]
  /** The platform's where absent. */
  readonly fetch?: Fetch
  readonly timers?: Timers
}

export interface Guard extends Server {
  /** Puts the guard's own key on record, without which the index answers it nothing. Throws Problem. */
  readonly register: () => Promise<void>
}

const idIn = (hex: string): Uint8Array => {
  const id = fromHex(hex)
  if (id?.length !== 32) throw new TypeError('the id of a principal is 64 hexadecimal digits')
  return id
}

/** What the legacy system is told, and what else of the caller's fields passes. */
const headersFor = (request: SignedRequest, caller: Caller): Record<string, string> => {
  // What a caller names as its connection's own ends here, whatever it is (RFC 9110 section 7.6.1).
  const ownOfHop = new Set(String(request.headers['connection'] ?? '').toLowerCase().split(/[ \t]*,[ \t]*/))
  const passed = REQUEST_FIELDS.flatMap((name): [string, string][] => {
    const value = request.headers[name]
    return typeof value === 'string' && !ownOfHop.has(name) ? [[name, value]] : []
  })
  return {
    ...Object.fromEntries(passed),
    [TOLD.request]: request.id,
    ...(caller.kind === 'machine'
      ? { [TOLD.machine]: caller.id }
      : { [TOLD.person]: caller.id, [TOLD.role]: caller.role, [TOLD.house]: caller.house }),
  }
}

/** Lets one request through, or throws: nothing is sent before all is known and written down. */
const passOn = async (
  request: SignedRequest, callers: Callers, { rules, audit, legacy, context }: GuardOptions,
): Promise<Answer> => {
  const { id, method, target, body, principal, session } = request
  const [path = ''] = target.split('?', 1)
  requirePlainPath(path)
  const caller = await callers.caller(principal, session)
  const rule = ruleFor(rules, caller, method, path)
  const { kind, id: who } = caller
  await audit({
    time: new Date(context.now()).toISOString(), request: id, method, rule, kind, who,
    ...(caller.kind === 'person' ? { role: caller.role } : {}), ...(session === undefined ? {} : { session }),
  })
  return legacy.send({ method, target, headers: headersFor(request, caller), body })
}

const addRoutes = (server: Server, callers: Callers, options: GuardOptions): void => {
  server.route<Shown>({
    method: 'POST',
    url: '/v1/sessions',
    policy: 'self-certifying',
    maxBody: GUARD_LIMITS.shownBody,
    certify: async (body, principal) => {
      const shown = await callers.show(decode(SessionShown, body))
      if (toHex(shown.keys.id) !== toHex(principal)) throw new Problem('not-permitted')
      return { keys: shown.keys, value: shown }
    },
    handler: ({ certified }) => {
      // Only now: its request is signed by the session's own key.
      certified.keep()
      return { status: 204 }
    },
  })
  server.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    policy: 'signed',
    maxBody: GUARD_LIMITS.body,
    handler: (request) => passOn(request, callers, options),
  })
}

export const createGuard = (options: GuardOptions): Guard => {
  const { identity, context, index, trustees, rules, legacy } = options
  if (identity.keys.kind !== 'machine') throw new TypeError('a guard is a machine: it has no rights of its own')
  const ended = new AbortController()
  const asking: Asking = {
    identity, context, timers: options.timers ?? systemTimers, fetch: options.fetch ?? fetch, signal: ended.signal,
    timeout: GUARD_LIMITS.askTimeout, answerBytes: GUARD_LIMITS.askAnswer,
  }
  const callers = new Callers({
    asking, trustees, directory: new Directory({ index, trustees }, asking), chain: identity.chain,
    index: idIn(index.id), house: idIn(options.house), issuers: options.issuers.map(idIn),
    machines: new Set(rules.flatMap(({ machines }) => machines)), now: context.now,
  })
  const server = createServer({
    role: 'guard',
    chain: identity.chain,
    log: options.log,
    now: context.now,
    random: context.random,
    keyOf: (principal, session): Promise<PrincipalKeys | undefined> => callers.keysOf(principal, session),
    sessions: true,
    readiness: () => true,
    ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
  })
  addRoutes(server, callers, options)
  const register = async (): Promise<void> => {
    // Whoever replaced its key did so under the one before, which was on record then.
    await askParty(asking, index, 'POST', '/v1/principals', identity.chain.at(-1))
  }
  const close = async (): Promise<void> => {
    await server.close()
    ended.abort()
    legacy.close()
  }
  return { ...server, close, register }
}

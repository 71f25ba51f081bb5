/** What the routes work with. */
import type { Identity } from '@scelle/seal/identity'
import type { Context, PrincipalKeys } from '@scelle/seal/verify'
import { decodeSigned, encode, fromHex, requireCurrentKey, statementId, toHex } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { Receipt } from '@scelle/wire/messages'
import type { Answer, ServerRequest } from '@scelle/wire/server'
import type { Cursors } from './cursor.ts'
import type { Denials } from './denials.ts'
import type { HourlyCounts } from './hourly.ts'
import type { IndexLog } from './log/log.ts'
import type { LostLeaves } from './lost-leaves.ts'
import { positionStatement } from './positions.ts'
import type { Registry } from './registry.ts'
import type { Sessions } from './sessions.ts'
import type { Blobs, Operation, Outcome, Store, StoredPosition } from './store.ts'

export interface Services {
  readonly store: Store
  readonly lost: LostLeaves | undefined
  readonly log: IndexLog
  readonly denials: Denials
  /** Notices of each principal. */
  readonly notices: HourlyCounts
  /** Wraps of all together. */
  readonly wraps: HourlyCounts
  readonly blobs: Blobs
  readonly registry: Registry
  readonly sessions: Sessions
  readonly cursors: Cursors
  readonly context: Context
  /** Principal id of this index. */
  readonly index: Uint8Array
  readonly identity: Identity
  /** Ids in hex of the organisations that may create custody vaults and deposit into them. */
  readonly admitted: ReadonlySet<string>
}

export const secondsNow = (services: Services): number => Math.floor(services.context.now() / 1000)

/** A provider that the operator admitted: an organisation, whatever its configuration line says. */
export const isAdmitted = (services: Services, principal: PrincipalKeys): boolean =>
  principal.kind === 'organisation' && services.admitted.has(toHex(principal.id))

/**
 * Refuses a new statement under a key that its signer has replaced, which may be stolen. What is stored already is
 * answered again whatever it was signed under. Throws SealError `signature-invalid`, `principal-mismatch`.
 */
export const requireCurrent = async (
  services: Services,
  statement: Uint8Array,
  of: { kind: Parameters<typeof decodeSigned>[0]; signer: PrincipalKeys; vault: Uint8Array },
): Promise<void> => {
  const signed = decodeSigned(of.kind, statement)
  if (signed.keyVersion === of.signer.current.version) return
  if ((await services.store.position(statementId(statement), of.vault)) === undefined) {
    requireCurrentKey(signed, of.signer)
  }
}

/** An id of a path or query, lower-case hex. Throws `bad-request`. */
export const idOf = (text: string | undefined | null, length = 32): Uint8Array => {
  const bytes = fromHex(text ?? '')
  if (bytes?.length !== length) {
    throw new Problem('bad-request', `An id is ${length * 2} lower-case hexadecimal digits.`)
  }
  return bytes
}

/** Throws `bad-request` on parameters that the route does not know: a typing error must not read as a default. */
export const requireQuery = (request: ServerRequest, ...known: string[]): void => {
  const names = [...request.query.keys()]
  if (names.some((name) => !known.includes(name)) || new Set(names).size !== names.length) {
    const takes = known.length === 0 ? 'no parameters' : `${known.join(', ')}, each once`
    throw new Problem('bad-request', `This route takes ${takes}.`)
  }
}

/** Applies operations, unless the log has stopped: nothing is taken on record that no log would hold. */
export const applyAll = async (services: Services, operations: readonly Operation[]): Promise<Outcome[]> => {
  await services.log.requireRunning()
  return services.store.apply(operations)
}

export const receiptFor = (services: Services, statement: Uint8Array, position: StoredPosition): Answer => ({
  body: encode(Receipt, { position: positionStatement(services.index, statement, position) }),
})

/** Applies one operation; its position. Throws Problem where the store refuses. */
export const applyOne = async (services: Services, operation: Operation): Promise<StoredPosition> => {
  const [outcome] = (await applyAll(services, [operation])) as [Outcome]
  if ('problem' in outcome) throw new Problem(outcome.problem, outcome.detail)
  return outcome.position
}

/** Applies one operation and answers with its position. Throws Problem where the store refuses. */
export const applyForReceipt = async (services: Services, operation: Operation): Promise<Answer> =>
  receiptFor(services, operation.statement.id, await applyOne(services, operation))

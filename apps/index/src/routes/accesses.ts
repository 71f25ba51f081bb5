/** Accesses: on record before anything is opened, and the capsules named take no more records. */
import {
  Access, decode, decodeSigned, encode, equalBytes, requireCurrentKey, statementId, verifyAccess,
} from '@scelle/seal/verify'
import { Problem, type ProblemCode } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { AccessList, Receipt } from '@scelle/wire/messages'
import { problemOf, type Answer, type Server, type SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { positionStatement } from '../positions.ts'
import { requirePast } from '../registry.ts'
import { applyOne, idOf, requireQuery, secondsNow, type Services } from '../services.ts'
import type { StoredPosition } from '../store.ts'

/** Refusals that are put on record: somebody asked for what it may not open, or no longer. */
const DENIALS: ReadonlySet<ProblemCode> = new Set(['not-permitted', 'grant-revoked', 'not-found', 'access-expired'])

/** Position and proof: no trustee releases on an access before a quorum has cosigned that it is in the log. */
const loggedReceipt = async (services: Services, id: Uint8Array, position: StoredPosition): Promise<Answer> => {
  const proof = await services.log.receipt(position.sequence - 1, position.salt)
  return { body: encode(Receipt, { position: positionStatement(services.index, id, position), proof }) }
}

const record = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('access', body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  const { vault } = decode(Access, signed.body)
  const before = await services.store.position(statementId(body), vault)
  if (before !== undefined) return loggedReceipt(services, statementId(body), before)
  requireCurrentKey(signed, principal)
  const { access, id } = await verifyAccess(body, principal)
  const now = secondsNow(services)
  requirePast(access.time, now)
  try {
    if (access.time < now - WIRE_LIMITS.accessWindow) throw new Problem('access-expired')
    const position = await applyOne(services, { kind: 'access', statement: { id, bytes: body }, access, at: now })
    return await loggedReceipt(services, id, position)
  } catch (error) {
    const code = problemOf(error).code
    if (DENIALS.has(code) && services.log.running) await services.denials.record(code, { id, bytes: body, access })
    throw error
  }
}

/** Accesses to one part, refused ones among them: for its custodian, and for the owner. */
const list = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request, 'custodian', 'after')
  const vault = idOf(request.params['vault'])
  const custodian = idOf(request.query.get('custodian'))
  const after = request.query.get('after') ?? '0'
  if (!/^(0|[1-9]\d{0,14})$/.test(after)) throw new Problem('bad-request', 'after is a sequence number.')
  const { genesis } = await services.registry.requireVault(vault)
  const { id } = request.principal
  const owner = genesis.mode === 'owner' && equalBytes(genesis.controller, id)
  if (!owner && !equalBytes(custodian, id)) throw new Problem('not-found')
  const entries = await services.store.accessEntries({
    vault, custodian, after: Number(after), limit: INDEX_LIMITS.accessList,
  })
  return {
    body: encode(AccessList, entries.map(({ access, denial, position }) => ({
      access,
      position: positionStatement(services.index, statementId(denial ?? access), position),
      ...(denial === undefined ? {} : { denial }),
    }))),
  }
}

export const addAccessRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/accesses', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => record(services, request),
  })
  server.route({
    method: 'GET', url: '/v1/vaults/:vault/accesses', policy: 'signed', handler: (request) => list(services, request),
  })
}

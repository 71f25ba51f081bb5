/** Accesses: on record before anything is opened, and the capsules named take no more records. */
import {
  Access, decode, decodeSigned, encode, equalBytes, requireCurrentKey, statementId, verifyAccess,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { Receipt } from '@scelle/wire/messages'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { positionStatement } from '../positions.ts'
import { requirePast } from '../registry.ts'
import { applyOne, receiptFor, secondsNow, type Services } from '../services.ts'
import type { StoredPosition } from '../store.ts'

/** Position and proof: no trustee releases on an access before a quorum has cosigned that it is in the log. */
const loggedReceipt = async (services: Services, id: Uint8Array, position: StoredPosition): Promise<Answer> => {
  if (services.trustees === 0) return receiptFor(services, id, position)
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
  if (access.time < now - WIRE_LIMITS.accessWindow) throw new Problem('access-expired')
  const position = await applyOne(services, { kind: 'access', statement: { id, bytes: body }, access, at: now })
  return loggedReceipt(services, id, position)
}

export const addAccessRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/accesses', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => record(services, request),
  })
}

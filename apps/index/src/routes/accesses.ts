/** Accesses: on record before anything is opened, and the capsules named take no more records. */
import {
  decode, Access, decodeSigned, equalBytes, requireCurrentKey, statementId, verifyAccess,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyForReceipt, receiptFor, secondsNow, type Services } from '../services.ts'

const record = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('access', body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  const { vault } = decode(Access, signed.body)
  const before = await services.store.position(statementId(body), vault)
  if (before !== undefined) return receiptFor(services, statementId(body), before)
  requireCurrentKey(signed, principal)
  const { access, id } = await verifyAccess(body, principal)
  const now = secondsNow(services)
  requirePast(access.time, now)
  if (access.time < now - WIRE_LIMITS.accessWindow) throw new Problem('access-expired')
  return applyForReceipt(services, { kind: 'access', statement: { id, bytes: body }, access, at: now })
}

export const addAccessRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/accesses', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => record(services, request),
  })
}

/**
 * Releases of software: on record under their publisher's label, so that anybody who reads the log's tiles counts them.
 * Whoever serves one page to most and another one to somebody has to log both, or neither is the logged one.
 */
import {
  controlSubject, decodeSigned, equalBytes, requireCurrentKey, statementId, verifySoftware,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyOne, receiptFor, secondsNow, type Services } from '../services.ts'

const record = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('software', body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  const id = statementId(body)
  // Asked again, the same is said: whoever lost the answer must not have it logged a second time.
  const before = await services.store.position(id, principal.id)
  if (before !== undefined) return receiptFor(services, id, before)
  requireCurrentKey(signed, principal)
  const { software } = await verifySoftware(body, principal)
  const now = secondsNow(services)
  requirePast(software.time, now)
  if (!services.notices.take(principal.id, INDEX_LIMITS.noticesPerHour, now)) {
    throw new Problem('overloaded', 'Too many notices of one principal. Send it again in an hour.')
  }
  const position = await applyOne(services, {
    kind: 'notice', statement: { id, bytes: body, subject: controlSubject(body) }, signer: principal.id,
  })
  services.log.hurry(position.sequence - 1)
  return receiptFor(services, id, position)
}

export const addSoftwareRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/software', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => record(services, request),
  })
}

/** Revocations: by the custodian, or whoever signed the grant or one above it. Everything below falls with it. */
import {
  controlSubject, decode, decodeSigned, equalBytes, Revocation, statementId, verifyRevocation,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { grantOf, storedChain } from '../grant-chain.ts'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyOne, receiptFor, requireCurrent, secondsNow, type Services } from '../services.ts'

const revoke = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('revocation', body)
  const { vault, grant, time } = decode(Revocation, signed.body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  await requireCurrent(services, body, { kind: 'revocation', signer: principal, vault })
  if ((await services.store.grant(vault, grant)) === undefined) throw new Problem('not-found')
  const chain = await storedChain(services, vault, grant)
  await verifyRevocation(body, principal, {
    grants: chain.map((entry) => grantOf(entry.statement)), ids: chain.map((entry) => entry.id),
  })
  requirePast(time, secondsNow(services))
  const id = statementId(body)
  const position = await applyOne(services, {
    kind: 'revocation', statement: { id, bytes: body, subject: controlSubject(body) }, vault, grant,
  })
  services.log.hurry(position.sequence - 1)
  return receiptFor(services, id, position)
}

export const addRevocationRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/revocations', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => revoke(services, request),
  })
}

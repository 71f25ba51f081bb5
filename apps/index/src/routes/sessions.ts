/** People's sessions: shown once by whoever acts in them, and ended by their person from anywhere. */
import {
  actingKeys, controlSubject, decode, decodeSigned, equalBytes, SignOut, statementId, verifySignOut,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyOne, receiptFor, secondsNow, type Services } from '../services.ts'

/** Whoever has it may bring it: a page that signs talks to nobody. Its signature is the person's. */
const signOut = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('sign-out', body)
  const id = statementId(body)
  const before = await services.store.position(id, signed.signer)
  if (before !== undefined) {
    // It may be on record without its effect, where this process ended in between.
    await services.sessions.end(decode(SignOut, signed.body))
    return receiptFor(services, id, before)
  }
  const keys = await actingKeys(signed, async (who) => {
    const found = await services.registry.keysOf(who)
    if (found === undefined) throw new Problem('principal-unknown')
    return found
  })
  const verified = await verifySignOut(body, keys)
  const now = secondsNow(services)
  requirePast(verified.signOut.before - 1, now)
  if (!services.notices.take(principal.id, INDEX_LIMITS.noticesPerHour, now)) {
    throw new Problem('overloaded', 'Too many notices of one principal. Send it again in an hour.')
  }
  const position = await applyOne(services, {
    kind: 'notice', statement: { id, bytes: body, subject: controlSubject(body) }, signer: signed.signer,
  })
  await services.sessions.end(verified.signOut)
  services.log.hurry(position.sequence - 1)
  return receiptFor(services, id, position)
}

export const addSessionRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST',
    url: '/v1/sessions',
    policy: 'self-certifying',
    maxBody: INDEX_LIMITS.sessionBody,
    certify: async (session, principal) => {
      const keys = await services.sessions.show(session)
      if (!equalBytes(keys.id, principal)) throw new Problem('not-permitted')
      return { keys, value: undefined }
    },
    handler: () => ({ status: 204 }),
  })
  server.route({
    method: 'POST',
    url: '/v1/sign-outs',
    policy: 'signed',
    maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => signOut(services, request),
  })
}

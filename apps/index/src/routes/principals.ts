/** Key records: anyone may register, and nobody but a principal's own keys can speak for it. */
import {
  controlSubject, decode, decodeSigned, encode, equalBytes, KeyRecord, type PrincipalKeys, statementId,
  verifyKeyChain, ZERO32,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { KeyChain, KeyPlaces } from '@scelle/wire/messages'
import type { Answer, Server } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyForReceipt, idOf, requireQuery, secondsNow, type Services } from '../services.ts'

/** Keys as of the record sent: it signs the request itself, so the newest record proves that its key is held. */
const certify = async (
  services: Services, record: Uint8Array, principal: Uint8Array,
): Promise<{ keys: PrincipalKeys; value: undefined }> => {
  const signed = decodeSigned('key-record', record)
  const { version, time } = decode(KeyRecord, signed.body)
  const first = equalBytes(signed.signer, ZERO32)
  if (!equalBytes(first ? statementId(record) : signed.signer, principal)) {
    throw new Problem('not-permitted', 'A key record is sent by the principal whose key it is.')
  }
  const stored = await services.store.keyChain(principal)
  if (!first && stored.length < version) throw new Problem('principal-unknown')
  const keys = await verifyKeyChain([...stored.slice(0, version), record])
  requirePast(time, secondsNow(services))
  return { keys, value: undefined }
}

export const addPrincipalRoutes = (server: Server, services: Services): void => {
  server.route<undefined>({
    method: 'POST',
    url: '/v1/principals',
    policy: 'self-certifying',
    maxBody: INDEX_LIMITS.statementsBody,
    certify: (record, principal) => certify(services, record, principal),
    handler: ({ body, principal }) => applyForReceipt(services, {
      kind: 'key-record',
      statement: { id: statementId(body), bytes: body, subject: controlSubject(body) },
      principal: principal.id,
      version: principal.current.version,
    }),
  })
  server.route({
    method: 'GET',
    url: '/v1/principals/:id',
    policy: 'signed',
    handler: async (request): Promise<Answer> => {
      requireQuery(request)
      const chain = await services.store.keyChain(idOf(request.params['id']))
      if (chain.length === 0) throw new Problem('not-found')
      return { body: encode(KeyChain, chain) }
    },
  })
  server.route({
    method: 'GET',
    url: '/v1/principals/:id/places',
    policy: 'signed',
    handler: async (request): Promise<Answer> => {
      requireQuery(request)
      const chain = await services.store.keyChain(idOf(request.params['id']))
      if (chain.length === 0) throw new Problem('not-found')
      const places = await Promise.all(chain.map((record) => services.store.position(statementId(record))))
      return { body: encode(KeyPlaces, places.flatMap((place) => (place === undefined ? [] : [
        { sequence: place.sequence, salt: place.salt },
      ]))) }
    },
  })
}

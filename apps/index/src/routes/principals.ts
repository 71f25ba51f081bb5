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

/**
 * Keys as of the record sent: it signs the request itself, so the newest record proves that its key is held. A person's
 * record may be brought by somebody else who is registered: the page that made its keys talks to nobody. It speaks for
 * itself, since its predecessor, or for the first one its own key, has signed it.
 */
const certify = async (
  services: Services, record: Uint8Array, principal: Uint8Array,
): Promise<{ keys: PrincipalKeys; value: PrincipalKeys }> => {
  const signed = decodeSigned('key-record', record)
  const { kind, version, time } = decode(KeyRecord, signed.body)
  const first = equalBytes(signed.signer, ZERO32)
  const about = first ? statementId(record) : signed.signer
  const own = equalBytes(about, principal)
  const bringer = own ? undefined : await services.registry.keysOf(principal)
  if (!own && (kind !== 'person' || bringer === undefined)) {
    throw new Problem('not-permitted', 'A key record is sent by the principal whose key it is.')
  }
  const stored = await services.store.keyChain(about)
  if (!first && stored.length < version) throw new Problem('principal-unknown')
  const keys = await verifyKeyChain([...stored.slice(0, version), record])
  requirePast(time, secondsNow(services))
  return { keys: bringer ?? keys, value: keys }
}

export const addPrincipalRoutes = (server: Server, services: Services): void => {
  server.route<PrincipalKeys>({
    method: 'POST',
    url: '/v1/principals',
    policy: 'self-certifying',
    maxBody: INDEX_LIMITS.statementsBody,
    certify: (record, principal) => certify(services, record, principal),
    handler: ({ body, certified: principal }) => applyForReceipt(services, {
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

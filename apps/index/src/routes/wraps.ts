/**
 * Wraps of people's roots. Whoever stores one is a principal made for that wrap alone, shown in the request and never
 * registered: nothing here says that two wraps are one person's. To fetch one takes its locator, which follows from the
 * very secret that opens it; whoever has that needs nothing from here but these bytes.
 */
import { decode, encode, type PrincipalKeys, verifyKeyChain, ZERO32 } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { StoredWrap, WrapToStore } from '@scelle/wire/messages'
import type { Answer, CertifiedRequest, Server } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { idOf, requireQuery, secondsNow, type Services } from '../services.ts'

const certify = async (body: Uint8Array): Promise<{ keys: PrincipalKeys; value: WrapToStore }> => {
  const value = decode(WrapToStore, body)
  return { keys: await verifyKeyChain([value.writer]), value }
}

const store = async (
  services: Services, { params, principal, certified: { version, wrap } }: CertifiedRequest<WrapToStore>,
): Promise<Answer> => {
  const locator = idOf(params['locator'])
  if (!services.wraps.take(ZERO32, INDEX_LIMITS.wrapsPerHour, secondsNow(services))) throw new Problem('overloaded')
  const refusal = await services.store.wraps.put(locator, { writer: principal.id, version, bytes: wrap })
  if (refusal !== undefined) throw new Problem(refusal.problem, refusal.detail)
  return { status: 204 }
}

/** Also while a restored index catches up: who has lost a device does not wait for a log. */
export const addWrapRoutes = (server: Server, services: Services): void => {
  server.route<WrapToStore>({
    method: 'PUT', url: '/v1/wraps/:locator', policy: 'self-certifying', maxBody: INDEX_LIMITS.wrapBody, certify,
    handler: (request) => store(services, request),
  })
  server.route({
    method: 'GET', url: '/v1/wraps/:locator', policy: 'public',
    handler: async (request) => {
      requireQuery(request)
      const found = await services.store.wraps.get(idOf(request.params['locator']))
      if (found === undefined) throw new Problem('not-found')
      return { body: encode(StoredWrap, { version: found.version, wrap: found.bytes }) }
    },
  })
}

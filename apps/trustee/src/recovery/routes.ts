/** What is asked of a trustee by whoever lost a device, or by whose root somebody else is after. */
import { decode, decodeSigned, encode, Objection } from '@scelle/seal/verify'
import {
  ObjectionAnswer, ObjectionShown, PartRequest, PinKnown, PinTry, Recoveries, RecoveriesRequest,
} from '@scelle/wire/messages'
import type { Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { SeenNotes } from '../log/seen.ts'
import { certify, type Serving } from '../routes.ts'
import { verifyShownObjection } from './cases.ts'
import { givePart } from './part.ts'
import { evaluatePin, knowPin } from './pin.ts'

const addPinRoutes = (server: Pick<Server, 'route'>, serving: Serving): void => {
  const { store } = serving
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.recoveryBody, url: '/v1/pins/evaluations',
    certify: (body, signer) => certify(decode(PinTry, body), signer, store),
    handler: async ({ certified: { request }, principal }) => ({
      body: await evaluatePin(request, principal, serving),
    }),
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.recoveryBody, url: '/v1/pins/known',
    certify: (body, signer) => certify(decode(PinKnown, body), signer, store),
    handler: async ({ certified: { request }, principal }) => {
      await knowPin(request, principal, serving)
      return { status: 204 }
    },
  })
}

export const addRecoveryRoutes = (server: Pick<Server, 'route'>, serving: Serving, seen: SeenNotes): void => {
  const { store } = serving
  addPinRoutes(server, serving)
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.recoveryBody, url: '/v1/recoveries/parts',
    certify: (body, signer) => certify(decode(PartRequest, body), signer, store),
    handler: async ({ certified: { request }, principal }) => ({
      body: await givePart(request, principal, seen, serving),
    }),
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.recoveryBody, url: '/v1/recoveries/objections',
    certify: (body, signer) => certify(decode(ObjectionShown, body), signer, store),
    // Whoever sends it: it is the owner's by its own signature.
    handler: async ({ certified: { request, principals } }) => {
      const { owner } = decode(Objection, decodeSigned('objection', request.objection).body)
      const object = await verifyShownObjection(request, principals, owner)
      return { body: encode(ObjectionAnswer, { inTime: object(store.recovery) }) }
    },
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.recoveryBody, url: '/v1/recoveries/own',
    certify: (body, signer) => certify(decode(RecoveriesRequest, body), signer, store),
    handler: ({ principal }) => ({
      body: encode(Recoveries, store.recovery.of(principal.id).map(({ id: recovery, set, device, due, ...one }) =>
        ({ recovery, set, device, due, ended: one.ended, released: one.released !== undefined }))),
    }),
  })
}

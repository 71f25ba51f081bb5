/** What is asked of a trustee to find a vault, and what its peers ask to make the key. */
import { decode, encode } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import {
  BindingAnswer, BindingQuery, BindingRequest, DiscoveryPart, EvaluationRequest, LinkShown, SignedDiscoveryKey,
} from '@scelle/wire/messages'
import type { Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { certify, type Serving } from '../routes.ts'
import { bind, find, object } from './bind.ts'
import type { Ceremony } from './ceremony.ts'
import { evaluate } from './evaluate.ts'
import { keepLink } from './links.ts'

const generationOf = (text: string | undefined): number => {
  if (text === undefined || !/^(0|[1-9]\d{0,8})$/.test(text)) throw new Problem('bad-request')
  return Number(text)
}

const addKeyRoutes = (server: Pick<Server, 'route'>, ceremony: Ceremony): void => {
  server.route({
    method: 'GET', url: '/v1/discovery/parts/:generation', policy: 'public',
    handler: ({ params }) => ({ body: encode(DiscoveryPart, ceremony.part(generationOf(params['generation']))) }),
  })
  server.route({
    method: 'GET', url: '/v1/discovery/key', policy: 'public',
    handler: () => ({ body: encode(SignedDiscoveryKey, ceremony.signed()) }),
  })
}

export const addDiscoveryRoutes = (
  server: Pick<Server, 'route'>, ceremony: Ceremony, serving: Serving,
): void => {
  const { store } = serving
  addKeyRoutes(server, ceremony)
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.discoveryBody, url: '/v1/discovery/evaluations',
    certify: (body, signer) => certify(decode(EvaluationRequest, body), signer, store),
    handler: async ({ certified, principal: asker }) => ({
      body: await evaluate({ ...certified, asker }, ceremony, serving),
    }),
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.discoveryBody, url: '/v1/discovery/bindings',
    certify: (body, signer) => certify(decode(BindingRequest, body), signer, store),
    handler: async ({ certified, principal: asker }) => ({
      body: encode(BindingAnswer, await bind({ ...certified, asker }, serving)),
    }),
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.discoveryBody, url: '/v1/discovery/bound',
    certify: (body, signer) => certify(decode(BindingQuery, body), signer, store),
    handler: async ({ certified, principal: asker }) => ({
      body: encode(BindingAnswer, await find({ ...certified, asker }, serving)),
    }),
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.discoveryBody, url: '/v1/discovery/links',
    certify: (body, signer) => certify(decode(LinkShown, body), signer, store),
    handler: async ({ certified, principal: asker }) => {
      await keepLink({ ...certified, asker }, serving)
      return { status: 204 }
    },
  })
  server.route({
    method: 'POST', policy: 'self-certifying', maxBody: TRUSTEE_LIMITS.discoveryBody, url: '/v1/discovery/objections',
    certify: (body, signer) => certify(decode(BindingQuery, body), signer, store),
    handler: ({ certified, principal: asker }) => {
      object({ ...certified, asker }, serving)
      return { status: 204 }
    },
  })
}

/** Mounts an authorization server: whatever has a request handler of Node's. */
import type { FastifyInstance } from 'fastify'
import type { OAuthRoute } from './server-routes.ts'

/** The answer is the handler's own; what the house style says of every answer is set before it begins. */
export const addOAuthRoute = (app: FastifyInstance, route: OAuthRoute): void => {
  void app.register(async (inner) => {
    inner.removeAllContentTypeParsers()
    // Left in its socket: whoever is behind the handler reads it, up to that one's own limit.
    inner.addContentTypeParser('*', (_, payload, done) => done(null, payload))
    inner.route({
      method: route.method,
      url: route.url,
      config: { policy: route.policy },
      handler: async (request, reply) => {
        const { raw } = reply
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (value !== undefined) raw.setHeader(name, value)
        }
        reply.hijack()
        await route.handler(request.raw, raw)
      },
    })
  })
}

/** What is asked of a trustee with a request that certifies itself: nobody is registered here. */
import {
  actingKeys, type Context, decode, decodeSigned, encode, equalBytes, type PrincipalKeys,
} from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import { Problem } from '@scelle/wire/errors'
import { ReleasesAnswer, ReleasesRequest, RevocationNotice } from '@scelle/wire/messages'
import type { Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from './limits.ts'
import { verifyPrincipals } from './principals.ts'
import type { ShownPrincipals } from './shown.ts'
import { readRelease, release, type Releaser } from './release.ts'
import { revoke } from './revocation.ts'
import type { TrusteeStore } from './store.ts'
import { listWords } from './words/list.ts'

/** What the routes beside releases need of this trustee. */
export interface Serving {
  readonly identity: Identity
  /** Principal id of the index whose log it is. From the configuration, never from a request. */
  readonly index: Uint8Array
  readonly store: TrusteeStore
  /** Principal ids of registers: who a professional is, is their word. From the configuration. */
  readonly issuers: readonly Uint8Array[]
  readonly context: Context
}

interface Shows {
  readonly keys: readonly (readonly Uint8Array[])[]
  /** In which the request is signed. */
  readonly session?: Uint8Array
}

/** The signer among the principals that the request shows. Throws `principal-unknown`. */
const signerOf = (principals: ShownPrincipals, principal: Uint8Array): PrincipalKeys => {
  const keys = principals.find(principal)
  if (keys === undefined) throw new Problem('principal-unknown', 'The request does not show its signer\'s key chain.')
  return keys
}

/** The keys that a signer acts with: its session's, where it shows one. Throws SealError, `bad-statement`. */
const acting = (
  principals: ShownPrincipals, signer: Uint8Array, session: Uint8Array | undefined,
): Promise<PrincipalKeys> =>
  actingKeys({ signer, ...(session === undefined ? {} : { session }) }, (id) => (equalBytes(id, signer)
    ? signerOf(principals, id)
    : principals.need(id, 'house of a session')))

/** Reads a request that shows key chains, and finds its signer in them. */
export const certify = async <T extends Shows>(
  request: T, signer: Uint8Array, store: TrusteeStore,
): Promise<{ keys: PrincipalKeys; value: { request: T; principals: ShownPrincipals } }> => {
  const principals = await verifyPrincipals(request.keys, store)
  return { keys: await acting(principals, signer, request.session), value: { request, principals } }
}

/** The one route that a node has as well. */
export const addReleaseRoute = (server: Pick<Server, 'route'>, releaser: Releaser): void => {
  server.route({
    method: 'POST',
    url: '/v1/releases',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.releaseBody,
    certify: async (body, signer) => {
      const value = await readRelease(body, releaser.holder)
      // A request is signed in the session of its access: whoever has the one has the other.
      const { session } = decodeSigned('access', value.request.access)
      return { keys: await acting(value.principals, signer, session), value }
    },
    handler: async ({ certified, principal: reader }) => ({ body: await release({ ...certified, reader }, releaser) }),
  })
}

export const addRoutes = (server: Pick<Server, 'route'>, { identity, store, context }: Serving): void => {
  server.route({
    method: 'POST',
    url: '/v1/revocations',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.revocationBody,
    certify: (body, signer) => certify(decode(RevocationNotice, body), signer, store),
    handler: async ({ certified: { request: notice, principals }, principal: revoker }) => {
      await revoke({ notice, principals, revoker }, { trustee: identity, store, now: context.now })
      return { status: 204 }
    },
  })
  server.route({
    method: 'POST',
    url: '/v1/released',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.listBody,
    certify: (body, signer) => certify(decode(ReleasesRequest, body), signer, store),
    handler: async ({ certified, principal: asker }) => ({
      body: encode(ReleasesAnswer, await listWords({ ...certified, asker }, store.words)),
    }),
  })
}

/** What is asked of a trustee with a request that certifies itself: nobody is registered here. */
import { decode, encode, type PrincipalKeys } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { ReleaseRequest, ReleasesAnswer, ReleasesRequest, RevocationNotice } from '@scelle/wire/messages'
import type { Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from './limits.ts'
import { verifyPrincipals } from './principals.ts'
import type { ShownPrincipals } from './shown.ts'
import { release, type Releaser } from './release.ts'
import { revoke } from './revocation.ts'
import type { TrusteeStore } from './store.ts'
import { listWords } from './words/list.ts'
import type { Sender } from './words/sender.ts'

export interface Parts {
  readonly store: TrusteeStore
  readonly releaser: Releaser
  readonly sender: Sender
}

/** The signer among the principals that the request shows. Throws `principal-unknown`. */
const signerOf = (principals: ShownPrincipals, principal: Uint8Array): PrincipalKeys => {
  const keys = principals.find(principal)
  if (keys === undefined) throw new Problem('principal-unknown', 'The request does not show its signer\'s key chain.')
  return keys
}

/** Reads a request that shows key chains, and finds its signer in them. */
export const certify = async <T extends { readonly keys: readonly (readonly Uint8Array[])[] }>(
  request: T, signer: Uint8Array, store: TrusteeStore,
): Promise<{ keys: PrincipalKeys; value: { request: T; principals: ShownPrincipals } }> => {
  const principals = await verifyPrincipals(request.keys, store)
  return { keys: signerOf(principals, signer), value: { request, principals } }
}

export const addRoutes = (server: Pick<Server, 'route'>, { store, releaser, sender }: Parts): void => {
  const { identity, logged, context } = releaser
  server.route({
    method: 'POST',
    url: '/v1/releases',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.releaseBody,
    certify: (body, signer) => certify(decode(ReleaseRequest, body), signer, store),
    handler: async ({ certified, principal: reader }) => {
      logged.witness.forks.require()
      const body = await release({ ...certified, reader }, releaser)
      sender.wake()
      return { body }
    },
  })
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

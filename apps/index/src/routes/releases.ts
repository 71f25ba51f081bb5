/** Releases: each trustee's own word that it released, on record, so that the log tells what trustees tell. */
import { decode, decodeSigned, equalBytes, Release, requireSuite, verifySigned } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyForReceipt, requireCurrent, secondsNow, type Services } from '../services.ts'

const record = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('release', body)
  const release = decode(Release, signed.body)
  requireSuite(release)
  const own = equalBytes(signed.signer, principal.id) && equalBytes(release.trustee, principal.id)
  if (!own || principal.kind !== 'trustee') throw new Problem('not-permitted')
  const { genesis } = await services.registry.requireVault(release.vault)
  if (!genesis.trustees.some((trustee) => equalBytes(trustee, principal.id))) throw new Problem('not-permitted')
  await requireCurrent(services, body, { kind: 'release', signer: principal, vault: release.vault })
  const { id } = await verifySigned('release', body, principal)
  requirePast(release.time, secondsNow(services))
  return applyForReceipt(services, {
    kind: 'release', statement: { id, bytes: body }, vault: release.vault, trustee: principal.id,
  })
}

export const addReleaseRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/releases', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => record(services, request),
  })
}

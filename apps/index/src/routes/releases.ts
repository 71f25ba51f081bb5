/** Releases: each trustee's own word that it released, on record, so that the log tells what trustees tell. */
import {
  decode, decodeSigned, encode, equalBytes, Release, requireSuite, Signed, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { ReleaseJournal } from '@scelle/wire/messages'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import { applyForReceipt, requireCurrent, requireQuery, secondsNow, type Services } from '../services.ts'

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

/** A trustee's own words after a leaf: what it charged stands in them, sealed, should it start from a backup. */
const journal = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request, 'after')
  const after = request.query.get('after') ?? '0'
  if (!/^(0|[1-9]\d{0,14})$/.test(after)) throw new Problem('bad-request', 'after is a sequence number.')
  if (request.principal.kind !== 'trustee') throw new Problem('not-permitted')
  const found = await services.store.statementsAfter(Number(after), WIRE_LIMITS.releaseJournal)
  const words = found.map(({ statement }) => statement).filter((statement) => {
    const { kind, signer } = decode(Signed, statement)
    return kind === 'release' && equalBytes(signer, request.principal.id)
  })
  return {
    body: encode(ReleaseJournal, {
      words, next: found.at(-1)?.sequence ?? Number(after), end: found.length < WIRE_LIMITS.releaseJournal,
    }),
  }
}

export const addReleaseRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/releases', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => record(services, request),
  })
  server.route({
    method: 'GET', url: '/v1/releases', policy: 'signed', handler: (request) => journal(services, request),
  })
}

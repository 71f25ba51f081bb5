/** Manifests: what writers seal to. Each is its predecessor's successor, or is refused. */
import {
  decode, decodeSigned, equalBytes, Manifest, statementId, verifyManifests,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { manifestOperation } from '../manifest-operation.ts'
import { requirePast } from '../registry.ts'
import { applyForReceipt, isAdmitted, requireCurrent, secondsNow, type Services } from '../services.ts'
import type { ManifestOperation } from '../store.ts'

/** The operation for the newest of these verified manifests. */
export const newestOperation = (
  bytes: Uint8Array, manifests: readonly Manifest[], ids: readonly Uint8Array[], now: number,
): ManifestOperation => {
  const manifest = manifests.at(-1) as Manifest
  requirePast(manifest.time, now)
  return manifestOperation(bytes, manifest, ids.at(-1) as Uint8Array)
}

const requireNext = (manifest: Manifest, stored: readonly Uint8Array[]): void => {
  const last = stored.at(-1)
  const next =
    manifest.version === stored.length + 1 &&
    (last === undefined
      ? manifest.previous === undefined
      : manifest.previous !== undefined && equalBytes(manifest.previous, statementId(last)))
  if (!next) throw new Problem('manifest-conflict')
}

const add = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('manifest', body)
  const manifest = decode(Manifest, signed.body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  await requireCurrent(services, body, { kind: 'manifest', signer: principal, vault: manifest.vault })
  const { genesis } = await services.registry.requireVault(manifest.vault)
  if (genesis.mode === 'owner' && !equalBytes(genesis.controller, principal.id)) throw new Problem('not-permitted')
  const stored = await services.store.manifests(manifest.vault, principal.id)
  if (stored.length === 0 && !isAdmitted(services, principal)) throw new Problem('not-permitted')
  const again = stored.findIndex((bytes) => equalBytes(bytes, body))
  if (again < 0) requireNext(manifest, stored)
  const versions = again < 0 ? [...stored, body] : stored.slice(0, again + 1)
  const verified = await verifyManifests(versions, { vault: manifest.vault, genesis, custodian: principal })
  return applyForReceipt(services, newestOperation(body, verified.manifests, verified.ids, secondsNow(services)))
}

export const addManifestRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/manifests', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => add(services, request),
  })
}

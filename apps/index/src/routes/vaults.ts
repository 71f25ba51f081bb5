/** Vaults: made by their controller, seen by those who deal with them. */
import {
  decode, decodeSigned, encode, equalBytes, type PrincipalKeys, toHex, verifyGenesis, verifyManifests,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { NewVault, VaultView } from '@scelle/wire/messages'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import { requirePast } from '../registry.ts'
import {
  applyForReceipt, idOf, isAdmitted, requireCurrent, requireQuery, secondsNow, type Services,
} from '../services.ts'
import { newestOperation } from './manifests.ts'

const create = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const { genesis: signed, manifest: manifestSigned } = decode(NewVault, body)
  if (!equalBytes(decodeSigned('vault-genesis', signed).signer, principal.id)) throw new Problem('not-permitted')
  const { vault, genesis } = await verifyGenesis(signed, principal)
  await requireCurrent(services, signed, { kind: 'vault-genesis', signer: principal, vault })
  await requireCurrent(services, manifestSigned, { kind: 'manifest', signer: principal, vault })
  if (genesis.mode === 'custody' && !isAdmitted(services, principal)) {
    throw new Problem('not-permitted', 'A vault in custody is created by a provider that this index admitted.')
  }
  requirePast(genesis.time, secondsNow(services))
  const { manifests, ids } = await verifyManifests([manifestSigned], { vault, genesis, custodian: principal })
  return applyForReceipt(services, {
    kind: 'vault',
    statement: { id: vault, bytes: signed },
    controller: principal.id,
    mode: genesis.mode,
    manifest: newestOperation(manifestSigned, manifests, ids, secondsNow(services)),
  })
}

/** Custodians whose manifests the caller may see; undefined where it may not know of the vault. */
const visibleCustodians = async (
  services: Services, vault: Uint8Array, principal: PrincipalKeys,
): Promise<Uint8Array[] | undefined> => {
  const { genesis } = await services.registry.requireVault(vault)
  const now = secondsNow(services)
  const custodians = await services.store.custodians(vault)
  const grants = await services.store.grants(vault, { grantee: principal.id })
  const dealing = new Set([
    toHex(principal.id),
    ...grants.filter((grant) => !grant.revoked && grant.expires > now).map((grant) => toHex(grant.custodian)),
  ])
  const seen = custodians.filter((custodian) => dealing.has(toHex(custodian)))
  const named = equalBytes(genesis.controller, principal.id) || seen.length > 0
  // A provider that is about to deposit needs the trustees' names, and sees nobody's part.
  return named || (genesis.mode === 'custody' && isAdmitted(services, principal)) ? seen : undefined
}

const view = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request)
  const vault = idOf(request.params['vault'])
  const custodians = await visibleCustodians(services, vault, request.principal)
  if (custodians === undefined) throw new Problem('not-found')
  const { signed } = await services.registry.requireVault(vault)
  const manifests = await Promise.all(
    custodians.map(async (custodian) => ({ custodian, versions: await services.store.manifests(vault, custodian) })),
  )
  return { body: encode(VaultView, { genesis: signed, manifests }) }
}

export const addVaultRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/vaults', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => create(services, request),
  })
  server.route({
    method: 'GET', url: '/v1/vaults/:vault', policy: 'signed', handler: (request) => view(services, request),
  })
}

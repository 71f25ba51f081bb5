/** Grants and their key deliveries: verified back to the custodian before they are stored, listed to their parties. */
import {
  decode, decodeSigned, encode, equalBytes, type Grant, GrantKeys, type PrincipalKeys, SealError, statementId, toHex,
  verifyGrantChain, verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { GrantList, NewGrant } from '@scelle/wire/messages'
import type { Answer, Server, SignedRequest } from '@scelle/wire/server'
import { grantOf, keysFor, storedChain } from '../grant-chain.ts'
import { INDEX_LIMITS } from '../limits.ts'
import {
  applyForReceipt, idOf, isAdmitted, requireCurrent, requireQuery, secondsNow, type Services,
} from '../services.ts'
import type { GrantEntry, GrantKeysOperation } from '../store.ts'

const requireSense = (grant: Grant): void => {
  const holds =
    grant.categories.length > 0 &&
    new Set(grant.categories.map(toHex)).size === grant.categories.length &&
    grant.rights > 0 &&
    grant.purposes.length > 0 &&
    grant.notBefore < grant.expires
  if (!holds) throw new SealError('grant-chain-broken', 'a grant names categories, each once, rights, purposes, a time')
}

interface KeysOf {
  readonly grant: Uint8Array
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
}

const verifyKeys = async (
  services: Services, signedBytes: Uint8Array, signer: PrincipalKeys, of: KeysOf,
): Promise<GrantKeysOperation> => {
  await requireCurrent(services, signedBytes, { kind: 'grant-keys', signer, vault: of.vault })
  const { body, id } = await verifySigned('grant-keys', signedBytes, signer)
  const keys = decode(GrantKeys, body)
  const versions = (await services.store.manifests(of.vault, of.custodian)).length
  const fits =
    equalBytes(keys.grant, of.grant) && equalBytes(keys.vault, of.vault) &&
    keys.manifestVersion >= 1 && keys.manifestVersion <= versions
  if (!fits) throw new SealError('grant-seal-invalid', 'the keys are of another grant, or of a manifest not stored')
  return {
    kind: 'grant-keys',
    statement: { id, bytes: signedBytes },
    vault: keys.vault,
    grant: keys.grant,
    manifestVersion: keys.manifestVersion,
  }
}

const add = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const { grant: signedBytes, keys } = decode(NewGrant, body)
  const grant = grantOf(signedBytes)
  if (!equalBytes(decodeSigned('grant', signedBytes).signer, principal.id)) throw new Problem('not-permitted')
  await requireCurrent(services, signedBytes, { kind: 'grant', signer: principal, vault: grant.vault })
  requireSense(grant)
  await services.registry.requireVault(grant.vault)
  const ancestors = await storedChain(services, grant.vault, grant.parent)
  const signers = [grant.custodian, ...ancestors.map((entry) => entry.grantee)]
  const revoked = new Set(ancestors.filter((entry) => entry.revoked).map((entry) => toHex(entry.id)))
  await verifyGrantChain({
    chain: [...ancestors.map((entry) => entry.statement), signedBytes],
    vault: grant.vault,
    custodian: grant.custodian,
    keysOf: await keysFor(services, signers),
    // A grant may be given before it begins; its parents, being wider, hold then.
    at: Math.max(secondsNow(services), grant.notBefore),
    need: { reader: grant.grantee, categories: grant.categories, rights: grant.rights },
    revoked: (id) => revoked.has(toHex(id)),
  })
  if ((await services.registry.keysOf(grant.grantee)) === undefined) {
    throw new SealError('grant-chain-broken', 'the grantee is not registered here; it registers its key record first')
  }
  const id = statementId(signedBytes)
  return applyForReceipt(services, {
    kind: 'grant',
    statement: { id, bytes: signedBytes },
    signer: principal.id,
    grant,
    at: secondsNow(services),
    counted: isAdmitted(services, principal) ? 'in-vault' : 'in-all-vaults',
    keys: await verifyKeys(services, keys, principal, { grant: id, vault: grant.vault, custodian: grant.custodian }),
  })
}

const renew = async (services: Services, { body, principal }: SignedRequest): Promise<Answer> => {
  const signed = decodeSigned('grant-keys', body)
  const keys = decode(GrantKeys, signed.body)
  if (!equalBytes(signed.signer, principal.id)) throw new Problem('not-permitted')
  const entry = await services.store.grant(keys.vault, keys.grant)
  if (entry === undefined || !equalBytes(entry.signer, principal.id)) {
    throw new Problem('not-permitted', 'The keys of a grant are delivered by whoever signed the grant.')
  }
  const { custodian } = entry
  return applyForReceipt(
    services, await verifyKeys(services, body, principal, { grant: keys.grant, vault: keys.vault, custodian }),
  )
}

const listOf = async (services: Services, entries: readonly GrantEntry[]): Promise<Answer> => {
  const items = await Promise.all(
    entries.map(async (entry) => ({
      chain: (await storedChain(services, entry.vault, entry.id)).map((link) => link.statement),
      keys: entry.keys,
      revoked: entry.revoked,
    })),
  )
  return { body: encode(GrantList, items) }
}

const inVault = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request)
  const vault = idOf(request.params['vault'])
  const { id } = request.principal
  const entries = (await services.store.grants(vault)).filter(
    (entry) => equalBytes(entry.custodian, id) || equalBytes(entry.signer, id) || equalBytes(entry.grantee, id),
  )
  return listOf(services, entries.slice(-INDEX_LIMITS.grantList))
}

export const addGrantRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'POST', url: '/v1/grants', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => add(services, request),
  })
  server.route({
    method: 'POST', url: '/v1/grant-keys', policy: 'signed', maxBody: INDEX_LIMITS.statementsBody,
    handler: (request) => renew(services, request),
  })
  server.route({
    method: 'GET',
    url: '/v1/grants',
    policy: 'signed',
    handler: async (request) => {
      requireQuery(request)
      const at = secondsNow(services)
      return listOf(services, await services.store.grantsTo({
        grantee: request.principal.id, at, revokedSince: at - INDEX_LIMITS.revokedListed, limit: INDEX_LIMITS.grantList,
      }))
    },
  })
  server.route({
    method: 'GET', url: '/v1/vaults/:vault/grants', policy: 'signed', handler: (request) => inVault(services, request),
  })
}

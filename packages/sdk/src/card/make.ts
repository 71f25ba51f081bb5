/** A card for a vault that this principal answers for. */
import { sealCard, type SealedCard } from '@scelle/seal/envelope'
import { equalBytes, type PrincipalKeys } from '@scelle/seal/verify'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { vaultGrants } from '../grant-list.ts'
import { type Id, idBytes } from '../ids.ts'
import { loadView } from '../vault-view.ts'

export interface CardToMake {
  readonly vault: Id
  /** FHIR JSON: an International Patient Summary, such as an edge's `Patient/$summary`. */
  readonly summary: Uint8Array
  /** Milliseconds since 1970; a year from now at most. */
  readonly until: number
  /** Of emergency sites: each was given a way in by a grant of basis `vital-interest`. */
  readonly emergencyKeys: readonly Id[]
}

/**
 * Seals it. Each emergency key needs the way in for as long as the card: under that grant its openings are put on
 * record later, so without one the patient would never hear of them. Throws SdkError `not-custodian`, `no-grant`,
 * SealError `card-…`.
 */
export const makeCard = async (connection: Connection, from: CardToMake): Promise<SealedCard> => {
  const vault = idBytes(from.vault)
  const [view, grants] = await Promise.all([loadView(connection, vault), vaultGrants(connection, vault)])
  const { identity, context, directory } = connection
  if (!equalBytes(view.genesis.controller, identity.id)) {
    throw new SdkError('not-custodian', 'whoever answers for a vault makes its card: its owner, or its custodian')
  }
  const expires = Math.floor(from.until / 1000)
  const emergencyKeys = await Promise.all(from.emergencyKeys.map(async (key): Promise<PrincipalKeys> => {
    const { keys } = await directory.of(idBytes(key))
    const way = grants.some(({ grant, revoked, inForce }) =>
      grant.basis === 'vital-interest' && equalBytes(grant.vault, vault) && equalBytes(grant.grantee, keys.id) &&
      equalBytes(grant.custodian, identity.id) && !revoked && inForce && grant.expires >= expires)
    if (!way) {
      throw new SdkError('no-grant', 'no grant of vital interest to this emergency key lasts as long as the card')
    }
    return keys
  }))
  return sealCard({
    summary: from.summary, genesisSigned: view.genesisSigned, issuer: identity, expires, emergencyKeys,
  }, context)
}

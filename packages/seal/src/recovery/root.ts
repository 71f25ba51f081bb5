/** A person's root secret, and the principals that it makes: another one for each organisation, which nobody links. */
import { hkdfSha256 } from '#hash'
import { SealError } from '../errors.ts'
import { exportIdentity, type Identity, identityFrom, importIdentity, type OwnSecrets } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { concatBytes, equalBytes, hashOf, ZERO32 } from '../verify/bytes.ts'

/** Whose principal is meant where no organisation is: the person's own, as a patient. */
export const OWN = ZERO32

/** `salt`: of the genesis record. */
export type PairwiseSecrets = OwnSecrets & { readonly salt: Uint8Array }

/**
 * HKDF-SHA-256 of the 32-byte root, the organisation's principal id as its salt: signing seed, sealing seed, and the
 * salt of the genesis record. spec/format.md, Recovery.
 */
export const pairwiseSecrets = (root: Uint8Array, organisation: Uint8Array): PairwiseSecrets => {
  const made = hkdfSha256(root, organisation, labelBytes('pairwiseSecrets'), 80)
  return { signing: made.slice(0, 32), sealing: made.slice(32, 64), salt: made.slice(64) }
}

/**
 * The person as that organisation knows them. Its genesis record bears time 0, not that of enrolment: whoever has the
 * root again has the same principal, and two records that were made at one moment would be linked by it.
 */
export const pairwiseIdentity = async (root: Uint8Array, organisation: Uint8Array): Promise<Identity> => {
  const { salt, ...secrets } = pairwiseSecrets(root, organisation)
  return identityFrom('person', secrets, { time: 0, salt })
}

/**
 * The person's own principal, with the key records that it has by now: each is signed by the same key, which the root
 * makes again. Throws `principal-mismatch` where the records are somebody else's, `key-chain-broken`.
 */
export const ownIdentity = async (root: Uint8Array, chain: readonly Uint8Array[] = []): Promise<Identity> => {
  const first = await pairwiseIdentity(root, OWN)
  const [genesis] = chain
  if (genesis === undefined) return first
  if (!equalBytes(genesis, first.chain[0] as Uint8Array)) {
    throw new SealError('principal-mismatch', 'these key records are of somebody else than the root\'s own principal')
  }
  return importIdentity(exportIdentity({ chain, secrets: chain.flatMap(() => first.secrets) }))
}

/** What a wrap commits to the root by, under a salt of its own: no two wraps look alike. */
export const rootCheck = (root: Uint8Array, salt: Uint8Array): Uint8Array => hashOf('rootCheck', salt, root)

/** Throws `root-mismatch`. */
export const requireRoot = (root: Uint8Array, { salt, check }: { salt: Uint8Array; check: Uint8Array }): Uint8Array => {
  if (!equalBytes(rootCheck(root, salt), check)) {
    throw new SealError('root-mismatch', 'what came out is not the root that this wrap was made of')
  }
  return root
}

/** The secret of the list of wraps, which the root itself opens. */
export const listSecret = (root: Uint8Array): Uint8Array =>
  hkdfSha256(root, ZERO32, concatBytes(labelBytes('wrapSecrets'), new TextEncoder().encode('list')), 32)

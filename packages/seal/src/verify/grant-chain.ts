/** Chains of grants, checked without a server: every child is a subset of its parent in every field. */
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { Access, Grant, Revocation, RIGHTS } from '../statements.ts'
import { equalBytes, toHex } from './bytes.ts'
import { type PrincipalKeys, requireCurrentKey, requireSuite, verifySigned } from './identity.ts'

export interface GrantNeed {
  /** Who wants to use the chain; with an empty chain it must be the custodian itself. */
  readonly reader: Uint8Array
  readonly categories: readonly Uint8Array[]
  /** Bits of RIGHTS. */
  readonly rights: number
  readonly purpose?: Access['purpose']
}

export interface GrantChain {
  /** Signed grants, root first. */
  readonly chain: readonly Uint8Array[]
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly keysOf: (principal: Uint8Array) => PrincipalKeys | undefined
  /** Seconds since 1970 UTC at which the chain is used. */
  readonly at: number
  readonly need: GrantNeed
  readonly revoked?: (grant: Uint8Array) => boolean
}

const includes = (ids: readonly Uint8Array[], id: Uint8Array): boolean => ids.some((one) => equalBytes(one, id))

const requireSubset = (child: Grant, parent: Grant, parentId: Uint8Array): void => {
  const refusals: [boolean, string][] = [
    [child.parent !== undefined && equalBytes(child.parent, parentId), 'it names another parent'],
    [(parent.rights & RIGHTS.shareOn) !== 0, 'its parent may not be shared on'],
    [child.categories.every((category) => includes(parent.categories, category)), 'it adds a category'],
    [(child.rights & ~parent.rights) === 0, 'it adds a right'],
    [child.purposes.every((purpose) => parent.purposes.includes(purpose)), 'it adds a purpose'],
    [child.basis === parent.basis, 'it changes the legal basis'],
    [child.notBefore >= parent.notBefore && child.expires <= parent.expires, 'it lasts longer'],
    [child.depth < parent.depth, 'it is deeper than allowed'],
    [
      parent.patientsPerDay === undefined || (child.patientsPerDay ?? Infinity) <= parent.patientsPerDay,
      'it widens the budget',
    ],
    [
      (parent.strict ?? []).every((id) => !includes(child.categories, id) || includes(child.strict ?? [], id)),
      'it no longer says that a category is strict',
    ],
    [parent.standing !== true || child.standing === true, 'it is good without a fact'],
  ]
  const broken = refusals.find(([holds]) => !holds)
  if (broken !== undefined) throw new SealError('grant-not-subset', `a grant is wider than its parent: ${broken[1]}`)
}

const verifyLink = async (
  signedBytes: Uint8Array, signer: Uint8Array, from: GrantChain, link: number,
): Promise<{ grant: Grant; id: Uint8Array }> => {
  const keys = from.keysOf(signer)
  if (keys === undefined) throw new SealError('grant-chain-broken', `the signer of link ${link} is not known here`)
  const { body, id } = await verifySigned('grant', signedBytes, keys)
  const grant = decode(Grant, body)
  requireSuite(grant)
  if (!equalBytes(grant.vault, from.vault) || !equalBytes(grant.custodian, from.custodian)) {
    throw new SealError('grant-chain-broken', `link ${link} is about another vault or custodian`)
  }
  if (from.at < grant.notBefore || from.at >= grant.expires) {
    throw new SealError('grant-expired', `link ${link} is not valid at this time`)
  }
  if (from.revoked?.(id) === true) throw new SealError('grant-revoked', `link ${link} was revoked`)
  return { grant, id }
}

const requireNeed = (last: Grant, need: GrantNeed): void => {
  const covered =
    equalBytes(last.grantee, need.reader) &&
    (last.rights & need.rights) === need.rights &&
    need.categories.every((category) => includes(last.categories, category)) &&
    (need.purpose === undefined || last.purposes.includes(need.purpose))
  if (!covered) throw new SealError('grant-insufficient', 'the chain does not give this right to this principal')
}

/**
 * Checks a chain, root first, against what is needed. An empty chain is the custodian's own right.
 * Throws `grant-chain-broken`, `grant-not-subset`, `grant-expired`, `grant-revoked` or `grant-insufficient`,
 * naming the link that fails (0 is the root).
 */
export const verifyGrantChain = async (from: GrantChain): Promise<{ grants: Grant[]; ids: Uint8Array[] }> => {
  if (from.chain.length > LIMITS.grantChain) throw new SealError('grant-chain-broken', 'the chain is too long')
  const grants: Grant[] = []
  const ids: Uint8Array[] = []
  let signer = from.custodian
  for (const [link, signedBytes] of from.chain.entries()) {
    const { grant, id } = await verifyLink(signedBytes, signer, from, link)
    const parent = grants.at(-1)
    const parentId = ids.at(-1)
    if (parent !== undefined && parentId !== undefined) requireSubset(grant, parent, parentId)
    else if (grant.parent !== undefined) throw new SealError('grant-chain-broken', 'the root of a chain has a parent')
    grants.push(grant)
    ids.push(id)
    signer = grant.grantee
  }
  const last = grants.at(-1)
  if (last === undefined) {
    if (!equalBytes(from.need.reader, from.custodian)) {
      throw new SealError('grant-insufficient', 'without a grant only the custodian itself may do this')
    }
  } else requireNeed(last, from.need)
  return { grants, ids }
}

/** Checks a revocation of the last grant of `chain`: by the custodian, or by the signer of it or of an ancestor. */
export const verifyRevocation = async (
  signedBytes: Uint8Array, revoker: PrincipalKeys, chain: { grants: readonly Grant[]; ids: readonly Uint8Array[] },
): Promise<Revocation> => {
  const { body } = await verifySigned('revocation', signedBytes, revoker)
  const revocation = decode(Revocation, body)
  requireSuite(revocation)
  const last = chain.grants.at(-1)
  const lastId = chain.ids.at(-1)
  if (last === undefined || lastId === undefined || !equalBytes(revocation.grant, lastId)) {
    throw new SealError('grant-chain-broken', 'the revocation names another grant than the chain shown')
  }
  const signers = [last.custodian, ...chain.grants.slice(0, -1).map((grant) => grant.grantee)]
  if (!equalBytes(revocation.vault, last.vault) || !includes(signers, revoker.id)) {
    throw new SealError('grant-insufficient', `only one of ${signers.length} principals may revoke this grant`)
  }
  return revocation
}

/** Checks an access against its reader's keys. */
export const verifyAccess = async (
  signedBytes: Uint8Array, reader: PrincipalKeys,
): Promise<{ access: Access; id: Uint8Array }> => {
  const { signed, body, id } = await verifySigned('access', signedBytes, reader)
  // An access is always new: whoever stole a key that was replaced since must not go on reading with it.
  requireCurrentKey(signed, reader)
  const access = decode(Access, body)
  requireSuite(access)
  if (!equalBytes(access.reader, reader.id)) {
    throw new SealError('principal-mismatch', 'an access names another reader than its signer')
  }
  if (access.capsules.length === 0 || new Set(access.capsules.map(toHex)).size !== access.capsules.length) {
    throw new SealError('release-mismatch', 'an access names at least one capsule, each once')
  }
  return { access, id }
}

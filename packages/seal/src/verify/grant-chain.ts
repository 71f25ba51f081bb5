/** Chains of grants, checked without a server: every child is a subset of its parent in every field. */
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { Access, Grant, Revocation } from '../statements.ts'
import { equalBytes, toHex } from './bytes.ts'
import { includes, requireBasis, requireSubset } from './grant-rules.ts'
import { type PrincipalKeys, requireCurrentKey, requireSuite, statementId, verifySigned } from './identity.ts'
import type { When } from './session.ts'

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

interface Link {
  readonly grant: Grant
  /** Statement id. */
  readonly id: Uint8Array
}

const broken = (link: number, what: string): never => {
  throw new SealError('grant-chain-broken', `link ${link} ${what}`, { link })
}

/** What is thrown about one link says which. */
const naming = async <T>(link: number, work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof SealError) || error.link !== undefined) throw error
    throw new SealError(error.code, `link ${link}: ${error.message}`, { cause: error, link })
  }
}

const verifyLink = async (
  signedBytes: Uint8Array, { signer, link }: { readonly signer: Uint8Array; readonly link: number }, from: GrantChain,
): Promise<Link> => {
  const keys = from.keysOf(signer) ?? broken(link, 'has a signer who is not known here')
  const { body, id } = await verifySigned('grant', signedBytes, keys)
  const grant = decode(Grant, body)
  requireSuite(grant)
  if (!equalBytes(grant.vault, from.vault) || !equalBytes(grant.custodian, from.custodian)) {
    broken(link, 'is about another vault or custodian')
  }
  if (from.at < grant.notBefore || from.at >= grant.expires) {
    throw new SealError('grant-expired', `link ${link} is not valid at this time`, { link })
  }
  if (from.revoked?.(id) === true) throw new SealError('grant-revoked', `link ${link} was revoked`, { link })
  return { grant, id }
}

const requireNeed = (last: Grant, need: GrantNeed, link: number): void => {
  const refusals: [boolean, string][] = [
    [equalBytes(last.grantee, need.reader), 'is somebody else\'s'],
    [(last.rights & need.rights) === need.rights, 'lacks a right'],
    [need.categories.every((category) => includes(last.categories, category)), 'lacks a category'],
    [need.purpose === undefined || last.purposes.includes(need.purpose), 'lacks the purpose'],
  ]
  const missing = refusals.find(([holds]) => !holds)?.[1]
  if (missing === undefined) return
  throw new SealError('grant-insufficient', `the chain does not give this right: link ${link} ${missing}`, { link })
}

/**
 * Checks a chain, root first, against what is needed, without any server. An empty chain is the custodian's own right.
 * Throws `grant-chain-broken`, `grant-not-subset`, `grant-basis-invalid`, `grant-expired`, `grant-revoked`,
 * `grant-insufficient`, or what is wrong with a statement. Each names the link that fails (0 is the root), in `link`
 * too, and the rule.
 */
export const verifyGrantChain = async (from: GrantChain): Promise<{ grants: Grant[]; ids: Uint8Array[] }> => {
  const { grantChain } = LIMITS
  if (from.chain.length > grantChain) broken(grantChain, `is one too many: a chain has ${grantChain} at most`)
  const links: Link[] = []
  for (const [link, signedBytes] of from.chain.entries()) {
    const parent = links.at(-1)
    const signer = parent === undefined ? from.custodian : parent.grant.grantee
    const one = await naming(link, verifyLink(signedBytes, { signer, link }, from))
    if (parent !== undefined) requireSubset(one.grant, parent, link)
    else if (one.grant.parent !== undefined) broken(link, 'is the root of the chain and has a parent')
    requireBasis(one.grant, link)
    links.push(one)
  }
  const last = links.at(-1)
  if (last !== undefined) requireNeed(last.grant, from.need, links.length - 1)
  else if (!equalBytes(from.need.reader, from.custodian)) {
    throw new SealError('grant-insufficient', 'without a grant only the custodian itself may do this')
  }
  return { grants: links.map(({ grant }) => grant), ids: links.map(({ id }) => id) }
}

/**
 * Who may end the last of these grants: the custodian, and whoever signed it or one above it. A keeper's right ends
 * with its time: the custodian cannot take it back, or a patient would undo what the law makes the author keep; the
 * keeper may give it up, and take it from its own officers.
 */
export const revokersOf = (grants: readonly Grant[]): Uint8Array[] => {
  const last = grants.at(-1)
  if (last === undefined) return []
  const above = grants.slice(0, -1).map((grant) => grant.grantee)
  return last.basis === 'legal-duty' ? [(grants[0] as Grant).grantee, ...above] : [last.custodian, ...above]
}

/** Checks a revocation of the last grant of `chain`. Throws `grant-chain-broken`, `grant-insufficient`. */
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
  const signers = revokersOf(chain.grants)
  if (!equalBytes(revocation.vault, last.vault) || !includes(signers, revoker.id)) {
    throw new SealError('grant-insufficient', `only one of ${signers.length} principals may revoke this grant`)
  }
  return revocation
}

/** Checks an access against its reader's keys. */
export const verifyAccess = async (
  signedBytes: Uint8Array, reader: PrincipalKeys, when: When = 'new',
): Promise<{ access: Access; id: Uint8Array }> => {
  const { signed, body, id } = await verifySigned('access', signedBytes, reader)
  // Whoever stole a key that was replaced since must not go on reading with it.
  if (when === 'new') requireCurrentKey(signed, reader)
  const access = decode(Access, body)
  requireSuite(access)
  if (!equalBytes(access.reader, reader.id)) {
    throw new SealError('principal-mismatch', 'an access names another reader than its signer')
  }
  const session = signed.session === undefined ? undefined : statementId(signed.session)
  if (session === undefined ? access.session !== undefined : !equalBytes(access.session ?? new Uint8Array(), session)) {
    throw new SealError('session-invalid', 'an access names another session than the one in which it is signed')
  }
  if (access.capsules.length === 0 || new Set(access.capsules.map(toHex)).size !== access.capsules.length) {
    throw new SealError('release-mismatch', 'an access names at least one capsule, each once')
  }
  return { access, id }
}

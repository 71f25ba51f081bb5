/**
 * Releasing shares. Everything in the request comes from the reader and the index, neither of whom is believed: each
 * step relies only on what the steps before it proved. README.md lists them in this order.
 */
import {
  type Access, type CapsuleHeader, capsuleHeaderHash, type Context, decode, decodeCapsuleHeader, decodeSigned,
  encapsulationId, equalBytes, Access as AccessBody, type Grant, type PrincipalKeys, RIGHTS, SealError, statementId,
  Status, toHex, verifyAccess, verifyGrantChain,
} from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import { type CourierKeys, openShare, sealRelease } from '@scelle/seal/shares'
import { Problem } from '@scelle/wire/errors'
import { ReleaseRequest } from '@scelle/wire/messages'
import type { Holder } from './holder.ts'
import { TRUSTEE_LIMITS } from './limits.ts'
import { type LogSigners, type Recorded, verifyLogged } from './log/receipt.ts'
import { requireNotRevoked } from './log/revoked.ts'
import type { KnownLocks } from './meter/locks.ts'
import type { Charge } from './meter/meter.ts'
import { weigh } from './meter/weigh.ts'
import type { Facts, FactsAsked } from './nodes/messages.ts'
import { verifyPrincipals } from './principals.ts'
import type { ShownPrincipals } from './shown.ts'
import { shareIndex, type VaultWithCustodian, verifyVault } from './vault.ts'

/** What verifies and opens shares: in the holder's process, or in a node, which has no state of its own. */
export interface Releaser {
  readonly identity: Identity
  readonly holder: Holder
  readonly signers: LogSigners
  readonly couriers: CourierKeys
  readonly context: Context
}

/** A request whose key chains verified and which was signed by `reader`. */
export interface SignedRelease {
  readonly request: ReleaseRequest
  readonly principals: ShownPrincipals
  readonly reader: PrincipalKeys
  readonly facts: Facts
}

/** A request with its verified key chains, before it is known who signed it. */
export type ShownRelease = Omit<SignedRelease, 'reader'>

const distinct = (ids: readonly Uint8Array[]): Uint8Array[] => [...new Map(ids.map((id) => [toHex(id), id])).values()]

/** Ids in a request of which nothing is verified yet: what is answered about them says nothing about anybody else. */
const askedOf = ({ access: signed, keys, chain, statuses = [] }: ReleaseRequest): FactsAsked => {
  const { body, session } = decodeSigned('access', signed)
  const { access, vault, reader } = decode(AccessBody, body)
  const principals = keys.flatMap(([genesis]) => (genesis === undefined ? [] : statementId(genesis)))
  const named = statuses.flatMap((one) => {
    const { subject, meter, organisation } = decode(Status, decodeSigned('status', one).body)
    return [subject, meter, organisation ?? []].flat()
  })
  return {
    principals, chain: chain.map(statementId), vault, reader, access, statement: statementId(signed),
    vouching: distinct([...principals, ...named]), ...(session === undefined ? {} : { session: statementId(session) }),
  }
}

/** The locks that the holder told of. */
const locksIn = (locks: Facts['locks']): KnownLocks => ({
  of: (scope, target) => locks.find((lock) => lock.scope === scope && equalBytes(lock.target, target)),
})

/** Reads a release request, asks what is known of it, and verifies its key chains. */
export const readRelease = async (body: Uint8Array, holder: Holder): Promise<ShownRelease> => {
  const request = decode(ReleaseRequest, body)
  const facts = await holder.facts(askedOf(request))
  // A principal's newest key here and in the log are two entries: none may be newer than the chain shown.
  const known = (id: Uint8Array, place: number) =>
    facts.known.filter(({ principal }) => equalBytes(principal, id))[place]
  const principals = await verifyPrincipals(request.keys, {
    headOf: (id) => known(id, 0), log: { loggedKey: (id) => known(id, 1) },
  })
  return { request, principals, facts }
}

interface NamedCapsule {
  readonly headerBytes: Uint8Array
  readonly headerHash: Uint8Array
  readonly header: CapsuleHeader
}

const requireRecent = (access: Access, now: number): void => {
  const age = Math.floor(now / 1000) - access.time
  if (age > TRUSTEE_LIMITS.accessWindow || age < -TRUSTEE_LIMITS.accessAhead) throw new Problem('access-expired')
}

/** The capsules shown must be those that the access names, in its order, all of its vault and custodian. */
const requireNamed = (request: ReleaseRequest, access: Access): NamedCapsule[] => {
  if (request.capsules.length !== access.capsules.length) {
    throw new SealError('release-mismatch', 'the request shows other capsules than the access names')
  }
  return request.capsules.map(({ header: headerBytes }, place) => {
    const headerHash = capsuleHeaderHash(headerBytes)
    if (!equalBytes(headerHash, access.capsules[place] as Uint8Array)) {
      throw new SealError('release-mismatch', `capsule ${place} is not the one that the access names there`)
    }
    const header = decodeCapsuleHeader(headerBytes)
    if (!equalBytes(header.vault, access.vault) || !equalBytes(header.custodian, access.custodian)) {
      throw new SealError('vault-mismatch', `capsule ${place} belongs to another vault or custodian than the access`)
    }
    return { headerBytes, headerHash, header }
  })
}

/**
 * The reader's right to read every category touched, for this purpose, now: from the custodian down, none revoked.
 * Resolves with the grants.
 */
const requireRight = async (
  { request, principals, reader, facts }: SignedRelease, access: Access, vault: VaultWithCustodian,
  categories: readonly Uint8Array[], { context }: Releaser,
): Promise<Grant[]> => {
  const chain = await verifyGrantChain({
    chain: request.chain,
    vault: vault.vault,
    custodian: vault.custodian.id,
    keysOf: principals.find,
    at: Math.floor(context.now() / 1000),
    need: {
      reader: reader.id,
      categories,
      rights: RIGHTS.read,
      purpose: access.purpose,
    },
    revoked: (grant) => facts.revoked.some((one) => equalBytes(one, grant)),
  })
  await requireNotRevoked(chain, principals, {
    loggedRevocations: (id) => facts.logged.flatMap(({ grant, statement }) => (equalBytes(grant, id) ? statement : [])),
  })
  const { ids, grants } = chain
  // The access on record must say by which grants it was made, or the record would name a right that was not used.
  if (ids.length !== access.chain.length || !ids.every((id, i) => equalBytes(id, access.chain[i] as Uint8Array))) {
    throw new SealError('release-mismatch', 'the chain shown is not the one that the access names')
  }
  return grants
}

/** Opens this trustee's share of one capsule. A share made for another capsule, vault or writer does not open. */
const openOwnShares = async (
  request: ReleaseRequest, capsules: readonly NamedCapsule[], index: number, couriers: CourierKeys,
): Promise<{ headerHash: Uint8Array; share: Uint8Array }[]> => {
  const encapsulations = new Map(request.encapsulations.map((bytes) => [toHex(encapsulationId(bytes)), bytes]))
  const shares: { headerHash: Uint8Array; share: Uint8Array }[] = []
  for (const [place, { headerBytes, headerHash }] of capsules.entries()) {
    const { share: seal } = request.capsules[place] as ReleaseRequest['capsules'][number]
    const bytes = encapsulations.get(toHex(seal.encapsulation))
    if (bytes === undefined) {
      throw new SealError('capsule-mismatch', `capsule ${place}: the encapsulation that it names is missing`)
    }
    try {
      const share = await openShare({ headerBytes, seal, index, courierKey: await couriers.of(bytes) })
      shares.push({ headerHash, share })
    } catch (error) {
      // The place, so that a reader can leave out a capsule that a writer made wrong, and open the others.
      if (!(error instanceof SealError)) throw error
      throw new SealError(error.code, `capsule ${place}: ${error.message}`, { cause: error })
    }
  }
  return shares
}

interface VerifiedAccess {
  readonly access: Access
  /** Statement id of the access. */
  readonly id: Uint8Array
}

interface Releasing {
  readonly capsules: readonly NamedCapsule[]
  readonly index: number
  readonly recorded: Recorded
  readonly charge: Omit<Charge, 'now'> | undefined
}

/** Opens the shares, seals them to the access's one-time key, and has them charged and kept before returning. */
const answerNew = async (
  { request, principals, facts }: SignedRelease, { access, id }: VerifiedAccess,
  { capsules, index, recorded, charge }: Releasing, { identity, couriers, holder }: Releaser,
): Promise<Uint8Array> => {
  const shares = await openOwnShares(request, capsules, index, couriers)
  const { enc, sealed } = await sealRelease({
    accessId: id, trustee: identity.id, oneTimeKey: access.oneTimeKey, shares,
  })
  return holder.settle({
    id, access, signed: request.access, revocations: facts.revocations,
    lastSignOut: facts.lastSignOut, recorded, heads: principals.heads, enc, sealed,
    charge,
  })
}

const decide = async (signed: SignedRelease, verified: VerifiedAccess, releaser: Releaser): Promise<Uint8Array> => {
  const { request, principals, facts } = signed
  const { access, id } = verified
  const { identity, context, holder, signers } = releaser
  requireRecent(access, context.now())
  const vault = await verifyVault(request.genesis, access, principals)
  const index = shareIndex(vault, identity.id)
  const { receipt } = request
  const recorded = await verifyLogged(
    { receipt, access: request.access, vault, principals }, await signers.of(facts.signers), identity.keys)
  const capsules = requireNamed(request, access)
  const categories = distinct(capsules.map(({ header }) => header.category))
  const grants = await requireRight(signed, access, vault, categories, releaser)
  if (facts.earlier !== undefined) return facts.earlier
  const now = Math.floor(context.now() / 1000)
  const headers = capsules.map(({ header }) => header)
  const { index: indexId, issuers, emergencyKeys } = await holder.settings()
  const shown = { ...signed, vault, access, accessId: id, grants, categories, headers }
  const own = access.until === undefined && facts.claimed
  const charge = own ? undefined : await weigh({
    ...shown, issuers, emergencyKeys, index: indexId, signOuts: facts.signOuts, locks: locksIn(facts.locks),
    changes: facts, now,
  })
  return answerNew(signed, verified, { capsules, index, recorded, charge }, releaser)
}

/**
 * Checks a request and answers it: this trustee's share of each capsule, sealed to the access's one-time key. The
 * answer is on disk before it is returned, and charged; the same access gets the same bytes again. That it was refused
 * is kept too. Throws what the meter refuses with (`status-required` to `meter-recovering`), Problem `access-expired`,
 * `receipt-invalid`, `already-exists`, `bad-statement`, `clock-skewed`, `log-recovering`, `log-forked` or the SealError
 * of the rule that was broken.
 */
export const release = async (signed: SignedRelease, releaser: Releaser): Promise<Uint8Array> => {
  const { request, reader } = signed
  const verified = await verifyAccess(request.access, reader)
  try {
    return await decide(signed, verified, releaser)
  } catch (why) {
    await releaser.holder.deny({ ...verified, signed: request.access, why })
    throw why
  }
}

/**
 * Releasing shares. Everything in the request comes from the reader and the index, neither of whom is believed: each
 * step relies only on what the steps before it proved. README.md lists them in this order.
 */
import {
  type Access, type CapsuleHeader, capsuleHeaderHash, type Context, decodeCapsuleHeader, encapsulationId, encode,
  equalBytes, type Grant, type PrincipalKeys, Release, RIGHTS, SealError, SUITE, toHex, verifyAccess, verifyGrantChain,
} from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import { type CourierKeys, openShare, sealRelease } from '@scelle/seal/shares'
import { Problem } from '@scelle/wire/errors'
import { type Counter, ReleaseAnswer, type ReleaseRequest } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from './limits.ts'
import { type LogWitnessed, requireLogged } from './log/receipt.ts'
import type { ShownLeaf } from './log/mirror-store.ts'
import { requireNotRevoked } from './log/revoked.ts'
import type { Turns } from './log/turns.ts'
import type { Journal, JournalEntry } from './meter/journal.ts'
import type { Charge } from './meter/meter.ts'
import { weigh } from './meter/weigh.ts'
import type { ShownPrincipals } from './shown.ts'
import type { TrusteeStore } from './store.ts'
import { shareIndex, type VaultWithCustodian, verifyVault } from './vault.ts'
import { keepDenial } from './words/denials.ts'

export interface Releaser {
  readonly identity: Identity
  /** Principal id of the index whose log it is. From the configuration, never from a request. */
  readonly index: Uint8Array
  readonly logged: LogWitnessed
  readonly couriers: CourierKeys
  readonly store: TrusteeStore
  /** Principal ids of registers: who a professional is, is their word. From the configuration. */
  readonly issuers: readonly Uint8Array[]
  /** Principal ids of emergency keys, which registered sites hold. From the configuration. */
  readonly emergencyKeys: readonly Uint8Array[]
  readonly context: Context
  /** Releases are charged one at a time. */
  readonly turns: Turns
  readonly journal: Journal
}

/** A request whose key chains verified and which was signed by `reader`. */
export interface SignedRelease {
  readonly request: ReleaseRequest
  readonly principals: ShownPrincipals
  readonly reader: PrincipalKeys
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

const distinct = (ids: readonly Uint8Array[]): Uint8Array[] => [...new Map(ids.map((id) => [toHex(id), id])).values()]

/**
 * The reader's right to read every category touched, for this purpose, now: from the custodian down, none revoked.
 * Resolves with the grants.
 */
const requireRight = async (
  { request, principals, reader }: SignedRelease, access: Access, vault: VaultWithCustodian,
  categories: readonly Uint8Array[], { store, context }: Releaser,
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
    revoked: (grant) => store.isRevoked(grant),
  })
  await requireNotRevoked(chain, principals, store.log)
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
  readonly revocations: number
  readonly leaf: ShownLeaf
  readonly charge: Charge | undefined
}

/** What is charged, as this trustee seals it to itself; undefined where nothing is, or the meter will refuse. */
const journalEntry = (charge: Charge | undefined, store: TrusteeStore): JournalEntry | undefined => {
  const plan = charge === undefined ? undefined : store.asked((meter) => meter.plan(charge))
  if (charge === undefined || plan === undefined || plan.refused !== undefined) return undefined
  const { counted, used } = plan
  return { serial: store.meter.spent.serial + 1, vault: charge.vault, time: charge.now, counted, used }
}

/** Opens the shares, seals them to the access's one-time key, charges, and keeps answer and word before returning. */
const answerNew = async (
  { request, principals, reader }: SignedRelease, { access, id }: VerifiedAccess,
  { capsules, index, revocations, leaf, charge }: Releasing, releaser: Releaser,
): Promise<Uint8Array> => {
  const { identity, couriers, store, context, turns, journal } = releaser
  const { vault, custodian, oneTimeKey } = access
  const trustee = identity.id
  const shares = await openOwnShares(request, capsules, index, couriers)
  const { enc, sealed } = await sealRelease({ accessId: id, trustee, oneTimeKey, shares })
  const answer = (counter: Counter | undefined): Uint8Array => encode(ReleaseAnswer, {
    trustee, access: id, enc, sealed, ...(counter === undefined ? {} : { counter }),
  })
  // One at a time: the word holds the number of its charge, and numbers have no gaps.
  return turns.take(async () => {
    const time = Math.floor(context.now() / 1000)
    const entry = journalEntry(charge, store)
    const word = await identity.sign('release', encode(Release, {
      suite: SUITE, trustee, vault, access: id, capsules: capsules.length, time, salt: context.random(16),
      ...(entry === undefined ? {} : { charge: journal.seal(entry, id, context.random) }),
    }))
    store.dropAnswers(time - TRUSTEE_LIMITS.accessWindow - TRUSTEE_LIMITS.accessAhead)
    store.words.drop(time - TRUSTEE_LIMITS.wordsKept)
    return store.keepRelease({
      reader: reader.id, access: access.access, statement: id, vault, time, answer, leaf, charge, entry,
      word: { vault, custodian, reader: reader.id, kind: 'release', time, access: request.access, word },
    }, { ids: access.chain, revocations }, principals.heads)
  })
}

const decide = async (signed: SignedRelease, verified: VerifiedAccess, releaser: Releaser): Promise<Uint8Array> => {
  const { request, principals, reader } = signed
  const { access, id } = verified
  const { identity, store } = releaser
  requireRecent(access, releaser.context.now())
  const vault = await verifyVault(request.genesis, access, principals)
  const index = shareIndex(vault, identity.id)
  const { receipt } = request
  const leaf = await requireLogged({ receipt, access: request.access, vault, principals }, releaser.logged)
  const capsules = requireNamed(request, access)
  const revocations = store.log.countRevocations(access.chain)
  const categories = distinct(capsules.map(({ header }) => header.category))
  const grants = await requireRight(signed, access, vault, categories, releaser)
  const earlier = store.answerTo({ reader: reader.id, access: access.access, statement: id })
  if (earlier !== undefined) return earlier
  const now = Math.floor(releaser.context.now() / 1000)
  const headers = capsules.map(({ header }) => header)
  const { issuers, emergencyKeys } = releaser
  // Patients are not metered, in the vault that was kept for them before they claimed it either.
  const own = access.until === undefined && store.discovery.isClaimedBy(access.vault, reader.id)
  const shown = { ...signed, vault, access, accessId: id, grants, categories, headers }
  const charge = own ? undefined : await weigh({ ...shown, issuers, emergencyKeys, locks: store.meter.locks, now })
  if (charge !== undefined) store.meter.requireFree(charge)
  return answerNew(signed, verified, { capsules, index, revocations, leaf, charge }, releaser)
}

/**
 * Checks a request and answers it: this trustee's share of each capsule, sealed to the access's one-time key. The
 * answer is on disk before it is returned, and charged; the same access gets the same bytes again. That it was refused
 * is kept too. Throws what the meter refuses with (`status-required` to `meter-recovering`), Problem `access-expired`,
 * `receipt-invalid`, `already-exists`, `bad-statement`, `log-recovering`, `log-forked` or the SealError of the rule
 * that was broken.
 */
export const release = async (signed: SignedRelease, releaser: Releaser): Promise<Uint8Array> => {
  const { request, reader } = signed
  const verified = await verifyAccess(request.access, reader)
  try {
    return await decide(signed, verified, releaser)
  } catch (why) {
    const { identity, store, context } = releaser
    await keepDenial({ ...verified, signed: request.access, why }, identity, store.words, context)
    throw why
  }
}

/** Capsules: the key that the records of one writer, one category and one short time share, and who can come by it. */
import { combine, split } from 'shamir-secret-sharing'
import { hkdfSha256 } from '#hash'
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { receiveExport, sendExport } from '../hpke/export.ts'
import type { Identity } from '../identity.ts'
import type { EpochSecrets } from '../keys/epochs.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { CourierKeys } from '../shares/courier.ts'
import {
  Capsule,
  CapsuleHeader,
  type CategoryEntry,
  type CourierSeal,
  SUITE,
  type VaultGenesis,
} from '../statements.ts'
import { concatBytes, equalBytes, u32 } from '../verify/bytes.ts'
import {
  capsuleHeaderHash,
  decodeCapsule,
  decodeCapsuleHeader,
  releaseCommitment,
  shareCommitment,
} from '../verify/commit.ts'
import type { PrincipalKeys } from '../verify/identity.ts'
import type { Courier } from './courier.ts'

let secretOf: (key: CapsuleKey) => Uint8Array

/** The key of one capsule: opens its records. The bytes are not reachable from outside this room. */
export class CapsuleKey {
  readonly header: CapsuleHeader
  readonly headerHash: Uint8Array
  readonly #secret: Uint8Array

  constructor(header: CapsuleHeader, headerHash: Uint8Array, secret: Uint8Array) {
    this.header = header
    this.headerHash = headerHash
    this.#secret = secret
  }

  static {
    secretOf = (key) => key.#secret
  }
}

/** The input key of a capsule's bodies: for this room only, `./envelope` does not hand it out. */
export const capsuleSecret = (key: CapsuleKey): Uint8Array => secretOf(key)

/** A capsule that its writer still adds to. */
export class OpenCapsule extends CapsuleKey {
  readonly headerBytes: Uint8Array
  /** As stored: header, sealed shares, owner's seal. */
  readonly capsuleBytes: Uint8Array
  #count = 0

  constructor(header: CapsuleHeader, headerBytes: Uint8Array, capsuleBytes: Uint8Array, secret: Uint8Array) {
    super(header, capsuleHeaderHash(headerBytes), secret)
    this.headerBytes = headerBytes
    this.capsuleBytes = capsuleBytes
  }

  get count(): number {
    return this.#count
  }

  /**
   * True where `more` records may be added at `now` (ms). Accesses, revocations and epochs close it too: the caller's
   * part.
   */
  takes(more: number, now: number): boolean {
    return this.#count + more <= LIMITS.capsuleRecords && now / 1000 < this.header.opened + LIMITS.capsuleOpenSeconds
  }

  /** Counts records about to be sealed. Throws `capsule-full` or `capsule-closed`. */
  add(more: number, now: number): void {
    if (this.#count + more > LIMITS.capsuleRecords) {
      throw new SealError('capsule-full', `a capsule takes ${LIMITS.capsuleRecords} records; open a new one`)
    }
    if (!this.takes(more, now)) throw new SealError('capsule-closed', 'a capsule is open for a day; open a new one')
    this.#count += more
  }
}

export interface NewCapsule {
  readonly vault: Uint8Array
  readonly genesis: VaultGenesis
  readonly custodian: Uint8Array
  readonly category: CategoryEntry
  readonly retention: CapsuleHeader['retention']
  /** Verified keys of the genesis's trustees, in its order. */
  readonly trustees: readonly PrincipalKeys[]
  /** Verified keys of the controller: needed in an owner's vault, unused in custody. */
  readonly owner?: PrincipalKeys
}

const requireRecipients = (from: NewCapsule): void => {
  const { genesis, trustees, owner } = from
  const named =
    trustees.length === 3 && trustees.every(({ id }, i) => equalBytes(id, genesis.trustees[i] ?? new Uint8Array(0)))
  if (!named) throw new SealError('vault-mismatch', "these are not the trustees that the vault's genesis names")
  if (genesis.mode === 'owner' && (owner === undefined || !equalBytes(owner.id, genesis.controller))) {
    throw new SealError('vault-mismatch', 'sealing to a claimed vault takes the keys of its owner')
  }
}

const categoryInfo = (vault: Uint8Array, category: Uint8Array, epoch: number): Uint8Array =>
  concatBytes(labelBytes('categorySecret'), vault, category, u32(epoch))

const keyFrom = (categoryShared: Uint8Array, release: Uint8Array, headerHash: Uint8Array): Uint8Array =>
  hkdfSha256(categoryShared, release, concatBytes(labelBytes('capsuleKey'), headerHash), 32)

/** Opens a new capsule. Needs no reading right: only public keys of category, trustees and owner. */
export const createCapsule = async (from: NewCapsule, courier: Courier, context: Context): Promise<OpenCapsule> => {
  requireRecipients(from)
  const { category, epoch, publicKey } = from.category
  const { enc, secret: shared } = await sendExport(publicKey, categoryInfo(from.vault, category, epoch))
  const capsule = context.random(16)
  const release = context.random(32)
  const shares = await split(release, 3, 2)
  const header: CapsuleHeader = {
    suite: SUITE,
    vault: from.vault,
    custodian: from.custodian,
    category,
    epoch,
    capsule,
    writer: courier.writer,
    enc,
    releaseCommitment: releaseCommitment(capsule, release),
    shareCommitments: shares.map((share, i) => shareCommitment(capsule, i, share)),
    retention: from.retention,
    opened: Math.floor(context.now() / 1000),
  }
  const headerBytes = encode(CapsuleHeader, header)
  const headerHash = capsuleHeaderHash(headerBytes)
  const seals: CourierSeal[] = []
  for (const [i, trustee] of from.trustees.entries()) {
    seals.push(await courier.sealTo(trustee, 'share', headerHash, shares[i] as Uint8Array))
  }
  const owner = from.genesis.mode === 'owner' ? (from.owner as PrincipalKeys) : undefined
  const capsuleBytes = encode(Capsule, {
    header: headerBytes,
    shares: seals,
    ...(owner === undefined ? {} : { owner: await courier.sealTo(owner, 'owner', headerHash, release) }),
  })
  return new OpenCapsule(header, headerBytes, capsuleBytes, keyFrom(shared, release, headerHash))
}

export interface CapsuleToOpen {
  readonly headerBytes: Uint8Array
  /** `r`: from two trustees, or from the owner's seal. */
  readonly release: Uint8Array
  readonly secrets: EpochSecrets
}

const requireRelease = (header: CapsuleHeader, release: Uint8Array): void => {
  if (!equalBytes(releaseCommitment(header.capsule, release), header.releaseCommitment)) {
    throw new SealError('release-mismatch', "this release secret is another capsule's")
  }
}

/**
 * All of a capsule's key that needs no release secret, which is nearly all of the work: a reader does it while trustees
 * answer. Throws `category-unknown`; the function that it returns throws `release-mismatch`.
 */
export const capsuleOpener = async (
  from: Omit<CapsuleToOpen, 'release'>,
): Promise<(release: Uint8Array) => CapsuleKey> => {
  const header = decodeCapsuleHeader(from.headerBytes)
  const secret = from.secrets(header.category, header.epoch)
  if (secret === undefined) {
    throw new SealError('category-unknown', 'the secret of this category and epoch is not held; a grant may renew it')
  }
  const shared = await receiveExport(secret, header.enc, categoryInfo(header.vault, header.category, header.epoch))
  const headerHash = capsuleHeaderHash(from.headerBytes)
  return (release) => {
    requireRelease(header, release)
    return new CapsuleKey(header, headerHash, keyFrom(shared, release, headerHash))
  }
}

/**
 * The key of a capsule. Throws `release-mismatch` where `r` is not the committed one, and `category-unknown` where the
 * secret of its category and epoch is not held.
 */
export const capsuleKey = async (from: CapsuleToOpen): Promise<CapsuleKey> => {
  requireRelease(decodeCapsuleHeader(from.headerBytes), from.release)
  return (await capsuleOpener(from))(from.release)
}

/** Finds an encapsulation by its id among those that the index served. */
export type EncapsulationLookup = (id: Uint8Array) => Uint8Array | undefined

/** The owner's own way to `r`, without trustees. Throws `release-mismatch`, `capsule-mismatch` or `seal-invalid`. */
export const ownerRelease = async (
  capsuleBytes: Uint8Array,
  owner: Identity | CourierKeys,
  encapsulations: EncapsulationLookup,
): Promise<Uint8Array> => {
  const { capsule, header } = decodeCapsule(capsuleBytes)
  const bytes = capsule.owner === undefined ? undefined : encapsulations(capsule.owner.encapsulation)
  if (capsule.owner === undefined || bytes === undefined) {
    throw new SealError('seal-invalid', 'the capsule has no seal for an owner, or its encapsulation is missing')
  }
  const keys = owner instanceof CourierKeys ? owner : new CourierKeys(owner)
  const courierKey = await keys.of(bytes)
  const named = equalBytes(courierKey.id, capsule.owner.encapsulation)
  if (!named || !equalBytes(courierKey.encapsulation.writer, header.writer)) {
    throw new SealError('capsule-mismatch', "the owner's seal was made by somebody else than the capsule's writer")
  }
  const release = await courierKey.open('owner', capsuleHeaderHash(capsule.header), capsule.owner.sealed)
  if (!equalBytes(releaseCommitment(header.capsule, release), header.releaseCommitment)) {
    throw new SealError(
      'release-mismatch',
      'the writer sealed another release secret to the owner than it committed to',
    )
  }
  return release
}

/** Two shares that hold, combined and checked. Throws `shares-disagree`: the writer committed to shares of nothing. */
export const combineShares = async (header: CapsuleHeader, shares: readonly Uint8Array[]): Promise<Uint8Array> => {
  let release: Uint8Array | undefined
  try {
    release = await combine([...shares])
  } catch {
    release = undefined
  }
  if (release === undefined || !equalBytes(releaseCommitment(header.capsule, release), header.releaseCommitment)) {
    throw new SealError(
      'shares-disagree',
      'the shares of a capsule do not make the secret it commits to; refuse its writer',
    )
  }
  return release
}

/** From verified ciphertext to opened records: release secrets, capsule keys, bodies. */
import { type CapsuleKey, capsuleOpener, ownerRelease } from '@scelle/seal/envelope'
import type { EpochSecrets } from '@scelle/seal/keys'
import { equalBytes, RIGHTS, SealError, toHex } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import type { EntryWriter } from './entries.ts'
import type { Feed, FeedCapsule } from './feed.ts'
import { grantFor, type HeldGrant, type Keyring, type Purpose } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { type ChartProblem, problemOf, release, type Released, type ReleaseNeed } from './release.ts'
import { pause } from './timers.ts'
import type { VaultView } from './vault-view.ts'

export interface OpeningContext {
  readonly view: VaultView
  readonly keyring: Keyring
  readonly feed: Feed
  readonly purpose: Purpose
  readonly entries: EntryWriter
  /** Bytes of content that the chart may still take. */
  readonly room: { left: number }
  readonly signal?: AbortSignal | undefined
  /** Where release secrets come from, if not from trustees by this connection now. */
  readonly releaser?: Releaser | undefined
}

export type Releaser = (need: ReleaseNeed, feed: Feed) => Promise<Released>

/** The owner's own way: no trustee, no access. What does not open so is left to the trustees. */
const byOwner = async (
  connection: Connection,
  from: OpeningContext,
  capsules: readonly FeedCapsule[],
): Promise<Map<string, Uint8Array>> => {
  const releases = new Map<string, Uint8Array>()
  if (from.view.genesis.mode !== 'owner' || !equalBytes(from.view.genesis.controller, connection.identity.id))
    return releases
  for (const { bytes, headerHash } of capsules) {
    try {
      releases.set(toHex(headerHash), await ownerRelease(bytes, connection.couriers, from.feed.encapsulation))
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      connection.log('owner-seal-refused', { code: error.code })
    }
  }
  return releases
}

/** One access for each grant that is needed: an access is made under one chain. */
const byTrustees = async (
  connection: Connection,
  from: OpeningContext,
  capsules: readonly FeedCapsule[],
  meanwhile: () => void,
): Promise<Released> => {
  const byGrant = new Map<HeldGrant | undefined, FeedCapsule[]>()
  for (const capsule of capsules) {
    const grant = grantFor(from.keyring, capsule.header.category, RIGHTS.read, from.purpose)
    const group = byGrant.get(grant)
    if (group === undefined) byGrant.set(grant, [capsule])
    else group.push(capsule)
  }
  const {
    view,
    keyring: { part },
    purpose,
    entries,
    signal,
    feed: { encapsulationNamed: encapsulation },
    releaser = (need: ReleaseNeed) => release(connection, need),
  } = from
  const released = await Promise.all(
    [...byGrant].map(([grant, group]) =>
      releaser({ view, part, grant, purpose, entries, capsules: group, encapsulation, meanwhile, signal }, from.feed),
    ),
  )
  return {
    releases: new Map(released.flatMap(({ releases }) => [...releases])),
    problems: released.flatMap(({ problems }) => problems),
  }
}

type Opener = (release: Uint8Array) => CapsuleKey

/** The part of capsules' keys that needs no release, by capsule id: worked out in slices, so that answers are heard. */
class Openers {
  readonly #connection: Connection
  readonly #secrets: EpochSecrets
  readonly #capsules: readonly FeedCapsule[]
  readonly #made = new Map<string, Opener | SealError>()
  #work: Promise<void> | undefined

  constructor(connection: Connection, secrets: EpochSecrets, capsules: readonly FeedCapsule[]) {
    this.#connection = connection
    this.#secrets = secrets
    this.#capsules = capsules
  }

  readonly start = (): void => {
    this.#work ??= this.#make()
    this.#work.catch(() => {})
  }

  async all(): Promise<ReadonlyMap<string, Opener | SealError>> {
    this.start()
    await this.#work
    return this.#made
  }

  async #make(): Promise<void> {
    for (const [place, { id, capsule }] of this.#capsules.entries()) {
      if (place % SDK_LIMITS.capsulesAtOnce === 0) await pause(this.#connection.timers, 0)
      try {
        this.#made.set(id, await capsuleOpener({ headerBytes: capsule.header, secrets: this.#secrets }))
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        this.#made.set(id, error)
      }
    }
  }
}

/** Keys of capsules, by their id. A capsule that its writer made unopenable is a problem, not a failure. */
export const capsuleKeys = async (
  connection: Connection,
  from: OpeningContext,
  capsules: readonly FeedCapsule[],
): Promise<{ keys: Map<string, CapsuleKey>; problems: ChartProblem[] }> => {
  const openers = new Openers(connection, from.keyring.secrets, capsules)
  const owned = await byOwner(connection, from, capsules)
  const rest = capsules.filter(({ headerHash }) => !owned.has(toHex(headerHash)))
  const { releases, problems } = await byTrustees(connection, from, rest, openers.start)
  const made = await openers.all()
  const keys = new Map<string, CapsuleKey>()
  for (const capsule of capsules) {
    const name = toHex(capsule.headerHash)
    const secret = owned.get(name) ?? releases.get(name)
    if (secret === undefined) continue
    try {
      const opener = made.get(capsule.id) as Opener | SealError
      if (opener instanceof SealError) throw opener
      keys.set(capsule.id, opener(secret))
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      problems.push(problemOf(capsule, error.code))
    }
  }
  return { keys, problems }
}

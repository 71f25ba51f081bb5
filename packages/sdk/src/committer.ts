/** Prepares commits and submits them: sealing takes processor time only, submitting is one request for many vaults. */
import { Courier, createCommit, type MadeCommit } from '@scelle/seal/envelope'
import {
  concatBytes,
  decode,
  encapsulationId,
  encode,
  type Positions,
  type PrincipalKeys,
  RIGHTS,
  toHex,
  verifyPositions,
} from '@scelle/seal/verify'
import type { ProblemCode } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { CommitAnswers, CommitSubmission } from '@scelle/wire/messages'
import { type AttachmentToSeal, sealAttachment } from './attachments.ts'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { ownLastCommit } from './history.ts'
import { categoryOf, grantFor, type Keyring } from './keyring.ts'
import { Lane } from './lane.ts'
import { SDK_LIMITS } from './limits.ts'
import { trusteeKeys } from './log/access.ts'
import { placeOf } from './log/places.ts'
import { Recent } from './lru.ts'
import { withEntries } from './reach.ts'
import {
  checkItems, newCapsule, sealBatch, type SealedAttachment, type SealedBatch, type WriteItem,
} from './sealing.ts'
import { CapsuleShelf } from './shelf.ts'
import { inParallel } from './timers.ts'
import { partName, type VaultView } from './vault-view.ts'

export interface PreparedItem {
  readonly category: string
  readonly handle: Uint8Array
  readonly version: number
  /** 16 bytes. */
  readonly record: Uint8Array
  /** Its place among the commit's leaves: refusals name these. */
  readonly place: number
}

/** A sealed and signed batch. Plain data without secrets: keep it where it survives a crash, and submit it again. */
export interface PreparedCommit {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  /** Statement id of the commit. */
  readonly id: Uint8Array
  /** Encoded `CommitSubmission`. */
  readonly submission: Uint8Array
  /** Bodies too large to travel with the commit. */
  readonly blobs: readonly { readonly digest: Uint8Array; readonly bytes: Uint8Array }[]
  /** In the order of the items written. */
  readonly items: readonly PreparedItem[]
}

/** Where the index holds a commit, and since when: under its signature. */
export type HeldPlace = Positions['held'][number]

export type SubmitResult =
  | {
      readonly accepted: true
      readonly position: HeldPlace
      /** The index's signed word about this and whatever else it took with it: see `Client.log`. */
      readonly word: Uint8Array
    }
  | {
      readonly accepted: false
      readonly problem: ProblemCode
      /** By their place in the items. */ readonly items: readonly number[]
    }

export interface WriteTarget {
  readonly view: VaultView
  readonly keyring: Keyring
}

type CommitAnswer = CommitAnswers['answers'][number]

interface Pending {
  readonly lane: Lane
  readonly batch: SealedBatch
  readonly encapsulations: readonly Uint8Array[]
  submitted: boolean
}

const DAY = 86_400_000

const submissionOf = (made: MadeCommit): Uint8Array => {
  const { commit, leaves, capsules, records, encapsulations } = made
  const encoded = encode(CommitSubmission, { commit, leaves, capsules, records, encapsulations })
  if (encoded.length > WIRE_LIMITS.requestBody - 8) {
    throw new SdkError('bad-input', 'this is too much for one commit; write it in several parts')
  }
  return encoded
}

/** A CBOR list of submissions from their encodings: they are not decoded again. */
const batchOf = (submissions: readonly Uint8Array[]): Uint8Array => {
  const count = submissions.length
  const head = count < 24 ? [0x80 | count] : count < 256 ? [0x98, count] : [0x99, count >> 8, count & 0xff]
  return concatBytes(Uint8Array.from(head), ...submissions)
}

/** As many at a time as one request may hold. */
const inRequests = (prepared: readonly PreparedCommit[]): PreparedCommit[][] => {
  const requests: PreparedCommit[][] = []
  let size = Infinity
  for (const one of prepared) {
    const current = requests.at(-1)
    size += one.submission.length
    if (
      current === undefined ||
      size > WIRE_LIMITS.requestBody - 8 ||
      current.length >= WIRE_LIMITS.commitsPerRequest
    ) {
      requests.push([one])
      size = one.submission.length
    } else current.push(one)
  }
  return requests
}

export class Committer {
  readonly #connection: Connection
  readonly #courier: Courier
  readonly #shelf: CapsuleShelf
  readonly #lanes = new Recent<Lane>(SDK_LIMITS.lanes, (lane) => lane.idle)
  readonly #pending = new Map<string, Pending>()
  /** Encapsulations that the index surely has, of this day and the one before: a commit may be made across midnight. */
  #known = { day: -1, ids: new Set<string>(), before: new Set<string>() }

  constructor(connection: Connection) {
    this.#connection = connection
    this.#courier = new Courier(connection.identity.id, connection.context)
    this.#shelf = new CapsuleShelf(connection.context.now, connection.timers, () => this.#courier.expire())
  }

  /** Open capsules whose keys are held at present. */
  get openCapsules(): number {
    return this.#shelf.size
  }

  /** A part that this client just created: nobody committed to it yet. */
  isNew(vault: Uint8Array, custodian: Uint8Array): void {
    this.#lane(partName(vault, custodian)).last = null
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const lane = new Lane()
    this.#lanes.set(name, lane)
    return lane
  }

  /**
   * Seals and signs a batch for one part of a vault. The part is held until the commit is submitted or discarded;
   * another `prepare` for it waits meanwhile. Throws `no-grant`, `bad-input`, `category-unknown`, `commit-pending`.
   */
  async prepare(target: WriteTarget, items: readonly WriteItem[]): Promise<PreparedCommit> {
    const { keyring } = target
    checkItems(keyring, items)
    for (const code of new Set(items.map(({ category }) => category))) {
      grantFor(keyring, (keyring.categories.get(code) as { id: Uint8Array }).id, RIGHTS.write)
    }
    return this.#inLane(target, items)
  }

  /**
   * Seals and signs one entry about an access. Whoever may read in a part may write there, so no grant is looked for.
   * Throws `category-unknown` where the part has no access log, and `commit-pending`.
   */
  async prepareEntry({ view, keyring }: WriteTarget, content: string): Promise<PreparedCommit> {
    const named = withEntries(keyring, view.vault)
    const handle = this.#connection.context.random(16)
    const item: WriteItem = { category: named.code, handle, version: 1, content, retention: 'access-log' }
    return this.#inLane({ view, keyring: named.keyring }, [item])
  }

  async #inLane(target: WriteTarget, items: readonly WriteItem[]): Promise<PreparedCommit> {
    const lane = this.#lane(partName(target.view.vault, target.keyring.part.custodian.keys.id))
    await lane.enter(this.#connection.timers)
    try {
      return await this.#seal(target, lane, items)
    } catch (error) {
      lane.leave()
      throw error
    }
  }

  /** Looks up what the next commit to a part follows, where that is not known: a write that follows does not wait. */
  async foresee({ view, keyring }: WriteTarget): Promise<void> {
    const custodian = keyring.part.custodian.keys.id
    const lane = this.#lane(partName(view.vault, custodian))
    if (lane.last !== undefined || !lane.idle) return
    const last = await ownLastCommit(this.#connection, view.vault, custodian)
    // A commit that was made meanwhile knew better.
    if (lane.last === undefined && lane.idle) lane.last = last
  }

  /** An access names these capsules (hex ids): nothing more goes into them. */
  closed(capsules: ReadonlySet<string>): void {
    this.#shelf.drop(capsules)
  }

  /** As `submit`; where the fate is unknown, the next commit to the part settles it first. */
  async submitOne(prepared: PreparedCommit, signal: AbortSignal | undefined): Promise<SubmitResult> {
    try {
      const [result] = await this.submit([prepared], signal)
      return result as SubmitResult
    } catch (error) {
      this.discard(prepared)
      throw error
    }
  }

  async #seal(target: WriteTarget, lane: Lane, items: readonly WriteItem[]): Promise<PreparedCommit> {
    const { view, keyring } = target
    const custodian = keyring.part.custodian.keys
    const { context, identity } = this.#connection
    await lane.doubtful?.settle()
    if (lane.last === undefined) lane.last = await ownLastCommit(this.#connection, view.vault, custodian.id)
    const batch = await sealBatch(
      {
        view,
        keyring,
        trustees: await this.#trustees(view),
        shelf: this.#shelf,
        courier: this.#courier,
        context,
      },
      items,
    )
    const made = await createCommit(
      {
        vault: view.vault,
        custodian: custodian.id,
        author: identity,
        capsules: [...batch.opened.map(({ capsule }) => capsule.capsuleBytes), ...batch.apart],
        records: batch.records,
        ...(lane.last === null ? {} : { previous: lane.last }),
        linkRecipient: view.genesis.mode === 'owner' ? view.controller.keys : custodian,
        indexHas: (id) => this.#indexHas(toHex(id)),
      },
      this.#courier,
      context,
    )
    const prepared: PreparedCommit = {
      vault: view.vault,
      custodian: custodian.id,
      id: made.id,
      submission: submissionOf(made),
      blobs: batch.blobs,
      items: items.map(({ category, handle, version }, i) => ({
        category,
        handle,
        version,
        record: (batch.records[i] as { record: Uint8Array }).record,
        place: (made.records[i] as { place: number }).place,
      })),
    }
    const encapsulations = made.encapsulations.map(encapsulationId)
    this.#pending.set(toHex(made.id), { lane, batch, encapsulations, submitted: false })
    return prepared
  }

  /**
   * Seals octets as they come, and uploads them where they are large; nothing is on record before what this answers is
   * written. Throws `no-grant`, `category-unknown`, whatever the source throws, and as every request does.
   */
  async sealAttachment(target: WriteTarget, attachment: AttachmentToSeal): Promise<SealedAttachment> {
    const { view, keyring } = target
    grantFor(keyring, categoryOf(keyring, attachment.category).id, RIGHTS.write)
    const trustees = await this.#trustees(view)
    const { context } = this.#connection
    const capsule = await newCapsule(
      { view, keyring, trustees, courier: this.#courier, context },
      attachment.category,
      attachment.retention ?? 'care',
    )
    return sealAttachment(this.#connection, capsule, attachment)
  }

  #trustees(view: VaultView): Promise<PrincipalKeys[]> {
    return Promise.all(view.genesis.trustees.map(async (id) => (await trusteeKeys(this.#connection, id)).keys))
  }

  #today(): { readonly ids: Set<string>; readonly before: ReadonlySet<string> } {
    const day = Math.floor(this.#connection.context.now() / DAY)
    if (day !== this.#known.day) this.#known = { day, ids: new Set(), before: this.#known.ids }
    return this.#known
  }

  #indexHas(encapsulation: string): boolean {
    const { ids, before } = this.#today()
    return ids.has(encapsulation) || before.has(encapsulation)
  }

  /**
   * Submits any number of commits of any vaults; one answer each, in order. The same commit may be submitted again,
   * also after a restart: it is accepted once. Where this throws, their fate is unknown: submit them again, or
   * discard them.
   */
  async submit(prepared: readonly PreparedCommit[], signal?: AbortSignal): Promise<SubmitResult[]> {
    await this.#upload(prepared, signal)
    const results: SubmitResult[] = []
    for (const request of inRequests(prepared)) results.push(...(await this.#post(request, signal)))
    return results
  }

  /**
   * Gives a prepared commit up. If it was submitted, it is submitted once more before the next, so that its fate is
   * known.
   */
  discard(prepared: PreparedCommit): void {
    const id = toHex(prepared.id)
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    const { lane } = pending
    this.#shelf.drop(pending.batch.used)
    if (pending.submitted) {
      lane.doubtful = {
        id,
        settle: async () => {
          await this.submit([prepared]).catch((error: unknown) => {
            // Refused as a whole is an answer too; no answer is none.
            if (!(error instanceof SdkError) || error.problem === undefined) throw error
          })
          lane.doubtful = undefined
        },
      }
    }
    lane.leave()
  }

  async #upload(prepared: readonly PreparedCommit[], signal: AbortSignal | undefined): Promise<void> {
    const blobs = prepared.flatMap((one) => one.blobs)
    await inParallel(blobs, SDK_LIMITS.blobsAtOnce, ({ digest, bytes }) =>
      this.#connection.askIndex({
        method: 'PUT',
        path: `/v1/blobs/${toHex(digest)}`,
        body: bytes,
        octets: true,
        signal,
      }),
    )
  }

  async #post(request: readonly PreparedCommit[], signal: AbortSignal | undefined): Promise<SubmitResult[]> {
    for (const { id } of request) {
      const pending = this.#pending.get(toHex(id))
      if (pending !== undefined) pending.submitted = true
    }
    const body = batchOf(request.map(({ submission }) => submission))
    const answer = await this.#connection.askIndex({
      method: 'POST',
      path: '/v1/commits',
      body,
      signal,
    })
    const { answers, positions } = decode(CommitAnswers, answer)
    if (answers.length !== request.length) {
      throw new SdkError('answer-invalid', 'the index answered another number of commits than it was sent')
    }
    // Nothing is settled before all that the index says holds.
    const accepted = request.filter((_, i) => answers[i]?.problem === undefined)
    const held = await this.#held(accepted, positions)
    let next = 0
    return Promise.all(request.map(async (one, i) => {
      const { problem, places } = answers[i] as CommitAnswer
      return problem === undefined
        ? this.#accept(one, held[next++] as HeldPlace, positions as Uint8Array)
        : this.#refuse(one, problem, new Set(places))
    }))
  }

  async #held(accepted: readonly PreparedCommit[], positions: Uint8Array | undefined): Promise<readonly HeldPlace[]> {
    if (accepted.length === 0) return []
    if (positions === undefined) throw new SdkError('answer-invalid', 'the index accepted commits unsigned')
    const held = await verifyPositions(positions, this.#connection.index, accepted.map(({ id }) => id))
    for (const place of held) placeOf(place)
    return held
  }

  async #accept(prepared: PreparedCommit, position: HeldPlace, word: Uint8Array): Promise<SubmitResult> {
    await this.#accepted(prepared)
    return { accepted: true, position, word }
  }

  #refuse(prepared: PreparedCommit, problem: ProblemCode, places: ReadonlySet<number>): SubmitResult {
    this.#refused(prepared, problem)
    const items = prepared.items.flatMap(({ place }, i) => (places.has(place) ? [i] : []))
    return { accepted: false, problem, items }
  }

  async #accepted(prepared: PreparedCommit): Promise<void> {
    const name = partName(prepared.vault, prepared.custodian)
    const pending = this.#pending.get(toHex(prepared.id))
    this.#pending.delete(toHex(prepared.id))
    const lane = pending?.lane ?? this.#lane(name)
    lane.last = prepared.id
    try {
      await this.#connection.memory.committed(name, prepared.id)
    } finally {
      if (pending !== undefined) {
        this.#keep(pending)
        lane.leave()
      }
    }
  }

  /** What is committed may be used by the next commit. */
  #keep({ batch, encapsulations }: Pending): void {
    for (const { place, capsule } of batch.opened) this.#shelf.put(place, capsule)
    for (const encapsulation of encapsulations) {
      this.#today().ids.add(toHex(encapsulation))
      this.#courier.forget(encapsulation)
    }
  }

  #refused(prepared: PreparedCommit, problem: ProblemCode): void {
    const id = toHex(prepared.id)
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    // A conflict of versions says nothing about the capsules; everything else may.
    if (problem !== 'version-exists') this.#shelf.drop(pending.batch.used)
    pending.lane.leave()
  }
}

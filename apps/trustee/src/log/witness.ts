/**
 * The witness: takes the log's leaves from the index, and cosigns a checkpoint once its own mirror has exactly that
 * tree and what the tree's control leaves say is applied. One request at a time; on disk before it is told.
 */
import {
  type AddCheckpoint, type Checkpoint, cosignNote, decideCosignature, formatNote, formatSignature, keyId, LogError,
  type NoteKey, parseAddCheckpoint, parseNote, verifyCheckpoint, type WitnessRefusal,
} from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { equalBytes, type PrincipalKeys, verifyKeyChain } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { logKeys, logOrigin, verifyEd25519, witnessKeys } from '@scelle/wire/log'
import type { LogPush, LogPushed } from '@scelle/wire/messages'
import type { Log } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { applyEffects, checkLeaf, type ControlEffects, controlEffects, type ControlLeaf } from './control.ts'
import { Forks } from './forks.ts'
import { Mirror, type Prepared } from './mirror.ts'
import type { Cosigned, MirrorStore, SeenNote } from './mirror-store.ts'
import { Turns } from './turns.ts'

export interface WitnessOptions {
  readonly identity: Identity
  /** Principal id of the index whose log this is. */
  readonly indexId: Uint8Array
  readonly store: MirrorStore
  readonly now: () => number
  readonly log: Log
  /** Told that this trustee was restored from a backup, with the size that it remembers. */
  readonly restored: (size: number) => void
  /**
   * Reads the notices among control leaves that follow what was cosigned at a time, in seconds. The answer applies
   * them, within the transaction that keeps the cosigned size. Neither fails for what a notice is.
   */
  readonly notices: (effects: Pick<ControlEffects, 'notices' | 'keyAt'>, since: number) => Promise<() => void>
}

/** `cosignature`: a note's signature line. */
export type Cosigning = { readonly cosignature: string } | WitnessRefusal | { readonly refused: 'unlike-mirror' }

export class Witness {
  readonly mirror: Mirror
  readonly forks: Forks
  readonly #options: WitnessOptions
  readonly #key: NoteKey
  readonly #turns = new Turns()
  /** Signed checkpoints larger than what was cosigned, by size: compared as soon as the mirror has their trees. */
  readonly #ahead = new Map<number, SeenNote>()
  /** Largest size that is known to have been cosigned by this trustee, whatever its store remembers. */
  #floor: number
  #index: PrincipalKeys | undefined
  #held = false

  constructor(options: WitnessOptions) {
    this.#options = options
    this.mirror = new Mirror(options.store)
    this.forks = new Forks(options.store, this.mirror, options.log)
    this.#key = witnessKeys(options.identity.keys).at(-1) as NoteKey
    this.#floor = options.store.seenNote(options.identity.id)?.size ?? 0
  }

  /** The index's keys as it last showed them; undefined before its first push. */
  async index(): Promise<PrincipalKeys | undefined> {
    const chain = this.#options.store.signerChain()
    if (this.#index?.records.length !== chain.length) {
      this.#index = chain.length === 0 ? undefined : await verifyKeyChain(chain)
    }
    return this.#index
  }

  get cosigned(): Cosigned | undefined {
    return this.#options.store.cosigned()
  }

  /**
   * Whether this trustee remembers less than it once cosigned: it was restored from a backup, and neither cosigns nor
   * releases before it has that tree again.
   */
  get behind(): boolean {
    return this.#held || (this.cosigned?.size ?? 0) < this.#floor
  }

  /** Until the others were asked what they know of this trustee, it may have been restored, and waits. */
  async waitFor(heard: Promise<void>): Promise<void> {
    this.#held = true
    await heard
    this.#held = false
  }

  /**
   * Leaves and a checkpoint from the index, whose verified keys are given. Throws `bad-statement` where a leaf is not
   * what it says, and `log-forked`; nothing is stored then.
   */
  push(push: LogPush, index: PrincipalKeys): Promise<LogPushed> {
    return this.#turns.take(async () => {
      this.forks.require()
      const { store } = this.#options
      if (push.from !== this.mirror.size) return this.#numbers()
      const prepared = this.mirror.prepare(push.leaves.map((leaf, place) => checkLeaf(leaf, push.from + place)))
      store.keepSignerChain(push.keys)
      if (push.request === undefined) {
        this.mirror.keep(prepared)
        return this.#numbers()
      }
      const decided = await this.#decide(parsed(push.request), index, prepared)
      if ('cosignature' in decided) return { ...this.#numbers(), cosignature: decided.cosignature }
      // The leaves are as good as those of a push without a checkpoint.
      if (decided.refused === 'stale') this.mirror.keep(prepared)
      else if (decided.refused !== 'unlike-mirror') {
        throw new Problem('bad-statement', `The checkpoint is ${decided.refused}.`)
      }
      return this.#numbers()
    })
  }

  /** A checkpoint from anybody: cosigned where the mirror has its tree already. Throws `log-forked`. */
  addCheckpoint(request: AddCheckpoint, index: PrincipalKeys): Promise<Cosigning> {
    return this.#turns.take(async () => {
      this.forks.require()
      return this.#decide(request, index, this.mirror.prepare([]))
    })
  }

  /** A checkpoint that the log signed, from wherever it comes: compared now, or once the mirror reaches it. */
  consider(note: SeenNote): Promise<void> {
    return this.#turns.take(async () => {
      this.forks.require()
      await this.#consider(note)
    })
  }

  /** A checkpoint that this trustee itself cosigned, as somebody else kept it. */
  remember(note: SeenNote): Promise<void> {
    return this.#turns.take(async () => {
      const { store, identity, log } = this.#options
      if (note.size <= Math.max(this.#floor, this.cosigned?.size ?? 0)) return
      store.keepSeenNote(identity.id, note)
      this.#floor = note.size
      this.#keepAhead(note)
      this.#options.restored(this.cosigned?.size ?? 0)
      log({ event: 'witness-restored' })
    })
  }

  /**
   * Whether a checkpoint that carries this trustee's cosignature is part of what it cosigned. False where it is larger
   * than what this trustee remembers: then it was restored from a backup. Throws `log-forked`.
   */
  async owns(note: SeenNote): Promise<boolean> {
    const last = this.cosigned
    if (last === undefined || note.size > last.size) {
      await this.remember(note)
      return false
    }
    // No turn is needed: what was cosigned is not changed any more.
    await this.forks.compare(note, last)
    return true
  }

  #numbers(): { mirrored: number; cosigned: number } {
    return { mirrored: this.mirror.size, cosigned: this.cosigned?.size ?? 0 }
  }

  async #consider(note: SeenNote): Promise<void> {
    const last = this.cosigned
    if (last !== undefined && note.size <= last.size) await this.forks.compare(note, last)
    else this.#keepAhead(note)
  }

  /** Of two with one size the first stays: the log's tree of that size is either of them, or neither. */
  #keepAhead(note: SeenNote): void {
    if (this.#ahead.size < TRUSTEE_LIMITS.checkpointsAhead && !this.#ahead.has(note.size)) {
      this.#ahead.set(note.size, note)
    }
  }

  async #decide(request: AddCheckpoint, index: PrincipalKeys, prepared: Prepared): Promise<Cosigning> {
    const last = this.cosigned
    const policy = { origin: logOrigin(index.id), log: logKeys(index) }
    const signed = await signedBy(request.checkpoint, policy)
    if (signed !== undefined) await this.#consider(signed)
    const decision = await decideCosignature(request, last, policy, verifyEd25519)
    if (!('cosign' in decision)) return decision
    const checkpoint = decision.cosign
    if (checkpoint.size > prepared.size || checkpoint.size < this.#floor || this.#held) {
      return { refused: 'stale', size: last?.size ?? 0 }
    }
    if (!equalBytes(await this.mirror.rootAt(checkpoint.size, prepared), checkpoint.root)) {
      return this.#unlike(last?.size ?? 0)
    }
    await this.#compareAhead({ ...checkpoint, note: request.checkpoint }, prepared)
    return { cosignature: await this.#cosign(checkpoint, request.checkpoint, policy.log, prepared) }
  }

  /** The leaves handed over since the last cosignature are not those of the log: they are asked for anew. */
  #unlike(cosigned: number): Cosigning {
    this.#options.log({ event: 'log-unlike-mirror' })
    this.mirror.truncate(cosigned)
    return { refused: 'unlike-mirror' }
  }

  async #compareAhead(newer: SeenNote, prepared: Prepared): Promise<void> {
    const { store, identity } = this.#options
    const own = store.seenNote(identity.id)
    const known = own === undefined ? [] : [own]
    for (const note of [...known, ...this.#ahead.values()]) {
      if (note.size <= newer.size) await this.forks.compare(note, newer, prepared)
    }
    for (const size of this.#ahead.keys()) if (size <= newer.size) this.#ahead.delete(size)
  }

  async #cosign(
    { size, root }: Checkpoint, noteBytes: Uint8Array, logSigners: readonly NoteKey[], prepared: Prepared,
  ): Promise<string> {
    const { store, identity, now } = this.#options
    const last = this.cosigned
    const effects = controlEffects(this.#newControls(last?.size ?? 0, size, prepared), store)
    const applyNotices = await this.#options.notices(effects, last?.time ?? 0)
    const time = Math.max(Math.floor(now() / 1000), last?.time ?? 0)
    const { text, signatures } = parseNote(noteBytes)
    const own = await cosignNote(text, time, this.#key, identity.signRaw)
    const ids = logSigners.map(keyId)
    const logs = signatures.filter(({ name, keyId: id }) =>
      name === logSigners[0]?.name && ids.some((known) => equalBytes(known, id)))
    const note = formatNote({ text, signatures: [...logs, own] })
    // The signature is made, but leaves only after size, root and all that the tree says are on the disk.
    this.mirror.keep(prepared, () => {
      applyEffects(effects, store)
      applyNotices()
      store.keepCosigned({ size, root, time, note })
    })
    return formatSignature(own)
  }

  #newControls(from: number, to: number, prepared: Prepared): ControlLeaf[] {
    const fresh = prepared.leaves.flatMap(({ control }, place) =>
      control === undefined || prepared.from + place >= to ? [] : [{ leaf: prepared.from + place, ...control }])
    return [...this.#options.store.controls(from, to), ...fresh]
  }
}

const parsed = (request: Uint8Array): AddCheckpoint => {
  try {
    return parseAddCheckpoint(request)
  } catch (error) {
    if (error instanceof LogError) throw new Problem('bad-statement', `${error.code}: ${error.message}`)
    throw error
  }
}

/** The checkpoint where the log signed it, whoever cosigned; undefined where it is not to be relied on at all. */
const signedBy = async (
  note: Uint8Array, policy: { origin: string; log: readonly NoteKey[] },
): Promise<SeenNote | undefined> => {
  try {
    const { size, root } = await verifyCheckpoint(note, { ...policy, witnesses: [], quorum: 0 }, verifyEd25519)
    return { size, root, note }
  } catch (error) {
    if (error instanceof LogError) return undefined
    throw error
  }
}

/**
 * Every opening through trustees is written down where the patient reads it: in the access log of the part, sealed by
 * the reader. No record is shown before the index took the entry. It travels while the trustees answer, so it takes
 * nobody's time; the list of releases that trustees keep shows whoever leaves it out.
 */
import type { MadeAccess } from '@scelle/seal/grants'
import { accessLogEntry, toHex } from '@scelle/seal/verify'
import type { Committer, WriteTarget } from './committer.ts'
import type { Connection } from './connection.ts'
import { type AccessAbout, type AccessFacts, houseOf } from './entry-text.ts'
import { SdkError } from './errors.ts'
import type { FeedCapsule } from './feed.ts'
import type { Keyring } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { SEAL_AGAIN } from './sealing.ts'
import type { Shown } from './standing.ts'

export interface EntryOptions {
  readonly connection: Connection
  readonly committer: Committer
  readonly about: AccessAbout
  /** View and keyring of the part; asked again of the index where what is known does not do any more. */
  readonly target: (again: boolean) => Promise<WriteTarget>
}

/** What is about to be opened, and what trustees are shown for it. */
export interface EntryAbout {
  readonly access: MadeAccess
  readonly shown: Shown
  readonly capsules: readonly FeedCapsule[]
  readonly signal: AbortSignal | undefined
}

type SignedAccess = Pick<MadeAccess, 'access' | 'id' | 'signed'>

/** An access made ahead, and when it was opened without a network: milliseconds since 1970. */
export interface OpenedOffline {
  readonly access: SignedAccess
  /** Codes of what was opened. */
  readonly categories: readonly string[]
  readonly time: number
}

const codesOf = (capsules: readonly FeedCapsule[], { codes }: Keyring): string[] =>
  [...new Set(capsules.map(({ category }) => codes.get(category) ?? category))].toSorted()

/** Writes the entries of one chart. */
export class EntryWriter {
  readonly #options: EntryOptions

  constructor(options: EntryOptions) {
    this.#options = options
  }

  /**
   * The entry about an access that is about to be put on record; what is answered writes it, once it is. Until then
   * only what it follows is looked up: no other write to this part has to wait for the index's word about an access.
   */
  begin({ access, shown, capsules, signal }: EntryAbout): () => Promise<void> {
    const { committer, target } = this.#options
    committer.closed(new Set(capsules.map(({ id }) => id)))
    const foreseen = target(false).then((known) => (hasLog(known) ? committer.foresee(known) : undefined))
    foreseen.catch(() => {})
    return async () => {
      await foreseen.catch(() => {})
      await this.#write({ access, shown, capsules, signal })
    }
  }

  /** That an access made ahead was opened without a network, told afterwards. Throws as `begin`'s answer does. */
  told(opened: OpenedOffline, signal?: AbortSignal): Promise<void> {
    const { access, categories, time } = opened
    return this.#submit((_, houses) => ({
      ...this.#facts(access, categories, access.access.capsules.length), ...houses, openedOffline: time,
    }), {}, signal)
  }

  #write({ access, shown, capsules, signal }: EntryAbout): Promise<void> {
    return this.#submit(({ keyring }, houses) => ({
      ...this.#facts(access, codesOf(capsules, keyring), capsules.length), ...houses,
    }), shown, signal)
  }

  /** Throws `entry-refused` with the index's `problem`, and as every request does. */
  async #submit(
    facts: (known: WriteTarget, houses: Pick<AccessFacts, 'houses'>) => AccessFacts, shown: Shown,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { committer, connection, target } = this.#options
    const houses = (shown.statuses ?? []).flatMap((status) => houseOf(status) ?? [])
    for (let attempt = 1, again = false; ; attempt++) {
      const known = await target(again)
      if (!hasLog(known)) return
      const content = connection.entryText(facts(known, houses.length === 0 ? {} : { houses }))
      const prepared = await committer.prepareEntry(known, content)
      const result = await committer.submitOne(prepared, signal)
      if (result.accepted) {
        void connection.given?.keep({ word: result.word, submission: prepared.submission })
        return
      }
      if (!SEAL_AGAIN.has(result.problem) || attempt >= SDK_LIMITS.writeAttempts) {
        const { problem } = result
        const message = 'the index took no entry about this access, so nothing is opened'
        throw new SdkError('entry-refused', message, { problem })
      }
      again = result.problem === 'epoch-stale'
    }
  }

  #facts({ access, id, signed }: SignedAccess, categories: readonly string[], capsules: number): AccessFacts {
    const { about, connection } = this.#options
    return {
      ...about,
      access: toHex(access.access),
      signed,
      statement: toHex(id),
      vault: toHex(access.vault),
      custodian: toHex(access.custodian),
      reader: toHex(access.reader),
      index: toHex(connection.index.id),
      chain: access.chain.map(toHex),
      categories,
      capsules,
      purpose: access.purpose,
      time: access.time * 1000,
      ...(access.until === undefined ? {} : { until: access.until * 1000 }),
    }
  }
}

/** A part without an access log has none that could be read; the trustees' lists are all there is of it. */
const hasLog = ({ keyring }: WriteTarget): boolean => accessLogEntry(keyring.part.newest) !== undefined

/**
 * The holder: the one process that has the trustee's file. It charges a release, signs the word of it, and keeps both
 * with the answer in one transaction, one after the other; whoever verified it, here or in a node, answers with that.
 */
import { type Access, type Context, encode, Release, SUITE } from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import type { Log } from '@scelle/wire/server'
import { type Counter, ReleaseAnswer } from '@scelle/wire/messages'
import { TRUSTEE_LIMITS } from './limits.ts'
import { type LogWitnessed, type Recorded, requireRecorded } from './log/receipt.ts'
import type { Turns } from './log/turns.ts'
import type { KnownChanges } from './meter/changes.ts'
import type { Journal, JournalEntry } from './meter/journal.ts'
import type { Charge } from './meter/meter.ts'
import type { Facts, FactsAsked } from './nodes/messages.ts'
import type { KeyHead } from './shown.ts'
import type { TrusteeStore } from './store.ts'
import { keepDenial, type Refused } from './words/denials.ts'

/** What the holder's operator configured: a node has none of it by itself. */
export interface Settings {
  /** This trustee's principal id. */
  readonly trustee: Uint8Array
  /** The index's principal id: people's sessions are of its network. */
  readonly index: Uint8Array
  /** Principal ids of registers: who a professional is, is their word. */
  readonly issuers: readonly Uint8Array[]
  /** Principal ids of emergency keys, which registered sites hold. */
  readonly emergencyKeys: readonly Uint8Array[]
}

/** A release of which all is verified but what only the holder knows. */
export interface Settlement {
  /** The signed access, verified: its statement id, its content, itself. */
  readonly id: Uint8Array
  readonly access: Pick<Access, 'access' | 'reader' | 'vault' | 'custodian' | 'chain'>
  readonly signed: Uint8Array
  /** How many revocations of its grants the log held when they were checked; leaf of its reader's last sign-out. */
  readonly revocations: number
  readonly lastSignOut: number
  readonly recorded: Recorded
  readonly heads: readonly KeyHead[]
  /** The shares, sealed to the access's one-time key: one a capsule. */
  readonly enc: Uint8Array
  readonly sealed: readonly Uint8Array[]
  /** Undefined where nothing is charged. When it is charged is the holder's to say. */
  readonly charge: Omit<Charge, 'now'> | undefined
}

export interface Holder {
  readonly settings: () => Promise<Settings>
  /** What is known of the keys and grants that a request names. Throws `log-forked`. */
  readonly facts: (asked: FactsAsked) => Promise<Facts>
  /**
   * Charges, keeps, and answers: the bytes for the reader, an earlier request's where this one is a repeat. Throws what
   * the meter refuses with, `clock-skewed`, `log-recovering`, `log-forked`, `grant-revoked`, `already-exists`.
   */
  readonly settle: (settlement: Settlement) => Promise<Uint8Array>
  /** Keeps that it was refused. */
  readonly deny: (refused: Refused) => Promise<void>
}

export interface HolderParts extends Settings {
  readonly identity: Identity
  readonly store: TrusteeStore
  readonly logged: LogWitnessed
  readonly context: Context
  readonly turns: Turns
  readonly journal: Journal
  readonly log: Log
  /** There is a release to put on record. */
  readonly kept: () => void
}

/** As a message takes them: lists of its own. */
const changesOf = ({ withdrawn, standIns }: KnownChanges): Pick<Facts, 'withdrawn' | 'standIns'> =>
  ({ withdrawn: [...withdrawn], standIns: [...standIns] })

export class HeldHere implements Holder {
  readonly #parts: HolderParts

  constructor(parts: HolderParts) {
    this.#parts = parts
  }

  settings = async (): Promise<Settings> => this.#parts

  facts = async (
    { principals, chain, vault, reader, access, statement, vouching, session }: FactsAsked,
  ): Promise<Facts> => {
    const { store, logged: { witness } } = this.#parts
    witness.forks.require()
    const known = principals.flatMap((principal) => [store.headOf(principal), store.log.loggedKey(principal)]
      .flatMap((key) => (key === undefined ? [] : { principal, version: key.version, record: key.record })))
    const earlier = store.given({ reader, access, statement })
    return {
      known,
      signers: store.log.signerChain(),
      revoked: chain.filter((grant) => store.isRevoked(grant)),
      revocations: store.log.countRevocations(chain),
      signOuts: store.log.signOuts(reader, session),
      lastSignOut: store.log.lastSignOut(reader),
      logged: chain.flatMap((grant) => store.log.loggedRevocations(grant).map((one) => ({ grant, statement: one }))),
      // Patients are not metered, in the vault that was kept for them before they claimed it either.
      claimed: store.discovery.isClaimedBy(vault, reader),
      locks: store.meter.locks.about(vouching).map(({ scope, target, cause }) => ({ scope, target, cause })),
      ...changesOf(store.meter.changes.about(vouching, this.#now())),
      ...(earlier === undefined ? {} : { earlier }),
    }
  }

  settle = async (settlement: Settlement): Promise<Uint8Array> => {
    const { logged, turns, kept } = this.#parts
    await requireRecorded(settlement.recorded, logged, () => this.#now())
    // One at a time: the word holds the number of its charge, and numbers have no gaps.
    const answer = await turns.take(() => this.#keep(settlement))
    kept()
    return answer
  }

  deny = async (refused: Refused): Promise<void> => {
    const { identity, store, context } = this.#parts
    await keepDenial(refused, identity, store.words, context)
  }

  #now(): number {
    return Math.floor(this.#parts.context.now() / 1000)
  }

  async #keep(settlement: Settlement): Promise<Uint8Array> {
    const { id, access, signed, revocations, lastSignOut, recorded, heads, enc, sealed, charge } = settlement
    const { identity, store, context, journal, log } = this.#parts
    const { vault, custodian, reader, chain } = access
    const trustee = identity.id
    const time = this.#now()
    const charged = charge === undefined ? undefined : { ...charge, now: time }
    const entry = this.#entry(charged)
    const word = await identity.sign('release', encode(Release, {
      suite: SUITE, trustee, vault, access: id, capsules: sealed.length, time, salt: context.random(16),
      ...(entry === undefined ? {} : { charge: journal.seal(entry, id, context.random) }),
    }))
    store.dropAnswers(time - TRUSTEE_LIMITS.accessWindow - TRUSTEE_LIMITS.accessAhead)
    store.words.drop(time - TRUSTEE_LIMITS.wordsKept)
    const answer = (counter: Counter | undefined): Uint8Array => encode(ReleaseAnswer, {
      trustee, access: id, enc, sealed: [...sealed], ...(counter === undefined ? {} : { counter }),
    })
    return store.keepRelease({
      reader, access: access.access, statement: id, vault, time, answer, leaf: recorded.leaf, charge: charged, entry,
      word: { vault, custodian, reader, kind: 'release', time, access: signed, word },
      alarm: (numbers) => log({ event: 'meter-everyone', ...numbers }),
    }, { ids: chain, revocations, lastSignOut }, heads)
  }

  /** What is charged, as this trustee seals it to itself; undefined where nothing is, or the meter will refuse. */
  #entry(charge: Charge | undefined): JournalEntry | undefined {
    const { store } = this.#parts
    const plan = charge === undefined ? undefined : store.asked((meter) => meter.plan(charge))
    if (charge === undefined || plan === undefined || plan.refused !== undefined) return undefined
    const { counted, used } = plan
    return { serial: store.meter.spent.serial + 1, vault: charge.vault, time: charge.now, counted, used }
  }
}

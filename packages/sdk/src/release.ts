/** From logged accesses to release secrets: two of the vault's three trustees, whichever answer well first. */
import { openRelease, type TrusteeAnswer } from '@scelle/seal/envelope'
import { createAccess, type MadeAccess } from '@scelle/seal/grants'
import { type CourierSeal, decode, encode, equalBytes, FORMAT_LIMITS, SealError, toHex } from '@scelle/seal/verify'
import { ReleaseAnswer, ReleaseRequest } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import type { EntryWriter } from './entries.ts'
import { SdkError } from './errors.ts'
import type { FeedCapsule } from './feed.ts'
import type { HeldGrant, Purpose } from './keyring.ts'
import { LoggedAccess } from './log/access.ts'
import { SDK_LIMITS } from './limits.ts'
import { partiesOf, type Shown, signersOf, statementsOf } from './standing.ts'
import { abortedError, pause } from './timers.ts'
import type { Part, VaultView } from './vault-view.ts'

export interface ReleaseNeed {
  readonly view: VaultView
  readonly part: Part
  /** The grant that is used; absent for the custodian. */
  readonly grant: HeldGrant | undefined
  readonly purpose: Purpose
  readonly capsules: readonly FeedCapsule[]
  readonly entries: EntryWriter
  /** By the hex of its id. */
  readonly encapsulation: (id: string) => Uint8Array | undefined
  /** Work that needs no answer: done once, while the trustees do theirs. */
  readonly meanwhile?: () => void
  /** Ahead of time: what is kept of it, and what is shown for it beside `Standing`. */
  readonly ahead?: AheadNeed
  readonly signal?: AbortSignal | undefined
}

export interface AheadNeed {
  /** Seconds since 1970. */
  readonly until: number
  readonly facts: readonly Uint8Array[]
  /** Told of each access that is on record in log and access log, with the answers that hold. */
  readonly keep: (access: MadeAccess, answers: readonly TrusteeAnswer[]) => void
}

/** Something that went wrong without stopping the opening: shown to the user, never left out silently. */
export interface ChartProblem {
  /**
   * `trustee`: it failed or lied, the others served. `capsule`, `record`: its writer made it so that it cannot be
   * opened.
   */
  readonly what: 'trustee' | 'capsule' | 'record'
  /** Hex id of the trustee, or of the author. */
  readonly who: string
  /** Hex id of the capsule or record; empty for a trustee. */
  readonly which: string
  /** Code of a SealError, or of a trustee's problem. */
  readonly code: string
}

export interface Released {
  /** Release secrets by the hex of the capsule's header hash. */
  readonly releases: Map<string, Uint8Array>
  readonly problems: ChartProblem[]
}

interface Failure {
  readonly trustee: string
  readonly error: SdkError | SealError
}

const codeOf = (error: SdkError | SealError): string =>
  error instanceof SdkError ? (error.problem ?? error.code) : error.code

/** What the meter asks of a reader, the least first. */
const METER_PROBLEMS: readonly string[] = [
  'session-ended', 'session-required', 'status-required', 'fact-required', 'step-up-required', 'colleague-required',
  'budget-spent', 'emergency-refused', 'status-withdrawn', 'locked',
]

/** Whose keys a trustee needs, each once. */
const principalsIn = (
  { identity }: Connection, need: ReleaseNeed, access: MadeAccess, shown: Shown,
): readonly Uint8Array[] => {
  const grantees = (need.grant?.grants ?? []).map(({ grantee }) => grantee)
  const ids = [need.view.genesis.controller, need.part.custodian.keys.id, ...grantees, identity.id,
    ...partiesOf(access.signed), ...signersOf(shown)]
  return [...new Map(ids.map((id) => [toHex(id), id])).values()]
}

/** Everything that a trustee checks by itself: it looks nothing up. */
const requestFor = async (
  connection: Connection,
  need: ReleaseNeed,
  access: MadeAccess,
  logged: { readonly by: LoggedAccess; readonly receipt: Uint8Array; readonly shown: Shown },
  share: number,
): Promise<Uint8Array> => {
  const ids = principalsIn(connection, need, access, logged.shown)
  const principals = await Promise.all(ids.map((id) => connection.directory.of(id)))
  const encapsulations = new Map(
    need.capsules.map(({ couriers }) => {
      const name = couriers[share] as string
      return [name, need.encapsulation(name) as Uint8Array]
    }),
  )
  return encode(ReleaseRequest, {
    access: access.signed,
    genesis: need.view.genesisSigned,
    keys: [...principals.map(({ chain }) => [...chain]), ...logged.by.trusteeChains],
    chain: [...(need.grant?.chain ?? [])],
    capsules: need.capsules.map(({ capsule }) => ({
      header: capsule.header,
      share: capsule.shares[share] as CourierSeal,
    })),
    encapsulations: [...encapsulations.values()],
    receipt: logged.receipt,
    ...statementsOf(logged.shown),
  })
}

/**
 * One trustee's answer. Throws `trustee-problem`, `network`, `timeout`, or SealError `share-invalid` for another
 * access.
 */
const askTrustee = async (
  connection: Connection,
  id: Uint8Array,
  body: Uint8Array,
  access: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<TrusteeAnswer> => {
  const { target } = await connection.trustee(id)
  const answer = decode(
    ReleaseAnswer,
    await connection.transport.ask(target, {
      method: 'POST',
      path: '/v1/releases',
      body,
      signal,
      attempts: 2,
    }),
  )
  if (!equalBytes(answer.trustee, id) || !equalBytes(answer.access, access)) {
    throw new SealError('share-invalid', 'a trustee answered for another one, or for another access')
  }
  if (answer.counter !== undefined) connection.standing?.counted?.(id, answer.counter)
  return answer
}

/** A release under way: trustees asked two at a time, the third where one of them fails, lies or is slow. */
class Gathering {
  readonly #connection: Connection
  readonly #need: ReleaseNeed
  readonly #access: MadeAccess
  readonly #logged: LoggedAccess
  readonly #shown: Shown
  readonly #waiting: number[]
  readonly #answers: TrusteeAnswer[] = []
  readonly #failures: Failure[] = []
  readonly #stop = new AbortController()
  #renewed: Promise<void> | undefined

  constructor(
    connection: Connection, need: ReleaseNeed, access: MadeAccess,
    { logged, shown }: { logged: LoggedAccess; shown: Shown },
  ) {
    this.#connection = connection
    this.#need = need
    this.#access = access
    this.#logged = logged
    this.#shown = shown
    const first = (connection.context.random(1)[0] as number) % 3
    const drawn = [first, (first + 1) % 3, (first + 2) % 3]
    // A trustee releases under its own cosignature alone: those that gave one are asked first.
    const late = drawn.filter((share) => !logged.isCosignedBy(need.view.genesis.trustees[share] as Uint8Array))
    this.#waiting = [...drawn.filter((share) => !late.includes(share)), ...late]
  }

  /** Answers of trustees of whom nothing bad is known. */
  get answers(): readonly TrusteeAnswer[] {
    const bad = new Set(this.#failures.map(({ trustee }) => trustee))
    return this.#answers.filter(({ trustee }) => !bad.has(toHex(trustee)))
  }

  async run(): Promise<Released> {
    const { timers } = this.#connection
    const under = new Map<number, Promise<number>>()
    const askNext = (): void => {
      const share = this.#waiting.shift()
      if (share !== undefined)
        under.set(
          share,
          this.#one(share).then(() => share),
        )
    }
    const late = pause(timers, SDK_LIMITS.hedgeAfter, this.#stop.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    )
    let hedged = false
    askNext()
    askNext()
    this.#need.meanwhile?.()
    try {
      while (under.size > 0 && this.#failures.length < 2) {
        const heard: number | 'late' = await Promise.race([...under.values(), ...(hedged ? [] : [late])])
        if (heard !== 'late') under.delete(heard)
        hedged ||= heard === 'late'
        const released = this.#answers.length < 2 ? undefined : await this.#open()
        if (released !== undefined) return released
        if (heard === 'late' || this.#failures.length > 0 || under.size === 0) askNext()
      }
      throw this.#insufficient()
    } finally {
      this.#stop.abort()
      for (const one of under.values()) one.catch(() => {})
    }
  }

  /** Asks one trustee, and keeps its answer, or why there is none. Throws `aborted` where the caller gave up. */
  async #one(share: number): Promise<void> {
    const id = this.#need.view.genesis.trustees[share] as Uint8Array
    const { signal } = this.#need
    const either = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal])
    try {
      this.#answers.push(await this.#ask(share, id, either))
    } catch (error) {
      if (!(error instanceof SdkError) && !(error instanceof SealError)) throw error
      if (signal?.aborted === true) throw abortedError()
      if (this.#stop.signal.aborted) return
      this.#failures.push({ trustee: toHex(id), error })
      this.#connection.log('trustee-failed', { share, code: codeOf(error) })
    }
  }

  /** Keys that this client has known for long may be replaced: all are asked for again, once. */
  #renewKeys(): Promise<void> {
    this.#renewed ??= this.#connection.directory.renew(
      principalsIn(this.#connection, this.#need, this.#access, this.#shown))
    return this.#renewed
  }

  /** A trustee that refuses the receipt is shown a newer one, once; one that refuses a statement, newer keys. */
  async #ask(share: number, id: Uint8Array, signal: AbortSignal): Promise<TrusteeAnswer> {
    const ask = async (receipt: Uint8Array): Promise<TrusteeAnswer> => {
      const logged = { by: this.#logged, receipt, shown: this.#shown }
      const body = await requestFor(this.#connection, this.#need, this.#access, logged, share)
      return askTrustee(this.#connection, id, body, this.#access.id, signal)
    }
    const receipt = await this.#logged.receiptFor(id, signal)
    try {
      return await ask(receipt)
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      if (error.problem === 'bad-statement') await this.#renewKeys()
      else if (error.problem === 'receipt-invalid') await this.#logged.renew(id)
      else throw error
      return ask(await this.#logged.receiptFor(id, signal))
    }
  }

  /**
   * Throws `shares-disagree`: the writer's fault, whatever trustees do. A trustee whose share is bad is left out and
   * named.
   */
  async #open(): Promise<Released | undefined> {
    try {
      const { releases, refused } = await openRelease({
        answers: this.#answers,
        accessId: this.#access.id,
        oneTimeSecret: this.#access.oneTimeSecret,
        headers: this.#need.capsules.map(({ capsule }) => capsule.header),
        genesis: this.#need.view.genesis,
      })
      for (const { trustee, error } of refused) this.#blame(toHex(trustee), error)
      return { releases, problems: this.#problems() }
    } catch (error) {
      if (!(error instanceof SealError) || error.code === 'shares-disagree') throw error
      await this.#findLiars()
      return undefined
    }
  }

  #blame(trustee: string, error: SealError): void {
    this.#failures.push({ trustee, error })
    this.#connection.log('trustee-lied', { code: error.code })
  }

  /** Drops the answers that do not hold even by themselves. */
  async #findLiars(): Promise<void> {
    for (const answer of this.#answers.splice(0)) {
      const error = await this.#faultOf(answer)
      if (error === undefined) this.#answers.push(answer)
      else this.#blame(toHex(answer.trustee), error)
    }
  }

  async #faultOf(answer: TrusteeAnswer): Promise<SealError | undefined> {
    try {
      await openRelease({
        answers: [answer],
        accessId: this.#access.id,
        oneTimeSecret: this.#access.oneTimeSecret,
        headers: this.#need.capsules.map(({ capsule }) => capsule.header),
        genesis: this.#need.view.genesis,
      })
    } catch (error) {
      if (error instanceof SealError) return error.code === 'shares-insufficient' ? undefined : error
      throw error
    }
    return undefined
  }

  #problems(): ChartProblem[] {
    return this.#failures.map(({ trustee, error }) => ({
      what: 'trustee',
      who: trustee,
      which: '',
      code: codeOf(error),
    }))
  }

  #insufficient(): SdkError {
    const names = this.#failures.map(({ trustee, error }) => `${trustee.slice(0, 8)}… (${codeOf(error)})`).join(', ')
    return new SdkError('release-insufficient', `two trustees have to answer; these did not: ${names}`, {
      parties: this.#failures.map(({ trustee }) => trustee),
      cause: this.#toTell(),
    })
  }

  /** Of several reasons the one that asks least of the reader: another trustee's answer is all that is missing. */
  #toTell(): Failure['error'] | undefined {
    const asking = METER_PROBLEMS.flatMap((code) => this.#failures.find(({ error }) => codeOf(error) === code) ?? [])
    // Whoever is told that nobody was there would not hear that somebody refused.
    const said = this.#failures.find(({ error }) =>
      error instanceof SealError || (error.problem !== undefined && error.problem !== 'not-cosigned'))
    return (asking[0] ?? said ?? this.#failures[0])?.error
  }
}

/** One logged access and its release. At most as many capsules as an access may name. */
const releaseOnce = async (connection: Connection, need: ReleaseNeed): Promise<Released> => {
  const access = await createAccess(
    {
      vault: need.view.vault,
      custodian: need.part.custodian.keys.id,
      reader: connection.identity,
      capsules: need.capsules.map(({ headerHash }) => headerHash),
      chain: need.grant?.ids ?? [],
      purpose: need.purpose,
      ...(need.ahead === undefined ? {} : { until: need.ahead.until }),
    },
    connection.context,
  )
  const standing = await connection.standing?.show(need.view.vault) ?? {}
  const shown = need.ahead === undefined ? standing : { ...standing, facts: need.ahead.facts }
  const writeEntry = need.entries.begin({ access, shown, capsules: need.capsules, signal: need.signal })
  const logged = await LoggedAccess.record(connection, need.view, access, need.signal)
  // Together, and neither without the other: what is not written down is not opened.
  const gathering = new Gathering(connection, need, access, { logged, shown })
  const running = gathering.run()
  const entry = writeEntry()
  // What trustees refuse was asked for all the same: its entry is there once that is known.
  const gathered = running.catch(async (refused: unknown) => {
    await entry.catch(() => undefined)
    throw refused
  })
  const [released] = await Promise.all([gathered, entry])
  need.ahead?.keep(access, gathering.answers)
  connection.visits.add(shown, access.signed, logged.receipt)
  return released
}

export const problemOf = (capsule: FeedCapsule, code: string): ChartProblem => ({
  what: 'capsule',
  who: toHex(capsule.header.writer),
  which: capsule.id,
  code,
})

/** The code where what a writer made is at fault, so that no trustee can help. */
const writersFault = (error: unknown): SealError['code'] | undefined => {
  if (error instanceof SealError)
    return error.code === 'shares-disagree' || error.code === 'capsule-mismatch' ? error.code : undefined
  return error instanceof SdkError &&
    error.code === 'release-insufficient' &&
    error.cause instanceof SdkError &&
    error.cause.problem === 'bad-statement'
    ? 'share-invalid'
    : undefined
}

/**
 * Release secrets of any number of capsules. A capsule whose writer made it unopenable must not keep the others shut (a
 * chart without its allergies is worse than one without that writer), so the list is halved until it is found and
 * named.
 */
export const release = async (connection: Connection, need: ReleaseNeed): Promise<Released> => {
  const { capsules } = need
  if (capsules.length === 0) return { releases: new Map(), problems: [] }
  const whole = capsules.filter((capsule) => capsule.couriers.every((id) => need.encapsulation(id) !== undefined))
  if (whole.length < capsules.length) {
    const broken = capsules
      .filter((capsule) => !whole.includes(capsule))
      .map((capsule) => problemOf(capsule, 'capsule-mismatch'))
    const rest = await release(connection, { ...need, capsules: whole })
    return { ...rest, problems: [...broken, ...rest.problems] }
  }
  const halves = async (): Promise<Released> => {
    const middle = Math.ceil(capsules.length / 2)
    const first = await release(connection, { ...need, capsules: capsules.slice(0, middle) })
    const second = await release(connection, { ...need, capsules: capsules.slice(middle) })
    return {
      releases: new Map([...first.releases, ...second.releases]),
      problems: [...first.problems, ...second.problems],
    }
  }
  if (capsules.length > FORMAT_LIMITS.accessCapsules) return halves()
  try {
    return await releaseOnce(connection, need)
  } catch (error) {
    const code = writersFault(error)
    if (code === undefined) throw error
    if (capsules.length > 1) return halves()
    return { releases: new Map(), problems: capsules.map((capsule) => problemOf(capsule, code)) }
  }
}

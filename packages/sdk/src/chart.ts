/** An opened part of a vault: in memory, for a limited time, and nowhere else. */
import type { CapsuleKey } from '@scelle/seal/envelope'
import { type CapsuleHeader, SealError, toHex } from '@scelle/seal/verify'
import { type Attachment, openAttachment, sourceOf } from './attachments.ts'
import { openAll, type OpenedRecord } from './bodies.ts'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { Feed, FeedRecord } from './feed.ts'
import { isWithin, type Keyring } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { capsuleKeys, type OpeningContext } from './opening.ts'
import { type ChartProblem, problemOf } from './release.ts'

export interface ChartTimes {
  /** Milliseconds without any look at it after which it closes. */
  readonly idle: number
  /** Milliseconds after which it closes in any case. */
  readonly life: number
}

/** What a chart asks its vault for. */
export interface ChartVault {
  /** New keys and grants, where what is held does not reach. */
  renew(): Promise<Pick<OpeningContext, 'view' | 'keyring'>>
  /** The feed of what may be seen now, from its beginning. */
  startFeed(keyring: Keyring): Promise<Feed>
  /** False where this client can tell that an author had no right to write. */
  mayWrite(author: Uint8Array, category: Uint8Array): boolean
}

const split = <T>(items: readonly T[], fits: (item: T) => boolean): [T[], T[]] => {
  const yes: T[] = []
  const no: T[] = []
  for (const item of items) (fits(item) ? yes : no).push(item)
  return [yes, no]
}

export class Chart {
  readonly openedAt: number
  readonly #connection: Connection
  readonly #times: ChartTimes
  readonly #vault: ChartVault
  #from: OpeningContext | undefined
  /** Hex ids of the categories that this chart opens. */
  readonly #chosen: ReadonlySet<string>
  #keys = new Map<string, CapsuleKey>()
  #records: OpenedRecord[] = []
  #latest = new Map<string, OpenedRecord>()
  /** What was opened before, by name and version: kept where the records themselves were handed over. */
  #seen = new Map<string, Set<string>>()
  /** Each once, however often it happens. */
  readonly #problems = new Map<string, ChartProblem>()
  /** Records fetched and not opened yet: their keys are missing, or a request failed. The feed does not repeat them. */
  #unopened: FeedRecord[] = []
  /** Octets, by author and record: where they are, until somebody asks for them. */
  #octets = new Map<string, FeedRecord>()
  #lastLook: number
  #cancel: () => void = () => {}
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    connection: Connection,
    from: OpeningContext,
    chosen: ReadonlySet<string>,
    times: Partial<ChartTimes>,
    vault: ChartVault,
  ) {
    this.#connection = connection
    this.#from = from
    this.#chosen = chosen
    this.#vault = vault
    this.#times = {
      idle: Math.min(times.idle ?? SDK_LIMITS.chartIdle, SDK_LIMITS.chartLife),
      life: Math.min(times.life ?? SDK_LIMITS.chartLife, SDK_LIMITS.chartLife),
    }
    this.openedAt = connection.context.now()
    this.#lastLook = this.openedAt
    this.#watch()
  }

  /** Milliseconds since 1970 at which it closes if nobody looks at it before. */
  get expiresAt(): number {
    return Math.min(this.#lastLook + this.#times.idle, this.openedAt + this.#times.life)
  }

  get closed(): boolean {
    if (this.#from !== undefined && this.#connection.context.now() >= this.expiresAt) this.close()
    return this.#from === undefined
  }

  /** Codes of the categories that it opens. */
  get categories(): string[] {
    const { keyring } = this.#look()
    return [...keyring.categories].filter(([, { id }]) => this.#chosen.has(toHex(id))).map(([code]) => code)
  }

  /** What could not be opened, and which trustee failed or lied. Show it: a chart with gaps must not look whole. */
  get problems(): readonly ChartProblem[] {
    this.#look()
    const waiting = new Map(this.#unopened.map(({ capsule }) => [capsule.id, problemOf(capsule, 'category-unknown')]))
    return [...this.#problems.values(), ...waiting.values()]
  }

  /** Every version of every resource, in the order in which they were committed. Throws `chart-closed`. */
  opened(): readonly OpenedRecord[] {
    this.#look()
    return this.#records
  }

  /**
   * Hands over what was opened and not handed over yet, in the order in which it was committed, and keeps nothing of
   * it: for whoever keeps the records in a form of its own, and overwrites them there. What is taken is in `opened` and
   * `latest` no more. Throws `chart-closed`.
   */
  take(): OpenedRecord[] {
    this.#look()
    const taken = this.#records
    this.#records = []
    this.#latest = new Map()
    return taken
  }

  /**
   * The newest version of every resource, deleted ones as tombstones. A handle is its author's own name for a resource:
   * another author's record under the same one is another resource, and replaces nothing. Throws `chart-closed`.
   */
  latest(): OpenedRecord[] {
    this.#look()
    return [...this.#latest.values()]
  }

  /**
   * Opens what is new since, and answers it. One access for new capsules; none where nothing is new.
   * Throws as `Vault.open`, and `chart-closed`.
   */
  refresh(signal?: AbortSignal): Promise<OpenedRecord[]> {
    const turn = this.#turn.then(() => this.#pull(signal))
    // Without its value: what was handed over is not kept.
    this.#turn = Promise.allSettled([turn]).then(() => undefined)
    return turn
  }

  /**
   * Octets that an author put into this chart: undefined where it has none such. The first look at one is an access of
   * its own, so nobody is released the key of what nobody reads. Throws as `Vault.open`, and `chart-closed`.
   */
  async attachment(author: string, record: string, signal?: AbortSignal): Promise<Attachment | undefined> {
    this.#look()
    const found = this.#octets.get(`${author}/${record}`)
    if (found === undefined) return undefined
    const key = this.#keys.get(found.capsule.id) ?? (await this.#release(found, signal))
    const source = sourceOf(this.#connection, found, signal)
    const { codes } = this.#look().keyring
    return openAttachment(key, found, source, codes.get(found.capsule.category) as string, () => this.#isRead())
  }

  /** Whoever reads an attachment looks at the chart; false once it is closed. */
  #isRead(): boolean {
    if (this.closed) return false
    this.#lastLook = this.#connection.context.now()
    return true
  }

  /** Whether there is any attachment to ask for. */
  get holdsAttachments(): boolean {
    return this.#octets.size > 0
  }

  async #release({ capsule }: FeedRecord, signal: AbortSignal | undefined): Promise<CapsuleKey> {
    const from = { ...(await this.#reaching([capsule.header])), signal }
    const { keys, problems } = await capsuleKeys(this.#connection, from, [capsule])
    const key = keys.get(capsule.id)
    if (this.closed) throw new SdkError('chart-closed', 'this chart was closed while it was being read')
    for (const problem of problems) this.#problems.set(Object.values(problem).join('/'), problem)
    if (key === undefined) throw new SdkError('release-insufficient', 'the capsule of this attachment does not open')
    this.#keys.set(capsule.id, key)
    return key
  }

  /** Forgets everything that was opened. */
  close(): void {
    this.#cancel()
    this.#from = undefined
    this.#keys = new Map()
    this.#records = []
    this.#latest = new Map()
    this.#seen = new Map()
    this.#problems.clear()
    this.#unopened = []
    this.#octets = new Map()
  }

  #look(): OpeningContext {
    if (this.closed || this.#from === undefined)
      throw new SdkError('chart-closed', 'this chart was closed, or its time is over; open it again')
    this.#lastLook = this.#connection.context.now()
    return this.#from
  }

  #watch(): void {
    const left = this.expiresAt - this.#connection.context.now()
    this.#cancel = this.#connection.timers.after(Math.max(left, 0) + 1, () => {
      if (this.#connection.context.now() >= this.expiresAt) this.close()
      else this.#watch()
    })
  }

  async #pull(signal: AbortSignal | undefined): Promise<OpenedRecord[]> {
    const { keyring, purpose } = this.#look()
    const fetched = (await this.#fetch(signal)).filter(({ capsule }) =>
      this.#chosen.has(capsule.category) && isWithin(keyring, purpose, capsule.header.writer))
    this.#unopened = [...this.#unopened, ...fetched]
    if (this.#unopened.length === 0) return []
    const from = { ...(await this.#reaching(this.#unopened.map(({ capsule }) => capsule.header))), signal }
    const { secrets } = from.keyring
    const [octets, resources] = split(this.#unopened, ({ header }) => header.contentType === 'octets')
    const [ready, waiting] = split(
      resources,
      ({ capsule: { header } }) => secrets(header.category, header.epoch) !== undefined,
    )
    const needed = new Map(
      ready.filter(({ capsule }) => !this.#keys.has(capsule.id)).map(({ capsule }) => [capsule.id, capsule]),
    )
    const { keys, problems } = await capsuleKeys(this.#connection, from, [...needed.values()])
    const all = new Map([...this.#keys, ...keys])
    const done = await openAll(this.#connection, from, all, ready)
    if (this.closed) throw new SdkError('chart-closed', 'this chart was closed while it was being read')
    this.#keys = all
    this.#unopened = waiting
    this.#setAside(octets)
    this.#keep(done.opened, [...problems, ...done.problems])
    return done.opened
  }

  /** What the feed has new. A reader that sees more categories than before has to read its feed from the beginning. */
  async #fetch(signal: AbortSignal | undefined): Promise<FeedRecord[]> {
    try {
      return await this.#look().feed.pull(signal)
    } catch (error) {
      if (!(error instanceof SdkError) || error.problem !== 'bad-request') throw error
    }
    const from = { ...this.#look(), ...(await this.#vault.renew()) }
    const feed = await this.#vault.startFeed(from.keyring)
    const pulled = await feed.pull(signal)
    if (this.#from !== undefined) this.#from = { ...from, feed }
    this.#unopened = []
    return pulled.filter(({ capsule, header }) => {
      const code = from.keyring.codes.get(capsule.category)
      const line = `${toHex(capsule.header.writer)}/${code}`
      return this.#seen.get(line)?.has(`${toHex(header.handle)}/${header.version}`) !== true
    })
  }

  /**
   * Asks again for keys and grants where a capsule was sealed under an epoch that is not held yet, or its writer is not
   * known to have the right. Throws SealError `grant-insufficient`: the index let somebody write whom nobody allowed
   * to.
   */
  async #reaching(headers: readonly CapsuleHeader[]): Promise<OpeningContext> {
    const from = this.#look()
    const allowed = (): boolean => headers.every(({ writer, category }) => this.#vault.mayWrite(writer, category))
    const held = headers.every(({ category, epoch }) => from.keyring.secrets(category, epoch) !== undefined)
    if (held && allowed()) return from
    const renewed = { ...from, ...(await this.#vault.renew()) }
    if (!allowed())
      throw new SealError('grant-insufficient', 'the index serves records of an author who may not write here')
    if (this.#from !== undefined) this.#from = renewed
    return renewed
  }

  /** Record ids are the author's to choose: of two, the first one stays. */
  #setAside(octets: readonly FeedRecord[]): void {
    for (const one of octets) {
      const name = `${toHex(one.capsule.header.writer)}/${toHex(one.header.record)}`
      if (!this.#octets.has(name)) this.#octets.set(name, one)
    }
  }

  #keep(opened: readonly OpenedRecord[], problems: readonly ChartProblem[]): void {
    for (const record of opened) {
      this.#records.push(record)
      const line = `${record.author}/${record.category}`
      const seen = this.#seen.get(line) ?? new Set()
      this.#seen.set(line, seen.add(`${record.handle}/${record.version}`))
      const name = `${record.author}/${record.category}/${record.handle}`
      if ((this.#latest.get(name)?.version ?? -1) < record.version) this.#latest.set(name, record)
    }
    for (const problem of problems) this.#problems.set(Object.values(problem).join('/'), problem)
  }
}

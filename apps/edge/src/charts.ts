/**
 * Open charts: opened through the sdk with an access that two trustees answer, then read from memory. A chart belongs
 * to the session that opened it: another person's first read is a new access. The organisation's own vault is no
 * patient's chart: all share it. What is closed is overwritten as soon as nobody can be reading it. The chart of a
 * patient who took another one over holds the records of both vaults, each opened by an access of its own.
 */
import { ACCESS_LOG, type AccessAbout, type Attachment, type Chart, type OpenedRecord, SdkError } from '@scelle/sdk'
import type { Entry } from './entry.ts'
import { EdgeError } from './errors.ts'
import { faultFields, type Log } from './log.ts'
import { type Held, OpenCharts, type RoomLimits } from './open-charts.ts'
import { isClosed, openFault } from './open-fault.ts'
import { opened } from './opening.ts'
import { Records } from './records.ts'
import type { Directory } from './store/directory.ts'
import { EDGE_ITSELF } from './sessions.ts'
import type { OpenerFor } from './staff/opener.ts'
import { Underway } from './underway.ts'

export interface ChartLimits extends RoomLimits {
  readonly idle: number
  readonly absolute: number
  readonly refresh: number
}

/** Records that are open, and a name for this very opening. */
export interface Opening {
  readonly name: string
  readonly records: Records
  /** Records that are there and could not be opened: whoever is shown the chart must be told. */
  readonly gaps: () => number
}

/** The records of a vault, and what is too large to be among them. */
export interface OpenedChart extends Opening {
  /**
   * Octets that an author put there, by their record; undefined where there are none. Reading them keeps the chart
   * open. Throws `chart-closed` as the sdk does.
   */
  readonly attachment: (author: string, record: string) => Promise<Attachment | undefined>
}

/** One vault of a chart, as the sdk opened it. */
interface Source {
  readonly vault: string
  readonly chart: Chart
  /** Hex ids of those whose categories these are. */
  readonly custodians: readonly string[]
  /** Records that the sdk could not open, as it last said. */
  unopened: number
}

interface OpenChart extends OpenedChart, Held {
  readonly sources: readonly Source[]
  readonly unseen: Unseen
  readonly openedAt: number
  usedAt: number
  freshAt: number
  refreshing: Promise<void> | undefined
}

/** Records that this edge set aside: nobody is shown them. */
interface Unseen {
  aside: number
}

/** A chart on its way into memory. */
interface Loading {
  readonly session: string
  readonly vault: string
  readonly beside: readonly string[]
  /** Accepted meanwhile: the index's answer may be older than they are. */
  readonly meanwhile: Entry[]
  /** What is known of the vault changed meanwhile: this opening is not good any more. */
  isStale: boolean
}

export interface ChartsOptions {
  /** With whose right, and on whose meter, a session opens. */
  readonly opener: OpenerFor
  readonly directory: Directory
  readonly limits: ChartLimits
  /** Hex id of this organisation: whose records need no second look. */
  readonly self: string
  /** Whether a session goes on: what is opened for one that ended meanwhile is closed unseen. */
  readonly isLive: (session: string) => boolean
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** Told of what others wrote, once the directory knows it. */
  readonly learned: (entries: readonly Entry[]) => void
  /** On whose behalf a session opens a vault: sealed into the patient's access log. */
  readonly about: (session: string, vault: string) => AccessAbout
  /** Opens access logs and nothing else. Readers add to those without a grant to write: they always have news. */
  readonly accessLogs?: boolean
  readonly log: Log
}

export class Charts {
  readonly #options: ChartsOptions
  readonly #open: OpenCharts<OpenChart>
  readonly #loading = new Map<Loading, Promise<OpenChart>>()
  readonly #underway = new Underway()

  constructor(options: ChartsOptions) {
    this.#options = options
    this.#open = new OpenCharts(options.limits)
  }

  get count(): number {
    return this.#open.count
  }

  /** Bytes of memory that patients' open charts take, about. */
  get weight(): number {
    return this.#open.weight
  }

  /**
   * A request of this session begins; the answer ends it. What it may be reading is overwritten only after that, so
   * whatever it answers with is a copy by then.
   */
  begin(session: string): () => void {
    return this.#underway.begin(session)
  }

  /**
   * The records of a vault for one session, opened or refreshed as needed. Throws EdgeError `forbidden`,
   * `chart-unavailable`, `chart-too-large`, `session-ended`.
   */
  async use(session: string, vault: string): Promise<OpenedChart> {
    const now = this.#options.now()
    const known = this.#known(session, vault)
    if (known === undefined || this.#isOver(known, now)) {
      if (known !== undefined) this.#open.close(known)
      return this.#openNow(session, vault)
    }
    known.usedAt = now
    this.#open.touch(known)
    this.#open.weigh(known)
    const isOld = now - known.freshAt >= this.#options.limits.refresh
    if (!isOld || !known.sources.some((source) => this.#isContested(source.vault))) return known
    await this.#refresh(known)
    this.#requireLive(session)
    // Closed under the request, by whatever else went on: it is opened anew.
    return this.#open.has(known) ? known : this.#openNow(session, vault)
  }

  /** The records of a vault if this session has them open now. */
  peek(session: string, vault: string): Opening | undefined {
    const known = this.#known(session, vault)
    return known === undefined || this.#isOver(known, this.#options.now()) ? undefined : known
  }

  /** All that this session has open now, the organisation's own vault not among it. */
  openIn(session: string): readonly (Opening & { readonly vault: string })[] {
    const now = this.#options.now()
    return this.#open.ofOwner(session).filter((chart) => !chart.lasting && !this.#isOver(chart, now))
  }

  /** Whether any session has it open. */
  isOpen(vault: string): boolean {
    return this.#open.ofVault(vault).length > 0
  }

  /** Enters what this edge itself wrote: it is read from now on, before anybody is told that it was written. */
  accepted(vault: string, entries: readonly Entry[]): void {
    for (const chart of this.#open.ofVault(vault)) {
      for (const entry of entries) chart.records.put(entry)
      this.#open.weigh(chart)
    }
    for (const loading of this.#loading.keys()) if (isOf(loading, vault)) loading.meanwhile.push(...entries)
  }

  /** Closes what is over its time. */
  sweep(): void {
    const now = this.#options.now()
    for (const chart of this.#open.all()) if (this.#isOver(chart, now)) this.#open.close(chart)
  }

  close(session: string, vault: string): void {
    const chart = this.#open.get(session, vault)
    if (chart !== undefined) this.#open.close(chart)
  }

  /** Closes a vault's charts in every session: what is known of it has changed. */
  closeVault(vault: string): void {
    for (const chart of this.#open.ofVault(vault)) this.#open.close(chart)
    for (const loading of this.#loading.keys()) if (isOf(loading, vault)) loading.isStale = true
  }

  /** Closes all that a session has open. */
  closeSession(session: string): void {
    for (const chart of this.#open.ofOwner(session)) this.#open.close(chart)
  }

  closeAll(): void {
    for (const chart of this.#open.all()) this.#open.close(chart)
  }

  #known(session: string, vault: string): OpenChart | undefined {
    const own = this.#open.get(session, vault)
    if (own !== undefined) return own
    const shared = this.#open.get(EDGE_ITSELF, vault)
    return shared?.lasting === true ? shared : undefined
  }

  /** The organisation's own. */
  #isShared(vault: string): boolean {
    if (this.#options.accessLogs === true) return false
    const row = this.#options.directory.vault(vault)
    return row !== undefined && row.patient === undefined
  }

  #isOver(chart: OpenChart, now: number): boolean {
    const { idle, absolute } = this.#options.limits
    return !chart.lasting && (now - chart.usedAt > idle || now - chart.openedAt > absolute)
  }

  /** One edge serves an organisation: what nobody else may write to has no news. */
  #isContested(vault: string): boolean {
    if (this.#options.accessLogs === true) return true
    const row = this.#options.directory.vault(vault)
    return row === undefined || row.origin === 'granted' || row.contested === true
  }

  #requireLive(session: string): void {
    if (session !== EDGE_ITSELF && !this.#options.isLive(session)) throw new EdgeError('session-ended')
  }

  async #openNow(session: string, vault: string): Promise<OpenedChart> {
    const owner = this.#isShared(vault) ? EDGE_ITSELF : session
    for (const [each, chart] of this.#loading) if (each.session === owner && each.vault === vault) return chart
    const loading: Loading = { session: owner, vault, beside: this.#beside(vault), meanwhile: [], isStale: false }
    const chart = this.#load(loading).finally(() => this.#loading.delete(loading))
    this.#loading.set(loading, chart)
    return chart
  }

  async #load(loading: Loading): Promise<OpenChart> {
    const { session, vault } = loading
    try {
      const sources = await this.#opened([vault, ...loading.beside], session)
      const open = this.#entered(loading, sources)
      try {
        this.#requireLive(session)
        if (loading.isStale) throw new EdgeError('chart-unavailable')
        if (!this.#open.add(open)) throw new EdgeError('chart-too-large')
      } catch (error) {
        open.shut()
        throw error
      }
      return open
    } catch (error) {
      throw openFault(error, this.#options.log)
    }
  }

  /** Vaults of the patients merged into whose this is. */
  #beside(vault: string): string[] {
    const { directory } = this.#options
    const patient = directory.vault(vault)?.patient
    return patient === undefined ? [] : directory.vaultsBeside(patient)
  }

  /** All of them or none: half of a person's records would look whole. */
  async #opened(vaults: readonly string[], session: string): Promise<Source[]> {
    const { about, accessLogs } = this.#options
    const only = accessLogs === true ? { categories: [ACCESS_LOG] } : {}
    const opening = await Promise.allSettled(vaults.map(async (vault): Promise<Source> => {
      const handle = await this.#options.opener(session, vault)
      const chart = await handle.open({ about: about(session, vault), ...only })
      return { vault, chart, custodians: handle.custodians, unopened: 0 }
    }))
    const sources = opening.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = opening.find((each) => each.status === 'rejected')
    if (failed === undefined) return sources
    for (const { chart } of sources) chart.close()
    throw failed.reason
  }

  #entered({ session, vault, beside, meanwhile }: Loading, sources: readonly Source[]): OpenChart {
    const { now, random } = this.#options
    const records = new Records()
    const unseen: Unseen = { aside: 0 }
    for (const source of sources) this.#enter(source, { records, unseen }, source.chart.take())
    for (const entry of meanwhile) records.put(entry)
    // Where nobody else may write there will be no news: the keys, and what the sdk remembers of it, are let go.
    for (const source of sources) {
      if (!this.#isContested(source.vault) && !source.chart.holdsAttachments) letGo(source)
    }
    const at = now()
    const lasting = this.#isShared(vault)
    const wipe = (): void => records.wipe()
    const open: OpenChart = {
      name: Buffer.from(random(9)).toString('base64url'),
      owner: session, vault, beside, records, unseen, sources, lasting,
      gaps: () => gapsOf(sources, unseen),
      attachment: (author, record) => this.#attachment(open, author, record),
      weight: () => records.weight,
      shut: () => {
        for (const source of sources) letGo(source) // a request that goes on with it must not take it for whole
        if (lasting) this.#underway.afterAll(wipe) // whoever reads it has a session of their own
        else this.#underway.after(session, wipe)
      },
      openedAt: at, usedAt: at, freshAt: at, refreshing: undefined,
    }
    return open
  }

  /** What this edge wrote a moment ago, the sdk learns of now. */
  async #attachment(open: OpenChart, author: string, record: string): Promise<Attachment | undefined> {
    const look = async (): Promise<Attachment | undefined> => {
      for (const { chart } of open.sources.filter((source) => !source.chart.closed)) {
        const found = await chart.attachment(author, record)
        if (found !== undefined) return found
      }
      return undefined
    }
    try {
      const known = await look()
      // What was let go knows of no octets: opened anew, it does.
      if (known === undefined && open.sources.some(({ chart }) => chart.closed)) {
        this.#open.close(open)
        throw new SdkError('chart-closed', 'this chart was let go; open it again')
      }
      if (known === undefined) await this.#refresh(open)
      const found = known ?? (await look())
      return found && { ...found, range: (start, end) => this.#using(open, found.range(start, end)) }
    } catch (error) {
      throw isClosed(error) ? error : openFault(error, this.#options.log)
    }
  }

  async *#using(open: OpenChart, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      open.usedAt = this.#options.now()
      yield piece
    }
  }

  /** News from the index. While it does not answer, what is open is served as it is: care goes on. */
  async #refresh(open: OpenChart): Promise<void> {
    open.refreshing ??= (async () => {
      try {
        const sources = open.sources.filter(({ chart, vault }) => !chart.closed || this.#isContested(vault))
        await Promise.all(sources.map(({ chart }) => chart.refresh()))
        if (!this.#open.has(open)) return
        for (const source of sources) this.#enter(source, open, source.chart.take())
        this.#open.weigh(open)
      } catch (error) {
        this.#options.log('chart-refresh-failed', faultFields(error))
        const { code } = openFault(error, () => undefined)
        // Its time at the sdk is over: it is opened anew next.
        if (isClosed(error)) this.#open.close(open)
        if (code === 'forbidden') {
          this.#open.close(open)
          throw new EdgeError('forbidden')
        }
      } finally {
        open.freshAt = this.#options.now()
        open.refreshing = undefined
      }
    })()
    await open.refreshing
  }

  /** Copies what the sdk opened into the records, and overwrites what it came in. */
  #enter({ vault, custodians }: Source, into: Entered, news: readonly OpenedRecord[]): void {
    const { directory, learned, log, self } = this.#options
    const { records, unseen } = into
    records.reserve(news.reduce((sum, { content }) => sum + content.length, 0))
    const result = opened(news, records, { vault, self, custodians, known: (key) => directory.locator(key) })
    if (result.refused > 0) log('records-set-aside', { records: result.refused })
    unseen.aside += result.hidden
    if (this.#options.accessLogs === true) directory.learn(vault, [...records.at(records.state)])
    else if (result.foreign.length > 0) {
      directory.learn(vault, result.foreign)
      learned(result.foreign)
    }
    for (const { content } of news) content.fill(0)
    for (const { bytes } of result.foreign) bytes.fill(0)
  }
}

type Entered = Pick<OpenChart, 'records' | 'unseen'>

const isOf = ({ vault, beside }: Loading, other: string): boolean => vault === other || beside.includes(other)

const gapsOf = (sources: readonly Source[], unseen: Unseen): number =>
  sources.reduce((sum, source) => sum + unopenedIn(source), unseen.aside)

/** A chart closed at the sdk says nothing any more, but what it did not open is still not here. */
const unopenedIn = (source: Source): number => {
  if (!source.chart.closed) source.unopened = source.chart.problems.filter(({ what }) => what !== 'trustee').length
  return source.unopened
}

const letGo = (source: Source): void => {
  unopenedIn(source)
  source.chart.close()
}

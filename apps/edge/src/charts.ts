/**
 * Open charts: opened through the sdk with an access that two trustees answer, then read from memory. A chart belongs
 * to the session that opened it: another person's first read is a new access. What nobody reads any more is closed, the
 * least recently used first where there are too many. The organisation's own vault is no patient's chart: all share it.
 */
import type { Chart, OpenedRecord } from '@scelle/sdk'
import type { Entry } from './entry.ts'
import { EdgeError } from './errors.ts'
import { faultFields, type Log } from './log.ts'
import { opened } from './opening.ts'
import { Records } from './records.ts'
import type { Directory } from './store/directory.ts'
import type { VaultShelf } from './vaults.ts'

export interface ChartLimits {
  readonly open: number
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

/** The session of this edge's own work, such as entering what others shared. No request has it. */
export const EDGE_ITSELF = ''

interface OpenChart extends Opening {
  readonly vault: string
  readonly chart: Chart
  /** Hex ids of those whose categories these are. */
  readonly custodians: readonly string[]
  readonly unseen: Unseen
  readonly openedAt: number
  /** The organisation's own vault is no patient's chart: it stays. */
  readonly lasting: boolean
  usedAt: number
  freshAt: number
  refreshing: Promise<void> | undefined
}

/** Records of the vault that nobody is shown: `aside` by this edge, `closed` by the sdk, as it last said. */
interface Unseen {
  aside: number
  closed: number
}

export interface ChartsOptions {
  readonly vaults: VaultShelf
  readonly directory: Directory
  readonly limits: ChartLimits
  /** Hex id of this organisation: whose records need no second look. */
  readonly self: string
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** Told of what others wrote, once the directory knows it. */
  readonly learned: (entries: readonly Entry[]) => void
  readonly log: Log
}

export class Charts {
  readonly #options: ChartsOptions
  /** By session and vault, least recently used first. */
  readonly #open = new Map<string, OpenChart>()
  /** Names in `#open`, by vault. */
  readonly #sessionsOf = new Map<string, Set<string>>()
  readonly #opening = new Map<string, Promise<OpenChart>>()
  /** By vault: accepted while its chart was being opened: the index's answer may be older than they are. */
  readonly #meanwhile = new Map<string, Set<Entry[]>>()

  constructor(options: ChartsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  /**
   * The records of a vault for one session, opened or refreshed as needed. Throws EdgeError `forbidden` or
   * `chart-unavailable`.
   */
  async use(session: string, vault: string): Promise<Opening> {
    const now = this.#options.now()
    const name = this.#nameOf(session, vault)
    const known = this.#open.get(name)
    if (known === undefined || this.#isOver(known, now)) {
      if (known !== undefined) this.#close(name)
      return this.#openNow(name, vault)
    }
    known.usedAt = now
    this.#open.delete(name)
    this.#open.set(name, known)
    const isOld = now - known.freshAt >= this.#options.limits.refresh
    if (isOld && this.#isContested(vault)) await this.#refresh(name, known)
    return known
  }

  /** The records of a vault if this session has them open now. */
  peek(session: string, vault: string): Opening | undefined {
    const known = this.#open.get(this.#nameOf(session, vault))
    return known === undefined || this.#isOver(known, this.#options.now()) ? undefined : known
  }

  /** Whether any session has it open. */
  isOpen(vault: string): boolean {
    return this.#sessionsOf.has(vault)
  }

  /** Enters what this edge itself wrote: it is read from now on, before anybody is told that it was written. */
  accepted(vault: string, entries: readonly Entry[]): void {
    for (const name of this.#sessionsOf.get(vault) ?? []) {
      const chart = this.#open.get(name)
      for (const entry of entries) chart?.records.put(entry)
    }
    for (const waiting of this.#meanwhile.get(vault) ?? []) waiting.push(...entries)
  }

  /** Closes what is over its time. */
  sweep(): void {
    const now = this.#options.now()
    for (const [name, chart] of this.#open) if (this.#isOver(chart, now)) this.#close(name)
  }

  /** Closes a vault's charts in every session: what is known of it has changed. */
  closeVault(vault: string): void {
    for (const name of this.#sessionsOf.get(vault) ?? []) this.#close(name)
  }

  closeAll(): void {
    for (const name of this.#open.keys()) this.#close(name)
  }

  #nameOf(session: string, vault: string): string {
    return `${this.#isShared(vault) ? EDGE_ITSELF : session}/${vault}`
  }

  #isShared(vault: string): boolean {
    const row = this.#options.directory.vault(vault)
    return row !== undefined && row.patient === undefined
  }

  #close(name: string): void {
    const chart = this.#open.get(name)
    if (chart === undefined) return
    this.#open.delete(name)
    const sessions = this.#sessionsOf.get(chart.vault)
    sessions?.delete(name)
    if (sessions?.size === 0) this.#sessionsOf.delete(chart.vault)
    chart.chart.close()
  }

  #isOver(chart: OpenChart, now: number): boolean {
    const { idle, absolute } = this.#options.limits
    return !chart.lasting && (now - chart.usedAt > idle || now - chart.openedAt > absolute)
  }

  /** One edge serves an organisation: what nobody else may write to has no news. */
  #isContested(vault: string): boolean {
    const row = this.#options.directory.vault(vault)
    return row === undefined || row.origin === 'granted' || row.contested === true
  }

  async #openNow(name: string, vault: string): Promise<OpenChart> {
    const under = this.#opening.get(name)
    if (under !== undefined) return under
    const opening = this.#load(name, vault).finally(() => this.#opening.delete(name))
    this.#opening.set(name, opening)
    return opening
  }

  async #load(name: string, vault: string): Promise<OpenChart> {
    const { now, random } = this.#options
    const meanwhile: Entry[] = []
    const waiting = this.#meanwhile.get(vault) ?? new Set()
    this.#meanwhile.set(vault, waiting.add(meanwhile))
    try {
      const handle = await this.#options.vaults.get(vault)
      const chart = await handle.open()
      const { custodians } = handle
      const records = new Records()
      const unseen: Unseen = { aside: 0, closed: 0 }
      this.#enter(vault, { records, custodians, unseen }, chart.opened())
      for (const entry of meanwhile) records.put(entry)
      const at = now()
      const open: OpenChart = {
        name: Buffer.from(random(9)).toString('base64url'),
        vault, records, custodians, unseen, chart, lasting: this.#isShared(vault),
        gaps: () => gapsOf(chart, unseen),
        openedAt: at, usedAt: at, freshAt: at, refreshing: undefined,
      }
      this.#open.set(name, open)
      this.#sessionsOf.set(vault, (this.#sessionsOf.get(vault) ?? new Set()).add(name))
      this.#makeRoom()
      return open
    } catch (error) {
      throw openFault(error, this.#options.log)
    } finally {
      waiting.delete(meanwhile)
      if (waiting.size === 0) this.#meanwhile.delete(vault)
    }
  }

  #makeRoom(): void {
    const closable = [...this.#open].filter(([, chart]) => !chart.lasting)
    for (const [name] of closable.slice(0, Math.max(0, closable.length - this.#options.limits.open))) this.#close(name)
  }

  /** News from the index. While it does not answer, what is open is served as it is: care goes on. */
  async #refresh(name: string, open: OpenChart): Promise<void> {
    open.refreshing ??= (async () => {
      try {
        this.#enter(open.vault, open, await open.chart.refresh())
      } catch (error) {
        this.#options.log('chart-refresh-failed', faultFields(error))
        const { code } = openFault(error, () => undefined)
        // Its time at the sdk is over: it is opened anew next.
        if ((error as { code?: unknown } | null)?.code === 'chart-closed') this.#close(name)
        if (code === 'forbidden') {
          this.#close(name)
          throw new EdgeError('forbidden')
        }
      } finally {
        open.freshAt = this.#options.now()
        open.refreshing = undefined
      }
    })()
    await open.refreshing
  }

  #enter(vault: string, into: Entered, news: Iterable<OpenedRecord>): void {
    const { directory, learned, log, self } = this.#options
    const { records, custodians, unseen } = into
    const result = opened(news, records, { vault, self, custodians, known: (key) => directory.locator(key) })
    if (result.refused > 0) log('records-set-aside', { records: result.refused })
    unseen.aside += result.hidden
    if (result.foreign.length === 0) return
    directory.learn(vault, result.foreign)
    learned(result.foreign)
  }
}

type Entered = Pick<OpenChart, 'records' | 'custodians' | 'unseen'>

const gapsOf = (chart: Chart, unseen: Unseen): number => {
  // A chart closed at the sdk says nothing any more, but what it did not open is still not here.
  if (!chart.closed) unseen.closed = chart.problems.filter(({ what }) => what !== 'trustee').length
  return unseen.closed + unseen.aside
}

/** What index, trustees and sdk say where no grant in force covers the vault. */
const ENDED: ReadonlySet<string> = new Set([
  'no-grant', 'grant-expired', 'grant-revoked', 'grant-insufficient', 'not-permitted', 'not-found',
])

/** Why a chart is not there, for whoever asked. */
const openFault = (error: unknown, log: Log): EdgeError => {
  if (error instanceof EdgeError) return error
  const { code, problem } = (error ?? {}) as { readonly code?: string; readonly problem?: string }
  if (ENDED.has(code ?? '') || ENDED.has(problem ?? '')) return new EdgeError('forbidden')
  log('chart-not-opened', faultFields(error))
  return new EdgeError('chart-unavailable', undefined, undefined, { cause: error })
}

/**
 * Open charts: opened through the sdk with an access that two trustees answer, then read from memory. One cache for
 * the organisation; what nobody reads any more is closed, the least recently used first where there are too many.
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

interface OpenChart extends Opening {
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
  /** By vault, least recently used first. */
  readonly #open = new Map<string, OpenChart>()
  readonly #opening = new Map<string, Promise<OpenChart>>()
  /** Accepted while their chart was being opened: the index's answer may be older than they are. */
  readonly #meanwhile = new Map<string, Entry[]>()

  constructor(options: ChartsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  /** The records of a vault, opened or refreshed as needed. Throws EdgeError `forbidden` or `chart-unavailable`. */
  async use(vault: string): Promise<Opening> {
    const now = this.#options.now()
    const known = this.#open.get(vault)
    if (known === undefined || this.#isOver(known, now)) {
      if (known !== undefined) this.close(vault)
      return this.#openNow(vault)
    }
    known.usedAt = now
    this.#open.delete(vault)
    this.#open.set(vault, known)
    const isOld = now - known.freshAt >= this.#options.limits.refresh
    if (isOld && this.#isContested(vault)) await this.#refresh(vault, known)
    return known
  }

  /** The records of a vault if they are open now. */
  peek(vault: string): Opening | undefined {
    const known = this.#open.get(vault)
    return known === undefined || this.#isOver(known, this.#options.now()) ? undefined : known
  }

  /** Enters what this edge itself wrote: it is read from now on, before anybody is told that it was written. */
  accepted(vault: string, entries: readonly Entry[]): void {
    const chart = this.#open.get(vault)
    for (const entry of entries) chart?.records.put(entry)
    this.#meanwhile.get(vault)?.push(...entries)
  }

  /** Closes what is over its time. */
  sweep(): void {
    const now = this.#options.now()
    for (const [vault, chart] of this.#open) if (this.#isOver(chart, now)) this.close(vault)
  }

  close(vault: string): void {
    const chart = this.#open.get(vault)
    this.#open.delete(vault)
    chart?.chart.close()
  }

  closeAll(): void {
    for (const vault of this.#open.keys()) this.close(vault)
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

  async #openNow(vault: string): Promise<OpenChart> {
    const under = this.#opening.get(vault)
    if (under !== undefined) return under
    const opening = this.#load(vault).finally(() => this.#opening.delete(vault))
    this.#opening.set(vault, opening)
    return opening
  }

  async #load(vault: string): Promise<OpenChart> {
    const { now, random } = this.#options
    const meanwhile: Entry[] = []
    this.#meanwhile.set(vault, meanwhile)
    try {
      const handle = await this.#options.vaults.get(vault)
      const chart = await handle.open()
      const { custodians } = handle
      const records = new Records()
      const unseen: Unseen = { aside: 0, closed: 0 }
      this.#enter(vault, { records, custodians, unseen }, chart.opened())
      for (const entry of meanwhile) records.put(entry)
      const row = this.#options.directory.vault(vault)
      const lasting = row !== undefined && row.patient === undefined
      const at = now()
      const name = Buffer.from(random(9)).toString('base64url')
      const open: OpenChart = {
        name, records, custodians, unseen, chart, lasting,
        gaps: () => gapsOf(chart, unseen),
        openedAt: at, usedAt: at, freshAt: at, refreshing: undefined,
      }
      this.#open.set(vault, open)
      this.#makeRoom()
      return open
    } catch (error) {
      throw openFault(error, this.#options.log)
    } finally {
      this.#meanwhile.delete(vault)
    }
  }

  #makeRoom(): void {
    const closable = [...this.#open].filter(([, chart]) => !chart.lasting)
    for (const [vault] of closable.slice(0, Math.max(0, closable.length - this.#options.limits.open))) this.close(vault)
  }

  /** News from the index. While it does not answer, what is open is served as it is: care goes on. */
  async #refresh(vault: string, open: OpenChart): Promise<void> {
    open.refreshing ??= (async () => {
      try {
        this.#enter(vault, open, await open.chart.refresh())
      } catch (error) {
        this.#options.log('chart-refresh-failed', faultFields(error))
        const { code } = openFault(error, () => undefined)
        // Its time at the sdk is over: it is opened anew next.
        if ((error as { code?: unknown } | null)?.code === 'chart-closed') this.close(vault)
        if (code === 'forbidden') {
          this.close(vault)
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

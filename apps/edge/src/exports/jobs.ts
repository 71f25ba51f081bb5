/**
 * Bulk exports under way and done. A job is of the application and the session that began it: its charts are opened in
 * that session, one after the other, each an access on record like any other, and with the session it ends.
 */
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import type { Call } from '../call.ts'
import type { Charts } from '../charts.ts'
import { exactJson, withDecimals } from '../decimals.ts'
import { bytesOf, type Entry, keyOf, textOf } from '../entry.ts'
import { EdgeError, refusalOf } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import type { Repository } from '../repository.ts'
import { admitExport } from './admission.ts'
import { type ExportAsked, isExported } from './asked.ts'
import { ExportSpool } from './spool.ts'

export interface ExportJobsOptions {
  readonly charts: Charts
  readonly repository: Repository
  /** The edge's folder. Sealed output is in one of its own; whatever a former process left there is nobody's. */
  readonly data: string
  readonly isLive: (session: string) => boolean
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly log: Log
}

export interface ExportJob {
  readonly id: string
  readonly principal: string
  readonly session: string
  /** The kick-off's URL. */
  readonly request: string
  readonly begun: number
  readonly asked: ExportAsked
  readonly total: number
  readonly spool: ExportSpool
  done: number
  state: 'running' | 'complete' | 'failed'
  failure: EdgeError | undefined
  until: number
}

/** What could not be exported, among the types of a job's files. */
export const ERRORS = 'OperationOutcome'

const JOB_ID = 18

export class ExportJobs {
  readonly #options: ExportJobsOptions
  readonly #folder: string
  readonly #jobs = new Map<string, ExportJob>()

  constructor(options: ExportJobsOptions) {
    this.#options = options
    this.#folder = join(options.data, 'exports')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Begins to export charts of `owners`: patients' references, or ORGANISATION. Throws `too-costly`, `too-many`. */
  start(call: Call, asked: ExportAsked, owners: readonly string[]): ExportJob {
    const { now, random } = this.#options
    this.sweep()
    const running = [...this.#jobs.values()].filter(({ state }) => state === 'running')
    if (running.some(({ principal }) => principal === call.principal) || this.#jobs.size >= EDGE_LIMITS.exportJobs) {
      throw new EdgeError('too-many')
    }
    admitExport(owners.length)
    const id = Buffer.from(random(JOB_ID)).toString('base64url')
    const job: ExportJob = {
      id, asked, principal: call.principal, session: call.session,
      request: `${call.base}/${call.path}${call.wishes.query === '' ? '' : `?${call.wishes.query}`}`,
      begun: now(), total: owners.length, spool: new ExportSpool(join(this.#folder, id), random),
      done: 0, state: 'running', failure: undefined, until: now() + EDGE_LIMITS.exportTime,
    }
    this.#jobs.set(id, job)
    this.#options.log('export-begun', { charts: owners.length })
    this.#run(job, owners).catch((error: unknown) => this.#fail(job, error))
    return job
  }

  /** The job that this very application began in this very session. Throws `not-found` for any other. */
  of({ principal, session }: Pick<Call, 'principal' | 'session'>, id: string): ExportJob {
    this.sweep()
    const job = this.#jobs.get(id)
    if (job === undefined || job.principal !== principal || job.session !== session) {
      throw new EdgeError('not-found', 'there is no such export, or it is over')
    }
    return job
  }

  /** Ends a job: nothing of it can be read any more. */
  async end(job: ExportJob): Promise<void> {
    this.#jobs.delete(job.id)
    await job.spool.end()
  }

  /** Ends what is over its time, or whose session is. */
  sweep(): void {
    const { now, isLive, log } = this.#options
    for (const job of [...this.#jobs.values()].filter(({ until, session }) => until < now() || !isLive(session))) {
      this.end(job).catch((error: unknown) => log('export-not-removed', faultFields(error)))
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => this.end(job)))
  }

  #isOn(job: ExportJob): boolean {
    return this.#jobs.get(job.id) === job && this.#options.isLive(job.session)
  }

  async #run(job: ExportJob, owners: readonly string[]): Promise<void> {
    for (const owner of owners) {
      if (!this.#isOn(job)) break
      const lines = await this.#linesOf(job, owner)
      for (const [type, each] of lines) {
        if (this.#isOn(job)) await job.spool.append(type, each)
        for (const line of each) line.fill(0)
      }
      if (job.spool.bytes > EDGE_LIMITS.exportBytes) throw new EdgeError('too-large', 'the export is too large')
      job.done++
    }
    // Ended while a file was being written: what that left goes as well.
    if (!this.#isOn(job)) return this.end(job)
    job.state = 'complete'
    job.until = this.#options.now() + EDGE_LIMITS.exportKept
    this.#options.log('export-done', { charts: job.done, bytes: job.spool.bytes })
  }

  #fail(job: ExportJob, error: unknown): void {
    const { log, now } = this.#options
    log('export-failed', faultFields(error))
    job.state = 'failed'
    const told = new EdgeError('chart-unavailable', 'the export failed: try again')
    job.failure = error instanceof EdgeError ? error : told
    job.until = now() + EDGE_LIMITS.exportKept
  }

  /** The lines of one chart, by type, copied before it is closed; what cannot be opened is told, not left out. */
  async #linesOf(job: ExportJob, owner: string): Promise<Map<string, Uint8Array[]>> {
    const { charts, repository } = this.#options
    const { session, asked } = job
    const lines = new Map<string, Uint8Array[]>()
    const add = (type: string, line: Uint8Array): void => {
      lines.set(type, [...(lines.get(type) ?? []), line])
    }
    const end = charts.begin(session)
    try {
      const vault = await repository.vaultOf(owner)
      const wasOpen = charts.peek(session, vault) !== undefined
      const opening = await charts.use(session, vault)
      const byType = Map.groupBy(opening.records.at(opening.records.state), ({ type }) => type)
      for (const [type, entries] of byType) {
        if (!isExported(type) || (asked.types !== undefined && !asked.types.has(type))) continue
        const wanted = entries.filter(({ updated }) => updated >= asked.since)
        if (wanted.length > 0) lines.set(type, wanted.toSorted(byKey).map(lineOf))
      }
      const gaps = opening.gaps()
      if (gaps > 0) add(ERRORS, outcomeLine('incomplete', `${owner}: ${gaps} records could not be opened`))
      if (!wasOpen) charts.close(session, vault)
    } catch (error) {
      const [issue] = refusalOf(error).outcome.issue
      add(ERRORS, outcomeLine(issue?.code ?? 'exception', `${owner}: ${issue?.diagnostics ?? ''}`))
    } finally {
      end()
    }
    return lines
  }
}

const byKey = (left: Entry, right: Entry): number => (keyOf(left) < keyOf(right) ? -1 : 1)

const NEWLINE = 0x0a

/** One line, always: another organisation's software may have sealed JSON of several. */
const lineOf = (entry: Entry): Uint8Array => {
  const { bytes } = entry
  if (!bytes.includes(NEWLINE) && !bytes.includes(0x0d)) {
    const line = new Uint8Array(bytes.length + 1)
    line.set(bytes)
    line[bytes.length] = NEWLINE
    return line
  }
  const text = textOf(entry)
  return bytesOf(`${exactJson(withDecimals(text, JSON.parse(text) as object))}\n`)
}

const outcomeLine = (code: string, diagnostics: string): Uint8Array => bytesOf(`${JSON.stringify({
  resourceType: ERRORS, issue: [{ severity: 'error', code, diagnostics }],
})}\n`)

/** A thread beside the edge's own that prepares transactions. It starts with the first one, and ends when idle. */
import { Worker } from 'node:worker_threads'
import { DEFAULT_RULES, type RuleTable } from '@scelle/fhir/categories'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Preparation, ToPrepare } from './prepare.ts'
import type { Aside } from './transactions.ts'
import type { Done, Job } from './worker.ts'

interface Waiting {
  readonly bytes: number
  readonly resolve: (preparation: Preparation) => void
  readonly reject: (error: EdgeError) => void
}

export interface AsideThreadOptions {
  readonly rules?: RuleTable
  /** Told that the thread ended without being asked to, and how many preparations ended with it. */
  readonly failed: (waiting: number) => void
  /** The worker's program: another one in tests. */
  readonly program?: URL
}

export class AsideThread implements Aside {
  readonly from = EDGE_LIMITS.asideFrom
  readonly #options: AsideThreadOptions
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #bytes = 0
  #jobs = 0
  /** It said that it can work. One that never could is not started again. */
  #isReady = false
  #closed = false

  constructor(options: AsideThreadOptions) {
    this.#options = options
  }

  prepare(asked: ToPrepare): Promise<Preparation> {
    const bytes = asked.body.length
    // An empty thread takes any one request; the others together no more than its memory is good for.
    const isFull = this.#waiting.size > 0
      && (this.#waiting.size >= EDGE_LIMITS.asideJobs || this.#bytes + bytes > EDGE_LIMITS.asideBytes)
    if (this.#closed || isFull) return Promise.resolve(undefined)
    const worker = this.#running()
    const job = ++this.#jobs
    const body = asked.body.slice()
    return new Promise((resolve, reject) => {
      this.#waiting.set(job, { bytes, resolve, reject })
      this.#bytes += bytes
      const sent: Job = { ...asked, job, body }
      worker.postMessage(sent, [body.buffer])
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  #running(): Worker {
    clearTimeout(this.#idle)
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(this.#options.program ?? new URL('./worker.ts', import.meta.url), {
      workerData: { rules: this.#options.rules ?? DEFAULT_RULES },
      resourceLimits: { maxOldGenerationSizeMb: EDGE_LIMITS.asideMemory },
      env: {},
      execArgv: [],
    })
    worker.on('message', (done: Done) => this.#done(done))
    this.#isReady = false
    // The end follows an error, and is what counts.
    worker.on('error', () => undefined)
    worker.on('exit', () => this.#ended(worker))
    // It keeps nothing alive by itself: whoever waits for an answer has a connection that does.
    worker.unref()
    this.#worker = worker
    return worker
  }

  #done({ job, preparation }: Done): void {
    this.#isReady = true
    if (job === undefined) return
    this.#take(job)?.resolve(preparation)
    if (this.#waiting.size > 0) return
    this.#idle = setTimeout(() => void this.#end(), EDGE_LIMITS.asideIdle).unref()
  }

  #take(job: number): Waiting | undefined {
    const waiting = this.#waiting.get(job)
    this.#waiting.delete(job)
    this.#bytes -= waiting?.bytes ?? 0
    return waiting
  }

  /** The next request starts another one. */
  #ended(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const jobs = [...this.#waiting.keys()]
    if (!this.#closed) this.#options.failed(jobs.length)
    const isBroken = !this.#isReady
    this.#closed ||= isBroken
    for (const job of jobs) {
      const waiting = this.#take(job)
      if (isBroken) waiting?.resolve(undefined)
      else waiting?.reject(new EdgeError('overloaded'))
    }
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    if (worker === undefined) return
    if (!this.#closed) this.#worker = undefined
    await worker.terminate()
  }
}

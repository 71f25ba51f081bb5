/** Sends an import to the edge: several requests under way, a journal to resume from, a report of every refusal. */
import { createHash } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type EdgeClient, fhirJson, jsonOf } from '../edge-client.ts'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import type { Progress } from '../progress.ts'
import type { ImportFile } from './files.ts'
import type { AnyResource, ImportRequest } from './read.ts'

interface Issue {
  readonly diagnostics?: string
  readonly details?: { readonly text?: string }
  readonly expression?: readonly string[]
  readonly code?: string
}

interface Outcome extends AnyResource {
  readonly issue?: readonly Issue[]
}

interface ResponseEntry {
  readonly response?: { readonly status?: string; readonly outcome?: Outcome }
}

/** One resource that was not written, and why. */
export interface Refusal {
  readonly resource: string
  readonly status: string
  readonly reasons: readonly string[]
}

export interface ImportResult {
  readonly written: number
  readonly refusals: readonly Refusal[]
}

const reasonsOf = (outcome: Outcome | undefined): string[] =>
  (outcome?.issue ?? []).map((issue) => {
    const where = issue.expression === undefined ? '' : `${issue.expression.join(', ')}: `
    return `${where}${issue.diagnostics ?? issue.details?.text ?? issue.code ?? ''}`
  })

const nameOf = (entry: unknown): string => {
  const { resource, request } = entry as { resource?: AnyResource; request?: { url?: string } }
  return resource === undefined ? (request?.url ?? '?') : `${resource.resourceType}/${resource.id ?? '?'}`
}

/** What the edge said of each entry; a whole bundle refused is every one of its resources refused. */
const refusalsIn = (request: ImportRequest, status: number, answer: AnyResource): Refusal[] => {
  const sent = (request.bundle['entry'] ?? []) as unknown[]
  if (status !== 200) {
    return sent.map((entry) => ({
      resource: nameOf(entry),
      status: String(status),
      reasons: reasonsOf(answer as Outcome),
    }))
  }
  const entries = (answer['entry'] ?? []) as ResponseEntry[]
  return sent.flatMap((entry, place) => {
    const response = entries[place]?.response
    const code = response?.status ?? 'no answer'
    if (code.startsWith('2')) return []
    return [{ resource: nameOf(entry), status: code, reasons: reasonsOf(response?.outcome) }]
  })
}

/** The server's own failure, or its wish to be asked later: not a verdict on the resource. */
const isPassing = (status: number): boolean => status === 429 || status >= 500

const passingIn = (status: number, refusals: readonly Refusal[]): boolean =>
  isPassing(status) || refusals.some((refusal) => isPassing(Number.parseInt(refusal.status, 10)))

/** The edge or the index may be restarting: the same request again is safe, ids and versions make it idempotent. */
const send = async (io: Io, edge: EdgeClient, request: ImportRequest): Promise<Refusal[]> => {
  let reason = ''
  for (let tries = 0; tries < CLI_LIMITS.importTries && !io.stopped.aborted; tries++) {
    try {
      const answer = await edge('POST', '/fhir', fhirJson(request.bundle))
      const refusals = refusalsIn(request, answer.status, jsonOf<AnyResource>(answer))
      if (!passingIn(answer.status, refusals)) return refusals
      reason = `${answer.status} ${refusals[0]?.reasons[0] ?? ''}`
    } catch (cause) {
      reason = cause instanceof Error ? cause.message : 'no answer'
    }
    await io.sleep(CLI_LIMITS.importRetryDelay)
  }
  throw new CommandError('failed', `${MESSAGES[io.language].importStopped} (${reason})`)
}

/** Remembers which files are sealed, by path, size, time of change and edge. Appended and flushed file by file. */
export class Journal {
  readonly #path: string
  readonly #done: Set<string>

  private constructor(path: string, done: Set<string>) {
    this.#path = path
    this.#done = done
  }

  static async open(io: Io, edge: string): Promise<Journal> {
    await io.home.folder('import')
    const name = `${createHash('sha256').update(edge).digest('hex').slice(0, 16)}.journal`
    const stored = await io.home.read('import', name)
    const lines = stored === undefined ? [] : new TextDecoder().decode(stored).split('\n')
    return new Journal(io.home.path('import', name), new Set(lines.filter((line) => line !== '')))
  }

  /** A digest, so that the journal does not list names of patients: files are often named after them. */
  static #key({ path, bytes, changed }: ImportFile): string {
    return createHash('sha256')
      .update(`${resolve(path)}\0${bytes}\0${changed}`)
      .digest('hex')
  }

  has(file: ImportFile): boolean {
    return this.#done.has(Journal.#key(file))
  }

  async add(files: readonly ImportFile[]): Promise<void> {
    if (files.length === 0) return
    const keys = files.map((file) => Journal.#key(file))
    await appendFile(this.#path, keys.map((key) => `${key}\n`).join(''), { mode: 0o600, flush: true })
    for (const key of keys) this.#done.add(key)
  }
}

/**
 * Sends requests, at most `CLI_LIMITS.importParallel` at once, ranks one after the other. `settled` is called with what
 * was refused when the edge has answered a request and all those before it: so that a journal never runs ahead.
 */
export const sendAll = async (
  io: Io,
  edge: EdgeClient,
  requests: AsyncIterable<ImportRequest> | Iterable<ImportRequest>,
  progress: Progress,
  settled: (request: ImportRequest, refused: readonly Refusal[]) => Promise<void>,
): Promise<ImportResult> => {
  const refusals: Refusal[] = []
  let written = 0
  let rank = 0
  const underWay: { request: ImportRequest; answer: Promise<Refusal[]> }[] = []
  const settleOldest = async (): Promise<void> => {
    const oldest = underWay.shift()
    if (oldest === undefined) return
    const refused = await oldest.answer
    refusals.push(...refused)
    written += oldest.request.resources - refused.length
    await settled(oldest.request, refused)
    progress.add(oldest.request.bytes, oldest.request.resources - refused.length)
  }
  try {
    for await (const request of requests) {
      if (io.stopped.aborted) break
      while (underWay.length > 0 && (request.rank !== rank || underWay.length >= CLI_LIMITS.importParallel)) {
        await settleOldest()
      }
      rank = request.rank
      const answer = request.resources === 0 ? Promise.resolve([]) : send(io, edge, request)
      answer.catch(() => undefined) // settleOldest reports it; meanwhile it must not end the process
      underWay.push({ request, answer })
    }
    while (underWay.length > 0) await settleOldest()
  } finally {
    await Promise.allSettled(underWay.map((one) => one.answer))
  }
  if (io.stopped.aborted) throw new CommandError('failed', MESSAGES[io.language].importStopped)
  return { written, refusals }
}

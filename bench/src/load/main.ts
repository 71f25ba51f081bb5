/** The load generator's process: told what to send, it sends, and tells how long each answer took. */
import process from 'node:process'
import { importIdentity } from '@scelle/seal/identity'
import { HttpConnection } from './connection.ts'
import type { Job, Outcome } from './job.ts'
import { type Request, signed } from './requests.ts'

const identity = await importIdentity(Buffer.from(process.argv[2] ?? '', 'hex'))
let requests: readonly Request[] = []
/** Answers a second that a server gave last time: how many requests to sign ahead. */
const known = new Map<string, number>()
let next = 0

const WARM_UP = 400
const SPARE = 1.6

/** Signs `count` requests, going round the list. */
const prepare = async (url: string, count: number): Promise<{ bytes: Uint8Array; resources: number }[]> => {
  const prepared: { bytes: Uint8Array; resources: number }[] = []
  for (let i = 0; i < count; i++) {
    const request = requests[next++ % requests.length] as Request
    prepared.push({ bytes: await signed(url, request, identity), resources: request.resources ?? 1 })
  }
  return prepared
}

/** Sends until the time or the requests are over. */
const send = async (
  url: string,
  clients: number,
  milliseconds: number,
  prepared: readonly { bytes: Uint8Array; resources: number }[],
): Promise<Outcome> => {
  const connections = await Promise.all(Array.from({ length: clients }, () => HttpConnection.open(url)))
  const times: number[] = []
  let sent = 0
  let resources = 0
  let bytes = 0
  const started = performance.now()
  const work = async (connection: HttpConnection): Promise<void> => {
    while (sent < prepared.length && performance.now() < started + milliseconds) {
      const request = prepared[sent++] as (typeof prepared)[number]
      const at = performance.now()
      const { status, size, body } = await connection.send(request.bytes)
      if (status >= 300) throw new Error(`${url} answered ${status}: ${body?.toString('utf8').slice(0, 400) ?? ''}`)
      times.push(performance.now() - at)
      resources += request.resources
      bytes += size
    }
  }
  try {
    await Promise.all(connections.map(work))
    const took = performance.now() - started
    return { took, times, resources, bytes }
  } finally {
    for (const connection of connections) connection.close()
  }
}

const run = async (job: Job): Promise<Outcome | undefined> => {
  if (job.kind === 'use') {
    requests = job.requests
    next = 0
    known.clear()
    return undefined
  }
  if (job.kind === 'all')
    return send(job.url, job.clients, Number.POSITIVE_INFINITY, await prepare(job.url, requests.length))
  const rate = known.get(job.url)
  const ahead = rate === undefined ? WARM_UP : Math.ceil((rate * job.milliseconds * SPARE) / 1_000) + job.clients
  const outcome = await send(job.url, job.clients, job.milliseconds, await prepare(job.url, ahead))
  known.set(job.url, (outcome.times.length * 1_000) / outcome.took)
  return outcome
}

process.on('message', (job: Job) => {
  run(job).then(
    (outcome) => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ failed: error instanceof Error ? error.message : String(error) }),
  )
})

/**
 * Requests by grammar against the whole constellation: whatever comes, an OperationOutcome with a right status, never a
 * 500, and nothing half-written. `SCELLE_FUZZ` asks for more requests, `SCELLE_FUZZ_SEED` for others.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Bundle, OperationOutcome } from '@medplum/fhirtypes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CANARY, Grammar } from './fuzz-grammar.ts'
import { createWorld, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const REQUESTS = Math.max(10_000, Number(process.env['SCELLE_FUZZ'] ?? 0))
const SEED = process.env['SCELLE_FUZZ_SEED'] ?? 'façade'

const REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 405, 406, 409, 410, 412, 413, 415, 416, 422])

let world: World
let state: Digest
beforeAll(async () => {
  world = await createWorld({ seed: `fuzz ${SEED}` })
  await world.app.put('Patient/p', patient('p'))
  await world.app.put('Observation/o', { ...glucose('p', 5), id: 'o' })
  state = new Digest(world)
})
afterAll(async () => {
  state.close()
  await world.close()
})

/**
 * What the index holds of writes, and what the edge knows. Reading leaves accesses at the index, and entries in access
 * logs, which hold nothing else and are not counted. The edge's own database is locked for everybody else; its counts
 * stand for it.
 */
class Digest {
  readonly #world: World
  readonly #index: DatabaseSync

  constructor(of: World) {
    this.#world = of
    this.#index = new DatabaseSync(join(of.constellation.index.directory, 'index.sqlite'), { readOnly: true })
  }

  now(): string {
    const { patients, unclassified } = this.#world.edge().figures()
    const rows = ['vaults', 'manifests', 'grants'].map((table) =>
      `${table} ${String(this.#index.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])}`)
    const written = this.#index.prepare(`SELECT count(*) AS commits, sum(records) AS records, sum(capsules) AS capsules
      FROM commits c WHERE NOT EXISTS (SELECT 1 FROM categories g
        WHERE g.part = c.part AND g.access_log = 1 AND c.mask = 1 << g.place)`).get()
    return [...rows, JSON.stringify(written), `patients ${patients}`, `unclassified ${unclassified}`].join(', ')
  }

  close(): void {
    this.#index.close()
  }
}

const outcomeFault = (reply: Reply<OperationOutcome>, method: string): string | undefined => {
  if (!REFUSALS.has(reply.status)) return `status ${reply.status}`
  if (method === 'HEAD') return reply.text === '' ? undefined : 'HEAD with a body'
  if (!(reply.headers.get('content-type') ?? '').includes('application/fhir+json')) return 'not FHIR JSON'
  const { resourceType, issue } = reply.body
  if (resourceType !== 'OperationOutcome' || issue.length === 0) return 'no OperationOutcome'
  if (issue.some(({ severity, code, diagnostics }) => severity !== 'error' || !code || !diagnostics)) {
    return 'an issue says too little'
  }
  if (reply.text.includes(CANARY)) return 'repeats what was sent'
  return /\bat \w+ \(|node_modules|\.ts:\d/.test(reply.text) ? 'tells of its inside' : undefined
}

const answerFault = (reply: Reply<unknown>): string | undefined => {
  const body = reply.body as Bundle | undefined
  if (body?.resourceType !== 'Bundle') return undefined
  for (const { response } of body.entry ?? []) {
    const status = response?.status ?? '200'
    if (!/^(2\d\d|304|4\d\d)$/.test(status)) return `entry with status ${status}`
    if (status.startsWith('4') && response?.outcome?.resourceType !== 'OperationOutcome') return 'entry without outcome'
  }
  return undefined
}

test(`${REQUESTS} requests by grammar, seed ${SEED}`, async () => {
  const grammar = new Grammar(SEED)
  const statuses = new Map<number, number>()
  const faults: string[] = []
  let before = state.now()
  for (let place = 0; place < REQUESTS; place++) {
    const { method, path, headers, raw } = grammar.request()
    let reply: Reply<OperationOutcome>
    try {
      reply = await world.app.send<OperationOutcome>(method, path, { headers, ...(raw === undefined ? {} : { raw }) })
    } catch (error) {
      faults.push(`#${place} ${method} ${path}: ${String(error)}`)
      continue
    }
    statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
    const after = state.now()
    const refused = reply.status >= 400
    const mayWrite = !refused && method !== 'GET' && method !== 'HEAD'
    const fault = (refused ? outcomeFault(reply, method) : answerFault(reply))
      ?? (mayWrite || after === before ? undefined : `something was written: ${before} → ${after}`)
    if (fault !== undefined) {
      const sent = `${method} ${path.slice(0, 200)} ${JSON.stringify(headers)} ${String(raw).slice(0, 400)}`
      faults.push(`#${place} ${sent}: ${fault} ${reply.text.slice(0, 200)}`)
    }
    before = after
  }
  expect(faults.slice(0, 20)).toEqual([])
  // Nothing was left on the way: a new process finds nothing to complete.
  await world.party.restart()
  await world.app.search('Observation?patient=p')
  expect(state.now()).toBe(before)
  // A grammar that only ever draws nonsense would show nothing.
  const share = (...of: number[]): number => of.reduce((sum, status) => sum + (statuses.get(status) ?? 0), 0) / REQUESTS
  expect(share(200, 201, 204)).toBeGreaterThan(0.05)
  expect(share(400)).toBeGreaterThan(0.2)
  expect(world.lines.join('')).not.toContain(CANARY)
  expect(world.lines.filter((line) => line.includes('"fault"'))).toEqual([])
}, 120_000 + REQUESTS * 50)

/**
 * An index on either engine that waits until it is told where to end itself, as by kill -9, then serves. It is started
 * before its turn, so that a test of many ends waits for none of the starts.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import process from 'node:process'
import { importIdentity } from '@scelle/seal/identity'
import type { Fetch } from '@scelle/wire/ask'
import { pooledRandom } from '@scelle/wire/process'
import type { Log } from '@scelle/wire/server'
import { createIndex, openPostgresStorage, openStorage, type Storage } from '../src/index.ts'
import { flushAside } from '../src/sqlite/log-flush.ts'
import type { End, Setting } from './kill-ends.ts'

const setting = JSON.parse(process.argv[2] as string) as Setting
const identity = await importIdentity(new Uint8Array(readFileSync(setting.identity)))
if (setting.database !== undefined) await import('../src/postgres-store.ts')
// A process that is killed would not keep what it compiled.
flushCompileCache()
const [order] = (await once(process.stdin, 'data')) as [Buffer]
const { point, count, turns } = JSON.parse(order.toString()) as End
const context = { now: () => Date.now(), random: pooledRandom() }

/** Some turns later the disk, the database or the network may be in the middle of it. */
const endIn = (left: number): void => {
  if (left === 0) process.kill(process.pid, 'SIGKILL')
  else setImmediate(() => endIn(left - 1))
}

let passed = 0
const reach = (reached: string): void => {
  if (reached === point && passed++ === count) endIn(turns)
}

const open = async (): Promise<Storage> => {
  const { directory, database } = setting
  return database === undefined
    ? openStorage({ directory, identity, context, flush: flushAside, faultPoints: { store: reach } })
    : openPostgresStorage({ directory, database, identity, context, faultPoint: reach })
}

const storage = await open()
const { log } = storage.store
const keep = log.keepCosigned.bind(log)
log.keepCosigned = async (...kept) => {
  reach('cosigned-begun')
  await keep(...kept)
  reach('cosigned-kept')
}
const asking: Fetch = async (url, init) => {
  reach('push-begun')
  const answer = await fetch(url, init)
  reach('push-answered')
  return answer
}

/** What an index whose processes are killed must never come to; the test sees that it did not end by the kill. */
const WRONG = new Set(['fault', 'log-stopped', 'log-recovering', 'lying', 'ahead', 'forked'])
const watch: Log = (event) => {
  if (!WRONG.has(event.event === 'witness' ? event.state : event.event)) return
  process.stderr.write(`${JSON.stringify(event)}\n`)
  process.exit(3)
}

const { trustees } = setting
const server = createIndex({ ...storage, identity, context, admitted: [], trustees, fetch: asking, log: watch })
await server.started
const { url } = await server.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${url}\n`)
process.stdin.once('end', () => {
  void server.close().then(() => storage.store.close()).then(() => process.exit(0))
})

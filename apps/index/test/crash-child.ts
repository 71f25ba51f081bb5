/** An index that ends itself, as by kill -9, at the point and count that its arguments name. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { importIdentity } from '@scelle/seal/identity'
import { createIndex, openStorage } from '../src/index.ts'
import { flushAside } from '../src/sqlite/log-flush.ts'
import { seeded } from './world.ts'

const [directory = '', identityFile = '', point = '', count = '0', seed = '', clock = '0'] = process.argv.slice(2)
const identity = await importIdentity(new Uint8Array(readFileSync(identityFile)))
const context = { now: () => Number(clock), random: seeded(seed) }

let left = Number(count)
const faultPoint = (reached: string): void => {
  if (reached !== point) return
  left -= 1
  if (left < 0) process.kill(process.pid, 'SIGKILL')
}

const faultPoints = { store: faultPoint, blobs: faultPoint }
const storage = openStorage({ directory, identity, context, flush: flushAside, faultPoints })
const server = createIndex({ ...storage, identity, context, admitted: [], trustees: [], log: () => undefined })
const { url } = await server.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${url}\n`)

/**
 * A process that works on the database that its arguments name, publishes where it leads, tells on standard output
 * what was acknowledged, and ends or stops itself at the named point and count.
 */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { sha256, toHex } from '@scelle/seal/verify'
import type { PublishError } from '../src/log-store.ts'
import { openPostgresStore } from '../src/postgres-store.ts'
import { fickleSigner, run, sharedVault, work } from './postgres-work.ts'
import { seeded } from './world.ts'

const [database = '', seed = '', count = '0', point = '', after = '0', signal = 'SIGKILL'] = process.argv.slice(2)
const say = (line: string): void => void writeSync(1, `${line}\n`)

let left = Number(after)
const faultPoint = (reached: string): void => {
  if (reached !== point) return
  left -= 1
  if (left !== -1) return
  say(`at ${point}`)
  process.kill(process.pid, signal)
}

const { store } = await openPostgresStore({
  database, faultPoint, sign: fickleSigner(seed), random: seeded(`${seed} ${process.pid}`),
})

/** A made-up checkpoint for every size that it sees. */
const publish = async (): Promise<void> => {
  const [size, before] = [await store.log.size(), await store.log.checkpoint()]
  if (size <= (before?.size ?? 0)) return
  const root = sha256(Buffer.from(String(size)))
  const tile = { level: 0, index: size, bytes: Buffer.alloc(8192, size) }
  await store.log.publish({ size, root, note: root }, [tile], before?.size ?? 0)
}
let publishing: Promise<void> = store.log.lead(new AbortController().signal).then(() => say('leads'))
store.log.grown(() => {
  publishing = publishing.then(publish).catch((error: unknown) => say(`publish ${(error as PublishError).reason}`))
})

await run(store, work(seed, sharedVault().shared, Number(count)), ({ statement }, { sequence, time, signature }) =>
  say(`told ${toHex(statement.id)} ${sequence} ${time} ${toHex(signature)}`))
say('done')
process.stdin.resume()
process.stdin.once('end', () => {
  void store.close().then(() => process.exit(0))
})

/** `node main.ts CONFIG`: the twin as a process, configured as an edge is. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importIdentity } from '@scelle/seal/identity'
import { fromHex, verifyKeyChain } from '@scelle/seal/verify'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { Database } from './database.ts'
import { Records } from './records.ts'
import { createTwin } from './twin.ts'

export interface TwinConfig {
  readonly listen: { readonly host: string; readonly port: number }
  readonly identity: string
  readonly data: string
  readonly applications: readonly { readonly id: string; readonly keys: readonly string[] }[]
}

const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as TwinConfig
const database = new Database(config.data)
const applications = new Map(
  await Promise.all(
    config.applications.map(
      async ({ id, keys }) => [id, await verifyKeyChain(keys.map((record) => fromHex(record) as Uint8Array))] as const,
    ),
  ),
)
const now = (): number => Date.now()
const server = createTwin({
  records: new Records({ database, now, newId: () => randomUUID() }),
  applications,
  chain: (await importIdentity(new Uint8Array(readFileSync(config.identity)))).chain,
  now,
  random: pooledRandom(),
  log: createLog(gatheredLines((text) => process.stdout.write(text)), now),
})
process.once('SIGTERM', () => {
  void server.close().then(() => database.close())
})
await server.listen(config.listen)

/** Starts the index from one configuration file: `scelle-index index.json`. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { importIdentity } from '@scelle/seal/identity'
import * as config from '@scelle/wire/config'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { configSchema } from './config.ts'
import { createIndex } from './index.ts'
import { flushAside } from './sqlite/log-flush.ts'
import { openPostgresStorage, openStorage } from './storage.ts'

const start = async (file: string): Promise<void> => {
  const { config: settings, at } = config.loadConfig(file, configSchema)
  const context = { now: () => Date.now(), random: pooledRandom() }
  const identity = await importIdentity(new Uint8Array(readFileSync(at(settings.identity))))
  if (identity.keys.kind !== 'index') {
    throw new config.ConfigError('config-invalid', `${file}: identity: expected an identity of kind index`)
  }
  const on = { directory: at(settings.data), identity, context }
  const database = settings.database ?? process.env['DATABASE_URL']
  const storage = database === undefined
    ? openStorage({ ...on, flush: flushAside })
    : await openPostgresStorage({ ...on, database })
  const server = createIndex({
    ...storage,
    identity,
    context,
    admitted: settings.admitted,
    trustees: settings.trustees,
    authorities: settings.authorities,
    log: createLog(gatheredLines((text) => process.stdout.write(text)), context.now),
  })
  await server.started
  const { url } = await server.listen(settings.listen)
  process.stderr.write(`index: ${url}\n`)
  const stop = (): void => {
    void server.close().then(() => storage.store.close())
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

const [file] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: scelle-index CONFIG.json\n')
  process.exitCode = 2
} else {
  await start(file).catch((error: unknown) => {
    process.stderr.write(`index: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  })
}

/** Starts the index from one configuration file: `scelle-index index.json`. */
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import * as config from '@scelle/wire/config'
import { readIdentity } from '@scelle/wire/identity-file'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { configSchema } from './config.ts'
import { createIndex } from './index.ts'
import { giveUpLost, listLost } from './losing.ts'
import { flushAside } from './sqlite/log-flush.ts'
import { openPostgresStorage, openStorage } from './storage.ts'

const USAGE = `usage: scelle-index CONFIG.json
       scelle-index CONFIG.json --list-lost FILE         of a restored index that is stopped: writes what stays lost
       scelle-index CONFIG.json --give-up FILE FILE FILE the same list, signed by all three trustees
`

const load = async (file: string) => {
  const { config: settings, at } = config.loadConfig(file, configSchema)
  const context = { now: () => Date.now(), random: pooledRandom() }
  const identity = await readIdentity(at(settings.identity))
  if (identity.keys.kind !== 'index') {
    throw new config.ConfigError('config-invalid', `${file}: identity: expected an identity of kind index`)
  }
  return { settings, on: { directory: at(settings.data), identity, context } }
}

const start = async (file: string): Promise<void> => {
  const { settings, on } = await load(file)
  const { identity, context } = on
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

const listTo = async (file: string, to: string): Promise<void> => {
  const { missing, body } = await listLost((await load(file)).on)
  writeFileSync(to, body, { flag: 'wx' })
  process.stderr.write(`index: ${missing.length} leaves stay without their statements. Each trustee's operator signs`
    + ` ${to} with scelle-trustee --sign-lost, or finds what is lost and has it brought back first.\n`)
}

const giveUp = async (file: string, signed: readonly string[]): Promise<void> => {
  const { settings, on } = await load(file)
  const files = signed.map((one) => new Uint8Array(readFileSync(one)))
  const { missing } = await giveUpLost({ ...on, trustees: settings.trustees }, files)
  process.stderr.write(`index: ${missing.length} leaves are given up, and the log says so. Start the index.\n`)
}

const run = (
  file: string | undefined, flag: string | undefined, files: readonly string[],
): Promise<void> | undefined => {
  const [first, , third, ...more] = files
  if (file === undefined) return undefined
  if (flag === undefined) return start(file)
  if (flag === '--list-lost' && first !== undefined && files.length === 1) return listTo(file, first)
  return flag === '--give-up' && third !== undefined && more.length === 0 ? giveUp(file, files) : undefined
}

const [configFile, flag, ...files] = process.argv.slice(2)
const running = run(configFile, flag, files)
if (running === undefined) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else {
  await running.catch((error: unknown) => {
    process.stderr.write(`index: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  })
}

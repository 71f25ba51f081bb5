/** `scelle-trustee CONFIG`: one trustee as a process. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importIdentity } from '@scelle/seal/identity'
import {
  authorities, ConfigError, filePath, listenAddress, loadConfig, peer, peers, settings,
} from '@scelle/wire/config'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { createTrustee, TrusteeStore } from './trustee.ts'

const Configuration = settings({
  listen: listenAddress,
  authorities,
  /** What `exportIdentity` wrote: kept where only this process reads. */
  identity: filePath,
  /** A folder for the store. */
  data: filePath,
  /** Whose log it is, and where releases are put on record. */
  index: peer,
  /** The other trustees: checkpoints are exchanged with them. */
  peers,
})

const start = async (configPath: string): Promise<void> => {
  const { config, at } = loadConfig(configPath, Configuration)
  const identity = await importIdentity(new Uint8Array(readFileSync(at(config.identity))))
  mkdirSync(at(config.data), { recursive: true, mode: 0o700 })
  const store = new TrusteeStore(join(at(config.data), 'trustee.sqlite'))
  const trustee = createTrustee({
    identity,
    store,
    index: config.index,
    peers: config.peers,
    context: { now: Date.now, random: pooledRandom() },
    log: createLog(gatheredLines((text) => process.stdout.write(text)), Date.now),
    authorities: config.authorities,
  })
  // Whoever reads the log may go away; what must not be lost is in the store.
  process.stdout.on('error', () => undefined)
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await trustee.close()
    store.close()
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
  await trustee.listen(config.listen)
}

const configPath = process.argv[2]
if (configPath === undefined || process.argv.length > 3) {
  process.stderr.write('usage: scelle-trustee CONFIG.json\n')
  process.exitCode = 2
} else {
  try {
    await start(configPath)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  }
}

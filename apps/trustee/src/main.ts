/** `scelle-trustee CONFIG`: one trustee as a process. `--sign-lost FILE`: see `log/sign-lost.ts`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importIdentity } from '@scelle/seal/identity'
import { fromHex, SealError, toHex } from '@scelle/seal/verify'
import {
  authorities, ConfigError, filePath, listedPrincipals, listenAddress, loadConfig, onlyIfAsked, peer, peers, settings,
} from '@scelle/wire/config'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { NotSigned, signLost } from './log/sign-lost.ts'
import { WIRE_LIMITS } from '@scelle/wire/limits'
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
  /** Registers: principal ids whose word it is who a professional is. */
  issuers: listedPrincipals,
  /** Emergency keys, which registered sites hold: principal ids. */
  emergencyKeys: listedPrincipals,
  /** Counts openings and refuses none for their number: to learn a site's numbers. Shows in every status. */
  shadow: onlyIfAsked,
})

const start = async (configPath: string): Promise<void> => {
  const { config, at } = loadConfig(configPath, Configuration)
  const identity = await importIdentity(new Uint8Array(readFileSync(at(config.identity))))
  mkdirSync(at(config.data), { recursive: true, mode: 0o700 })
  const store = new TrusteeStore(join(at(config.data), 'trustee.sqlite'), { shadow: config.shadow })
  const trustee = createTrustee({
    identity,
    store,
    index: config.index,
    peers: config.peers,
    issuers: config.issuers,
    emergencyKeys: config.emergencyKeys,
    context: { now: Date.now, random: pooledRandom() },
    log: createLog(gatheredLines((text) => process.stdout.write(text)), Date.now),
    authorities: config.authorities,
    discoveryEvery: WIRE_LIMITS.gossipEvery * 1000,
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

/** While this trustee is stopped: its store is one process's. */
const signList = async (configPath: string, file: string): Promise<void> => {
  const { config, at } = loadConfig(configPath, Configuration)
  const identity = await importIdentity(new Uint8Array(readFileSync(at(config.identity))))
  const store = new TrusteeStore(join(at(config.data), 'trustee.sqlite'))
  try {
    const { signed, words } = await signLost(new Uint8Array(readFileSync(file)), {
      identity, index: fromHex(config.index.id) as Uint8Array, store: store.log,
    })
    const to = `${file}.${toHex(identity.id).slice(0, 8)}`
    writeFileSync(to, signed, { flag: 'wx' })
    process.stderr.write(`${words}\nSigned: ${to}\n`)
  } finally {
    store.close()
  }
}

const run = (
  configPath: string | undefined, flag: string | undefined, rest: readonly string[],
): Promise<void> | undefined => {
  const [file, ...more] = rest
  if (configPath === undefined) return undefined
  if (flag === undefined) return start(configPath)
  return flag === '--sign-lost' && file !== undefined && more.length === 0 ? signList(configPath, file) : undefined
}

const [path, option, ...rest] = process.argv.slice(2)
const running = run(path, option, rest)
if (running === undefined) {
  process.stderr.write('usage: scelle-trustee CONFIG.json [--sign-lost FILE]\n')
  process.exitCode = 2
} else {
  try {
    await running
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof NotSigned || error instanceof SealError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  }
}

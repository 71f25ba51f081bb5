/**
 * `scelle-trustee CONFIG`: one trustee as a process. `--node`: a further process of a trustee that runs, see
 * `nodes/node.ts`. `--sign-lost FILE`: see `log/sign-lost.ts`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, SealError, toHex } from '@scelle/seal/verify'
import {
  authorities, ConfigError, filePath, listedPrincipals, listenAddress, loadConfig, onlyIfAsked, optionalPath, peer,
  peers, settings,
} from '@scelle/wire/config'
import { readIdentity } from '@scelle/wire/identity-file'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { NotSigned, signLost } from './log/sign-lost.ts'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { createNode, createTrustee, TrusteeStore } from './trustee.ts'

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
  /** A socket at which nodes of this trustee ask; none may where absent. */
  nodes: optionalPath,
})

/** Of a node: all else its holder tells it. */
const NodeConfiguration = settings({
  listen: listenAddress,
  authorities,
  identity: filePath,
  /** The socket that the trustee's configuration names as `nodes`. */
  holder: filePath,
})

const logLines = () => createLog(gatheredLines((text) => process.stdout.write(text)), Date.now)

/** Ends orderly when it is asked to, once. */
const stopWhenAsked = (close: () => Promise<void>): void => {
  // Whoever reads the log may go away; what must not be lost is in the store.
  process.stdout.on('error', () => undefined)
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    void close()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

const start = async (configPath: string): Promise<void> => {
  const { config, at } = loadConfig(configPath, Configuration)
  const identity = await readIdentity(at(config.identity))
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
    log: logLines(),
    authorities: config.authorities,
    discoveryEvery: WIRE_LIMITS.gossipEvery * 1000,
  })
  stopWhenAsked(async () => {
    await trustee.close()
    store.close()
  })
  if (config.nodes !== undefined) await trustee.serveNodes(at(config.nodes))
  await trustee.listen(config.listen)
}

const startNode = async (configPath: string): Promise<void> => {
  const { config, at } = loadConfig(configPath, NodeConfiguration)
  const node = createNode({
    identity: await readIdentity(at(config.identity)),
    holder: at(config.holder),
    context: { now: Date.now, random: pooledRandom() },
    log: logLines(),
    authorities: config.authorities,
  })
  stopWhenAsked(() => node.close())
  await node.listen(config.listen)
}

/** While this trustee is stopped: its store is one process's. */
const signList = async (configPath: string, file: string): Promise<void> => {
  const { config, at } = loadConfig(configPath, Configuration)
  const identity = await readIdentity(at(config.identity))
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
  if (flag === '--node' && rest.length === 0) return startNode(configPath)
  return flag === '--sign-lost' && file !== undefined && more.length === 0 ? signList(configPath, file) : undefined
}

const [path, option, ...rest] = process.argv.slice(2)
const running = run(path, option, rest)
if (running === undefined) {
  process.stderr.write('usage: scelle-trustee CONFIG.json [--node | --sign-lost FILE]\n')
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

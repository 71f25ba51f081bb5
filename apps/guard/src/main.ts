/** `scelle-guard CONFIG`: the guard of one legacy system. */
import process from 'node:process'
import { SealError } from '@scelle/seal/verify'
import { ConfigError, loadConfig } from '@scelle/wire/config'
import { readIdentity } from '@scelle/wire/identity-file'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { Configuration } from './config.ts'
import { auditFile, createGuard, legacyAt } from './guard.ts'

const start = async (path: string): Promise<void> => {
  const { config, at } = loadConfig(path, Configuration)
  const identity = await readIdentity(at(config.identity))
  if (identity.keys.kind !== 'machine') {
    throw new ConfigError('config-invalid', `${path}: identity: expected an identity of kind machine`)
  }
  const { audit, close: closeAudit } = await auditFile(at(config.audit))
  const guard = createGuard({
    identity,
    index: config.index,
    trustees: config.trustees,
    house: config.house,
    issuers: config.issuers,
    rules: config.allow,
    legacy: legacyAt({ origin: config.legacy }),
    audit,
    context: { now: Date.now, random: pooledRandom() },
    log: createLog(gatheredLines((text) => process.stdout.write(text)), Date.now),
    authorities: config.authorities,
  })
  await guard.register().catch((cause: unknown) => {
    throw new ConfigError('config-invalid', `${path}: index: it does not take this guard's key record now`, { cause })
  })
  const { url } = await guard.listen(config.listen)
  process.stderr.write(`guard: ${url}\n`)
  const stop = (): void => { void guard.close().then(closeAudit) }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

const [path, ...more] = process.argv.slice(2)
if (path === undefined || more.length > 0) {
  process.stderr.write('usage: scelle-guard CONFIG.json\n')
  process.exitCode = 2
} else {
  try {
    await start(path)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof SealError)) throw error
    process.stderr.write(`guard: ${error.message}\n`)
    process.exitCode = 2
  }
}

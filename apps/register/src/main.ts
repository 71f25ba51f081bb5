/** `scelle-register CONFIG`: the desk of a register as a process. */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { SealError } from '@scelle/seal/verify'
import { ConfigError, loadConfig } from '@scelle/wire/config'
import { readIdentity } from '@scelle/wire/identity-file'
import { gatheredLines, pooledRandom } from '@scelle/wire/process'
import { createLog } from '@scelle/wire/server'
import { configSchema, type DeskConfig, requireSafe } from './config.ts'
import { createDesk, DESK_LIMITS, type DeskOptions, DeskStore } from './desk.ts'

type At = (path: string) => string

const METER_KEY = 32
/** Of the key that signs requests to wallets. */
const ALGORITHMS = [
  { kty: 'EC', crv: 'P-256', algorithm: 'ES256', use: { name: 'ECDSA', namedCurve: 'P-256' } },
  { kty: 'OKP', crv: 'Ed25519', algorithm: 'EdDSA', use: { name: 'Ed25519' } },
] as const

/** A file that others may read is no secret. Throws ConfigError. */
const secretIn = (path: string, what: string): Uint8Array => {
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      throw new ConfigError('config-invalid', `${what}: others can read this file; chmod 600`)
    }
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    throw cause instanceof ConfigError
      ? cause : new ConfigError('config-unreadable', `${what}: this file cannot be read`, { cause })
  }
}

const providerOf = ({ provider }: DeskConfig, at: At): Pick<DeskOptions, 'provider'> => {
  if (provider === undefined) return {}
  const { secret, meterKey, ...rest } = provider
  const key = secretIn(at(meterKey), 'provider.meterKey')
  if (key.length !== METER_KEY) throw new ConfigError('config-invalid', 'provider.meterKey: 32 bytes')
  const text = Buffer.from(secretIn(at(secret), 'provider.secret')).toString('utf8').trim()
  return { provider: { ...rest, meterKey: key, authentication: { secret: text } } }
}

const walletOf = async ({ wallet }: DeskConfig, at: At): Promise<Pick<DeskOptions, 'wallet'>> => {
  if (wallet === undefined) return {}
  const text = Buffer.from(secretIn(at(wallet.key), 'wallet.key')).toString('utf8')
  try {
    const { d, kid = '', kty, crv, x, y } = JSON.parse(text) as JsonWebKey & { readonly kid?: string }
    const found = ALGORITHMS.find((one) => one.kty === kty && one.crv === crv)
    if (found === undefined || d === undefined || !kid.startsWith(`${wallet.did}#`)) throw new TypeError('kid')
    const { algorithm, use } = found
    const jwk = { kty: found.kty, crv: found.crv, ...(x === undefined ? {} : { x }), ...(y === undefined ? {} : { y }) }
    const privateKey = await crypto.subtle.importKey('jwk', { ...jwk, d }, use, false, ['sign'])
    return { wallet: { did: wallet.did, key: { kid, algorithm, privateKey }, publicJwk: { ...jwk } } }
  } catch {
    // Without the cause: it may quote the file.
    throw new ConfigError('config-invalid',
      'wallet.key: a private JWK, P-256 or Ed25519, whose kid is a DID URL of wallet.did')
  }
}

const start = async (file: string): Promise<void> => {
  const { config, at } = loadConfig(file, configSchema)
  requireSafe(config, file)
  const identity = await readIdentity(at(config.identity))
  if (identity.keys.kind !== 'organisation') {
    throw new ConfigError('config-invalid', `${file}: identity: not an organisation's`)
  }
  const ways = { ...providerOf(config, at), ...await walletOf(config, at) }
  mkdirSync(at(config.data), { recursive: true, mode: 0o700 })
  const store = new DeskStore(join(at(config.data), 'register.sqlite'))
  const { index, trustees, name, base, page, operators, issuers, houses } = config
  const desk = createDesk({
    identity, store, index, trustees, name, base, page, operators, issuers, ...ways,
    listGrace: config.listGrace * 1_000 - DESK_LIMITS.lookEvery / 2,
    houses: houses.map(({ id, ...house }) => ({ ...house, id: new Uint8Array(Buffer.from(id, 'hex')) })),
    context: { now: Date.now, random: pooledRandom() },
    log: createLog(gatheredLines((text) => process.stdout.write(text)), Date.now),
    authorities: [...config.authorities, new URL(base).host],
  })
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    void desk.close().then(() => store.close())
  }
  // Whoever reads the log may go away; what must not be lost is in the store.
  process.stdout.on('error', () => undefined)
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  await desk.listen(config.listen)
}

const [path, ...more] = process.argv.slice(2)
if (path === undefined || more.length > 0) {
  process.stderr.write('usage: scelle-register CONFIG.json\n')
  process.exitCode = 2
} else {
  await start(path).catch((error: unknown) => {
    const isKnown = error instanceof ConfigError || error instanceof SealError
    process.stderr.write(`register: ${isKnown ? error.message : 'failed'}\n`)
    process.exitCode = 2
    if (!isKnown) throw error
  })
}

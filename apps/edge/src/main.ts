/** Starts an edge from one configuration file: `scelle-edge edge.json`. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { exportIdentity, type Identity, importIdentity, rotateIdentity } from '@scelle/sdk'
import { DEFAULT_RULES, mergeRules } from '@scelle/fhir/categories'
import { ConfigError, loadConfig } from '@scelle/wire/config'
import { readIdentity } from '@scelle/wire/identity-file'
import { collectedOctets, gatheredLines, pooledRandom } from '@scelle/wire/process'
import * as v from 'valibot'
import { KeysThread } from './aside/keys.ts'
import { AsideThread } from './aside/thread.ts'
import { configSchema, type EdgeConfig, personKeysSchema } from './config.ts'
import { directFetch } from './direct-fetch.ts'
import { createEdge, type EdgeOptions } from './edge.ts'
import { loadPackages } from './packages/load.ts'
import type { Person } from './staff/people.ts'
import { statusFiles } from './standing/status-files.ts'

const rulesOf = (config: EdgeConfig, at: (path: string) => string): Pick<EdgeOptions, 'rules'> => {
  if (config.categories === undefined) return {}
  const path = at(config.categories)
  try {
    return { rules: mergeRules(JSON.parse(readFileSync(path, 'utf8')), DEFAULT_RULES) }
  } catch (cause) {
    throw new ConfigError('config-invalid',
      `${path}: not a category table: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
}

/** Profiles of the configured packages, and a line on each definition that is set aside. */
const profilesOf = (config: EdgeConfig, at: (path: string) => string): Pick<EdgeOptions, 'profiles'> => {
  if (config.packages.length === 0) return {}
  try {
    const profiles = loadPackages(config.packages.map(at))
    const { report } = profiles
    process.stderr.write(`edge: ${report.profiles} profiles, ${report.valueSets} value sets\n`)
    for (const line of report.setAside) process.stderr.write(`edge: set aside: ${line}\n`)
    return { profiles }
  } catch (cause) {
    throw new ConfigError('config-invalid', `packages: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
}

/** Profiles are many megabytes, which a second thread would hold again: then there is none. */
const asideOf = (config: EdgeConfig, { rules }: Pick<EdgeOptions, 'rules'>): Pick<EdgeOptions, 'aside'> => {
  if (config.packages.length > 0) return {}
  const failed = (waiting: number): void => {
    process.stderr.write(`edge: the thread beside it ended with ${waiting} transactions; another one starts\n`)
  }
  return { aside: new AsideThread({ failed, ...(rules === undefined ? {} : { rules }) }) }
}

const standingOf = (config: EdgeConfig, at: (path: string) => string): Pick<EdgeOptions, 'standing'> => {
  if (config.standing === undefined) return {}
  try {
    return { standing: { statuses: statusFiles(config.standing.statuses.map(at)) } }
  } catch (cause) {
    throw new ConfigError('config-invalid', 'standing.statuses: a file cannot be read', { cause })
  }
}

const fromHexText = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

const staffOf = (config: EdgeConfig, at: (path: string) => string): Pick<EdgeOptions, 'staff'> => {
  if (config.staff === undefined) return {}
  const { basis, page, people, register } = config.staff
  const read = ({ name, keys, statuses }: (typeof people)[number]): Person => {
    try {
      const { chain, sealing } = v.parse(personKeysSchema, JSON.parse(readFileSync(at(keys), 'utf8')))
      return {
        name, statuses: statusFiles(statuses.map(at)), chain: chain.map(fromHexText), sealing: sealing.map(fromHexText),
      }
    } catch (cause) {
      throw new ConfigError('config-invalid', `staff.people: the files of ${name} cannot be read`, { cause })
    }
  }
  return { staff: { basis, page, people: people.map(read), ...(register === undefined ? {} : { register }) } }
}

const emergencyOf = async (
  config: EdgeConfig, at: (path: string) => string,
): Promise<Pick<EdgeOptions, 'emergency'>> => {
  if (config.emergency === undefined) return {}
  try {
    const file = new Uint8Array(readFileSync(at(config.emergency.identity)))
    return { emergency: { identity: await importIdentity(file) } }
  } catch (cause) {
    throw new ConfigError('config-invalid', 'emergency.identity: the file cannot be read', { cause })
  }
}

/**
 * The house's keys. With people, its next key record says that charts open for them alone: that cannot be taken
 * back, so it is in the file before anything is signed under it.
 */
const houseOf = async (config: EdgeConfig, path: string): Promise<Identity> => {
  const identity = await readIdentity(path)
  if (config.staff === undefined || identity.keys.current.flowOnly === true) return identity
  if (identity.secrets.at(-1)?.signing === undefined) {
    throw new ConfigError('config-invalid', 'identity: it is in a token; have its key record say that charts open ' +
      'for its people alone before (start once with the file), then move it')
  }
  const next = await rotateIdentity(identity, { now: () => Date.now(), random: pooledRandom() }, { flowOnly: true })
  writeFileSync(`${path}.next`, exportIdentity(next), { mode: 0o600, flush: true })
  renameSync(`${path}.next`, path)
  process.stderr.write('edge: from now on charts of this house open for its people alone\n')
  return next
}

const start = async (file: string): Promise<void> => {
  const { config, at } = loadConfig(file, configSchema)
  const identity = await houseOf(config, at(config.identity))
  if (identity.keys.kind !== 'organisation') {
    throw new ConfigError('config-invalid', `${file}: identity: not an organisation's`)
  }
  const rules = rulesOf(config, at)
  const edge = await createEdge({
    identity,
    data: at(config.data),
    index: config.index,
    trustees: config.trustees,
    organisation: config.organisation,
    ...standingOf(config, at),
    ...staffOf(config, at),
    ...await emergencyOf(config, at),
    applications: config.applications.map((one) => ({
      ...one, keys: one.keys.map((record) => new Uint8Array(Buffer.from(record, 'hex'))),
    })),
    ...(config.smart === undefined ? {} : { smart: { applications: config.smart.applications.map(defined) } }),
    ...(config.did === undefined ? {} : { did: { ...config.did, folder: at(config.did.folder) } }),
    partners: config.partners,
    emergencyKeys: config.emergencyKeys,
    authorities: config.authorities,
    base: config.base,
    language: config.language,
    ...(config.charts === undefined ? {} : { charts: defined(config.charts) }),
    ...(config.sessions === undefined ? {} : { sessions: defined(config.sessions) }),
    ...rules,
    ...asideOf(config, rules),
    keysAhead: new KeysThread(),
    ...profilesOf(config, at),
    now: () => Date.now(),
    random: pooledRandom(),
    fetch: directFetch(),
    diskAside: true,
    octetsPassed: collectedOctets(),
    write: gatheredLines((text) => process.stdout.write(text)),
  })
  const { url } = await edge.listen(config.listen)
  process.stderr.write(`edge: ${url}/fhir\n`)
  const stop = (): void => {
    void edge.close()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

const defined = <T extends object>(values: T): Defined<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>

const [file] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: scelle-edge CONFIG.json\n')
  process.exitCode = 2
} else {
  await start(file).catch((error: unknown) => {
    process.stderr.write(`edge: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  })
}

/** One configuration file per app: JSON, checked against a schema before anything starts. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import * as v from 'valibot'

export type ConfigErrorCode = 'config-unreadable' | 'config-not-json' | 'config-invalid' | 'token-failed'

/** The configuration cannot be used. The message names file, key and what is expected there, never the value. */
export class ConfigError extends Error {
  readonly code: ConfigErrorCode
  constructor(code: ConfigErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigError'
    this.code = code
  }
}

type Entries = Parameters<typeof v.strictObject>[0]

/** An object with exactly these keys: one that is not known is refused, since a typing error must not be a default. */
export const settings = <const E extends Entries>(entries: E) => v.strictObject(entries)

/** A principal's id: 64 lower-case hex digits. */
export const principalId = v.pipe(
  v.string(), v.regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits (a principal\'s id)'),
)

/** Principals that an operator lists. */
export const principalIds = v.pipe(v.array(principalId), v.maxLength(100_000, 'at most 100000 principals'))

export const filePath = v.pipe(v.string(), v.minLength(1, 'a path'))

/** A path that is left out where nothing is to be there. */
export const optionalPath = v.optional(filePath)

/** Where a server listens. Port 0 takes any free one. */
export const listenAddress = settings({
  host: v.optional(v.string(), '127.0.0.1'),
  port: v.pipe(v.number(), v.integer('a whole number'), v.minValue(0, '0 to 65535'), v.maxValue(65_535, '0 to 65535')),
})

/** Names, with a port where it is not the scheme's own, under which others reach this server. */
export const authorities = v.optional(
  v.array(v.pipe(v.string(), v.regex(/^[a-z0-9.:[\]-]+$/, 'a host in lower case, with its port'))), [],
)

/** Principals that an operator lists, none where the key is absent. */
export const listedPrincipals = v.optional(principalIds, [])

/** Something that is off unless the operator asks for it. */
export const onlyIfAsked = v.optional(v.boolean(), false)

/** Where a database server is reached, and as whom. It may hold a password, so no message shows it. */
export const databaseUrl = v.optional(v.pipe(v.string(), v.regex(/^postgres(ql)?:\/\/\S+$/, 'a postgres:// URL')))

const baseUrl = v.pipe(
  v.string(), v.regex(/^https?:\/\/[^\s/?#]+(\/[^\s?#]*[^\s/?#])?$/, 'an http or https URL without a slash at its end'),
)

/** Another party: its principal id, which its keys must lead to, and its base URL. */
export const peer = settings({ id: principalId, url: baseUrl })

/** Parties of one kind, each once. */
export const peers = v.optional(v.pipe(
  v.array(peer), v.maxLength(8, 'at most 8 parties'),
  v.check((list) => new Set(list.map(({ id }) => id)).size === list.length, 'each party once'),
), [])

const describeIssue = (issue: v.BaseIssue<unknown>): string => {
  const key = v.getDotPath(issue) ?? '(the whole file)'
  if (issue.expected === 'never') return `${key}: this key is not known`
  // `received` would print the value, which may be a secret in the wrong place: only whether it is there is said.
  const missing = issue.input === undefined || issue.received === 'undefined'
  if (missing) return `${key}: is missing`
  return `${key}: expected ${issue.type === 'regex' || issue.expected === null ? issue.message : issue.expected}`
}

/** Checks settings that are already parsed. `name` stands for the file in messages. Throws ConfigError. */
export const checkConfig = <S extends v.GenericSchema>(value: unknown, schema: S, name: string): v.InferOutput<S> => {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new ConfigError('config-invalid', `${name}: ${result.issues.map(describeIssue).join('; ')}`)
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('config-unreadable', `${path}: this configuration file cannot be read`, { cause })
  }
}

const parseJson = (path: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: V8 puts a piece of the text into its message.
    throw new ConfigError('config-not-json', `${path}: this configuration file is not JSON`)
  }
}

/**
 * Reads and checks one configuration file. `at` resolves the paths in it: relative ones are meant from its folder.
 * Throws ConfigError.
 */
export const loadConfig = <S extends v.GenericSchema>(
  path: string, schema: S,
): { config: v.InferOutput<S>; at: (path: string) => string } => {
  const config = checkConfig(parseJson(path, readText(path)), schema, path)
  const folder = dirname(resolve(path))
  return { config, at: (inside) => resolve(folder, inside) }
}

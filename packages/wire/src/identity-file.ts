/**
 * Where a server's identity is: in one file with its keys, or in a description of a token that holds the signing key.
 * Both are the operator's to protect; the second one's copy signs nothing.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Identity, importIdentity } from '@scelle/seal/identity'
import { keptIdentity } from '@scelle/seal/kept'
import * as v from 'valibot'
import { checkConfig, ConfigError, filePath, settings } from './config.ts'
import { tokenKey } from './pkcs11.ts'

const hexadecimal = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/, 'lower-case hexadecimal digits'))
const base64 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]+={0,2}$/, 'base64'))

const KeptFile = settings({
  /** Key records, genesis first. */
  chain: v.pipe(v.array(base64), v.minLength(1, 'key records')),
  /** A file with the sealing seeds of those records, 32 bytes each, one after the other. */
  sealing: filePath,
  pkcs11: settings({
    module: filePath,
    token: v.pipe(v.string(), v.minLength(1, 'a label')),
    key: hexadecimal,
    /** A file with the PIN alone. */
    pin: filePath,
  }),
})
export type KeptFile = v.InferOutput<typeof KeptFile>

const BRACE = 0x7b
const SEED = 32

const seedsIn = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.floor(bytes.length / SEED) }, (_, i) => bytes.slice(i * SEED, (i + 1) * SEED))

const readKept = async (path: string, text: string): Promise<Identity> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new ConfigError('config-not-json', `${path}: this identity is neither ours nor JSON`)
  }
  const { chain, sealing, pkcs11: { pin, ...token } } = checkConfig(parsed, KeptFile, path)
  const at = (file: string): string => resolve(dirname(resolve(path)), file)
  const key = await tokenKey({ ...token, pin: readFileSync(at(pin), 'utf8').trim() })
  return keptIdentity({
    chain: chain.map((record) => new Uint8Array(Buffer.from(record, 'base64'))), key,
    sealing: seedsIn(new Uint8Array(readFileSync(at(sealing)))),
  })
}

/**
 * Reads an identity. Throws ConfigError `config-unreadable`, `config-not-json`, `config-invalid`, `token-failed`, or
 * SealError where the keys are not those of the records.
 */
export const readIdentity = async (path: string): Promise<Identity> => {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new ConfigError('config-unreadable', `${path}: this identity cannot be read`, { cause })
  }
  return bytes[0] === BRACE ? readKept(path, bytes.toString('utf8')) : importIdentity(new Uint8Array(bytes))
}

/** The desk's configuration file. Paths are relative to its folder; secrets stand in files of their own. */
import {
  authorities, ConfigError, filePath, listedPrincipals, listenAddress, peer, principalId, settings,
} from '@scelle/wire/config'
import * as v from 'valibot'
import { DESK_LIMITS } from './limits.ts'

const SECOND = 1_000
const name = v.pipe(v.string(), v.minLength(1, 'a name'), v.maxLength(200, 'at most 200 characters'))

/** HTTPS, or this very machine: whoever listens on the way would have what people show. */
const isSecure = (text: string): boolean => {
  const url = URL.parse(text)
  const isHere = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(url.hostname)
  return url !== null && (url.protocol === 'https:' || isHere) && url.username === '' && url.password === ''
}
const secureAddress = v.pipe(v.string(), v.check(isSecure, 'an https address'))
const base = v.pipe(secureAddress, v.regex(/^https?:\/\/[^\s/?#]+$/, 'an https address without a path'))

const Issuer = settings({
  /** As in the credentials' `iss`. */
  name: secureAddress,
  /** Public keys by their `kid`: P-256 or Ed25519. */
  keys: v.pipe(
    v.record(v.string(), v.record(v.string(), v.unknown())),
    v.check((keys) => Object.keys(keys).length > 0, 'a key'),
    v.check((keys) => Object.values(keys).every((key) => !Object.hasOwn(key, 'd')), 'public keys alone'),
  ),
  /** Where its status lists may be: addresses that begin so. */
  statusLists: v.pipe(v.array(secureAddress), v.minLength(1, 'an address'), v.maxLength(8, 'at most 8 addresses')),
})

export const configSchema = settings({
  listen: listenAddress,
  authorities,
  /** The register's keys: trustees list their principal. */
  identity: filePath,
  /** A folder for the store. */
  data: filePath,
  index: peer,
  trustees: v.pipe(v.array(peer), v.length(3, 'three trustees')),
  name,
  /** Where browsers reach it, behind whatever ends TLS. */
  base,
  /** Address of the passkey page. */
  page: secureAddress,
  /** Whose people are enrolled: principal, name, and how the identity provider calls it and its places. */
  houses: v.pipe(v.array(settings({
    id: principalId, name, places: v.optional(v.pipe(v.array(v.string()), v.maxLength(1_000)), []),
  })), v.maxLength(DESK_LIMITS.houses, `at most ${DESK_LIMITS.houses} houses`)),
  /** Principals that take back any status. */
  operators: listedPrincipals,
  /** Issuers whose credentials wallets show. */
  issuers: v.optional(v.array(Issuer), []),
  /** Seconds for which people stay in whose status list cannot be read. */
  listGrace: v.optional(v.pipe(
    v.number(), v.integer('whole seconds'), v.minValue(40, 'four looks at least: 40'),
    v.maxValue(DESK_LIMITS.listGraceMost / SECOND, 'a day at most'),
  ), DESK_LIMITS.listGrace / SECOND),
  /** OpenID Connect, as Pro Santé Connect. `secret`: a file; `meterKey`: a file with 32 bytes. */
  provider: v.optional(settings({
    issuer: secureAddress, clientId: v.pipe(v.string(), v.minLength(1)), secret: filePath,
    idTokenAlgorithm: v.picklist(['ES256', 'PS256', 'RS256']), meterKey: filePath,
  })),
  /** OpenID4VP. `key`: a file with a private JWK, P-256 or Ed25519, whose `kid` is a DID URL of `did`. */
  wallet: v.optional(settings({
    did: v.pipe(v.string(), v.regex(/^did:web:[A-Za-z0-9.%-]+$/, 'a did:web of this host')), key: filePath,
  })),
})
export type DeskConfig = v.InferOutput<typeof configSchema>

/** What each field cannot say of the others. Throws ConfigError. */
export const requireSafe = (config: DeskConfig, file: string): void => {
  const { base: address, houses, issuers, provider, wallet } = config
  const wrong = (what: string): never => {
    throw new ConfigError('config-invalid', `${file}: ${what}`)
  }
  if (provider === undefined && wallet === undefined) wrong('provider, wallet: one of them, or nobody enrols')
  if (wallet !== undefined && issuers.length === 0) wrong('issuers: a wallet shows what one of them issued')
  if (wallet !== undefined && wallet.did !== `did:web:${new URL(address).host.replace(':', '%3A')}`) {
    wrong('wallet.did: of another host than base')
  }
  for (const [what, list] of [
    ['houses: a principal stands twice', houses.map(({ id }) => id)],
    // Whose people they are would be whoever comes first.
    ['houses: a place is of two houses', houses.flatMap(({ places }) => places)],
    ['issuers: a name stands twice', issuers.map((issuer) => issuer.name)],
  ] as const) if (new Set(list).size < list.length) wrong(what)
}

/** The edge's configuration file. Paths are relative to its folder. */
import { authorities, filePath, listenAddress, principalId, principalIds, settings } from '@scelle/wire/config'
import * as v from 'valibot'
import { RIGHTS } from './call.ts'
import { EDGE_LIMITS } from './limits.ts'

const address = v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/, 'an http or https URL'))

/** Where a party is, and its id where it is known: it is then believed under no other keys. */
const party = settings({ url: address, id: v.optional(principalId) })

const name = v.pipe(v.string(), v.minLength(1, 'a name'), v.maxLength(200, 'at most 200 characters'))

/** Without a slash at its end, and over TLS but on this machine: people are sent there. */
const deskUrl = v.pipe(
  v.string(), v.regex(/^(https:\/\/[a-z0-9.-]+(:\d+)?|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)$/, 'an https address'),
)

const keyRecord = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/, 'a signed key record in hexadecimal'))

const milliseconds = v.pipe(v.number(), v.integer('a whole number'), v.minValue(0, 'not below 0'))

const positive = v.pipe(milliseconds, v.minValue(1, 'at least 1'))

/** With the path that FHIR is served under, and no slash at its end. */
const publicBase = v.pipe(
  v.string(), v.regex(/^https?:\/\/[a-z0-9.:[\]-]+\/fhir$/, 'an address such as https://chu.example/fhir'),
)

/** Of did:webvh: no segment begins with a dot, but for the one that names without a path have. */
const namePath = v.pipe(v.string(), v.regex(
  /^(\/\.well-known|(?!\/(fhir|v1|oauth)(\/|$))(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)$/,
  'a path such as /clinics/nord, which no other door of this server has',
))

export const configSchema = settings({
  listen: listenAddress,
  authorities,
  /** Where others reach it, behind whatever ends TLS: what links, locations and references are told with. */
  base: v.optional(publicBase),
  /** The organisation's identity, as `exportIdentity` writes it. The directory is sealed under keys derived from it. */
  identity: filePath,
  /** Folder of the sealed directory and outbox. One edge alone may use it. */
  data: filePath,
  index: party,
  trustees: v.pipe(v.array(party), v.length(3, 'three trustees')),
  organisation: settings({ name }),
  /**
   * Files with the signed statuses that a register gave the organisation, and the vendor that runs this edge for it if
   * there is one: what trustees count its openings by. Read again when they change. Without: one that nobody knows.
   */
  standing: v.optional(settings({ statuses: v.pipe(v.array(filePath), v.minLength(1), v.maxLength(8)) })),
  /**
   * People of the house: name, a file with their public key records and the sealing keys that the house keeps for them
   * (`keys`), statuses. They open patients' charts in sessions that their passkey agreed to at `page`, each with their
   * own rights and budget; from then on, for good, neither the house nor an application opens any by itself. `basis`:
   * under what the organisation lets them into what it keeps itself; `care-team`, with a fact for each patient, where
   * absent, or `consent` that it has. `register`: the desk where people who enrol here go on to.
   */
  staff: v.optional(settings({
    basis: v.optional(v.picklist(['care-team', 'consent']), 'care-team'),
    page: address,
    register: v.optional(settings({ url: deskUrl, id: principalId })),
    people: v.pipe(v.array(settings({
      name, keys: filePath, statuses: v.pipe(v.array(filePath), v.minLength(1), v.maxLength(4)),
    })), v.maxLength(EDGE_LIMITS.staff, `at most ${EDGE_LIMITS.staff} people`)),
  })),
  /** At a registered emergency site: the file with the key that such sites hold. With it its people break the glass. */
  emergency: v.optional(settings({ identity: filePath })),
  /** Those whose shared patients enter the directory by themselves. What others share waits to be accepted. */
  partners: v.optional(principalIds, []),
  /** Keys that registered emergency sites hold: what patients carry is sealed to them. Without: no cards. */
  emergencyKeys: v.optional(v.pipe(principalIds, v.maxLength(4, 'at most 4 emergency keys')), []),
  /** Applications enrolled here: principal id, key records (genesis first), and what they may do. */
  applications: v.array(settings({
    id: principalId,
    name,
    rights: v.array(v.picklist(RIGHTS)),
    keys: v.pipe(v.array(keyRecord), v.minLength(1, 'key records')),
  })),
  /**
   * Applications that sign in by SMART App Launch: `client_id`, addresses to come back to, the widest scopes, public
   * keys (none for one that runs in a browser). A machine comes back to no address. Takes `base`.
   */
  smart: v.optional(settings({
    applications: v.pipe(v.array(settings({
      id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._~-]{1,64}$/, 'a client_id')),
      name,
      redirects: v.optional(v.array(v.pipe(v.string(), v.url('an address'))), []),
      scopes: v.pipe(v.array(v.string()), v.minLength(1, 'a scope'), v.maxLength(EDGE_LIMITS.scopes, 'fewer scopes')),
      keys: v.optional(v.pipe(v.array(v.record(v.string(), v.unknown())), v.minLength(1), v.maxLength(8))),
      machine: v.optional(v.boolean(), false),
      query: v.optional(v.boolean(), false),
    })), v.maxLength(EDGE_LIMITS.smartApplications, `at most ${EDGE_LIMITS.smartApplications} applications`)),
  })),
  /** Rules of this site, before the built-in category table. */
  categories: v.optional(filePath),
  /** Packages of profiles: folders, or `.tgz` files. Read once, at the start; nothing is fetched. */
  packages: v.optional(v.pipe(v.array(filePath), v.maxLength(50, 'at most 50 packages')), []),
  /** Language of documents made here, where neither reader nor patient says otherwise. */
  language: v.optional(v.picklist(['fr', 'en']), 'fr'),
  /**
   * The organisation's name on the web (`scelle did`): the folder with its files, and the paths that they are served
   * under where the name has one, or had: `/clinics/nord`.
   */
  did: v.optional(settings({
    folder: filePath,
    paths: v.optional(v.pipe(v.array(namePath), v.minLength(1, 'a path'), v.maxLength(8, 'at most 8 paths'))),
  })),
  /** Limits of open charts: numbers, bytes of memory, times in milliseconds. */
  charts: v.optional(settings({
    open: v.optional(positive),
    perSession: v.optional(positive),
    bytes: v.optional(positive),
    idle: v.optional(milliseconds),
    absolute: v.optional(milliseconds),
    refresh: v.optional(milliseconds),
  })),
  /** Limits of sessions, in milliseconds: the time without a request after which one is over, and the time in all. */
  sessions: v.optional(settings({
    idle: v.optional(positive),
    absolute: v.optional(v.pipe(positive, v.maxValue(EDGE_LIMITS.sessionAbsolute, 'at most ten hours'))),
  })),
})

/** The file `keys` of somebody of the house. */
export const personKeysSchema = v.strictObject({
  chain: v.pipe(v.array(keyRecord), v.minLength(1, 'key records')),
  sealing: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, '32 bytes in hexadecimal'))), v.minLength(1)),
})

export type EdgeConfig = v.InferOutput<typeof configSchema>

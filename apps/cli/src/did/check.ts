/**
 * `scelle did check`: whom an organisation's name stands for, from a log that proves itself, held against what was seen
 * before and against what the principal says of the name. Whoever serves the files is not believed.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  addressOf, CredentialError, type CredentialErrorCode, type Fetch, type Known, type Organisation, resolveOrganisation,
} from '@scelle/credentials/organisation'
import { baseOf, placeOf } from '@scelle/credentials/organisation-log'
import type { LogPolicy } from '@scelle/log'
import { toHex } from '@scelle/seal/verify'
import { logPolicy, QUORUM } from '@scelle/wire/log'
import { CommandError } from '../errors.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { readMemory } from '../log/memory.ts'
import { followOptions, type LogOptions } from '../log/monitor.ts'
import { partiesOf } from '../log/parties.ts'
import { readFromServer, SourceError } from '../log/source.ts'
import { SEVERITIES, type Severity } from '../log/statuses.ts'
import { MESSAGES } from '../messages.ts'
import { didFetch, givenFrom } from './fetching.ts'
import { NotLinked, verifyLink } from './link.ts'

export interface DidCheck extends LogOptions {
  /** `did:webvh:…`, `did:web:…`, an https address, or a folder with the files. */
  readonly name: string
  /** `HOST=URL`. */
  readonly resolve: readonly string[]
}

/** Beside the refusals of `@scelle/credentials`: of the other half, and of what was remembered. */
export type DidProblem = CredentialErrorCode | 'not-linked' | 'principal-changed' | 'log-unreachable'

/** Everything else is somebody's word that does not hold. */
const SEVERITY: Partial<Record<DidProblem, Severity>> = {
  'fetch-failed': 'silent', 'log-unreachable': 'silent', 'did-deactivated': 'partly',
}

/** Why a name stands for nobody here and now. */
export class DidRefusal extends Error {
  readonly problem: DidProblem
  constructor(problem: DidProblem, detail: string) {
    super(detail)
    this.name = 'DidRefusal'
    this.problem = problem
  }

  get severity(): Severity {
    return SEVERITY[this.problem] ?? 'alarm'
  }
}

export interface CheckedName {
  readonly organisation: Organisation
  /** Of the log, where the principal names the name back. */
  readonly leaf: number
  readonly first: boolean
}

interface Source {
  readonly did: string
  readonly fetch: Fetch
}

/** The name in a log that is served at a place: what the log itself says is verified afterwards. */
const didAt = (log: string, base: string): string | undefined => {
  const ids = log.split('\n').filter((line) => line.trim() !== '').map((line) => {
    const { state } = JSON.parse(line) as { state?: { id?: unknown } }
    return String(state?.id)
  })
  return ids.findLast((id) => {
    try {
      return addressOf(id).base === base
    } catch {
      return false
    }
  })
}

const textFrom = async (fetch: Fetch, base: string): Promise<string> => {
  const read = readFromServer(base.replace(/\/$/, ''), fetch)
  const bytes = await read('did.jsonl', CLI_LIMITS.logAnswer)
  if (bytes === undefined) throw new DidRefusal('fetch-failed', 'there is no did.jsonl')
  return new TextDecoder().decode(bytes)
}

const fromPlace = async (place: string, fetch: Fetch): Promise<Source> => {
  const base = baseOf(place)
  const text = await textFrom(fetch, base)
  try {
    const did = didAt(text, base)
    if (did !== undefined) return { did, fetch }
  } catch {
    // No JSON: as good as no name.
  }
  throw new DidRefusal('did-log-invalid', 'no entry is for this place')
}

/** Files that are not served yet, under the name that their log gives them last. */
const fromFolder = async (io: Io, path: string): Promise<Source> => {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory()
  if (isFolder === undefined) throw new CommandError('usage', MESSAGES[io.language].did.noName(path))
  const folder = isFolder ? path : dirname(path)
  const fetch: Fetch = async (url) => {
    const octets = await readFile(join(folder, basename(new URL(url).pathname))).catch(() => undefined)
    return octets === undefined ? new Response('', { status: 404 }) : new Response(octets)
  }
  const log = await readFile(join(folder, 'did.jsonl'), 'utf8').catch(() => {
    throw new CommandError('usage', MESSAGES[io.language].did.noName(path))
  })
  const last = log.trimEnd().split('\n').at(-1) ?? ''
  try {
    const { state } = JSON.parse(last) as { state?: { id?: unknown } }
    return { did: String(state?.id), fetch }
  } catch {
    throw new DidRefusal('did-log-invalid', 'the last entry is no JSON')
  }
}

const sourceOf = async (io: Io, { name, resolve }: DidCheck): Promise<Source> => {
  const fetch = didFetch(givenFrom(io, resolve))
  const didWeb = /^did:web:(.+)$/.exec(name)?.[1]
  if (didWeb !== undefined) return fromPlace(didWeb, fetch)
  if (name.startsWith('did:')) {
    addressOf(name) // of the wrong form: misuse, before anybody is asked
    return { did: name, fetch }
  }
  return name.startsWith('https://') ? fromPlace(placeOf(name), fetch) : fromFolder(io, name)
}

interface Stored {
  readonly version: 1
  readonly versionIds: readonly string[]
  readonly principal: string
}

const seenIn = ({ home }: Io, scid: string): Promise<Stored | undefined> =>
  home.readJson<Stored>('did', 'seen', `${scid}.json`)

const policyOf = async (io: Io, options: LogOptions): Promise<LogPolicy> => {
  const { pins, read } = await followOptions(io, options)
  const { index, trustees } = await partiesOf(pins, read, await readMemory(io.home, pins.index))
  return logPolicy({ index, trustees, quorum: QUORUM.final })
}

const linkOf = async (io: Io, options: DidCheck, organisation: Organisation, fetch: Fetch): Promise<number> => {
  const policy = await policyOf(io, options).catch((cause: unknown) => {
    if (cause instanceof SourceError) throw new DidRefusal('log-unreachable', cause.message)
    throw cause
  })
  const { origin } = new URL(addressOf(organisation.did).base)
  const read = readFromServer(origin, fetch)
  const { leaf } = await verifyLink(organisation, policy, (path) => read(path.slice(1), CLI_LIMITS.releaseFile))
  return leaf
}

/** As a refusal of this command; what it did not expect goes on as it is. */
const refusalOf = (cause: unknown): unknown => {
  if (cause instanceof CredentialError) return new DidRefusal(cause.code, cause.message)
  if (cause instanceof NotLinked) return new DidRefusal('not-linked', cause.message)
  if (cause instanceof SourceError) return new DidRefusal('fetch-failed', cause.message)
  return cause
}

/**
 * The principal that a name stands for, once log, did:web document and the principal's own word agree, and nothing
 * contradicts what this home saw before; then it is remembered. Throws DidRefusal, CommandError.
 */
export const checkedName = async (io: Io, options: DidCheck): Promise<CheckedName> => {
  try {
    const { did, fetch } = await sourceOf(io, options)
    const { scid } = addressOf(did)
    const seen = await seenIn(io, scid)
    const known: Known | undefined = seen === undefined ? undefined : { scid, versionIds: seen.versionIds }
    const organisation = await resolveOrganisation(did, { fetch, now: io.now, known })
    const principal = toHex(organisation.principal)
    if (seen !== undefined && seen.principal !== principal && !options.accept) {
      throw new DidRefusal('principal-changed', `${seen.principal.slice(0, 16)}…, ${principal.slice(0, 16)}…`)
    }
    const leaf = await linkOf(io, options, organisation, fetch)
    const stored: Stored = { version: 1, versionIds: organisation.versionIds, principal }
    await io.home.write(`${JSON.stringify(stored, undefined, 1)}\n`, 'did', 'seen', `${scid}.json`)
    return { organisation, leaf, first: seen === undefined }
  } catch (cause) {
    throw refusalOf(cause)
  }
}

/** Status 5 where a word does not hold, 6 where too little was seen, 1 where the name was given up. */
export const checkName = async (io: Io, options: DidCheck): Promise<number> => {
  const { did } = MESSAGES[io.language]
  try {
    const { organisation, leaf, first } = await checkedName(io, options)
    const { did: name, principal, versionIds } = organisation
    if (options.json) {
      io.out(JSON.stringify({
        severity: 'good', status: 'good', did: name, principal: toHex(principal), versions: versionIds.length, leaf,
      }))
    } else {
      io.out(did.holds(name, toHex(principal), versionIds.length, leaf))
      if (first) io.out(did.firstLook)
    }
    return SEVERITIES.good
  } catch (cause) {
    if (!(cause instanceof DidRefusal)) throw cause
    const { problem, severity, message: detail } = cause
    if (options.json) io.out(JSON.stringify({ severity, status: problem, detail }))
    else io.out(did.refused(problem, detail))
    return SEVERITIES[severity]
  }
}

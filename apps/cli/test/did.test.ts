/**
 * An organisation's name, rehearsed from its first day to its last before real servers: published at an edge behind
 * HTTPS, rotated, attacked by whoever stole keys or took over the host, moved, given up. Each step is looked at by a
 * visitor who remembers, and the attacks by a stranger who looks for the first time.
 */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type EntryKey, nextKeyHash } from '@scelle/credentials/organisation-log'
import { decode, decodeSigned, ed25519Verify, Status, toHex } from '@scelle/seal/verify'
import { parseCommand, run } from '../src/cli.ts'
import { createName } from '../src/did/change.ts'
import { didFetch, givenFrom } from '../src/did/fetching.ts'
import { committedKey, passingKey } from '../src/did/keys.ts'
import { EXIT } from '../src/errors.ts'
import { Home, PARTIES, urlOf } from '../src/home.ts'
import type { Io } from '../src/io.ts'
import { forgeEntry, type Hosts, startHosts } from './did-scene.ts'
import { type Parties, startParties } from './parties.ts'

const [OLD, NEW, EVIL] = ['chu.example.org', 'hopital.example', 'evil.example']

let parties: Parties
let hosts: Hosts
let root: string
/** Key files, kept off the machine that publishes. */
let keys: string
let reserve: string
/** What a thief copied from the medium with the key of the second entry, and of the third. */
let copied: string
let principal: string
let name: string

interface Looker {
  readonly look: (what?: string, ...more: string[]) => Promise<{ status: number; said: Record<string, unknown> }>
}

const homeOf = (folder: string): Io => ({ ...parties.io, home: new Home(join(root, folder)), language: 'en' })

const pins = (): string[] => [
  urlOf(parties.installation, 'index'), '--index', parties.installation.ids.index,
  ...PARTIES.filter((party) => party.startsWith('trustee')).flatMap((party) =>
    ['--trustee', `${parties.installation.ids[party]}@${urlOf(parties.installation, party)}`]),
  ...hosts.resolve.flatMap((one) => ['--resolve', one]),
]

/** Somebody with a home of their own, which knows whose log it is and nothing else. */
const looker = (folder: string): Looker => ({
  look: async (what = name, ...more) => {
    const lines: string[] = []
    const io = { ...homeOf(folder), out: (line: string) => lines.push(line) }
    const status = await run(io, parseCommand(['did', 'check', what, ...pins(), '--json', ...more]))
    return { status, said: JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> }
  },
})

let strangers = 0
const stranger = (): Looker => looker(`stranger ${strangers++}`)

/** The organisation's own commands. */
const scelle = async (...args: string[]) => {
  const from = parties.said.length
  const status = await run({ ...parties.io, language: 'en' }, parseCommand(args))
  return { status, said: parties.said.slice(from).join('\n') }
}
const did = (...args: string[]) => scelle('did', ...args, '--keys', keys, '--reserve', reserve)

const vouch = (what: string, shown: string, out: string) =>
  scelle('did', 'vouch', what, '--role', 'hospital', '--name', shown, '--out', out,
    ...hosts.resolve.flatMap((one) => ['--resolve', one]))

const published = (file: string): Promise<string> => readFile(parties.io.home.path('did', 'public', file), 'utf8')
const nameIn = async (): Promise<string> => {
  const { state } = JSON.parse((await published('did.jsonl')).trimEnd().split('\n').at(-1) ?? '') as
    { state: { id: string } }
  return state.id
}
const lines = async (count: number): Promise<string> =>
  `${(await published('did.jsonl')).trimEnd().split('\n').slice(0, count).join('\n')}\n`

/** The key of a file that a thief copied. */
const thiefKey = async (file: string): Promise<EntryKey> => {
  const { publicKey } = JSON.parse(await readFile(join(copied, file), 'utf8')) as { publicKey: string }
  return committedKey(parties.io, { next: copied, reserve: copied },
    { nextKeyHashes: [nextKeyHash(publicKey)] }, ['next', 'reserve'])
}
const webOf = (document: string, more: Record<string, unknown>): string =>
  JSON.stringify({ ...JSON.parse(document) as object, ...more })

interface Library {
  resolveDIDFromLog(log: readonly object[], options: object): Promise<{ did: string; meta: Record<string, unknown> }>
}
let library: Library

/** `didwebvh-ts` reads what a host serves. */
const readByLibrary = async (host: string) => {
  const log = await fetchText(host, 'did.jsonl')
  const verifier = {
    verify: async (signature: Uint8Array, message: Uint8Array, key: Uint8Array) =>
      ed25519Verify(key, message, signature),
  }
  const entries = log.trimEnd().split('\n').map((line) => JSON.parse(line) as object)
  const { did: read, meta } = await library.resolveDIDFromLog(entries, { verifier })
  return { did: read, version: String(meta['versionId']).split('-')[0], ended: meta['deactivated'] }
}

const fetchText = async (host: string, file: string): Promise<string> => {
  const answer = await didFetch(givenFrom(parties.io, hosts.resolve))(`https://${host}/.well-known/${file}`, {})
  return answer.text()
}

beforeAll(async () => {
  parties = await startParties('did')
  const edge = urlOf(parties.installation, 'edge')
  hosts = await startHosts({ [OLD]: edge, [NEW]: edge, [EVIL]: undefined })
  root = await mkdtemp(join(tmpdir(), 'scelle-did-'))
  ;[keys, reserve, copied] = ['stick', 'safe', 'thief'].map((folder) => join(root, folder)) as [string, string, string]
  principal = parties.installation.ids.edge
  // Under `test` it writes every log that it touches into the working directory.
  vi.stubEnv('NODE_ENV', 'production')
  library = await import('didwebvh-ts')
}, 180_000)

afterAll(async () => {
  vi.unstubAllEnvs()
  hosts.close()
  await parties.close()
  await rm(root, { recursive: true, force: true })
})

/** Somebody who looks again and again. */
const visitor = (): Looker => looker('visitor')

describe('an organisation’s name', () => {
  it('is created with its next keys elsewhere, in files of their owner alone', async () => {
    expect(await did('create', OLD)).toMatchObject({ status: EXIT.done })
    name = await nameIn()
    expect(name).toMatch(/^did:webvh:Qm\w{44}:chu\.example\.org$/)
    for (const [folder, file] of [[keys, 'next-2.key'], [reserve, 'reserve-2.key']] as const) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
    }
    // No key of it is on the machine that publishes.
    const kept = await readdir(parties.io.home.path('did'), { recursive: true })
    expect(kept.filter((file) => file.endsWith('.key'))).toEqual([])
    expect((await did('create', OLD)).status).toBe(EXIT.failed)
  })

  it('is served, and stands for nobody until its principal names it back', async () => {
    expect(await visitor().look()).toMatchObject({ status: EXIT.alarm, said: { status: 'not-linked' } })
    expect(await scelle('did', 'link')).toMatchObject({ status: EXIT.done })
    expect(await visitor().look()).toMatchObject({
      status: EXIT.done, said: { status: 'good', did: name, principal, versions: 1 },
    })
    expect(await readByLibrary(OLD)).toEqual({ did: name, version: '1', ended: false })
  })

  it('is found by its address and its did:web, and in the folder before it is served', async () => {
    for (const what of [`https://${OLD}`, `did:web:${OLD}`, parties.io.home.path('did', 'public')]) {
      expect(await visitor().look(what), what).toMatchObject({ status: EXIT.done, said: { did: name, principal } })
    }
  })

  it('rotates: what was seen is the beginning of what is shown, and the key that signed is gone', async () => {
    await mkdir(copied)
    await copyFile(join(keys, 'next-2.key'), join(copied, 'next-2.key'))
    expect(await did('rotate')).toMatchObject({ status: EXIT.done })
    expect(await readdir(keys)).toEqual(['next-3.key'])
    expect(await readdir(reserve)).toEqual(['reserve-2.key'])
    expect(await visitor().look()).toMatchObject({ status: EXIT.done, said: { versions: 2, principal } })
    expect(await stranger().look()).toMatchObject({ status: EXIT.done, said: { versions: 2 } })
    expect(await scelle('did', 'link')).toMatchObject({ status: EXIT.done })
    expect(await visitor().look()).toMatchObject({ status: EXIT.done })
    expect(await readByLibrary(OLD)).toMatchObject({ did: name, version: '2' })
  })
})

describe('a thief', () => {
  const MINE = `urn:scelle:principal:${'66'.repeat(32)}`
  const taken = async (files: Record<string, string | Uint8Array>, who = visitor()) => {
    hosts.takeOver(OLD, files)
    const { status, said } = await who.look()
    hosts.giveBack(OLD)
    return { status, problem: said['status'] }
  }

  it('with the present key adds nothing: it has signed, and signs no more', async () => {
    const key = await thiefKey('next-2.key')
    const log = await published('did.jsonl')
    const own = passingKey(parties.io)
    for (const [parameters, problem] of [
      [{}, 'did-prerotation-broken'],
      [{ updateKeys: [key.multikey] }, 'did-prerotation-broken'],
      [{ updateKeys: [key.multikey, own.multikey] }, 'did-prerotation-broken'],
    ] as const) {
      const forged = await forgeEntry(log, key, { parameters, state: { alsoKnownAs: [MINE] } })
      expect(await taken({ 'did.jsonl': forged })).toEqual({ status: EXIT.alarm, problem })
      expect(await taken({ 'did.jsonl': forged }, stranger())).toEqual({ status: EXIT.alarm, problem })
    }
    // The public half of the committed key is not secret for ever; its signature is needed.
    const { publicKey } = JSON.parse(await readFile(join(keys, 'next-3.key'), 'utf8')) as { publicKey: string }
    const forged = await forgeEntry(log, key, { parameters: { updateKeys: [publicKey] } })
    expect(await taken({ 'did.jsonl': forged })).toEqual({ status: EXIT.alarm, problem: 'did-key-unauthorised' })
  })

  it('with the host swaps no did.json', async () => {
    const swapped = webOf(await published('did.json'), { alsoKnownAs: [name, MINE] })
    expect(await taken({ 'did.json': swapped })).toEqual({ status: EXIT.alarm, problem: 'did-web-mismatch' })
    expect(await taken({ 'did.json': swapped }, stranger())).toMatchObject({ problem: 'did-web-mismatch' })
  })

  it('with the host and a key of yesterday rewrites nothing, for whoever looked and for whoever did not', async () => {
    const key = await thiefKey('next-2.key')
    const own = passingKey(parties.io)
    const rewritten = await forgeEntry(await lines(1), key, {
      parameters: { updateKeys: [key.multikey], nextKeyHashes: [nextKeyHash(own.multikey)] },
    })
    expect(await taken({ 'did.jsonl': rewritten })).toEqual({ status: EXIT.alarm, problem: 'did-forked' })
    // That history holds by itself. What the principal put on record is of another one.
    expect(await taken({ 'did.jsonl': rewritten }, stranger())).toEqual({ status: EXIT.alarm, problem: 'not-linked' })
  })

  it('with the host shows no earlier state', async () => {
    const earlier = await lines(1)
    expect(await taken({ 'did.jsonl': earlier })).toEqual({ status: EXIT.alarm, problem: 'did-rolled-back' })
    expect(await taken({ 'did.jsonl': earlier }, stranger())).toEqual({ status: EXIT.alarm, problem: 'not-linked' })
  })

  it('with the next key and the host adds an entry, until the reserve key makes it worthless', async () => {
    await copyFile(join(keys, 'next-3.key'), join(copied, 'next-3.key'))
    const [key, own] = [await thiefKey('next-3.key'), passingKey(parties.io)]
    const [log, web] = [await published('did.jsonl'), await published('did.json')]
    const parameters = { updateKeys: [key.multikey], nextKeyHashes: [nextKeyHash(own.multikey)] }
    const redirected = await forgeEntry(log, key, { parameters, state: { alsoKnownAs: [MINE] } })
    const files = { 'did.jsonl': redirected, 'did.json': webOf(web, { alsoKnownAs: [MINE, name] }) }
    expect(await taken(files)).toEqual({ status: EXIT.alarm, problem: 'principal-changed' })
    expect(await taken(files, stranger())).toEqual({ status: EXIT.alarm, problem: 'not-linked' })
    const fooled = looker('fooled')
    expect(await taken({ 'did.jsonl': await forgeEntry(log, key, { parameters }) }, fooled))
      .toEqual({ status: EXIT.done, problem: 'good' })

    const { status, said } = await did('compromise')
    expect(status).toBe(EXIT.done)
    expect(said).toContain('adds nothing')
    expect(await readdir(reserve)).toEqual(['reserve-4.key'])
    expect(await visitor().look()).toMatchObject({ status: EXIT.done, said: { versions: 3, principal } })
    expect(await fooled.look()).toMatchObject({ status: EXIT.alarm, said: { status: 'did-forked' } })
    const late = await forgeEntry(await published('did.jsonl'), key, { parameters })
    expect(await taken({ 'did.jsonl': late })).toEqual({ status: EXIT.alarm, problem: 'did-prerotation-broken' })
  })

  it('with a name of its own does not get it to stand for the organisation', async () => {
    const io = homeOf('evil')
    const folders = { next: io.home.path('k'), reserve: io.home.path('r') }
    await createName(io, EVIL, new Uint8Array(Buffer.from(principal, 'hex')), { folders })
    const file = (one: string): Promise<Buffer> => readFile(io.home.path('did', 'public', one))
    const files = { 'did.jsonl': await file('did.jsonl'), 'did.json': await file('did.json') }
    const release = await readFile(parties.io.home.path('did', 'public', 'scelle-release'))
    for (const more of [{}, { 'scelle-release': release }]) {
      hosts.takeOver(EVIL, { ...files, ...more })
      expect(await stranger().look(`https://${EVIL}`)).toMatchObject({
        status: EXIT.alarm, said: { status: 'not-linked' },
      })
    }
    const out = join(root, 'evil.status')
    const vouched = await vouch(`https://${EVIL}`, 'Evil', out)
    expect(vouched.status).toBe(EXIT.alarm)
    await expect(stat(out)).rejects.toThrow('ENOENT')
  })
})

describe('the register of this home', () => {
  it('gives a status to whom the name stands for, and to no id that was typed', async () => {
    const out = join(root, 'chu.status')
    const { status, said } = await vouch(name, 'CHU', out)
    expect({ status, said }).toMatchObject({ status: EXIT.done })
    const { subject, role, name: shown } = decode(Status, decodeSigned('status', await readFile(out)).body)
    expect({ subject: toHex(subject), role, shown }).toEqual({ subject: principal, role: 'hospital', shown: 'CHU' })
  })
})

describe('a move', () => {
  it('leads from the old name to the new one, once the principal says so there', async () => {
    expect(await did('move', NEW)).toMatchObject({ status: EXIT.done })
    const moved = await nameIn()
    expect(moved).toBe(name.replace(OLD, NEW))
    expect(await visitor().look()).toMatchObject({ status: EXIT.alarm, said: { status: 'not-linked' } })
    expect(await scelle('did', 'link')).toMatchObject({ status: EXIT.done })
    for (const what of [name, moved, `https://${OLD}`, `did:web:${NEW}`]) {
      expect(await visitor().look(what), what).toMatchObject({
        status: EXIT.done, said: { did: moved, principal, versions: 4 },
      })
    }
    expect(await readByLibrary(NEW)).toMatchObject({ did: moved, version: '4' })
  })

  it('that the old host hides is told to whoever saw it', async () => {
    hosts.takeOver(OLD, { 'did.jsonl': await lines(3) })
    expect(await visitor().look()).toMatchObject({ status: EXIT.alarm, said: { status: 'did-rolled-back' } })
    hosts.giveBack(OLD)
  })
})

describe('the end', () => {
  it('is known while a host is silent as what it is: not known', async () => {
    const away = hosts.resolve.map((one) => one.replace(/:\d+$/, ':1'))
    const { status, said } = await stranger().look(name, ...away.flatMap((one) => ['--resolve', one]))
    expect({ status, said }).toMatchObject({ status: EXIT.silent, said: { status: 'fetch-failed' } })
  })

  it('is said by the name itself: it stands for nobody, gets no status, and nothing follows', async () => {
    expect(await did('deactivate')).toMatchObject({ status: EXIT.done })
    for (const who of [visitor(), stranger()]) {
      expect(await who.look()).toMatchObject({ status: EXIT.partly, said: { status: 'did-deactivated' } })
    }
    expect(await readByLibrary(NEW)).toMatchObject({ ended: true })
    for (const action of ['rotate', 'compromise', 'deactivate']) expect((await did(action)).status).toBe(EXIT.failed)
    expect((await scelle('did', 'link')).status).toBe(EXIT.failed)
  })
})

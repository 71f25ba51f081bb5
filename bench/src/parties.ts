/** The constellation as real processes: index, three trustees, an edge, and the edge's plain twin beside them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createIdentity, exportIdentity, type Identity } from '@scelle/seal/identity'
import { connect, type Standing } from '@scelle/sdk'
import { toHex } from '@scelle/seal/verify'
import { type Enrolled, Register } from '@scelle/testing/register'
import { context } from './sealing.ts'

export const PARTIES = ['index', 'trustee-1', 'trustee-2', 'trustee-3', 'edge', 'twin'] as const
export type Party = (typeof PARTIES)[number]
export const TRUSTEES = ['trustee-1', 'trustee-2', 'trustee-3'] as const

/** The order of starts: an index is ready once trustees have told it how far they know its log. */
export const STARTS = [...TRUSTEES, 'index', 'edge', 'twin'] as const satisfies readonly Party[]

const KIND = {
  index: 'index',
  'trustee-1': 'trustee',
  'trustee-2': 'trustee',
  'trustee-3': 'trustee',
  edge: 'organisation',
  twin: 'organisation',
} as const

const STARTUP = 30_000
const TRIES = 3

const programOf = (party: Party): string =>
  party === 'twin'
    ? fileURLToPath(new URL('./twin/main.ts', import.meta.url))
    : fileURLToPath(new URL('./main.ts', import.meta.resolve(`@scelle/${party.replace(/-\d$/, '')}`)))

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** So many ports in a row that nobody uses now, below those that the system gives to outgoing connections. */
const freePorts = async (count: number): Promise<number> => {
  for (;;) {
    const first = 10_000 + 10 * randomInt(2_000)
    const row = await Promise.all(Array.from({ length: count }, (_, step) => canListen(first + step)))
    if (row.every(Boolean)) return first
  }
}

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false
  }
}

const bytesIn = (path: string): number => {
  const found = statSync(path)
  return found.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0) : found.size
}

/** Linux counts in hundredths of a second (`getconf CLK_TCK`). */
const TICK = 10

/** Processor time of a process with all of its threads, or of one of these, user and system, milliseconds. */
export const processorOf = (pid: number, thread?: number): number => {
  const fields = readFileSync(`/proc/${pid}/${thread === undefined ? '' : `task/${thread}/`}stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK
}

export interface PartiesOptions {
  /** Which of them to run; all where absent. */
  readonly parties?: readonly Party[]
  /** Folder for one CPU profile a process, written as it ends. */
  readonly profiles?: string | undefined
  /** Settings of the edge beyond the usual ones. */
  readonly edge?: Readonly<Record<string, unknown>>
}

export class Parties {
  readonly root = mkdtempSync(join(tmpdir(), 'scelle-bench-'))
  readonly #options: PartiesOptions
  #register: Register | undefined
  readonly #identities = new Map<Party | 'client' | 'application' | 'register', Identity>()
  #statuses = new Map<'edge' | 'client', Uint8Array>()
  readonly #running = new Map<Party, ChildProcess>()
  #firstPort = 0

  private constructor(options: PartiesOptions) {
    this.#options = options
  }

  /** Draws keys, writes configurations, starts everything. */
  static async start(options: PartiesOptions = {}): Promise<Parties> {
    for (let left = TRIES; ; left--) {
      const parties = new Parties(options)
      try {
        await parties.#provision()
        const wanted: readonly Party[] = options.parties ?? PARTIES
        for (const party of STARTS) if (wanted.includes(party)) await parties.startOne(party)
        if (wanted.includes('index') && wanted.includes('trustee-1')) await parties.#meetRegister()
        return parties
      } catch (error) {
        // Somebody may have taken a port since it was found free; once more, on others.
        await parties.close()
        if (left <= 1) throw error
      }
    }
  }

  /** Signs requests to edge and twin. */
  get application(): Identity {
    return this.#identities.get('application') as Identity
  }

  /** An organisation that the index admits: for rows that go through the sdk without an edge. */
  get client(): Identity {
    return this.#identities.get('client') as Identity
  }

  /** What trustees count the client by: a hospital, whose bounds no measurement reaches. */
  get standing(): Standing {
    return { show: () => ({ statuses: [this.#statuses.get('client') as Uint8Array] }) }
  }

  url(party: Party): string {
    return `http://127.0.0.1:${this.#firstPort + PARTIES.indexOf(party)}`
  }

  data(party: Party): string {
    return join(this.root, party, 'data')
  }

  /** What a party keeps, in bytes. */
  stored(party: Party): number {
    return bytesIn(this.data(party))
  }

  /** Resident memory of a running party, bytes. */
  memory(party: Party): number {
    const status = readFileSync(`/proc/${this.#running.get(party)?.pid ?? 0}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024
  }

  /** Processor time that a running party has used, milliseconds. */
  processor(party: Party): number {
    return processorOf(this.#running.get(party)?.pid ?? 0)
  }

  /** The same of its first thread, on which its JavaScript runs but for what is given to others. */
  ownThread(party: Party): number {
    const pid = this.#running.get(party)?.pid ?? 0
    return processorOf(pid, pid)
  }

  /** Milliseconds from the start of the process until it says that it can serve. */
  async startOne(party: Party): Promise<number> {
    const log = openSync(join(this.root, party, 'log'), 'a', 0o600)
    const { profiles } = this.#options
    const profiling =
      profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${party}.cpuprofile`]
    const started = performance.now()
    const child = spawn(process.execPath, [...profiling, programOf(party), join(this.root, party, 'config.json')], {
      stdio: ['ignore', log, log],
      // Compiled code is kept, as the launchers do: the first start makes it, later ones need no TypeScript any more.
      env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_COMPILE_CACHE: join(this.root, 'compiled') },
    })
    closeSync(log)
    this.#running.set(party, child)
    while (performance.now() < started + STARTUP && child.exitCode === null && child.signalCode === null) {
      if (await isReady(this.url(party))) return performance.now() - started
      await sleep(10)
    }
    const said = readFileSync(join(this.root, party, 'log'), 'utf8').trim().split('\n').at(-1) ?? ''
    throw new Error(`${party} did not start: ${said.slice(0, 200)}`)
  }

  async stopOne(party: Party): Promise<void> {
    const child = this.#running.get(party)
    this.#running.delete(party)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const late = new AbortController()
    await Promise.race([
      ended,
      sleep(15_000, undefined, { signal: late.signal }).then(
        () => child.kill('SIGKILL'),
        () => {},
      ),
    ])
    late.abort()
    await ended
  }

  async stop(): Promise<void> {
    for (const party of PARTIES.toReversed()) await this.stopOne(party)
  }

  /** Ends everything and removes what it kept. */
  async close(): Promise<void> {
    await this.stop()
    rmSync(this.root, { recursive: true, force: true })
  }

  async #provision(): Promise<void> {
    this.#firstPort = await freePorts(PARTIES.length)
    this.#identities.set('client', await createIdentity('organisation', context))
    this.#identities.set('application', await createIdentity('machine', context))
    this.#identities.set('register', await createIdentity('organisation', context))
    for (const party of PARTIES) this.#identities.set(party, await createIdentity(KIND[party], context))
    await this.#enrol()
    for (const party of PARTIES) {
      mkdirSync(this.data(party), { recursive: true, mode: 0o700 })
      writeFileSync(join(this.root, party, 'identity'), exportIdentity(this.#identities.get(party) as Identity))
      writeFileSync(
        join(this.root, party, 'config.json'),
        JSON.stringify({ ...this.#own(party), ...this.#configuration(party) }),
      )
    }
  }

  /** Without a status an organisation is one that nobody knows, and opens 24 patients a day. */
  async #enrol(): Promise<void> {
    const register = new Register(this.#identities.get('register') as Identity, context.random(32), context)
    this.#register = register
    for (const who of ['edge', 'client'] as const) {
      const subject = (this.#identities.get(who) as Identity).id
      this.#statuses.set(who, await register.enrol({ subject, role: 'hospital', patientsPerDay: 10_000_000 }))
    }
    writeFileSync(join(this.root, 'edge.status'), this.#statuses.get('edge') as Uint8Array)
  }

  /** What the register says of somebody from now on. */
  enrol(enrolled: Enrolled): Promise<Uint8Array> {
    if (this.#register === undefined) throw new Error('the parties are not there yet')
    return this.#register.enrol(enrolled)
  }

  /** Readers show trustees the register's keys, which they look up at the index. */
  async #meetRegister(): Promise<void> {
    await connect({
      index: this.url('index'), trustees: TRUSTEES.map((one) => this.url(one)),
      identity: this.#identities.get('register') as Identity, context,
    })
  }

  #id(party: Party | 'client' | 'application' | 'register'): string {
    return toHex((this.#identities.get(party) as Identity).id)
  }

  #own(party: Party): object {
    const port = this.#firstPort + PARTIES.indexOf(party)
    return {
      listen: { host: '127.0.0.1', port },
      identity: join(this.root, party, 'identity'),
      data: this.data(party),
    }
  }

  #configuration(party: Party): object {
    const applications = [
      {
        id: this.#id('application'),
        name: 'bench',
        rights: ['read', 'write', 'search'],
        keys: this.application.chain.map(toHex),
      },
    ]
    if (party === 'twin') return { applications }
    const index = { url: this.url('index'), id: this.#id('index') }
    const trustees = TRUSTEES.map((one) => ({ url: this.url(one), id: this.#id(one) }))
    if (party === 'index') return { admitted: [this.#id('edge'), this.#id('client')], trustees }
    if (party !== 'edge') {
      return { index, peers: trustees.filter(({ id }) => id !== this.#id(party)), issuers: [this.#id('register')] }
    }
    const standing = { statuses: [join(this.root, 'edge.status')] }
    return { index, trustees, organisation: { name: 'Bench' }, applications, standing, ...this.#options.edge }
  }
}

/** An index that is killed again and again: its processes, the trustees that outlive them, and all that both told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseAddCheckpoint, verifyCheckpoint } from '@scelle/log'
import { createIdentity, exportIdentity, type Identity } from '@scelle/seal/identity'
import { type Context, decode, equalBytes, toHex } from '@scelle/seal/verify'
import { logPolicy, verifyEd25519 } from '@scelle/wire/log'
import { LogPush } from '@scelle/wire/messages'
import type { End, Setting } from './kill-ends.ts'
import { NotFound, Witness } from './witnesses.ts'
import { seeded } from './world.ts'

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url))

/** Every checkpoint that ever left the index: two of one size with different roots are what must never be. */
export class History {
  readonly #roots = new Map<number, Uint8Array>()
  readonly #index: Identity

  constructor(index: Identity) {
    this.#index = index
  }

  /** The size, once the log's signature was verified. Throws where another tree of that size was signed before. */
  async saw(note: Uint8Array): Promise<number> {
    const policy = logPolicy({ index: this.#index.keys, trustees: [], quorum: 0 })
    const { size, root } = await verifyCheckpoint(note, policy, verifyEd25519)
    const before = this.#roots.get(size)
    if (before !== undefined && !equalBytes(before, root)) throw new Error(`two trees of size ${size} were signed`)
    this.#roots.set(size, root)
    return size
  }

  get roots(): ReadonlyMap<number, Uint8Array> {
    return this.#roots
  }
}

/** One process of the index, from its turn on. */
export class Life {
  readonly ended: Promise<unknown>
  readonly #process: ChildProcess
  #output = ''

  constructor(setting: Setting) {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(setting.directory, 'compiled') }
    const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit']
    this.#process = spawn(process.execPath, [CHILD, JSON.stringify(setting)], { stdio, env })
    this.ended = once(this.#process, 'close')
    this.#process.stdin?.on('error', () => {})
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
  }

  /** Serves from now on; its address, or undefined where it ended before it served. */
  async begin(end: End): Promise<string | undefined> {
    this.#process.stdin?.write(`${JSON.stringify(end)}\n`)
    await Promise.race([once(this.#process.stdout as NodeJS.ReadableStream, 'data'), this.ended])
    return this.#output.trim() || undefined
  }

  get signal(): NodeJS.Signals | null {
    return this.#process.signalCode
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    this.#process.stdin?.end()
    await this.ended
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

export class KillRun {
  readonly context: Context
  readonly identity: Identity
  readonly trustees: readonly Identity[]
  readonly witnesses: readonly Witness[]
  readonly history: History
  readonly setting: Setting
  /** What the trustees found wrong. */
  readonly faults: unknown[] = []
  readonly #server: Server
  #next: Life

  private constructor(
    context: Context, identities: readonly Identity[], at: { directory: string; database?: string }, server: Server,
  ) {
    const [identity, ...trustees] = identities as [Identity, ...Identity[]]
    this.context = context
    this.identity = identity
    this.trustees = trustees
    this.witnesses = trustees.map((trustee) => new Witness(trustee, identity.keys, context.now))
    this.history = new History(identity)
    this.#server = server
    server.on('request', (request, response) => void this.#answer(request, response))
    const { port } = server.address() as AddressInfo
    const file = join(at.directory, 'identity')
    writeFileSync(file, exportIdentity(identity))
    this.setting = {
      ...at, identity: file,
      trustees: trustees.map(({ id }, place) => ({ id: toHex(id), url: `http://127.0.0.1:${port}/${place}` })),
    }
    this.#next = new Life(this.setting)
  }

  static async create(seed: string, at: { directory: string; database?: string }): Promise<KillRun> {
    const context = { now: () => Date.now(), random: seeded(seed) }
    const identities: Identity[] = []
    for (const kind of ['index', 'trustee', 'trustee', 'trustee'] as const) {
      identities.push(await createIdentity(kind, context))
    }
    mkdirSync(at.directory, { recursive: true })
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new KillRun(context, identities, at, server)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [, place, ...path] = (request.url as string).split('/')
      const body = new Uint8Array(await buffer(request))
      if (path.at(-1) === 'push') {
        const { request: asked } = decode(LogPush, body)
        if (asked !== undefined) await this.history.saw(parseAddCheckpoint(asked).checkpoint)
      }
      response.end(await (this.witnesses[Number(place)] as Witness).answer(`/${path.join('/')}`, body))
    } catch (error) {
      if (!(error instanceof NotFound)) this.faults.push(error)
      const [status, code] = error instanceof NotFound ? [404, 'not-found'] : [500, 'internal']
      response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code }))
    }
  }

  /** The next process; the one after it starts up meanwhile. */
  life(): Life {
    const life = this.#next
    this.#next = new Life(this.setting)
    return life
  }

  async close(): Promise<void> {
    this.#next.kill()
    await this.#next.ended
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** A log in a folder, or behind addresses of its own, and the command line before it: no processes, no sockets. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { encode, toHex } from '@scelle/seal/verify'
import { Self } from '@scelle/wire/messages'
import type { LogFixture } from '@scelle/testing/log-fixture'
import { seededRandom } from '@scelle/testing/random'
import { parseCommand, run } from '../src/cli.ts'
import { Home } from '../src/home.ts'
import type { Io } from '../src/io.ts'

export const NOW = 1_900_000_000

export class LogWorld {
  readonly root = mkdtempSync(join(tmpdir(), 'scelle-log-'))
  readonly home = new Home(join(this.root, 'home'))
  /** Seconds since 1970 UTC. */
  now = NOW
  /** Goes on from command to command: no two draw the same. */
  readonly #random = seededRandom('log world')
  readonly #stop = new AbortController()
  /** Called while `monitor` waits; the answer ends it. */
  pause: () => Promise<boolean> = async () => true

  close(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  write(content: Uint8Array, ...parts: string[]): string {
    const path = join(this.root, ...parts)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    return path
  }

  /** Writes a mirror of a log at a size, as its index serves it. */
  async mirror(log: LogFixture, folder: string, options: {
    size?: number; times?: readonly (number | undefined)[]; final?: Uint8Array | false; head?: Uint8Array
  } = {}): Promise<string> {
    const size = options.size ?? log.size
    const checkpoint = await log.checkpoint(size, options.times ?? [this.now, this.now, this.now])
    this.write(checkpoint, folder, 'checkpoint')
    const final = options.final ?? checkpoint
    if (final !== false) this.write(final, folder, 'v1/log/final')
    if (options.head !== undefined) this.write(options.head, folder, 'v1/log/head')
    for (const [path, bytes] of await log.files(size)) this.write(bytes, folder, path)
    const { index, trustees } = log.parties
    for (const { id, chain } of [index, ...trustees]) {
      this.write(encode(Self, { role: 'x', keys: [...chain] }), folder, 'keys', toHex(id))
    }
    return join(this.root, folder)
  }

  pins(log: LogFixture, own: readonly string[] = []): string[] {
    const { index, trustees } = log.parties
    return [
      '--index', toHex(index.id),
      ...trustees.flatMap(({ id }, i) => ['--trustee', own[i] === undefined ? toHex(id) : `${toHex(id)}@${own[i]}`]),
    ]
  }

  async run(...args: string[]): Promise<{ status: number; out: string[]; json: Record<string, unknown>[] }> {
    const out: string[] = []
    const io: Io = {
      home: this.home, language: args.includes('fr') ? 'fr' : 'en', out: (line) => out.push(line),
      terminal: { isTTY: false, columns: 80, write: (text) => out.push(text) },
      now: () => this.now * 1000, random: this.#random,
      sleep: async () => {
        if (await this.pause()) this.#stop.abort()
      },
      stopped: this.#stop.signal,
    }
    const status = await run(io, parseCommand(args))
    const lines = args.includes('--json') ? out.filter((line) => line.startsWith('{')) : []
    const json = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return { status, out, json }
  }
}

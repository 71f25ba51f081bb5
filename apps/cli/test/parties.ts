/** Real parties for tests: child processes over a home in a temporary folder, killed at the end. */
import { type ChildProcess } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EdgeClient, edgeClient } from '../src/edge-client.ts'
import { Home, type Installation, PARTIES, type Party, urlOf } from '../src/home.ts'
import type { Io } from '../src/io.ts'
import { identityIn } from '../src/run/identities.ts'
import { provision } from '../src/run/provision.ts'
import { registerAtIndex } from '../src/run/register.ts'
import { startParty, untilReady } from '../src/run/supervise.ts'

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/**
 * Six ports in a row that nobody uses now, below those that the system gives to outgoing connections: one of these, of
 * any test beside this one, could otherwise take a port between this look and the party's start.
 */
const freePorts = async (): Promise<number> => {
  for (;;) {
    const first = 10_000 + 10 * randomInt(2_000)
    const row = await Promise.all([0, 1, 2, 3, 4, 5].map((step) => canListen(first + step)))
    if (row.every(Boolean)) return first
  }
}

export interface Parties {
  readonly root: string
  readonly io: Io
  readonly installation: Installation
  readonly said: string[]
  readonly edge: EdgeClient
  process(party: Party): ChildProcess
  /** Ends a party the hard way and starts it again. */
  restart(party: Party): Promise<void>
  close(): Promise<void>
}

export const killNow = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const order = (party: Party): number => (party === 'edge' ? 2 : party === 'index' ? 1 : 0)

/** Index, three trustees and edge, ready to serve. */
export const startParties = async (name: string): Promise<Parties> => {
  const root = await mkdtemp(join(tmpdir(), `scelle-${name}-`))
  const said: string[] = []
  const io: Io = {
    home: new Home(join(root, 'home')),
    language: 'en',
    out: (line) => said.push(line),
    terminal: { isTTY: false, columns: 80, write: () => undefined },
    now: () => Date.now(),
    random: (length) => new Uint8Array(randomBytes(length)),
    sleep: (ms) => sleep(ms, undefined),
    stopped: new AbortController().signal,
  }
  const installation = await provision(io, await freePorts())
  const processes = new Map<Party, ChildProcess>()
  const start = async (party: Party): Promise<void> => {
    const child = startParty(io, party)
    processes.set(party, child)
    await untilReady(io, installation, party, child)
  }
  // The index begins once it has heard from its trustees.
  for (const party of PARTIES.toSorted((a, b) => order(a) - order(b))) {
    if (party === 'edge') await registerAtIndex(io, installation)
    await start(party)
  }
  const process = (party: Party): ChildProcess => processes.get(party) as ChildProcess
  return {
    root, io, installation, said, process,
    edge: edgeClient(urlOf(installation, 'edge'), await identityIn(io.home, 'cli', 'machine', io), io),
    restart: async (party) => {
      await killNow(process(party))
      await start(party)
    },
    close: async () => {
      await Promise.all([...processes.values()].map(killNow))
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Runs the parties as processes of their own: a broken edge must not hold a trustee's keys in its memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../errors.ts'
import { type Installation, PARTIES, type Party, portOf, urlOf } from '../home.ts'
import type { Io } from '../io.ts'
import { CLI_LIMITS } from '../limits.ts'
import { MESSAGES } from '../messages.ts'
import { registerAtIndex } from './register.ts'

const appOf = (party: Party): string => (party.startsWith('trustee') ? 'trustee' : party)

/** The program of a party, found as any dependant finds it: through the package's name. */
export const programOf = (party: Party): string =>
  fileURLToPath(new URL('./main.ts', import.meta.resolve(`@scelle/${appOf(party)}`)))

export const portTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

export const isReady = async (url: string): Promise<boolean> => {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    return answer.ok
  } catch {
    return false
  }
}

export interface Running {
  readonly processes: ReadonlyMap<Party, ChildProcess>
  /** Ends all, last started first, and waits. */
  stop(): Promise<void>
}

/** Starts one party; its words go to a file. */
export const startParty = (io: Io, party: Party): ChildProcess => {
  const log = openSync(io.home.path(party, 'log'), 'a', 0o600)
  const child = spawn(process.execPath, [programOf(party), io.home.path(party, 'config.json')], {
    stdio: ['ignore', log, log],
    // Compiled code is kept in the home, which only its owner writes: a start is then three times faster.
    env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_COMPILE_CACHE: io.home.path('compiled') },
  })
  closeSync(log)
  return child
}

/** Waits until a party answers that it can serve. Throws `failed` where it ends or takes too long. */
export const untilReady = async (
  io: Io,
  installation: Installation,
  party: Party,
  child: ChildProcess,
): Promise<void> => {
  const deadline = io.now() + CLI_LIMITS.startupTime
  while (io.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await isReady(urlOf(installation, party))) return
    await io.sleep(50)
  }
  throw new CommandError('failed', MESSAGES[io.language].failedToStart(party, io.home.path(party, 'log')))
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), CLI_LIMITS.shutdownTime)
  await ended
  clearTimeout(patience)
}

/** Starts all parties: the edge last, since it asks the others who they are, and who its organisation is. */
export const startAll = async (io: Io, installation: Installation): Promise<Running> => {
  const messages = MESSAGES[io.language]
  for (const party of PARTIES) {
    const port = portOf(installation, party)
    if (await portTaken(port)) throw new CommandError('failed', messages.portTaken(port))
  }
  const processes = new Map<Party, ChildProcess>()
  const stop = async (): Promise<void> => {
    for (const party of PARTIES.toReversed()) {
      const child = processes.get(party)
      if (child !== undefined) await end(child)
    }
  }
  try {
    for (const group of [PARTIES.filter((party) => party !== 'edge'), ['edge'] as const]) {
      for (const party of group) {
        io.terminal.write(`  ${messages.starting(party)}\n`)
        processes.set(party, startParty(io, party))
      }
      for (const party of group) await untilReady(io, installation, party, processes.get(party) as ChildProcess)
      if (!processes.has('edge')) await registerAtIndex(io, installation)
    }
  } catch (cause) {
    await stop()
    throw cause
  }
  return { processes, stop }
}

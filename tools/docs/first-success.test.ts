/** A newcomer's first two minutes: `npm start`, the line it prints, and every shell line of the documents beside it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../repository.ts'
import { allBlocks, commandsOf } from './blocks.ts'

const PATIENTS = 12
/** `npm start` listens on this port and the five after it; the documents show addresses that follow from it. */
const FIRST_PORT_SHOWN = 8700
const PORTS = 6

const lines = allBlocks()
  .filter(({ info }) => info === 'sh')
  .flatMap(({ file, line, code }) =>
    commandsOf(code).map(({ command, at }) => ({ where: `${file}:${line + 1 + at}`, command })),
  )
  .filter(({ command }) => command !== '' && !command.startsWith('#'))

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** Ports in a row that are free, below those that the system gives to outgoing connections of whoever else runs. */
const freePorts = async (): Promise<number> => {
  for (;;) {
    const port = 10_000 + 10 * randomInt(2_000)
    const wanted = Array.from({ length: PORTS }, (_, at) => port + at)
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return port
  }
}

/** False where nobody is left to signal. */
const signalGroup = (leader: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-leader, signal)
  } catch {
    return false
  }
}

describe('the first two minutes', () => {
  const home = mkdtempSync(join(tmpdir(), 'scelle-first-'))
  const environment = { ...process.env, SCELLE_HOME: home, LANG: 'en_GB.UTF-8' }
  let started: ChildProcess
  let said = ''
  let firstPort = 0

  beforeAll(async () => {
    firstPort = await freePorts()
    started = spawn('npm', ['start', '--', String(PATIENTS), '--port', String(firstPort)], {
      cwd: ROOT, env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    })
    await new Promise<void>((resolve, reject) => {
      const listen = (bytes: Buffer): void => {
        said += bytes.toString()
        if (/Try:\n.*\n/.test(said)) resolve()
      }
      started.stdout?.on('data', listen)
      started.stderr?.on('data', listen)
      started.once('exit', (code) => reject(new Error(`npm start ended with ${code} and said:\n${said}`)))
    })
  })

  afterAll(async () => {
    // npm, its shell and the program: the group that was made for them. npm ends before the program does.
    if (started.pid !== undefined && signalGroup(started.pid, 'SIGTERM')) {
      while (signalGroup(started.pid, 0)) await sleep(50)
    }
    rmSync(home, { recursive: true, force: true })
  })

  /** Runs a line as the reader would, at this test's place and ports instead of the default ones. */
  const run = (command: string): string => {
    const portHere = (shown: string): number => firstPort + Number(shown) - FIRST_PORT_SHOWN
    const here = command
      .replaceAll('.scelle/', `${home}/`)
      .replaceAll(/\b127\.0\.0\.1:(87\d\d)\b/g, (_, shown: string) => `127.0.0.1:${portHere(shown)}`)
    return execFileSync('bash', ['-c', here], { cwd: ROOT, env: environment, encoding: 'utf8', stdio: 'pipe' })
  }

  test('npm start seals invented patients and says where everything is', () => {
    expect(said).toContain(`${PATIENTS} invented patients`)
    for (const party of ['index', 'trustee-1', 'trustee-2', 'trustee-3', 'edge']) expect(said).toContain(party)
  })

  test('the line it prints answers with FHIR', () => {
    const line = /Try:\n\s*(.*)\n/.exec(said)?.[1] ?? ''
    type Bundle = { resourceType: string; entry: Array<{ resource: { resourceType: string } }> }
    const bundle = JSON.parse(run(line)) as Bundle
    expect(bundle.resourceType).toBe('Bundle')
    expect(bundle.entry.length).toBeGreaterThan(0)
    for (const { resource } of bundle.entry) expect(resource.resourceType).toBe('Patient')
  })

  test('the documents show lines to try', () => {
    expect(lines).not.toEqual([])
  })

  test.each(lines)('$where: $command', ({ command }) => {
    expect(() => run(command)).not.toThrow()
  })
})

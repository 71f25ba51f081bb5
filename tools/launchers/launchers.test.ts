/** The bins start on whatever Node.js the system has, and run on the one that package-lock.json pins. */
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readManifest, ROOT, workspaceFolders } from '../repository.ts'

const PLATFORM = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const PINNED = join(ROOT, 'node_modules', PLATFORM, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const versionOf = (node: string): string => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()

/** The system's own Node.js, if it is older than what the sources need: the case the launchers exist for. */
const systemNode = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find((file) => existsSync(file) && Number(/^v(\d+)/.exec(versionOf(file))?.[1]) < 24)
if (systemNode === undefined) console.log('launchers: no Node.js older than 24 here, so the pinned one stands in')
const anyNode = systemNode ?? process.execPath

const bins = workspaceFolders().flatMap((folder) =>
  Object.values(readManifest(folder).bin ?? {}).map((file) => join(ROOT, folder, file)),
)

const MAIN = `
const args: string[] = process.argv.slice(2)
if (args[0] === 'exit') process.exitCode = Number(args[1])
if (args[0] === 'echo') process.stdin.pipe(process.stdout)
if (args[0] === 'wait') {
  const timer = setInterval(() => {}, 1000)
  process.on('SIGTERM', () => { clearInterval(timer); console.log('told'); process.exitCode = 7 })
}
if (args[0] === 'die') { setInterval(() => {}, 1000) }
// Last, so that whoever waits for this line knows that the signal is listened for.
console.log(JSON.stringify({ version: process.version, args }))
`

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** A clone in miniature: one app with its launcher, and the pinned runtime above it unless `pinned` is false. */
const makeClone = (pinned = true): string => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-launcher-'))
  folders.push(folder)
  mkdirSync(join(folder, 'apps/a/src'), { recursive: true })
  mkdirSync(join(folder, 'apps/a/bin'))
  mkdirSync(join(folder, 'node_modules'))
  if (pinned) symlinkSync(join(ROOT, 'node_modules', PLATFORM), join(folder, 'node_modules', PLATFORM))
  writeFileSync(join(folder, 'apps/a/package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'apps/a/src/main.ts'), MAIN)
  cpSync(join(ROOT, 'apps/cli/bin/scelle.js'), join(folder, 'apps/a/bin/scelle.js'))
  return join(folder, 'apps/a/bin/scelle.js')
}

const firstLine = (text: string): unknown => JSON.parse(text.split('\n')[0] ?? '')

describe('a launcher', () => {
  const launcher = makeClone()
  const run = (args: string[], input = ''): SpawnSyncReturns<string> =>
    spawnSync(anyNode, [launcher, ...args], { encoding: 'utf8', input })

  test('runs the app on the pinned Node.js, with its arguments', () => {
    const { stdout, status } = run(['a', 'b c', '--d=é'])
    expect(firstLine(stdout)).toEqual({ version: versionOf(PINNED), args: ['a', 'b c', '--d=é'] })
    expect(versionOf(PINNED)).toMatch(/^v24\./)
    expect(status).toBe(0)
  })

  test('ends with the status of the app', () => {
    expect(run(['exit', '3']).status).toBe(3)
  })

  test('hands over standard input and output', () => {
    expect(run(['echo'], 'in and out').stdout).toContain('in and out')
  })

  test('passes a signal on, and lets the app decide what it means', async () => {
    expect(await signalled('wait', 'SIGTERM')).toEqual({ code: 7, signal: null, said: expect.stringContaining('told') })
  })

  test('ends by the signal that ended the app', async () => {
    expect(await signalled('die', 'SIGHUP')).toMatchObject({ code: null, signal: 'SIGHUP' })
  })

  const signalled = async (arg: string, signal: NodeJS.Signals): Promise<object> => {
    const child = spawn(anyNode, [launcher, arg], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (bytes: Buffer) => {
      if (said === '') child.kill(signal)
      said += bytes.toString()
    })
    return new Promise((resolve) => child.on('close', (code, by) => resolve({ code, signal: by, said })))
  }

  test('runs in the same process where that already is the pinned runtime', () => {
    const { stdout } = spawnSync(PINNED, [launcher, 'x'], { encoding: 'utf8' })
    expect(firstLine(stdout)).toMatchObject({ version: versionOf(PINNED) })
  })
})

describe('without the pinned runtime', () => {
  test('a Node.js that is new enough runs the app', () => {
    const { stdout } = spawnSync(process.execPath, [makeClone(false), 'x'], { encoding: 'utf8' })
    expect(firstLine(stdout)).toEqual({ version: process.version, args: ['x'] })
  })

  test.skipIf(systemNode === undefined)('an older one says what to do, in English and French', () => {
    const { status, stderr } = spawnSync(anyNode, [makeClone(false)], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toContain('Node.js 24 or later is needed')
    expect(stderr).toContain('il faut Node.js 24 ou plus récent')
  })
})

describe('the bins of this repository', () => {
  test('are the same file for every app', () => {
    expect(bins.length).toBe(7)
    const [first, ...others] = bins.map((file) => readFileSync(file, 'utf8'))
    for (const other of others) expect(other).toBe(first)
  })

  test('are linked by npm, so that npx finds them', () => {
    for (const name of [
      'node', 'scelle', 'scelle-index', 'scelle-trustee', 'scelle-edge', 'scelle-guard', 'scelle-passkey',
      'scelle-register',
    ]) {
      expect(existsSync(join(ROOT, 'node_modules/.bin', name)), name).toBe(true)
    }
  })

  test('npm scripts run on the pinned Node.js too', () => {
    const version = execFileSync('npm', ['exec', '--', 'node', '--version'], { cwd: ROOT, encoding: 'utf8' })
    expect(version.trim()).toBe(versionOf(PINNED))
  })

  test('scelle starts where the system has only an older Node.js', () => {
    const { status, stdout, stderr } = spawnSync(anyNode, [join(ROOT, 'apps/cli/bin/scelle.js'), '--help'], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).toContain('scelle')
  })
})

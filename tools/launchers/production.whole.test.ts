/** A clone without development tools runs on the system's own Node.js, however old: installed by npm 11 and npm 12. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../repository.ts'

/** Without the Node.js that `node_modules` brings: what is left is the system's. */
const SYSTEM_PATH = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)
const system = { ...process.env, PATH: SYSTEM_PATH }
/** npm 12 itself needs a Node.js newer than 20, so it gets ours. */
const pinned = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${SYSTEM_PATH}` }

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-production-'))
  const archive = execFileSync('git', ['archive', 'HEAD'], { cwd: ROOT, maxBuffer: 1 << 28 })
  execFileSync('tar', ['-x'], { cwd: folder, input: archive })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CI = ['ci', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error']

describe('npm ci --omit=dev', () => {
  test.each([
    ['the npm that is here', 'npm', CI, system],
    ['npm 12', 'npm', ['exec', '--yes', 'npm@12.2.0', '--', ...CI], pinned],
  ] as const)('by %s, then scelle on the system\'s Node.js', (_, command, words, env) => {
    execFileSync(command, words, { cwd: folder, env, stdio: 'pipe' })
    const bin = execFileSync(join(folder, 'node_modules', '.bin', 'scelle'), ['--help'], { cwd: folder, env: system })
    const npx = execFileSync('npx', ['--no', '--', 'scelle', '--help', '--lang', 'fr'], { cwd: folder, env: system })
    expect(bin.toString()).toContain('scelle up')
    expect(npx.toString()).toContain('démarre')
    const vitest = join(folder, 'node_modules', '.bin', 'vitest')
    expect(() => execFileSync(vitest, ['--version'], { stdio: 'pipe' })).toThrow(/ENOENT/)
  }, 180_000)
})

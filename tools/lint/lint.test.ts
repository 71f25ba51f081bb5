/** The rules of .oxlintrc.json bite: each of these lines, in the room where it is forbidden, is refused by name. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../repository.ts'

const CASES: Array<{ file: string; source: string; rule: string }> = [
  {
    file: 'packages/seal/src/clock.ts',
    source: 'export const t = (): number => Date.now()',
    rule: 'no-restricted-properties',
  },
  {
    file: 'packages/fhir/src/dice.ts',
    source: 'export const r = (): number => Math.random()',
    rule: 'no-restricted-properties',
  },
  { file: 'packages/fhir/src/later.ts', source: 'setTimeout(() => {}, 1)', rule: 'no-restricted-globals' },
  { file: 'packages/seal/src/net.ts', source: "export const f = fetch", rule: 'no-restricted-globals' },
  {
    file: 'packages/seal/src/disk.ts',
    source: "export { readFileSync } from 'node:fs'",
    rule: 'no-restricted-imports',
  },
  {
    file: 'apps/index/src/clock.ts',
    source: 'export const t = (): number => Date.now()',
    rule: 'no-restricted-properties',
  },
  { file: 'apps/index/src/say.ts', source: "console.log('patient')", rule: 'no-console' },
  {
    file: 'packages/sdk/src/unawaited.ts',
    source: 'const verify = async (): Promise<boolean> => false\nverify()\nexport {}',
    rule: 'no-floating-promises',
  },
  {
    file: 'packages/sdk/src/always-true.ts',
    source: 'const ok = async (): Promise<boolean> => false\nif (ok()) throw new Error()\nexport {}',
    rule: 'no-misused-promises',
  },
  { file: 'packages/sdk/src/any.ts', source: 'export const a = (b: any): number => b', rule: 'no-explicit-any' },
  { file: 'packages/sdk/src/long.ts', source: `${'\n'.repeat(451)}export {}`, rule: 'max-lines' },
  {
    file: 'packages/sdk/src/long-function.ts',
    source: `export const f = (): number => {\n${'\n'.repeat(70)}return 1 }`,
    rule: 'max-lines-per-function',
  },
  {
    file: 'packages/sdk/test/only.test.ts',
    // In two halves, so that whoever looks for focused tests by their text does not find this one.
    source: `import { test } from 'vitest'\n${['test', 'only'].join('.')}('a', () => {})`,
    rule: 'no-focused-tests',
  },
]

type Diagnostic = { code: string; filename: string }

describe('the linter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-lint-'))
  let diagnostics: Diagnostic[] = []

  beforeAll(() => {
    for (const file of ['.oxlintrc.json', 'tsconfig.json']) cpSync(join(ROOT, file), join(folder, file))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    for (const { file, source } of CASES) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), `${source}\n`)
    }
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--type-aware', '-f', 'json'], {
      cwd: folder,
      encoding: 'utf8',
    })
    diagnostics = (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(CASES)('$file: $rule', ({ file, rule }) => {
    const found = diagnostics.filter(({ filename }) => filename.endsWith(file)).map(({ code }) => code)
    expect(found.join(' ')).toContain(`(${rule})`)
  })
})

/** Every TypeScript block of the documents type-checks, and those that say so run. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readText, ROOT } from '../repository.ts'
import { allBlocks, blocksOf, commandsOf, fileNameOf, isUnknown } from './blocks.ts'

const blocks = allBlocks()
const typed = blocks.filter(({ info }) => info.startsWith('ts'))
const programs = typed.filter(({ info }) => info.startsWith('ts run'))
const named = (list: typeof blocks): Array<{ where: string; block: (typeof blocks)[number] }> =>
  list.map((block) => ({ where: `${block.file}:${block.line}`, block }))

describe('the blocks of the documents', () => {
  // Below the root, so that `@scelle/...` resolves as it does for any workspace.
  let folder = ''
  beforeAll(() => {
    mkdirSync(join(ROOT, '.artifacts'), { recursive: true })
    folder = mkdtempSync(join(ROOT, '.artifacts/docs-'))
    for (const block of typed) writeFileSync(join(folder, fileNameOf(block)), `${block.code}export {}\n`)
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { noUnusedLocals: false, typeRoots: [join(ROOT, 'node_modules/@types')] },
      include: ['*.ts'],
      exclude: [],
    }))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('there are some that run', () => {
    expect(programs.length).toBeGreaterThan(0)
  })

  test('every block says in known words how it is tested', () => {
    expect(named(blocks.filter(isUnknown)).map(({ where, block }) => `${where}: ${block.info}`)).toEqual([])
  })

  test('TypeScript blocks type-check', () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8', cwd: folder })
    // Errors of the rooms themselves are the business of `npm run check`.
    expect(stdout.split('\n').filter((line) => /^[\w-]+-line-\d+\.ts/.test(line))).toEqual([])
    expect(status === 0 || stdout !== '').toBe(true)
  })

  test.each(named(programs))('$where runs', ({ block }) => {
    const program = join(folder, fileNameOf(block))
    const output = execFileSync(process.execPath, [program], { encoding: 'utf8', stdio: 'pipe' })
    for (const [, expected = ''] of block.code.matchAll(/console\.log\(.*\) \/\/ prints (.*)$/gm)) {
      expect(output.split('\n')).toContain(expected)
    }
  })
})

describe('the two commands', () => {
  const commands = (info: string): string[] =>
    blocks.filter((block) => block.info === info).map(({ code }) => code.trim())

  test('are the same wherever they are shown', () => {
    expect(new Set(commands('sh start'))).toEqual(new Set(['npm ci && npm start']))
    expect(new Set(commands('sh test'))).toEqual(new Set(['npm ci && npm test']))
  })

  test('stand within the first 30 lines of the README', () => {
    const first = blocks.find(({ file, info }) => file === 'README.md' && info === 'sh start')
    expect(first?.line).toBeLessThan(30)
  })

  test('.ci/run runs the one that tests', () => {
    expect(readText('.ci/run')).toContain('npm ci')
    expect(readText('.ci/run')).toContain('npm test')
  })
})

describe('the reader of blocks', () => {
  test('gives each with its line and words, and refuses one that never ends', () => {
    expect(blocksOf('a.md', 'x\n```ts run\nlet a\n```\n')).toEqual([
      { file: 'a.md', line: 2, info: 'ts run', code: 'let a\n' },
    ])
    expect(() => blocksOf('a.md', '```ts\nlet a\n')).toThrow('never closed')
    expect(commandsOf('a \\\n  b\nc\n').map(({ command }) => command)).toEqual(['a \\\n  b', 'c', ''])
    expect(isUnknown({ file: '', line: 1, info: 'bash', code: '' })).toBe(true)
    expect(isUnknown({ file: '', line: 1, info: 'json', code: '' })).toBe(false)
  })
})

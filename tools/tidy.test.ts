/** The repository tests itself: what a reader should never stumble over, found before one does. */
import { existsSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseSync, Visitor } from 'rolldown/utils'
import { fileImports, isSource, isTest, sourceFiles } from './architecture/graph.ts'
import { missingOptional, readLock } from './lock/complete.ts'
import { ROOT, readManifest, readText, repositoryFiles, sizeOf, workspaceFolders } from './repository.ts'

const MIB = 1024 * 1024
const LINE_COLUMNS_MAX = 120
const FILE_LINES_MAX = 450

const files = repositoryFiles()
const sources = sourceFiles()
const GENERATED = /^package-lock\.json$|\.json$|^spec\/vectors\/|\.svg$|^LICENSE$/
const TEXT = /\.(ts|tsx|js|mjs|json|md|py|go|sh|yml|yaml|svg|html|css|toml|txt)$|^\.ci\/run$|^\.[a-z]+rc|^\.gitignore$/
const texts = files.filter((path) => TEXT.test(path))
const written = texts.filter((path) => !GENERATED.test(path))
const prose = files.filter((path) => path.endsWith('.md'))

/** `path:line: what` for every line that a check complains about. */
const complaints = (paths: string[], check: (line: string, path: string) => string | undefined): string[] =>
  paths.flatMap((path) =>
    readText(path)
      .split('\n')
      .flatMap((line, at) => {
        const complaint = check(line, path)
        return complaint === undefined ? [] : [`${path}:${at + 1}: ${complaint}`]
      }),
  )

/** Spelt in two halves, so that this file does not find itself. */
const halves = (...words: Array<[string, string]>): string => words.map(([a, b]) => a + b).join('|')

describe('every file', () => {
  test(`of text has lines of at most ${LINE_COLUMNS_MAX} columns (tables and links may be longer)`, () => {
    const long = complaints(written, (line) => {
      const exempt = line.startsWith('|') || /https?:\/\/\S{60}/.test(line)
      return line.length > LINE_COLUMNS_MAX && !exempt ? `${line.length} columns` : undefined
    })
    expect(long).toEqual([])
  })

  test(`of source has at most ${FILE_LINES_MAX} lines`, () => {
    const long = sources
      .map((path) => ({ path, lines: readText(path).split('\n').length }))
      .filter(({ lines }) => lines > FILE_LINES_MAX + 1)
    expect(long).toEqual([])
  })

  test('promises nothing for later: what is not done stands in the tracker', () => {
    const later = new RegExp(`\\b(${halves(['TO', 'DO'], ['FIX', 'ME'], ['X', 'XX'], ['HA', 'CK'])})\\b`)
    const hollow = new RegExp(`\\b${halves(['st', 'ub'])}(s|bed)?\\b`, 'i')
    const found = complaints(written, (line) => later.exec(line)?.[0] ?? hollow.exec(line)?.[0])
    expect(found).toEqual([])
  })

  test('names no path of one machine', () => {
    const path = new RegExp(`(^|[\\s"'\`(=])/(${halves(['ho', 'me'], ['ro', 'ot'], ['wo', 'rk'], ['Us', 'ers'])})/\\w`)
    expect(complaints(texts, (line) => path.exec(line)?.[0])).toEqual([])
  })

  test('names no package registry: where packages come from is the installer’s business', () => {
    const hosts = halves(['registry.', 'npmjs'], ['npm', 'mirror'], ['registry.', 'yarnpkg'], ['verda', 'ccio'])
    const host = new RegExp(hosts)
    expect(complaints(texts, (line) => host.exec(line)?.[0])).toEqual([])
    expect(complaints(['package-lock.json'], (line) => /"resolved": "https?:.*/.exec(line)?.[0])).toEqual([])
  })

  test('is below 1 MiB', () => {
    expect(files.filter((path) => sizeOf(path) > MIB)).toEqual([])
  })

  test('ends in a newline and holds no conflict marker, tab indent or trailing space', () => {
    const unended = written.filter((path) => sizeOf(path) > 0 && !readText(path).endsWith('\n'))
    expect(unended).toEqual([])
    const untidy = complaints(written.filter((path) => !/\.(py|go)$/.test(path)), (line) => {
      if (/^(<{7}|>{7}) /.test(line)) return 'conflict marker'
      if (/^ *\t/.test(line)) return 'tab'
      return /[ \t]$/.test(line) ? 'trailing space' : undefined
    })
    expect(untidy).toEqual([])
  })
})

describe('tests', () => {
  test('are all run: none focused, none left for later', () => {
    const off = new RegExp(`\\b(test|it|describe)\\.(${halves(['on', 'ly'], ['sk', 'ip'], ['to', 'do'])})\\b`)
    expect(complaints(sources, (line) => off.exec(line)?.[0])).toEqual([])
  })

  test('are skipped only where material or a system is absent, and say so', () => {
    const conditional = sources.filter((path) => isTest(path) && /\.(skipIf|runIf)\(/.test(readText(path)))
    const says = (path: string): boolean => /console\.(log|warn|info)\(/.test(readText(path))
    const beside = (path: string): string[] =>
      fileImports(path)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => posix.join(dirname(path), specifier))
    const silent = conditional.filter((path) => !says(path) && !beside(path).some(says))
    expect(silent, 'files that skip tests and print nothing').toEqual([])
  })

  test('each assert something', () => {
    const empty = sources
      .filter((path) => path.endsWith('.test.ts'))
      .filter((path) => !/\b(expect|assert\w*|toThrow\w*|check)\b\s*[.(]/.test(readText(path)))
    expect(empty).toEqual([])
  })
})

/** Libraries that draw their own randomness, and where they do it. */
const EXCEPTIONS = [
  // HPKE draws its ephemeral key itself.
  'packages/seal/src/primitives/kem-node.ts uses randomBytes()',
]

const PURE = /^packages\/(seal|log|fhir)\/src\/|^packages\/wire\/src\/(messages|limits|errors)\.ts$/

/** What a pure room must not touch, found in the syntax tree: a word in a comment or a string is no use of it. */
const impurities = (path: string, text: string): string[] => {
  const found: string[] = []
  const { program } = parseSync(path, text, { lang: 'ts' })
  new Visitor({
    MemberExpression({ object, property }) {
      if (object.type !== 'Identifier' || property.type !== 'Identifier') return
      const member = `${object.name}.${property.name}`
      if (/^(Date\.now|Math\.random|crypto\.(getRandomValues|randomUUID))$/.test(member)) found.push(member)
    },
    NewExpression({ callee, arguments: args }) {
      if (callee.type === 'Identifier' && callee.name === 'Date' && args.length === 0) found.push('new Date()')
    },
    CallExpression({ callee }) {
      if (callee.type !== 'Identifier') return
      if (/^(setTimeout|setInterval|setImmediate|fetch|randomBytes|randomUUID|randomFillSync)$/.test(callee.name)) {
        found.push(`${callee.name}()`)
      }
    },
    ImportDeclaration({ source }) {
      if (/^node:(fs|net|http|https|http2|dns|os|child_process|timers|perf_hooks|worker_threads)/.test(source.value)) {
        found.push(source.value)
      }
    },
  }).visit(program)
  return found
}

describe('pure rooms', () => {
  test('have no clock, no randomness and no I/O of their own', () => {
    const impure = sources
      .filter((path) => PURE.test(path))
      .flatMap((path) => impurities(path, readText(path)).map((use) => `${path} uses ${use}`))
      .filter((use) => !EXCEPTIONS.includes(use))
    expect(impure).toEqual([])
  })

  test('the search finds each of them, and not a word in a comment', () => {
    const uses = [
      'Date.now()', 'Math.random()', 'new Date()', 'setTimeout(f, 1)', "import { readFileSync } from 'node:fs'",
      "fetch('/')", 'crypto.randomUUID()', 'randomBytes(8)',
    ]
    for (const use of uses) expect(impurities('a.ts', use), use).toHaveLength(1)
    expect(impurities('a.ts', '// Date.now() is not used\nconst a = new Date(0), b = "fetch()"')).toEqual([])
  })
})

describe('rooms', () => {
  test('are called after what they hold, never core, common, shared or utils', () => {
    const drawers = files.filter((path) => /(^|\/)(core|common|shared|utils?|helpers?|misc)(\/|\.[a-z]+$)/.test(path))
    expect(drawers).toEqual([])
  })

  test('each publishable package and each app says in a README what it is', () => {
    const silent = workspaceFolders().filter((folder) => !existsSync(join(ROOT, folder, 'README.md')))
    expect(silent.map((folder) => `${folder}/README.md`)).toEqual([])
  })

  test('pin every dependency to an exact version', () => {
    const loose = ['.', ...workspaceFolders()].flatMap((folder) => {
      const { dependencies, devDependencies, optionalDependencies } = readManifest(folder)
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${folder}/package.json: ${name} ${version}`)
    })
    expect(loose).toEqual([])
  })

  test('have their reasons for every dependency in docs/dependencies.md', () => {
    const page = readText('docs/dependencies.md')
    const unexplained = ['.', ...workspaceFolders()].flatMap((folder) => {
      const { dependencies, devDependencies, optionalDependencies } = readManifest(folder)
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([name]) => !name.startsWith('@scelle/'))
        .filter(([name, version]) => !page.includes(`| \`${name}\` | ${version} |`))
        .map(([name, version]) => `${folder}: no row for ${name} ${version}`)
    })
    expect([...new Set(unexplained)]).toEqual([])
  })
})

test('the lock file names every platform package, or npm ci refuses it', () => {
  const names = missingOptional(readLock()).map(({ name }) => name)
  expect(names, 'run: node tools/lock/complete.ts').toEqual([])
})

describe('documents', () => {
  /** GitHub's anchor of a heading. */
  const anchor = (heading: string): string =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(/\s/g, '-')

  const anchorsOf = (markdown: string): string[] =>
    markdown.split('\n').filter((line) => /^#+ /.test(line)).map((line) => anchor(line.replace(/^#+ /, '')))

  test('link to files and headings that exist', () => {
    const broken = complaints(prose, (line, path) => {
      for (const [, target = ''] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [file = '', heading] = target.split('#')
        const linked = file === '' ? path : posix.join(dirname(path), file)
        if (!existsSync(join(ROOT, linked))) return `no file ${linked}`
        if (heading !== undefined && !anchorsOf(readText(linked)).includes(heading)) return `no heading #${heading}`
      }
      return undefined
    })
    expect(broken).toEqual([])
  })

  test('name only files that exist, where they name a file of the repository in code', () => {
    const named = /`((?:packages|apps|testing|tools|docs|spec|bench)\/[\w./-]+\.\w+)`/g
    const missing = complaints(prose, (line) => {
      for (const [, path = ''] of line.matchAll(named)) {
        if (!existsSync(join(ROOT, path))) return `no file ${path}`
      }
      return undefined
    })
    expect(missing).toEqual([])
  })

  const decisions = files.filter((path) => path.startsWith('docs/decisions/'))

  test.each(decisions)('%s is numbered, dated and has a status', (path) => {
    expect(path).toMatch(/^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/)
    const front = /^---\n([\s\S]*?)\n---\n+# \S/.exec(readText(path))?.[1]
    expect(front, 'front matter, then a heading').toBeDefined()
    expect(front).toMatch(/^status: (proposed|accepted|superseded by \d{4})$/m)
    expect(front).toMatch(/^date: 20\d\d-\d\d-\d\d$/m)
  })

  test('no two decisions have one number', () => {
    const numbers = decisions.map((path) => path.slice('docs/decisions/'.length, 'docs/decisions/0000'.length))
    expect(numbers).toEqual([...new Set(numbers)])
  })
})

test('every source file is read by something: a room’s row, a test or a bin', () => {
  const rooms = /^(packages|apps|testing|tools|bench|spec|drills)\/|^[^/]+$/
  expect(files.filter((path) => isSource(path) && !rooms.test(path))).toEqual([])
})

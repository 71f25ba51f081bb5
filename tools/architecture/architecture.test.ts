import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  COMPUTED_IMPORT_ALLOWED,
  fileImports,
  type Import,
  importsOf,
  isTest,
  reachable,
  resolveImport,
  roomOf,
  sourceFiles,
  splitSpecifier,
  workspaces,
} from './graph.ts'
import { allows, parseRooms, readRooms } from './table.ts'

const all = workspaces()
const rooms = readRooms()
const files = sourceFiles().filter((path) => roomOf(path) !== undefined)
const imports = new Map<string, Import[]>(files.map((path) => [path, fileImports(path)]))
const roomOfFile = (path: string): string => roomOf(path) ?? ''

/** Tests, and tools inside a room (generators): not shipped, so they may reach further. */
const isBeside = (path: string): boolean => isTest(path) || path.slice(roomOfFile(path).length).startsWith('/tools/')
const TESTS_EVERYWHERE = ['vitest', 'fast-check', 'node:*']

const bareImports = (path: string): string[] =>
  (imports.get(path) ?? [])
    .map(({ specifier }) => specifier)
    .filter((specifier) => !/^[.#]/.test(specifier) && specifier !== 'computed:')

/** Runs a check for every file and gives the messages of those that throw. */
const complaints = (paths: string[], check: (path: string) => string[]): string[] =>
  paths.flatMap((path) => {
    try {
      return check(path)
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)]
    }
  })

describe('the table of ARCHITECTURE.md and the real imports', () => {
  test('every room with code has a row, and every row a room', () => {
    const withCode = [...new Set(files.map(roomOfFile))]
    const listed = rooms.map(({ room }) => room)
    expect(withCode.filter((room) => !listed.includes(room)), 'rooms without a row').toEqual([])
    const known = [...withCode, ...all.map(({ folder }) => folder)]
    expect(listed.filter((room) => !known.includes(room)), 'rows without a room').toEqual([])
  })

  test('no room imports what its row does not list', () => {
    const unlisted = complaints(files, (path) => {
      const row = rooms.find(({ room }) => room === roomOfFile(path))
      if (row === undefined) return []
      const beside = isBeside(path) ? [...row.testsMayImport, ...TESTS_EVERYWHERE] : []
      const own = all.find(({ folder }) => folder === row.room)?.manifest.name
      return bareImports(path)
        .filter((specifier) => !allows([...row.mayImport, ...beside], specifier))
        .filter((specifier) => !(isBeside(path) && splitSpecifier(specifier).name === own))
        .map((specifier) => `${path} imports ${specifier}: not in the row of ${row.room}`)
    })
    expect(unlisted).toEqual([])
  })

  test('between rooms, imports go through the other package: no relative path, no unexported file', () => {
    const bypasses = complaints(files, (path) =>
      (imports.get(path) ?? []).flatMap(({ specifier }) => {
        if (specifier === 'computed:') return []
        resolveImport(path, specifier, all)
        if (!specifier.startsWith('.')) return []
        const target = posix.join(posix.dirname(path), specifier)
        if (roomOf(target) === roomOfFile(path)) return []
        const row = rooms.find(({ room }) => room === roomOfFile(path))
        const patterns = [...(row?.mayImport ?? []), ...(isBeside(path) ? (row?.testsMayImport ?? []) : [])]
        return allows(patterns, target)
          ? []
          : [`${path} imports ${specifier}, which leaves ${roomOfFile(path)}: use the package`]
      }),
    )
    expect(bypasses).toEqual([])
  })

  test('every package imported is a dependency of the workspace that imports it', () => {
    const undeclared = complaints(files.filter((path) => !isBeside(path)), (path) => {
      const own = all.find(({ folder }) => folder === roomOfFile(path))
      if (own === undefined) return []
      return bareImports(path)
        .filter((specifier) => !specifier.startsWith('node:'))
        .map((specifier) => splitSpecifier(specifier).name)
        .filter((name) => own.manifest.dependencies?.[name] === undefined)
        .filter((name) => own.manifest.optionalDependencies?.[name] === undefined)
        .map((name) => `${path} imports ${name}: not among the dependencies of ${own.folder}/package.json`)
    })
    expect([...new Set(undeclared)]).toEqual([])
  })
})

test('every dependency of other people is imported by the workspace that declares it', () => {
  const unused = all.flatMap(({ folder, manifest }) => {
    const own = files.filter((path) => roomOf(path) === folder)
    const used = new Set(own.flatMap(bareImports).map((specifier) => splitSpecifier(specifier).name))
    return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
      // Our own apps are also found by name, to start them as processes.
      .filter((name) => !used.has(name) && !name.startsWith('@scelle/'))
      .map((name) => `${folder}/package.json declares ${name}, which nothing in ${folder} imports`)
  })
  expect(unused).toEqual([])
})

describe('no cycles', () => {
  /** Edges between nodes, each with the import that makes it. */
  const cycle = (edges: Map<string, Set<string>>): string[] | undefined => {
    const done = new Set<string>()
    const visit = (node: string, path: string[]): string[] | undefined => {
      if (path.includes(node)) return [...path.slice(path.indexOf(node)), node]
      if (done.has(node)) return undefined
      for (const next of edges.get(node) ?? []) {
        const found = visit(next, [...path, node])
        if (found !== undefined) return found
      }
      done.add(node)
      return undefined
    }
    for (const node of edges.keys()) {
      const found = visit(node, [])
      if (found !== undefined) return found
    }
    return undefined
  }

  const edgesOf = (of: (path: string) => string, paths: string[]): Map<string, Set<string>> => {
    const edges = new Map<string, Set<string>>()
    for (const path of paths) {
      for (const { specifier } of imports.get(path) ?? []) {
        if (specifier === 'computed:') continue
        for (const target of resolveImport(path, specifier, all)) {
          if (of(target) === of(path) && target !== path && of(target) !== target) continue
          edges.set(of(path), (edges.get(of(path)) ?? new Set()).add(of(target)))
        }
      }
    }
    return edges
  }

  test('between files, types included', () => {
    expect(cycle(edgesOf((path) => path, files))).toBeUndefined()
  })

  test('between rooms, tests aside', () => {
    expect(cycle(edgesOf(roomOfFile, files.filter((path) => !isBeside(path))))).toBeUndefined()
  })

  test('the search finds a cycle where there is one', () => {
    const edges = new Map([['a', new Set(['b'])], ['b', new Set(['c'])], ['c', new Set(['b'])]])
    expect(cycle(edges)).toEqual(['b', 'c', 'b'])
  })
})

describe('the reader of imports', () => {
  const specifiers = (text: string): Import[] => importsOf('packages/x/src/a.ts', text)

  test('sees every form of import, and which are erased', () => {
    const text = [
      "import a from './a.ts'", "import type { B } from './b.ts'", "import { type C } from './c.ts'", "import './d.ts'",
      "export * from './e.ts'", "export type { F } from './f.ts'", "const g = await import('./g.ts')",
      "new Worker(new URL('./h.ts', import.meta.url))",
    ].join('\n')
    const kept = specifiers(text).filter(({ typeOnly }) => !typeOnly).map(({ specifier }) => specifier)
    expect(kept.toSorted()).toEqual(['./a.ts', './c.ts', './d.ts', './e.ts', './g.ts', './h.ts'])
    expect(specifiers(text).length).toBe(8)
  })

  test('refuses an import whose target nobody can know', () => {
    expect(() => specifiers('await import(name)')).toThrow('computed')
    expect(COMPUTED_IMPORT_ALLOWED.test('packages/seal/src/verify.ts')).toBe(false)
  })

  test('refuses a specifier that the package does not export, and follows every condition of one it does', () => {
    expect(() => resolveImport('apps/index/src/a.ts', '@scelle/seal/src/envelope.ts', all)).toThrow('does not export')
    expect(() => resolveImport('apps/index/src/a.ts', '@scelle/seal', all)).toThrow('does not export')
    const both = { folder: 'packages/x', manifest: { name: 'x', version: '1', imports: {
      '#h': { node: './src/n.ts', default: './src/w.ts' },
    } } }
    expect(resolveImport('packages/x/src/a.ts', '#h', [both])).toEqual(['packages/x/src/n.ts', 'packages/x/src/w.ts'])
  })

  test('reads rows, and refuses one without a purpose', () => {
    expect(parseRooms('| `packages/a` | Does a | `b` `c/*` | |')).toEqual([
      { room: 'packages/a', mayImport: ['b', 'c/*'], testsMayImport: [] },
    ])
    expect(() => parseRooms('| `packages/a` | | `b` | |')).toThrow('purpose')
    expect(allows(['c/*'], 'c/d')).toBe(true)
    expect(allows(['c/*'], 'c')).toBe(false)
  })

  test('what runs is followed, what is erased is not', () => {
    const graph: Record<string, Import[]> = {
      'tools/repository.ts': [{ specifier: './architecture/graph.ts', typeOnly: false }],
      'tools/architecture/graph.ts': [{ specifier: './table.ts', typeOnly: true }],
    }
    expect([...reachable('tools/repository.ts', all, (path) => graph[path] ?? []).keys()]).toEqual([
      'tools/repository.ts', 'tools/architecture/graph.ts',
    ])
  })
})

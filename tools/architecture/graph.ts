/**
 * The real import graph, read with a parser: which file imports which specifier, and where that leads.
 *
 * Conditional exports and imports (node, browser, default) are followed on every branch: a boundary that held only on
 * one platform would be no boundary.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { parseSync, Visitor } from 'rolldown/utils'
import { type Manifest, ROOT, readManifest, repositoryFiles, workspaceFolders } from '../repository.ts'

/** `typeOnly`: erased before the program runs. Such an import ties sources together but carries no capability. */
export type Import = { specifier: string; typeOnly: boolean }

export type Workspace = { folder: string; manifest: Manifest }

export const workspaces = (): Workspace[] =>
  workspaceFolders().map((folder) => ({ folder, manifest: readManifest(folder) }))

const SOURCE = /\.(ts|tsx|mts|js|mjs)$/
const TEST = /(^|\/)test\/|\.test\.ts$/

export const isSource = (path: string): boolean => SOURCE.test(path)
export const isTest = (path: string): boolean => TEST.test(path)
export const sourceFiles = (): string[] => repositoryFiles().filter(isSource)

/** The imports of one source text. Throws where the text does not parse or an `import()` hides what it imports. */
export const importsOf = (path: string, text: string): Import[] => {
  const { module, errors, program } = parseSync(path, text, { lang: path.endsWith('x') ? 'tsx' : 'ts' })
  const error = errors[0]
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`)
  // Only a whole `import type` is erased: `import { type A } from 'b'` still loads b under verbatimModuleSyntax.
  const found: Import[] = module.staticImports.map(({ start, end, moduleRequest }) => ({
    specifier: moduleRequest.value,
    typeOnly: /^import\s+type\s+(?!from\b)/.test(text.slice(start, end)),
  }))
  for (const { start, end, entries } of module.staticExports) {
    const typeOnly = /^export\s+type\b/.test(text.slice(start, end))
    for (const { moduleRequest } of entries) {
      if (moduleRequest !== null) found.push({ specifier: moduleRequest.value, typeOnly })
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    found.push({ specifier: literal(path, text.slice(moduleRequest.start, moduleRequest.end)), typeOnly: false })
  }
  // A worker's module, or any other that is named by `new URL('./a.ts', import.meta.url)`.
  new Visitor({
    NewExpression({ callee, arguments: [target, base] }) {
      if (callee.type !== 'Identifier' || callee.name !== 'URL') return
      if (base === undefined || text.slice(base.start, base.end) !== 'import.meta.url') return
      if (target?.type !== 'Literal' || typeof target.value !== 'string') return
      // Unlike an import, a URL may leave the ./ out.
      const specifier = target.value.startsWith('.') ? target.value : `./${target.value}`
      if (isSource(specifier)) found.push({ specifier, typeOnly: false })
    },
  }).visit(program)
  return found
}

/** A computed `import()` could reach anything, so product code has none; launchers, tools and tests may. */
export const COMPUTED_IMPORT_ALLOWED = /^(apps\/[a-z]+\/bin\/|tools\/|testing\/|bench\/|[^/]+\/[^/]+\/test\/)/

const literal = (path: string, source: string): string => {
  const quoted = /^'([^']*)'$|^"([^"]*)"$|^`([^`$]*)`$/.exec(source.trim())
  const value = quoted?.[1] ?? quoted?.[2] ?? quoted?.[3]
  if (value !== undefined) return value
  if (COMPUTED_IMPORT_ALLOWED.test(path)) return 'computed:'
  throw new Error(`${path}: import(${source}) is computed, so nobody can say what it reaches: name the module`)
}

export const fileImports = (path: string): Import[] => importsOf(path, readFileSync(join(ROOT, path), 'utf8'))

/** The room of a file: the folder that a row of ARCHITECTURE.md names. Files of the root have none. */
export const roomOf = (path: string): string | undefined => {
  const [first, second, ...rest] = path.split('/')
  if (first === undefined || second === undefined) return undefined
  if (first === 'packages' || first === 'apps') return rest.length === 0 ? undefined : `${first}/${second}`
  return first
}

const leaves = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(leaves)
}

/** Splits a bare specifier: `@scelle/seal/verify` is package `@scelle/seal`, subpath `./verify`. */
export const splitSpecifier = (specifier: string): { name: string; subpath: string } => {
  const parts = specifier.split('/')
  const count = specifier.startsWith('@') ? 2 : 1
  const rest = parts.slice(count)
  return { name: parts.slice(0, count).join('/'), subpath: rest.length === 0 ? '.' : `./${rest.join('/')}` }
}

/**
 * Repository files that an import of `from` may load: none for packages of other people and Node's own modules.
 * Throws where a workspace's package.json does not export the subpath, or a relative import names no file.
 */
export const resolveImport = (from: string, specifier: string, all: Workspace[]): string[] => {
  if (specifier.startsWith('.')) return [resolveRelative(from, specifier)]
  if (specifier.startsWith('#')) return resolvePrivate(from, specifier, all)
  const { name, subpath } = splitSpecifier(specifier)
  const target = all.find(({ manifest }) => manifest.name === name)
  if (target === undefined) return []
  const exported = leaves(target.manifest.exports?.[subpath])
  if (exported.length === 0) {
    throw new Error(`${from} imports ${specifier}, but ${target.folder}/package.json does not export ${subpath}`)
  }
  return exported.map((file) => posix.join(target.folder, file))
}

const resolveRelative = (from: string, specifier: string): string => {
  const path = posix.join(dirname(from), specifier)
  const file = join(ROOT, path)
  if (existsSync(file) && statSync(file).isFile()) return path
  throw new Error(`${from} imports ${specifier}, but there is no file ${path}`)
}

const resolvePrivate = (from: string, specifier: string, all: Workspace[]): string[] => {
  const own = all.find(({ folder }) => from.startsWith(`${folder}/`))
  const targets = leaves(own?.manifest.imports?.[specifier])
  if (own === undefined || targets.length === 0) {
    throw new Error(`${from} imports ${specifier}, which the "imports" of its package.json does not name`)
  }
  return targets.filter((target) => target.startsWith('.')).map((target) => posix.join(own.folder, target))
}

/** Every repository file that running `entry` may load, each with the file that pulled it in first (for messages). */
export const reachable = (
  entry: string,
  all: Workspace[],
  read: (path: string) => Import[] = fileImports,
): Map<string, string | undefined> => {
  const seen = new Map<string, string | undefined>([[entry, undefined]])
  for (const path of seen.keys()) {
    if (!isSource(path)) continue
    for (const { specifier, typeOnly } of read(path)) {
      if (typeOnly || specifier === 'computed:') continue
      for (const target of resolveImport(path, specifier, all)) {
        if (!seen.has(target)) seen.set(target, path)
      }
    }
  }
  return seen
}

/** The chain of imports that leads to `path`, entry first. */
export const chainTo = (path: string, seen: Map<string, string | undefined>): string =>
  [path, ...(function* up(current = seen.get(path)): Generator<string> {
    for (; current !== undefined; current = seen.get(current)) yield current
  })()].toReversed().join(' → ')

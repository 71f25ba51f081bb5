/**
 * What a keyless server may not contain, and how to look for it: along the imports, and in the bundle.
 *
 * Both, because they fail differently: the walk sees files that a bundler would drop as unused but that an attacker on
 * the server could still call; the bundle sees what the walk's idea of resolution might miss.
 */
import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { rolldown } from 'rolldown'
import { ROOT } from '../repository.ts'
import { chainTo, type Import, fileImports, reachable, resolveImport, type Workspace } from './graph.ts'

export type Server = 'apps/index' | 'apps/trustee' | 'apps/guard'

/** The doors of packages/seal that a server may open. Everything that only other doors lead to is forbidden to it. */
const DOORS_ALLOWED: Record<Server, string[]> = {
  'apps/index': ['./verify', './identity', './kept'],
  'apps/trustee': ['./verify', './identity', './kept', './shares', './voprf'],
  'apps/guard': ['./verify', './identity', './kept'],
}

/**
 * Named besides, so that the proof does not rest on how the doors are cut: an allowed door must not lead there either.
 */
const MODULES_FORBIDDEN: Record<Server, RegExp[]> = {
  'apps/index': [
    /^packages\/seal\/src\/(envelope|keys|grants|shares|voprf|recovery)\b/, /^packages\/(sdk|fhir)\//, /^apps\/edge\//,
  ],
  'apps/trustee': [
    /^packages\/seal\/src\/(envelope|keys|grants|recovery)\b/, /^packages\/(sdk|fhir)\//, /^apps\/edge\//,
  ],
  'apps/guard': [
    /^packages\/seal\/src\/(envelope|keys|grants|shares|voprf|recovery)\b/, /^packages\/(sdk|fhir)\//,
    /^apps\/(edge|index|trustee)\//,
  ],
}

/** Libraries that decapsulate or combine shares. */
const PACKAGES_FORBIDDEN: Record<Server, string[]> = {
  'apps/index': ['hpke', '@panva/hpke-noble', 'shamir-secret-sharing'],
  'apps/trustee': ['shamir-secret-sharing'],
  'apps/guard': ['hpke', '@panva/hpke-noble', 'shamir-secret-sharing'],
}

/**
 * Calls that open something. None stands in what runs at index or guard; a trustee opens its own shares, so it has
 * some.
 */
const OPENING =
  /\b(createDecipheriv|privateDecrypt|diffieHellman|decapsulate|unwrapKey|deriveBits|subtle\s*\.\s*decrypt)\b/
const CALLS_FORBIDDEN: Record<Server, RegExp> = {
  'apps/index': OPENING,
  'apps/guard': OPENING,
  'apps/trustee': /\b(privateDecrypt|combineShares)\b/,
}

/** Each call that is there all the same, with what it opens instead. */
const CALLS_EXPLAINED: Record<string, string> = {
  'apps/index/src/cursor.ts': 'createDecipheriv: its own feed cursors, under its own secret',
}

/** Where a server's code starts: its program, and whatever its package.json offers to other rooms. */
export const entriesOf = (server: Server, all: Workspace[]): string[] => {
  const own = all.find(({ folder }) => folder === server)
  if (own === undefined) throw new Error(`${server} is not a workspace`)
  const offered = Object.keys(own.manifest.exports ?? {}).flatMap((subpath) =>
    resolveImport('tools/architecture/keyless.ts', `${own.manifest.name}${subpath.slice(1)}`, all),
  )
  const entries = [...new Set([`${server}/src/main.ts`, ...offered])]
  for (const entry of entries) {
    if (!existsSync(join(ROOT, entry))) throw new Error(`${entry} does not exist: nothing was proven about ${server}`)
  }
  return entries
}

const doorFiles = (doors: string[], all: Workspace[]): Set<string> =>
  new Set(
    doors.flatMap((door) =>
      resolveImport('tools/architecture/keyless.ts', `@scelle/seal${door.slice(1)}`, all).flatMap((entry) => [
        ...reachable(entry, all).keys(),
      ]),
    ),
  )

/** Files of packages/seal that this server must not reach: behind its forbidden doors, and behind no allowed one. */
export const sealFilesForbidden = (server: Server, all: Workspace[]): Set<string> => {
  const seal = all.find(({ folder }) => folder === 'packages/seal')
  const doors = Object.keys(seal?.manifest.exports ?? {})
  const allowed = doorFiles(DOORS_ALLOWED[server], all)
  const dangerous = doorFiles(doors.filter((door) => !DOORS_ALLOWED[server].includes(door)), all)
  return new Set([...dangerous].filter((path) => !allowed.has(path)))
}

const forbiddenModule = (server: Server, path: string, sealFiles: Set<string>): boolean =>
  sealFiles.has(path) || MODULES_FORBIDDEN[server].some((pattern) => pattern.test(path))

/** Chains of imports from `entry` to anything forbidden, as sentences; empty is the proof. */
export const walkComplaints = (
  server: Server,
  entry: string,
  all: Workspace[],
  read: (path: string) => Import[] = fileImports,
): string[] => {
  const sealFiles = sealFilesForbidden(server, all)
  const seen = reachable(entry, all, read)
  const modules = [...seen.keys()].filter((path) => forbiddenModule(server, path, sealFiles))
  const packages = [...seen.keys()].flatMap((path) =>
    (/\.(ts|js|mjs)$/.test(path) ? read(path) : [])
      .filter(({ specifier, typeOnly }) => !typeOnly && isPackage(specifier, PACKAGES_FORBIDDEN[server]))
      .map(({ specifier }) => `${chainTo(path, seen)} → ${specifier}`),
  )
  return [...modules.map((path) => chainTo(path, seen)), ...packages]
}

const isPackage = (specifier: string, names: string[]): boolean =>
  names.some((name) => specifier === name || specifier.startsWith(`${name}/`))

/** Bundles `entry` as it would be deployed, nothing dropped, and says what in the result is forbidden. */
export const bundleComplaints = async (server: Server, entry: string, all: Workspace[]): Promise<string[]> => {
  const bundle = await rolldown({
    input: isAbsolute(entry) ? entry : join(ROOT, entry),
    cwd: ROOT,
    platform: 'node',
    treeshake: false,
    logLevel: 'silent',
    external: (id) => !/^[.#]|^@scelle\//.test(id) && !isAbsolute(id),
  })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  const sealFiles = sealFilesForbidden(server, all)
  return output.flatMap((chunk) => {
    if (chunk.type !== 'chunk') return []
    const modules = chunk.moduleIds.map((id) => relative(ROOT, id).split(sep).join('/'))
    const calls = Object.entries(chunk.modules).flatMap(([id, { code }]) => {
      const path = relative(ROOT, id).split(sep).join('/')
      const call = CALLS_FORBIDDEN[server].exec(withoutComments(code ?? ''))?.[0]
      if (call === undefined || CALLS_EXPLAINED[path]?.startsWith(`${call}:`) === true) return []
      return [`bundle calls ${call} (${path})`]
    })
    // Names that are imported or re-exported without being called stand in the chunk alone.
    const imported = [...withoutComments(chunk.code).matchAll(/^(?:import|export) \{([^}]*)\} from/gm)]
      .flatMap(([, names = '']) => names.split(',').map((name) => name.trim().split(' as ')[0] ?? ''))
      .filter((name) => CALLS_FORBIDDEN[server].test(name))
      .filter((name) => !Object.keys(chunk.modules).some((id) => explains(id, name)))
      .map((name) => `bundle imports ${name}`)
    return [
      ...modules.filter((path) => forbiddenModule(server, path, sealFiles)).map((path) => `bundle holds ${path}`),
      ...[...chunk.imports, ...chunk.dynamicImports]
        .filter((id) => isPackage(id, PACKAGES_FORBIDDEN[server]))
        .map((id) => `bundle imports ${id}`),
      ...calls,
      ...imported,
    ]
  })
}

const explains = (id: string, name: string): boolean =>
  CALLS_EXPLAINED[relative(ROOT, id).split(sep).join('/')]?.startsWith(`${name}:`) === true

const withoutComments = (code: string): string => code.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '')

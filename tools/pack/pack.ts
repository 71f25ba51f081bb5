/**
 * Emits the publishable packages and packs them.
 *
 *     node tools/pack/pack.ts [FOLDER]        # tarballs into FOLDER, default .artifacts/packages
 *
 * The sources run as they stand in this repository. Below somebody's node_modules they would not, because Node.js
 * refuses to strip types there; so what is published is JavaScript with declarations, emitted by tsc from those same
 * sources.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Manifest, readManifest, ROOT } from '../repository.ts'

/** In the order in which they build on each other. */
export const PUBLISHABLE = [
  'packages/seal', 'packages/log', 'packages/wire', 'packages/fhir', 'packages/sdk', 'packages/credentials',
]

const ENGINES = { node: '>=24' }

type Conditions = string | { [condition: string]: Conditions }

/** `./src/a.ts` becomes `./dist/a.js`. */
const emitted = (path: string, extension: string): string => {
  if (!/^\.\/src\/.*\.ts$/.test(path)) throw new Error(`cannot pack ${path}: exports must name ./src/….ts`)
  return path.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, extension)
}

/** Rewrites every path of an `exports` or `imports` value; each comes with its declarations where `types` is true. */
export const toDist = (value: Conditions, types: boolean): Conditions => {
  if (typeof value !== 'string') {
    return Object.fromEntries(Object.entries(value).map(([condition, inner]) => [condition, toDist(inner, types)]))
  }
  if (!value.endsWith('.ts')) return value
  return types ? { types: emitted(value, '.d.ts'), default: emitted(value, '.js') } : emitted(value, '.js')
}

const rewritten = (map: Record<string, unknown> | undefined, types: boolean): Record<string, Conditions> =>
  Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, toDist(value as Conditions, types)]))

/** The manifest as published: no scripts, no development dependencies, everything pointing into dist. */
export const packedManifest = (manifest: Manifest & { description?: string; license?: string }): object => ({
  name: manifest.name,
  version: manifest.version,
  description: manifest.description,
  license: manifest.license,
  type: 'module',
  engines: ENGINES,
  sideEffects: false,
  files: ['dist'],
  exports: rewritten(manifest.exports, true),
  ...(manifest.imports === undefined ? {} : { imports: rewritten(manifest.imports, false) }),
  dependencies: manifest.dependencies ?? {},
})

/** Where tsc finds the declarations of packages emitted before, so that it does not compile their sources again. */
const declarationPaths = (staging: string, emittedBefore: string[]): Record<string, string[]> =>
  Object.fromEntries(
    emittedBefore.flatMap((folder) => {
      const { name, exports = {} } = readManifest(folder)
      return Object.entries(exports).flatMap(([subpath, target]) => {
        const leaf = firstLeaf(target as Conditions)
        return leaf?.endsWith('.ts') === true
          ? [[`${name}${subpath.slice(1)}`, [join(staging, folder, emitted(leaf, '.d.ts'))]]]
          : []
      })
    }),
  )

const firstLeaf = (value: Conditions): string | undefined =>
  typeof value === 'string' ? value : Object.values(value).map(firstLeaf).find((leaf) => leaf !== undefined)

const emit = (folder: string, staging: string, emittedBefore: string[]): void => {
  // The configuration stands in the package, because tsc looks for node_modules and "imports" from where it is.
  const config = join(ROOT, folder, `tsconfig.pack.${process.pid}.json`)
  const out = join(staging, folder, 'dist')
  writeFileSync(config, JSON.stringify({
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      rootDir: join(ROOT, folder, 'src'),
      outDir: out,
      allowImportingTsExtensions: false,
      rewriteRelativeImportExtensions: true,
      paths: declarationPaths(staging, emittedBefore),
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    include: [join(ROOT, folder, 'src')],
    exclude: [],
  }))
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    })
  } catch (error) {
    throw new Error(`tsc could not emit ${folder}:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error })
  } finally {
    rmSync(config)
  }
}

/** Packs every publishable package into `folder` and returns the tarballs by package name. */
export const packAll = (folder: string): Record<string, string> => {
  const target = resolve(folder)
  mkdirSync(target, { recursive: true })
  mkdirSync(join(ROOT, '.artifacts'), { recursive: true })
  const staging = mkdtempSync(join(ROOT, '.artifacts/pack-'))
  try {
    const tarballs: Record<string, string> = {}
    for (const [at, packageFolder] of PUBLISHABLE.entries()) {
      emit(packageFolder, staging, PUBLISHABLE.slice(0, at))
      const manifest = readManifest(packageFolder)
      const staged = join(staging, packageFolder)
      writeFileSync(join(staged, 'package.json'), `${JSON.stringify(packedManifest(manifest), null, 2)}\n`)
      copyFileSync(join(ROOT, 'LICENSE'), join(staged, 'LICENSE'))
      const readme = join(ROOT, packageFolder, 'README.md')
      if (existsSync(readme)) copyFileSync(readme, join(staged, 'README.md'))
      tarballs[manifest.name] = pack(staged, target)
    }
    return tarballs
  } finally {
    rmSync(staging, { recursive: true })
  }
}

const pack = (staged: string, target: string): string => {
  const before = new Set(readdirSync(target))
  execFileSync('npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', target], {
    cwd: staged,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [file] = readdirSync(target).filter((name) => !before.has(name))
  if (file === undefined) throw new Error(`npm pack left no new tarball in ${target}: give an empty folder`)
  return join(target, file)
}

if (import.meta.main) {
  const folder = process.argv[2] ?? join(ROOT, '.artifacts/packages')
  rmSync(folder, { recursive: true, force: true })
  for (const [name, tarball] of Object.entries(packAll(folder))) console.log(`${name}  ${tarball}`)
}

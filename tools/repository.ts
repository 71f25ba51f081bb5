/** Which files this repository is made of: what is committed, and what would be if everything were added. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '')

/** Every file that is tracked or could be (ignored ones are not), as paths relative to the root, sorted. */
export const repositoryFiles = (): string[] =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .toSorted()

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Folders that hold a package.json of ours, relative to the root: the workspaces of the root's package.json. */
export const workspaceFolders = (): string[] => {
  const { workspaces } = JSON.parse(readText('package.json')) as { workspaces: string[] }
  return workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern]
    const parent = pattern.slice(0, -2)
    return readdirSync(join(ROOT, parent))
      .map((name) => `${parent}/${name}`)
      .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
  })
}

export type Manifest = {
  name: string
  version: string
  private?: boolean
  exports?: Record<string, unknown>
  imports?: Record<string, unknown>
  bin?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

export const readManifest = (folder: string): Manifest =>
  JSON.parse(readText(`${folder}/package.json`)) as Manifest

export const sizeOf = (path: string): number => statSync(join(ROOT, path)).size

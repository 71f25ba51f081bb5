/**
 * Adds to package-lock.json the optional platform packages that the registry in use does not carry.
 *
 *     node tools/lock/complete.ts
 *
 * `npm install` leaves out an optional package it cannot fetch; `npm ci` then refuses the lock file, because the
 * package that wanted it still names it. Such packages are binaries of development tools for platforms other than ours.
 * They are added by version, operating system and processor, so that `npm ci` skips them here. Their hash is unknown to
 * us: docs/dependencies.md says what that means.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type LockEntry = {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  integrity?: string
  link?: boolean
  optionalDependencies?: Record<string, string>
}
export type Lock = { packages: Record<string, LockEntry> }

const LOCK_FILE = fileURLToPath(new URL('../../package-lock.json', import.meta.url))

export const readLock = (file: string = LOCK_FILE): Lock => JSON.parse(readFileSync(file, 'utf8')) as Lock

/** Optional dependencies that the lock file names but does not lock, with the entry that wants them. */
export const missingOptional = (lock: Lock): Array<{ name: string; version: string; wantedBy: LockEntry }> =>
  Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .flatMap(([, entry]) =>
      Object.entries(entry.optionalDependencies ?? {})
        .filter(([name]) => lock.packages[`node_modules/${name}`] === undefined)
        .map(([name, version]) => ({ name, version, wantedBy: entry })),
    )

const PLATFORM = new RegExp(
  '(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(gnu|musl)(?![a-z]))?',
)

/** Reads operating system, processor and C library from a platform package's name; throws for a name without them. */
export const platformOf = (name: string): Required<Pick<LockEntry, 'os' | 'cpu'>> & Pick<LockEntry, 'libc'> => {
  const match = PLATFORM.exec(name)
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new Error(`${name} is not in the registry, and its name does not say its platform: pin it by hand`)
  }
  const libc = match[3] === undefined ? {} : { libc: [match[3] === 'gnu' ? 'glibc' : 'musl'] }
  return { os: [match[1]], cpu: [match[2]], ...libc }
}

const complete = (lock: Lock): number => {
  const missing = missingOptional(lock)
  for (const { name, version, wantedBy } of missing) {
    const dev = wantedBy.dev === true ? { dev: true } : {}
    lock.packages[`node_modules/${name}`] = { version, ...platformOf(name), ...dev, optional: true }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return missing.length
}

if (import.meta.main) {
  const lock = readLock()
  const added = complete(lock)
  if (added > 0) writeFileSync(LOCK_FILE, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`${added} platform packages added to package-lock.json`)
}

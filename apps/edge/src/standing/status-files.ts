/** Statuses in files: a register renews them while the edge runs, so what changed is read again. */
import { readFileSync, statSync } from 'node:fs'

interface Kept {
  readonly changed: number
  readonly bytes: Uint8Array
}

/**
 * The statuses that the files hold now. A file that is gone or cannot be read keeps its last content: a trustee decides
 * whether that is still valid, and care does not end because a file is being replaced.
 */
export const statusFiles = (paths: readonly string[]): (() => Uint8Array[]) => {
  const kept = new Map<string, Kept>()
  for (const path of paths) kept.set(path, readNow(path)) // at the start a wrong path is told
  return () => paths.map((path) => {
    const known = kept.get(path) as Kept
    try {
      if (statSync(path).mtimeMs === known.changed) return known.bytes
      const now = readNow(path)
      kept.set(path, now)
      return now.bytes
    } catch {
      return known.bytes
    }
  })
}

const readNow = (path: string): Kept => {
  const { mtimeMs: changed } = statSync(path)
  return { changed, bytes: new Uint8Array(readFileSync(path)) }
}

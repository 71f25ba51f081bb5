/** Yesterday's backup: the data directory copied while the index is stopped, and put back later. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { World } from './world.ts'

export interface Backup {
  /** Puts it back in the place of what is there, and starts the index again. */
  restore(): Promise<void>
  remove(): void
}

export const backUp = async (world: World): Promise<Backup> => {
  const copy = mkdtempSync(join(tmpdir(), 'scelle-backup-'))
  await world.stop()
  cpSync(world.directory, copy, { recursive: true })
  world.start()
  return {
    restore: async () => {
      await world.stop()
      rmSync(world.directory, { recursive: true, force: true })
      cpSync(copy, world.directory, { recursive: true })
      world.start()
    },
    remove: () => rmSync(copy, { recursive: true, force: true }),
  }
}

/** Resolves once it holds: what the index does by itself takes some turns. `late` ends longer waits now and then. */
export const until = async (holds: () => boolean | Promise<boolean>, late?: () => void): Promise<void> => {
  for (let i = 1; i < 10_000; i++) {
    if (await holds()) return
    if (i % 100 === 0) late?.()
    await new Promise((resolve) => void setImmediate(resolve))
  }
  throw new Error('it never came to hold')
}

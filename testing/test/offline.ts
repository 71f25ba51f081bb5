/** What a third party makes of evidence: another process, which has the file, the pinned ids, and no network. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { toHex } from '@scelle/seal/verify'
import type { Verdict } from '@scelle/wire/evidence'
import type { Constellation } from '../src/constellation.ts'

const CHILD = fileURLToPath(new URL('offline-child.ts', import.meta.url))

export type OfflineVerdict = Omit<Verdict, 'liar'> & { readonly liar: { readonly id: string; readonly role: string } }

/** Throws where the file shows nothing. */
export const checkOffline = async (world: Constellation, file: Uint8Array): Promise<OfflineVerdict> => {
  const child = execFile(process.execPath, [CHILD], { env: { NODE_NO_WARNINGS: '1' } })
  const trustees = world.trustees.map(({ id }) => toHex(id))
  child.stdin?.end(JSON.stringify({ file: toHex(file), trustees }))
  const [told, complaint, [status]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream), text(child.stderr as NodeJS.ReadableStream),
    once(child, 'exit') as Promise<[number]>,
  ])
  if (status !== 0) throw new Error(complaint)
  return JSON.parse(told) as OfflineVerdict
}

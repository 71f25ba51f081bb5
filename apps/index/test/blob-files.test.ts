import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@scelle/seal/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBlobFiles } from '../src/blob-files.ts'
import type { Blobs } from '../src/store.ts'
import { seeded, START, temporaryDirectory } from './world.ts'

let directory: ReturnType<typeof temporaryDirectory>
let blobs: Blobs
const open = (): Blobs => openBlobFiles({ directory: directory.path, random: seeded('names') })
beforeEach(() => {
  directory = temporaryDirectory()
  blobs = open()
})
afterEach(() => directory.remove())

const chunks = async function* (bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const whole = async (digest: Uint8Array, start: number, end: number): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  for await (const part of blobs.read(digest, start, end)) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}
const incoming = (): string[] => readdirSync(join(directory.path, 'incoming'))

test('what was put is read back, whole or in part, also over several chunks', async () => {
  const bytes = seeded('blob')(700_000)
  const digest = sha256(bytes)
  expect(await blobs.size(digest)).toBeUndefined()
  await blobs.put(digest, chunks(bytes))
  await blobs.put(digest, chunks(bytes))
  blobs = open()
  expect(await blobs.size(digest)).toBe(bytes.length)
  expect(await whole(digest, 0, bytes.length - 1)).toEqual(bytes)
  expect(await whole(digest, 262_143, 262_145)).toEqual(bytes.slice(262_143, 262_146))
  expect(incoming()).toEqual([])
})

test('other bytes than their name, and uploads cut off, leave nothing', async () => {
  const bytes = seeded('blob')(50_000)
  await expect(blobs.put(sha256(bytes), chunks(bytes.slice(1)))).rejects.toMatchObject({ code: 'digest-mismatch' })
  const cut = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 1_000)
    throw new Error('the connection ended')
  }
  await expect(blobs.put(sha256(bytes), cut())).rejects.toThrow('the connection ended')
  expect(await blobs.size(sha256(bytes))).toBeUndefined()
  expect(incoming()).toEqual([])
})

test('what a killed process left aside is gone at the next start', () => {
  mkdirSync(join(directory.path, 'incoming'), { recursive: true })
  writeFileSync(join(directory.path, 'incoming', 'half'), 'half')
  open()
  expect(incoming()).toEqual([])
})

test('where others write too, only what is older than a day is taken away', () => {
  const aside = join(directory.path, 'incoming')
  for (const name of ['old', 'new']) writeFileSync(join(aside, name), name)
  utimesSync(join(aside, 'old'), START / 1000 - 86_401, START / 1000 - 86_401)
  utimesSync(join(aside, 'new'), START / 1000 - 86_399, START / 1000 - 86_399)
  openBlobFiles({ directory: directory.path, random: seeded('names'), shared: { now: () => START } })
  expect(incoming()).toEqual(['new'])
})

test('many at once, the same one among them', async () => {
  const all = Array.from({ length: 20 }, (_, i) => seeded(`many ${i % 10}`)(5_000))
  await Promise.all(all.map((bytes) => blobs.put(sha256(bytes), chunks(bytes))))
  for (const bytes of all) expect(await whole(sha256(bytes), 0, bytes.length - 1)).toEqual(bytes)
})

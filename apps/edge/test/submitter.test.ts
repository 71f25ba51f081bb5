/** Submissions under way at once: of different vaults, all of them to the end, and nothing left in the outbox. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PreparedCommit, SubmitResult, WriteItem } from '@scelle/sdk'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { Cabinet } from '../src/store/cabinet.ts'
import { Database } from '../src/store/database.ts'
import { Directory } from '../src/store/directory.ts'
import { SealedState } from '../src/store/state.ts'
import type { VaultShelf } from '../src/vaults.ts'
import { Kept } from '../src/writes/kept.ts'
import { Outbox } from '../src/writes/outbox.ts'
import { Submitter } from '../src/writes/submitter.ts'
import type { Part } from '../src/writes/unit.ts'

let folder: string
let db: Database
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-submitter-'))
  db = new Database(folder, true)
})
afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

const bytesOf = (vault: string): Uint8Array => new Uint8Array(Buffer.from(vault, 'hex'))
const VAULTS = Array.from({ length: 30 }, (_, i) => (16 + i).toString(16).repeat(32))

/** A deterministic coin. */
const dice = (seed: number) => (sides: number): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return (seed >>> 8) % sides
}

let written = 0
const partOf = (vault: string, records = 1): Part => {
  const id = `w${written++}`
  const locator = {
    type: 'Observation', id, vault, category: 'laboratory', author: 'a', handle: '00'.repeat(16), version: 1,
    deleted: false, updated: 0, digest: '',
  }
  const writes = Array.from({ length: records }, () => ({ locator, content: new Uint8Array(10) }))
  return { vault, contested: false, writes }
}

const ACCEPTED = { accepted: true, position: {} as never, word: new Uint8Array(0) } as const

type Answer = (commits: readonly PreparedCommit[]) => Promise<SubmitResult[]>

const submitterWith = (submit: Answer, submissionBytes = 100) => {
  const discarded: PreparedCommit[] = []
  const cabinet = new Cabinet(new Uint8Array(32), (length) => crypto.getRandomValues(new Uint8Array(length)))
  const directory = new Directory(db, cabinet, 'a')
  const kept = new Kept(db, cabinet, () => 0)
  const outbox = new Outbox(db, cabinet, (length) => crypto.getRandomValues(new Uint8Array(length)), kept)
  const vault = (id: string) => ({
    prepare: async (items: readonly WriteItem[]): Promise<PreparedCommit> => ({
      vault: bytesOf(id), custodian: new Uint8Array(32), id: new Uint8Array(32),
      submission: new Uint8Array(submissionBytes),
      blobs: [], items: items.map((item, place) => ({ ...item, record: new Uint8Array(16), place })),
    }),
  })
  const submitter = new Submitter({
    client: { submit, discard: (commit) => void discarded.push(commit) },
    vaults: { get: async (id: string) => vault(id), stale: () => undefined } as unknown as VaultShelf,
    db, outbox, directory, state: new SealedState(db, cabinet),
    accepted: () => undefined,
    sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
    log: () => undefined,
  })
  return { submitter, directory, outbox, discarded }
}

test('never two submissions of one vault, never more than the limit, and everything arrives', async () => {
  const roll = dice(7)
  const underWay = new Set<string>()
  let submissions = 0
  let most = 0
  const { submitter, directory, outbox } = submitterWith(async (commits) => {
    submissions++
    most = Math.max(most, submissions)
    const names = commits.map((commit) => Buffer.from(commit.vault).toString('hex'))
    for (const name of names) {
      expect(underWay.has(name)).toBe(false)
      underWay.add(name)
    }
    await sleep(roll(4))
    for (const name of names) underWay.delete(name)
    submissions--
    return commits.map(() => roll(5) === 0
      ? { accepted: false, problem: 'capsule-closed', items: [] } : ACCEPTED)
  })
  const parts: Part[] = []
  const clients = Array.from({ length: 12 }, async () => {
    for (let i = 0; i < 8; i++) {
      const unit = [...new Set([VAULTS[roll(30)], VAULTS[roll(30)]])].map((vault) => partOf(vault as string))
      await sleep(roll(5))
      // Sealed anew too often is an answer as well, and leaves nothing behind.
      await submitter.run(unit).then(() => parts.push(...unit), (error: unknown) =>
        expect(error).toMatchObject({ code: 'index-unavailable' }))
    }
  })
  await Promise.all(clients)
  expect(most).toBeLessThanOrEqual(EDGE_LIMITS.submissionsAtOnce)
  expect(parts.length).toBeGreaterThan(100)
  await submitter.close()
  for (const { locator } of parts.flatMap(({ writes }) => writes)) {
    expect(directory.locator(`Observation/${locator.id}`)).toEqual(locator)
  }
  expect(outbox.rows()).toEqual([])
})

test('of large writes the next is under way while the index has the one before, and no third', async () => {
  const answers: (() => void)[] = []
  const { submitter } = submitterWith((commits) => new Promise((resolve) => {
    answers.push(() => resolve(commits.map(() => (ACCEPTED))))
  }))
  const writes = VAULTS.slice(0, 3).map((vault) => submitter.run([partOf(vault, EDGE_LIMITS.gatherRecords)]))
  const more = VAULTS.slice(3, 6).map(async (vault) => {
    await sleep(20)
    await submitter.run([partOf(vault, EDGE_LIMITS.gatherRecords)])
  })
  await expect.poll(() => answers.length).toBe(EDGE_LIMITS.submissionsAtOnce)
  void submitter.run([partOf(VAULTS[7] as string, EDGE_LIMITS.gatherRecords)])
  await sleep(20)
  expect(answers).toHaveLength(EDGE_LIMITS.submissionsAtOnce)
  answers.forEach((answer) => answer())
  await Promise.all([...writes, ...more])
  await expect.poll(() => answers.length).toBe(EDGE_LIMITS.submissionsAtOnce + 1)
  answers.at(-1)?.()
})

test('those who write together go together, and one alone waits for nobody', async () => {
  const sizes: number[] = []
  const { submitter } = submitterWith(async (commits) => {
    sizes.push(commits.length)
    await sleep(5)
    return commits.map(() => (ACCEPTED))
  })
  const started = performance.now()
  for (let i = 0; i < 5; i++) await submitter.run([partOf(VAULTS[0] as string)])
  expect(sizes).toEqual([1, 1, 1, 1, 1])
  expect(performance.now() - started).toBeLessThan(2_000)
  sizes.length = 0
  await Promise.all(VAULTS.slice(0, 5).map((vault) => submitter.run([partOf(vault)])))
  expect(sizes).toEqual([5])
})

test('what was kept and not answered is delivered by the next process, once', async () => {
  const { submitter } = submitterWith(() => new Promise(() => undefined))
  const part = partOf(VAULTS[1] as string)
  void submitter.run([part]).catch(() => undefined)
  await expect.poll(() => db.outbox().length).toBe(1)
  db.close()
  db = new Database(folder, true)
  const sent: PreparedCommit[] = []
  const next = submitterWith(async (commits) => {
    sent.push(...commits)
    return commits.map(() => (ACCEPTED))
  })
  await next.submitter.recover()
  expect(sent.map(({ vault }) => Buffer.from(vault).toString('hex'))).toEqual([part.vault])
  expect(next.directory.locator(`Observation/${part.writes[0]?.locator.id}`)?.vault).toBe(part.vault)
  expect(next.outbox.rows()).toEqual([])
})

test('what cannot be kept is refused, its vaults are free again, and what was left for later is written', async () => {
  const sent: string[] = []
  // Two of them do not fit one request to the index: the second is left for a submission of its own.
  const { submitter, outbox, discarded } = submitterWith(async (commits) => {
    sent.push(...commits.map(({ vault }) => Buffer.from(vault).toString('hex')))
    return commits.map(() => (ACCEPTED))
  }, 20 * 1024 * 1024)
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
  vi.spyOn(db, 'writeAside').mockRejectedValueOnce(full)
  const [first, second] = VAULTS.slice(0, 2).map((vault) => submitter.run([partOf(vault)]))
  await expect(first).rejects.toMatchObject({ code: 'internal' })
  await second
  expect(sent).toEqual([VAULTS[1]])
  // Both are sealed together first; whoever keeps a commit without sending it holds its vault for ever.
  const unsent = discarded.map(({ vault }) => Buffer.from(vault).toString('hex'))
  expect(unsent.filter((vault) => vault === VAULTS[0])).toHaveLength(2)
  await submitter.run([partOf(VAULTS[0] as string)])
  await submitter.close()
  expect(outbox.rows()).toEqual([])
})

test('where the flush failed, the outcome is unknown: the next process may find the row', async () => {
  db.close()
  db = new Database(folder, true, () => Promise.reject(new Error('EIO')))
  const { submitter } = submitterWith(async () => expect.fail('sent before it was on the disk'))
  await expect(submitter.run([partOf(VAULTS[0] as string)])).rejects.toMatchObject({ code: 'outcome-unknown' })
  await expect(submitter.run([partOf(VAULTS[0] as string)])).rejects.toMatchObject({ code: 'internal' })
  await submitter.close()
})

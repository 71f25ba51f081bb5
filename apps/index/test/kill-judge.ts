/** Judges what an index that was killed many times told, against what it stores and what its trustees mirrored. */
import { CompactRange, leafHash, newTiles } from '@scelle/log'
import { decode, encode, equalBytes, statementId, toHex } from '@scelle/seal/verify'
import { entryOf, logPolicy, QUORUM, verifyReceipt } from '@scelle/wire/log'
import { CommitAnswers, CommitBatch, CommitSubmission } from '@scelle/wire/messages'
import { expect } from 'vitest'
import type { Store } from '../src/store.ts'
import type { KillRun } from './kill-run.ts'
import type { KillWork, Told } from './kill-work.ts'
import { type CommitAnswer, commitAnswers } from './world.ts'

type Place = NonNullable<CommitAnswer['position']>

/** Leaf hashes of what the index stores; the trustees' mirrors hold the same entries, as far as they reach. */
const storedLeaves = async (run: KillRun, { log }: Store): Promise<Uint8Array[]> => {
  const size = await log.size()
  const leaves = await log.leaves(0, size)
  expect(leaves).toHaveLength(size)
  const entries = leaves.map(({ entry }) => entry)
  for (const { entries: mirrored } of run.witnesses) {
    expect(mirrored.length).toBeLessThanOrEqual(size)
    expect(mirrored.every((entry, leaf) => equalBytes(entry, entries[leaf] as Uint8Array))).toBe(true)
  }
  expect(new Set(entries.map(toHex)).size).toBe(size)
  return entries
}

/** Every checkpoint that ever left the index is the root of its leaves up to there. */
const judgeRoots = async (run: KillRun, { log }: Store, hashes: readonly Uint8Array[]): Promise<void> => {
  const stored = await log.checkpoint()
  expect(stored?.size).toBe(hashes.length)
  await run.history.saw((stored as NonNullable<typeof stored>).note)
  const range = new CompactRange()
  const roots = new Map<number, Uint8Array>()
  for (const hash of hashes) {
    range.append(hash)
    if (run.history.roots.has(range.size)) roots.set(range.size, range.root())
  }
  for (const [size, root] of run.history.roots) expect([size, root]).toEqual([size, roots.get(size)])
}

/** The stored tiles lead from the leaves to the root: all full ones; the partial ones are made at every start. */
const judgeTiles = async ({ log }: Store, hashes: readonly Uint8Array[]): Promise<void> => {
  const full = newTiles(0, hashes.length).filter(({ level, width }) => level === 0 && width === 256)
  for (const { index } of full) {
    const tile = await log.tile(0, index)
    expect(toHex(tile as Uint8Array)).toBe(hashes.slice(index * 256, index * 256 + 256).map(toHex).join(''))
  }
}

/** Every position and every receipt ever given holds. */
const judgeTold = async (run: KillRun, told: Iterable<Told>, entries: readonly Uint8Array[]): Promise<number> => {
  const trustees = run.trustees.map(({ keys }) => keys)
  const policy = logPolicy({ index: run.identity.keys, trustees, quorum: QUORUM.release })
  let receipts = 0
  const sequences = new Set<number>()
  for (const { signed, sequence, salt, proof } of told) {
    expect(entries[sequence - 1]).toEqual(entryOf(signed, salt))
    sequences.add(sequence)
    if (proof === undefined) continue
    const { checkpoint } = await verifyReceipt(proof, signed, policy)
    expect(run.history.roots.get(checkpoint.size)).toEqual(checkpoint.root)
    receipts++
  }
  expect(sequences.size).toBe([...told].length)
  return receipts
}

/** Of single statements, so many are sent again. */
const REPEATED = 200

/** What was acknowledged, sent again, has the place that it had: all commits, and of the rest the oldest and newest. */
export const judgeRepeats = async (run: KillRun, work: KillWork, url: string): Promise<void> => {
  for (const job of [...work.answered.slice(0, REPEATED / 2), ...work.answered.slice(-REPEATED / 2)]) {
    await job.answered(await work.ask(url, job) as Uint8Array)
  }
  for (const { owner: as } of work.parts) {
    const own = [...work.submissions.values()].filter((one) => one.as === as)
      .map(({ submission }) => decode(CommitSubmission, submission))
    for (let from = 0; from < own.length; from += 64) {
      const batch = own.slice(from, from + 64)
      const body = await work.ask(url, { as, path: '/v1/commits', body: encode(CommitBatch, batch) })
      const answers = await commitAnswers(batch, decode(CommitAnswers, body as Uint8Array), run.identity.keys)
      for (const [place, { commit }] of batch.entries()) {
        const { sequence, salt, time } = (answers[place] as CommitAnswer).position as Place
        await work.keep(commit, { sequence, salt: salt as Uint8Array, time })
      }
    }
  }
}

/** Every commit acknowledged is served, whole, and nothing else of its part. */
const judgeEffects = async (work: KillWork, store: Store): Promise<void> => {
  for (const { owner, vault } of work.parts) {
    const part = { vault: vault.vault, custodian: owner.id }
    const { commits } = await store.feed({ ...part, mask: -1, after: 0, limit: 65_536, maxBytes: 2 ** 30 })
    const expected = [...work.submissions.values()].filter(({ as }) => as === owner)
      .map(({ submission }) => decode(CommitSubmission, submission))
    const served = new Map(commits.map((one) => [toHex(statementId(one.statement)), one]))
    expect([commits.length, served.size]).toEqual([expected.length, expected.length])
    for (const { commit, capsules, records } of expected) {
      const one = served.get(toHex(statementId(commit)))
      expect([one?.capsules.length, one?.records.length]).toEqual([capsules.length, records.length])
    }
  }
}

/** The number of receipts that were verified. */
export const judgeStored = async (run: KillRun, work: KillWork, store: Store): Promise<number> => {
  const entries = await storedLeaves(run, store)
  const hashes = entries.map(leafHash)
  await judgeRoots(run, store, hashes)
  await judgeTiles(store, hashes)
  await judgeEffects(work, store)
  return judgeTold(run, [...work.told.values()], entries)
}

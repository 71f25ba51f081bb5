/** The part of the contract about entries that readers write about their own accesses. */
import { toHex } from '@scelle/seal/verify'
import { expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import type { AccessOperation, DenialOperation, Outcome } from '../src/store.ts'
import { access, AT, capsule, commit, grant, manifest, record, revocation, statement, vault } from './operations.ts'
import type { Suite } from './store-suite.ts'

export const testEntries = (suite: Suite): void => {
  const { one, must, random } = suite
  const REFUSED = { problem: 'not-permitted' }

  /** A part whose last category is its access log, and somebody who may read its first one. */
  const setUp = async (rights = 4) => {
    const custodian = random(32)
    const [summary, notes, log] = [random(16), random(16), random(16)]
    const made = vault(random, custodian, [summary, notes, log], log)
    await must(made)
    const part = { vault: made.statement.id, custodian }
    const reader = random(32)
    const given = grant(random, part, { grantee: reader, categories: [summary], rights })
    await must(given)
    const enter = (
      categories: readonly Uint8Array[], { author = reader, at = AT, records = 0 } = {},
    ): Promise<Outcome> => {
      const capsules = categories.map((id, place) => capsule(random, id, { place, opened: at }))
      const items = Array.from({ length: records }, (_, i) =>
        record(random, capsules[0]!.capsule, { place: capsules.length + i }))
      return one(commit(random, { ...part, author }, { capsules, records: items }, { at }))
    }
    return { part, made, reader, summary, notes, log, given, enter }
  }

  test('whoever may read in a part may write about its accesses there, and nothing else', async () => {
    const { enter, log, summary, notes } = await setUp()
    expect(await enter([log])).toHaveProperty('position')
    expect(await enter([summary])).toEqual(REFUSED)
    expect(await enter([log, notes])).toMatchObject({ problem: 'bad-statement' })
    expect(await enter([log], { author: random(32) })).toEqual(REFUSED)
    expect(await enter([log], { records: INDEX_LIMITS.entriesPerCommit })).toHaveProperty('position')
    expect(await enter([log], { records: INDEX_LIMITS.entriesPerCommit + 1 })).toEqual(REFUSED)
  })

  test('a right to relay, to write elsewhere or to read another part is no such right', async () => {
    const relay = await setUp(1)
    expect(await relay.enter([relay.log])).toEqual(REFUSED)
    const writer = await setUp(2)
    expect(await writer.enter([writer.log])).toEqual(REFUSED)
    expect(await writer.enter([writer.summary])).toHaveProperty('position')
    const [here, there] = [await setUp(), await setUp()]
    expect(await here.enter([here.log], { author: there.reader })).toEqual(REFUSED)
  })

  test('neither before it begins nor after it ends; for an hour after it was revoked', async () => {
    const { enter, log, part, given } = await setUp()
    expect(await enter([log], { at: AT - 11 })).toEqual(REFUSED)
    expect(await enter([log], { at: AT + 86_400 })).toEqual(REFUSED)
    await must(revocation(random, part.vault, given.statement.id))
    expect(await enter([log], { at: AT + INDEX_LIMITS.entryAfterRevocation - 1 })).toHaveProperty('position')
    expect(await enter([log], { at: AT + INDEX_LIMITS.entryAfterRevocation })).toEqual(REFUSED)
  })

  test('revoked in the same group of writes: a moment ago', async () => {
    const { part, reader, log, given } = await setUp()
    const operations = [
      revocation(random, part.vault, given.statement.id),
      commit(random, { ...part, author: reader }, { capsules: [capsule(random, log)] }),
    ]
    const outcomes = await suite.store.apply(operations)
    expect(outcomes.every((outcome) => 'position' in outcome)).toBe(true)
  })

  test('nobody mixes entries with records, whatever else may be written', async () => {
    const { part, enter, log, summary } = await setUp()
    const both = { capsules: [summary, log].map((id, place) => capsule(random, id, { place })) }
    const author = part.custodian
    expect(await one(commit(random, { ...part, author }, both))).toMatchObject({ problem: 'bad-statement' })
    expect(await enter([log], { author })).toHaveProperty('position')
    const writer = random(32)
    await must(grant(random, part, { grantee: writer, categories: [summary, log], rights: 2 }))
    expect(await enter([summary, log], { author: writer })).toMatchObject({ problem: 'bad-statement' })
    expect(await enter([log], { author: writer, records: 40 })).toHaveProperty('position')
  })

  test('accesses and refused ones are listed together, in the order of the log, from any place on', async () => {
    const { part, given, reader } = await setUp()
    const [first, second] = [0, 1].map(() =>
      access(random, part, reader, { capsules: [], chain: [given.statement.id] })) as [AccessOperation, AccessOperation]
    const denial: DenialOperation = {
      kind: 'denial', statement: statement(random), ...part, reader, access: random(50),
    }
    const places: number[] = []
    for (const operation of [first, denial, second]) places.push(await must(operation))
    const listed = async (after: number, limit = 10) =>
      suite.store.accessEntries({ vault: part.vault, custodian: part.custodian, after, limit })
    const all = await listed(0)
    expect(all.map(({ position }) => position.sequence)).toEqual(places)
    expect(all.map((entry) => [toHex(entry.access), entry.denial && toHex(entry.denial)])).toEqual([
      [toHex(first.statement.bytes), undefined],
      [toHex(denial.access), toHex(denial.statement.bytes)],
      [toHex(second.statement.bytes), undefined],
    ])
    expect((await listed(places[0] as number, 1)).map(({ position }) => position.sequence)).toEqual([places[1]])
    expect(await listed(places[2] as number)).toEqual([])
    const elsewhere = await setUp()
    expect(await suite.store.accessEntries({ ...elsewhere.part, after: 0, limit: 10 })).toEqual([])
  })

  test('the mark is kept through an epoch and a restart', async () => {
    const { part, made, summary, notes, log, enter } = await setUp()
    const categories = [summary, notes, log].map((category) => ({ category, epoch: 1, accessLog: category === log }))
    const marks = async (): Promise<boolean[]> =>
      (await suite.store.categories(part.vault, part.custodian)).map(({ accessLog }) => accessLog)
    expect(await marks()).toEqual([false, false, true])
    await must(manifest(random, part, { version: 2, previous: made.manifest.statement.id, categories }))
    await suite.reopen()
    expect(await marks()).toEqual([false, false, true])
    expect(await enter([log])).toMatchObject({ problem: 'epoch-stale' })
  })
}

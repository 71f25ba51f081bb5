/** The part of the contract about what is written and read back. */
import { toHex } from '@scelle/seal/verify'
import { expect, test } from 'vitest'
import { nameOf } from '../src/names.ts'
import type { Operation, StoredPosition } from '../src/store.ts'
import { access, AT, capsule, commit, grant, keyRecord, manifest, record, revocation, statement } from './operations.ts'
import type { Suite } from './store-suite.ts'

export const testWriting = (suite: Suite): void => {
  const { one, must, setUp, feedOf, write, random } = suite

  test('key records come in order, are kept, and repeat their position', async () => {
    const principal = random(32)
    const genesis = keyRecord(random, principal, 0)
    const next = keyRecord(random, principal, 1)
    expect(await one(next)).toMatchObject({ problem: 'already-exists' })
    const sequence = await must(genesis)
    await must(next)
    expect(await must(genesis)).toBe(sequence)
    expect(await one(keyRecord(random, principal, 1))).toMatchObject({ problem: 'already-exists' })
    expect(await suite.store.keyChain(principal)).toEqual([genesis.statement.bytes, next.statement.bytes])
    expect(await suite.store.keyCount(principal)).toBe(2)
    expect(await suite.store.keyChain(random(32))).toEqual([])
    expect((await suite.store.position(genesis.statement.id))?.sequence).toBe(sequence)
  })

  test('a vault brings its first manifest; later ones follow it exactly', async () => {
    const part = await setUp()
    const { custodian, made } = part
    expect(await suite.store.genesis(part.vault)).toEqual(made.statement.bytes)
    expect(await suite.store.custodians(part.vault)).toEqual([custodian])
    const [first, second] = part.categories as [Uint8Array, Uint8Array]
    const categories = [
      { category: second, epoch: 0 },
      { category: first, epoch: 1 },
      { category: random(16), epoch: 0 },
    ]
    const previous = made.manifest.statement.id
    const wrong = [
      manifest(random, part, { version: 2, previous: random(32), categories }),
      manifest(random, part, { version: 3, previous, categories }),
      manifest(random, part, { version: 1, categories }),
    ].map((operation) => ({ ...operation, vault: part.vault, custodian }))
    for (const operation of wrong) expect(await one(operation)).toEqual({ problem: 'manifest-conflict' })
    const right = manifest(random, { vault: part.vault, custodian }, { version: 2, previous, categories })
    const sequence = await must(right)
    expect(await must(right)).toBe(sequence)
    const states = await suite.store.categories(part.vault, custodian)
    expect(states.map(({ category }) => toHex(category))).toEqual(
      [first, second, categories[2]?.category as Uint8Array].map(toHex),
    )
    expect(states.map(({ epoch, closed }) => [epoch, closed > 0])).toEqual([
      [1, true],
      [0, false],
      [0, false],
    ])
    expect(await suite.store.manifests(part.vault, custodian)).toEqual([
      made.manifest.statement.bytes,
      right.statement.bytes,
    ])
  })

  test('another custodian has a part of its own in the same vault', async () => {
    const part = await setUp()
    const other = random(32)
    await must(
      manifest(random, { vault: part.vault, custodian: other }, { categories: [{ category: random(16), epoch: 0 }] }),
    )
    expect((await suite.store.custodians(part.vault)).map(toHex)).toEqual([part.custodian, other].map(toHex))
    await write(part)
    expect((await feedOf({ vault: part.vault, custodian: other })).commits).toEqual([])
  })

  test('a commit is served as it was sent, and again keeps its place', async () => {
    const part = await setUp()
    const { operation, sequence } = await write(part)
    expect(await must(operation)).toBe(sequence)
    const page = await feedOf(part)
    const [entry] = page.commits
    expect(page).toMatchObject({ last: entry?.sequence, more: false })
    expect(entry?.statement).toEqual(operation.statement.bytes)
    expect(entry?.leaves).toEqual(operation.leaves)
    expect(entry?.capsules.map(({ bytes, place }) => [bytes, place])).toEqual([[operation.capsules[0]?.bytes, 0]])
    expect(entry?.records.map(({ body, header, place }) => [body, header, place])).toEqual([
      [operation.records[0]?.body, operation.records[0]?.header, 1],
    ])
    const { salt } = await suite.store.position(operation.statement.id, part.vault) as StoredPosition
    expect(await suite.store.history(part.vault, part.custodian)).toEqual([
      { statement: operation.statement.bytes, sequence, salt },
    ])
    expect(await suite.store.history(part.vault, part.custodian, random(32))).toEqual([])
  })

  test('a version of a handle in a category exists once: of many at a time, one', async () => {
    const part = await setUp()
    const { made } = await write(part)
    const handle = random(16)
    const racing = Array.from({ length: 20 }, () =>
      commit(
        random,
        { ...part, author: part.custodian },
        { records: [record(random, made.capsule, { handle, place: 0 })] },
      ),
    )
    const outcomes = (await Promise.all(racing.map((operation) => suite.store.apply([operation])))).flat()
    expect(outcomes.filter((outcome) => 'position' in outcome)).toHaveLength(1)
    expect(outcomes.filter((outcome) => 'problem' in outcome)).toEqual(
      Array.from({ length: 19 }, () => ({ problem: 'version-exists', places: [0] })),
    )
    const within = commit(
      random,
      { ...part, author: part.custodian },
      { records: [2, 5].map((place) => record(random, made.capsule, { handle, version: 2, place })) },
    )
    expect(await one(within)).toEqual({ problem: 'version-exists', places: [5] })
    const other = await write(part, 1)
    await must(
      commit(
        random,
        { ...part, author: part.custodian },
        { records: [record(random, other.made.capsule, { handle })] },
      ),
    )
  })

  test('a handle is its author\'s: a thief of it takes no version of the author\'s line', async () => {
    const part = await setUp()
    const [category] = part.categories as [Uint8Array]
    const thief = random(32)
    await must(grant(random, part, { grantee: thief, categories: [category], rights: 6 }))
    const handle = random(16)
    const put = (author: Uint8Array, version: number) => {
      const made = capsule(random, category)
      return one(commit(random, { ...part, author }, {
        capsules: [made], records: [record(random, made.capsule, { handle, version })],
      }))
    }
    expect(await put(part.custodian, 1)).toHaveProperty('position')
    for (const version of [1, 2, 2 ** 32 - 1]) expect(await put(thief, version)).toHaveProperty('position')
    expect(await put(part.custodian, 2)).toHaveProperty('position')
    for (const author of [thief, part.custodian]) {
      expect(await put(author, 2)).toEqual({ problem: 'version-exists', places: [1] })
    }
  })

  test('one refusal of a batch hurts no other', async () => {
    const part = await setUp()
    const good = [0, 1].map(() => {
      const made = capsule(random, part.categories[0] as Uint8Array)
      return commit(
        random,
        { ...part, author: part.custodian },
        { capsules: [made], records: [record(random, made.capsule)] },
      )
    }) as [Operation, Operation]
    const bad = commit(
      random,
      { ...part, author: random(32) },
      { capsules: [capsule(random, part.categories[0] as Uint8Array)] },
    )
    const outcomes = await suite.store.apply([good[0], bad, good[1], good[0]])
    expect(outcomes.map((outcome) => ('problem' in outcome ? outcome.problem : 'position'))).toEqual([
      'position',
      'not-permitted',
      'position',
      'position',
    ])
    expect(outcomes[3]).toEqual(outcomes[0])
    expect((await feedOf(part)).commits).toHaveLength(2)
  })

  test("capsules close by time, access, revocation, epoch and number; and are one author's", async () => {
    const part = await setUp()
    const { vault: id, custodian } = part
    const own = { vault: id, custodian, author: custodian }
    const add = (made: { capsule: Uint8Array }, fields = {}) =>
      one(commit(random, own, { records: [record(random, made.capsule, { place: 0 })] }, fields))
    const closed = { problem: 'capsule-closed', places: [0] }
    const { made } = await write(part)
    expect(await add(made, { at: AT + 86_399 })).toHaveProperty('position')
    expect(await add(made, { at: AT + 86_400 })).toEqual(closed)
    expect(await add({ capsule: random(16) })).toEqual(closed)

    await must(access(random, part, custodian, { capsules: [made.headerHash], chain: [] }))
    expect(await add(made)).toEqual(closed)

    const [first, second] = [await write(part), await write(part, 1)]
    const given = grant(random, part, { grantee: random(32), categories: [part.categories[0] as Uint8Array] })
    await must(given)
    await must(revocation(random, id, given.statement.id))
    expect(await add(first.made)).toEqual(closed)
    expect(await add(second.made)).toHaveProperty('position')

    const full = await write(part, 1)
    const many = (count: number) =>
      commit(random, own, {
        records: Array.from({ length: count }, (_, place) => record(random, full.made.capsule, { place })),
      })
    expect(await one(many(500))).toEqual({ problem: 'capsule-closed', places: [499] })
    await must(many(499))
    expect(await one(many(1))).toEqual(closed)

    await must(
      manifest(
        random,
        { vault: id, custodian },
        {
          version: 2,
          previous: part.made.manifest.statement.id,
          categories: part.categories.map((category) => ({ category, epoch: 1 })),
        },
      ),
    )
    expect(await add(second.made)).toEqual(closed)
    const stale = commit(random, own, { capsules: [capsule(random, part.categories[0] as Uint8Array, { place: 7 })] })
    expect(await one(stale)).toEqual({ problem: 'epoch-stale', places: [7] })
    const unknown = commit(random, own, { capsules: [capsule(random, random(16), { place: 3 })] })
    expect(await one(unknown)).toMatchObject({ problem: 'bad-statement', places: [3] })
  })

  test('a capsule is of one vault, one part, one author', async () => {
    const [part, other] = [await setUp(), await setUp()]
    const { made } = await write(part)
    const writer = random(32)
    const asOther = commit(
      random,
      { ...other, author: other.custodian },
      { records: [record(random, made.capsule, { place: 0 })] },
    )
    expect(await one(asOther)).toEqual({ problem: 'capsule-closed', places: [0] })
    await must(grant(random, part, { grantee: writer, categories: part.categories }))
    const asWriter = commit(
      random,
      { ...part, author: writer },
      { records: [record(random, made.capsule, { place: 0 })] },
    )
    expect(await one(asWriter)).toEqual({ problem: 'capsule-closed', places: [0] })
    const again = commit(
      random,
      { ...part, author: writer },
      { capsules: [capsule(random, part.categories[0] as Uint8Array, { capsule: made.capsule, place: 4 })] },
    )
    expect(await one(again)).toMatchObject({ problem: 'already-exists', places: [4] })
    await must(
      commit(
        random,
        { ...other, author: other.custodian },
        { capsules: [capsule(random, other.categories[0] as Uint8Array, { capsule: made.capsule })] },
      ),
    )
  })

  test('a feed shows granted categories, in order, by pages, and leaves no trace of others', async () => {
    const part = await setUp(3)
    const written: string[] = []
    for (let i = 0; i < 200; i++) written.push(toHex((await write(part, i % 3)).operation.statement.bytes))
    const visible = written.filter((_, i) => i % 3 !== 1)
    const seen: string[] = []
    const sequences: number[] = []
    let after = 0
    for (let more = true; more;) {
      const page = await feedOf(part, { mask: 0b101, after, limit: 30 })
      seen.push(...page.commits.map(({ statement: bytes }) => toHex(bytes)))
      sequences.push(...page.commits.map(({ sequence }) => sequence))
      expect(page.last).toBe(sequences.at(-1))
      expect(page.commits.length).toBe(Math.min(30, visible.length - seen.length + page.commits.length))
      after = page.last
      more = page.more
    }
    expect(seen).toEqual(visible)
    expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b))
    const small = await feedOf(part, { maxBytes: 347 })
    expect([small.commits.length, small.more]).toEqual([2, true])
    expect(await suite.store.anyCommit({ ...part, mask: 2, upTo: sequences[0] as number })).toBe(false)
    const [hidden] = (await feedOf(part, { mask: 2 })).commits
    expect(await suite.store.anyCommit({ ...part, mask: 2, upTo: hidden?.sequence as number })).toBe(true)
    const mixed = commit(
      random,
      { ...part, author: part.custodian },
      { capsules: part.categories.map((category, place) => capsule(random, category, { place })) },
    )
    const { last: after200 } = await feedOf(part, { limit: 1000 })
    await must(mixed)
    const [last] = (await feedOf(part, { mask: 2, after: after200 })).commits
    expect(last?.capsules.map(({ place }) => place)).toEqual([1])
  })

  test('encapsulations and blobs are found by their names', async () => {
    const part = await setUp()
    const encapsulation = statement(random)
    const made = capsule(random, part.categories[1] as Uint8Array)
    const digest = random(32)
    const operation = commit(
      random,
      { ...part, author: part.custodian },
      { capsules: [made], records: [record(random, made.capsule, { body: undefined, digest, size: 100_000 })] },
      { encapsulations: [encapsulation, encapsulation] },
    )
    await must(operation)
    const found = await suite.store.encapsulations([encapsulation.id, random(32)])
    expect([...found]).toEqual([[nameOf(encapsulation.id), encapsulation.bytes]])
    expect(await suite.store.blobPlaces(digest)).toEqual([{ vault: part.vault, custodian: part.custodian, mask: 2 }])
    expect(await suite.store.blobPlaces(random(32))).toEqual([])
    const [entry] = (await feedOf(part)).commits
    expect(entry?.records[0]).toMatchObject({ body: undefined, digest, size: 100_000 })
  })

  test('everything is there after opening again, and sequences go on', async () => {
    const part = await setUp()
    const before = await write(part)
    const page = await feedOf(part)
    await suite.reopen()
    expect(await feedOf(part)).toEqual(page)
    expect((await suite.store.position(before.operation.statement.id, part.vault))?.sequence).toBe(before.sequence)
    expect((await write(part)).sequence).toBe(before.sequence + 1)
    expect(await suite.store.ready()).toBe(true)
  })
}

/** A page of a feed is as large as it says, whatever its commits are made of. */
import { encode } from '@scelle/seal/verify'
import { Feed } from '@scelle/wire/messages'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { feedCommit, fitting, namedEncapsulations, servedSize } from '../src/feed-page.ts'
import { INDEX_LIMITS } from '../src/limits.ts'
import type { FeedPage } from '../src/store.ts'
import { World, Writer } from './world.ts'

let world: World
let page: FeedPage
beforeAll(async () => {
  world = await World.create({ seed: 'feed pages' })
  const owner = await world.principal()
  const vault = await world.vault(owner)
  for (const count of [1, 60, 200]) {
    // Another writer's hand each time, so that every commit names encapsulations of its own.
    await new Writer(world, owner, vault, { custodian: owner }).write(count)
  }
  page = await world.storage.store.feed({
    vault: vault.vault, custodian: owner.id, mask: -1, after: 0, limit: 10, maxBytes: 1e9,
  })
})
afterAll(() => world.end())

const servedLength = async (part: FeedPage): Promise<number> => encode(Feed, {
  commits: part.commits.map(feedCommit),
  encapsulations: [...(await world.storage.store.encapsulations(namedEncapsulations(part.commits))).values()],
  cursor: new Uint8Array(40), more: part.more,
}).length

test('what a page is counted as is no less than what is sent, and hardly more', async () => {
  const counted = page.commits.reduce((sum, entry) => sum + servedSize(entry), 0) +
    namedEncapsulations(page.commits).length * INDEX_LIMITS.feedEncapsulation
  const sent = await servedLength(page)
  expect(counted).toBeGreaterThan(sent - 200)
  expect(counted).toBeLessThan(sent * 1.2)
})

test('a commit shown in part is counted with what proves it', async () => {
  const sparse = page.commits.map((entry) => ({
    ...entry,
    records: entry.records.filter((_, place) => place % 5 === 0).map((record) => ({ ...record, body: undefined })),
  }))
  const [sent, counted] = [encode(Feed, {
    commits: sparse.map(feedCommit), encapsulations: [], cursor: new Uint8Array(40), more: false,
  }).length, sparse.reduce((sum, entry) => sum + servedSize(entry), 0)]
  expect(sparse.flatMap((entry) => feedCommit(entry).siblings).length).toBeGreaterThan(80)
  expect(counted).toBeGreaterThan(sent - 200)
  expect(counted).toBeLessThan(sent * 1.2)
})

test('a page ends with the commit that fills it, encapsulations counted, and holds one at least', () => {
  const [first] = page.commits
  expect(page.commits).toHaveLength(3)
  expect(fitting(page, 1e9)).toBe(page)
  expect(fitting(page, 1)).toEqual({ commits: [first], last: first?.sequence, more: true })
  const bare = servedSize(page.commits[0]!) + 1
  expect(fitting(page, bare).commits).toHaveLength(1)
  const both = servedSize(page.commits[0]!) + 4 * INDEX_LIMITS.feedEncapsulation + 1
  expect(fitting(page, both).commits).toHaveLength(2)
})

test('a reader gets everything through small pages', async () => {
  const seen = []
  for (let rest = page.commits; rest.length > 0;) {
    const part = fitting({ commits: rest, last: page.last, more: false }, 20_000)
    seen.push(...part.commits)
    rest = part.more ? rest.slice(part.commits.length) : []
  }
  expect(seen).toEqual(page.commits)
})

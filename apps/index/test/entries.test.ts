/** Entries about accesses, from request to feed: who may add them, and how whoever reads a chart leaves them out. */
import { toHex } from '@scelle/seal/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { World, Writer } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.create({ seed: 'entries' })
})
afterAll(() => world.end())

test('a reader adds entries, and a feed has them, none of them, or nothing else', async () => {
  const owner = await world.principal()
  const reader = await world.principal()
  const vault = await world.vault(owner, 'owner', ['summary', 'access-log'])
  const [summary] = vault.manifest.manifest.categories
  await world.grant(vault, { signer: owner, custodian: owner, grantee: reader }, {
    rights: 4, categories: [summary!.category],
  })
  await new Writer(world, owner, vault, { custodian: owner }).write(2, 0)
  await new Writer(world, reader, vault, { custodian: owner }).write(1, 1)
  const shown = async (query: string): Promise<number[]> =>
    (await world.feed(owner, vault.vault, owner, query)).commits.map(({ records }) => records.length)
  expect(await shown('')).toEqual([2, 1])
  expect(await shown('&entries=none')).toEqual([2])
  expect(await shown('&entries=only')).toEqual([1])
  // Neither of them shows a reader what its grant does not.
  expect((await world.feed(reader, vault.vault, owner, '&entries=none')).commits).toHaveLength(1)
  const path = (query: string): string => `/v1/vaults/${toHex(vault.vault)}/feed?custodian=${toHex(owner.id)}${query}`
  expect((await world.ask(reader, 'GET', path('&entries=only'))).code).toBe('not-found')
  expect((await world.ask(reader, 'GET', path('&entries=all'))).code).toBe('bad-request')
})

test('a cursor of one of them does not go on in another without what it left out', async () => {
  const owner = await world.principal()
  const vault = await world.vault(owner, 'owner', ['summary', 'access-log'])
  const writer = new Writer(world, owner, vault, { custodian: owner })
  await writer.write(1, 1)
  await writer.write(1, 0)
  const { cursor } = await world.feed(owner, vault.vault, owner, '&entries=none')
  const path = `/v1/vaults/${toHex(vault.vault)}/feed?custodian=${toHex(owner.id)}&cursor=${toHex(cursor)}`
  expect((await world.ask(owner, 'GET', path)).code).toBe('bad-request')
  expect((await world.ask(owner, 'GET', `${path}&entries=none`)).status).toBe(200)
})

test('who may only read cannot write records, by whatever request', async () => {
  const owner = await world.principal()
  const reader = await world.principal()
  const vault = await world.vault(owner, 'owner', ['summary', 'access-log'])
  await world.grant(vault, { signer: owner, custodian: owner, grantee: reader }, { rights: 4 })
  const writer = new Writer(world, reader, vault, { custodian: owner })
  const sealed = await writer.seal(await writer.capsule(0), [{}])
  expect(await world.commit(reader, sealed.submission)).toMatchObject([{ problem: 'not-permitted' }])
  const entry = await writer.seal(await writer.capsule(1), [{}])
  expect(await world.commit(reader, entry.submission)).toMatchObject([{ position: { sequence: expect.any(Number) } }])
})

/** An index whose last checkpoint is uncertain: what it refuses, what it still serves, and the way back. */
import { rootOfLeaves, leafHash } from '@scelle/log'
import { createIdentity } from '@scelle/seal/identity'
import { toHex } from '@scelle/seal/verify'
import { afterEach, expect, test } from 'vitest'
import { ADVICE } from '../src/log/errors.ts'
import { World, Writer } from './world.ts'

let world: World
afterEach(async () => world.end())

test('is not ready, takes nothing more, and goes on after a restart', async () => {
  let uncertain = false
  const faultPoints = {
    store: (point: string): void => {
      if (uncertain && point === 'publish-written') throw new Error('the disk did not answer')
    },
  }
  world = await World.create({ seed: 'log-stopped', storage: { faultPoints } })
  const owner = await world.principal()
  const vault = await world.vault(owner)
  const writer = new Writer(world, owner, vault, { custodian: owner })
  await writer.write()
  const { log } = world.storage.store
  await expect.poll(async () => (await log.checkpoint())?.size).toBe(await log.size())
  const served = (await world.send('GET', '/checkpoint', {})).body
  uncertain = true
  await writer.write()
  await expect.poll(async () => (await world.send('GET', '/readyz', {})).status).toBe(503)
  const said = world.events.filter(({ event }) => event === 'log-stopped')
  expect(said).toEqual([{ event: 'log-stopped', reason: 'uncertain', advice: ADVICE.uncertain }])

  const stranger = await createIdentity('person', world.context)
  const body = stranger.chain[0] as Uint8Array
  expect(await world.ask(stranger, 'POST', '/v1/principals', { body })).toMatchObject({
    status: 503, code: 'log-stopped',
  })
  await expect(writer.write()).rejects.toThrow('log-stopped')
  expect((await world.feed(owner, vault.vault, owner)).commits).toHaveLength(2)
  const [text] = new TextDecoder().decode((await world.send('GET', '/checkpoint', {})).body).split('\n\n')
  expect(text).toBe(new TextDecoder().decode(served).split('\n\n')[0])
  expect((await world.ask(owner, 'GET', `/v1/principals/${toHex(owner.id)}`)).status).toBe(200)

  uncertain = false
  await world.restart()
  await expect.poll(async () => (await world.send('GET', '/readyz', {})).status).toBe(200)
  await new Writer(world, owner, vault, { custodian: owner }).write()
  const store = world.storage.store.log
  const size = await store.size()
  await expect.poll(async () => (await store.checkpoint())?.size).toBe(size)
  const leaves = await store.leaves(0, size)
  expect((await store.checkpoint())?.root).toEqual(rootOfLeaves(leaves.map(({ entry }) => leafHash(entry))))
})

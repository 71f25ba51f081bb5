import { rotateIdentity } from '@scelle/seal/identity'
import { toHex } from '@scelle/seal/verify'
import { entryOf } from '@scelle/wire/log'
import { KeyPlaces, Receipt } from '@scelle/wire/messages'
import { expect, test } from 'vitest'
import { World } from './world.ts'

test('where the log holds somebody\'s key records is told to those who rely on them: each is that leaf', async () => {
  const world = await World.create({ seed: 'places' })
  const [person, other] = [await world.principal(), await world.principal('organisation')]
  const renewed = await rotateIdentity(person, world.context)
  await world.must(Receipt, renewed, 'POST', '/v1/principals', { body: renewed.chain[1]! })
  const path = `/v1/principals/${toHex(person.id)}/places`
  const places = await world.must(KeyPlaces, other, 'GET', path)
  expect(places).toHaveLength(2)
  for (const [i, { sequence, salt }] of places.entries()) {
    const [leaf] = await world.storage.store.log.leaves(sequence - 1, sequence)
    expect(leaf?.entry).toEqual(entryOf(renewed.chain[i]!, salt))
  }
  const unknown = toHex(world.context.random(32))
  expect((await world.ask(other, 'GET', `/v1/principals/${unknown}/places`)).code).toBe('not-found')
  expect((await world.ask(other, 'GET', `${path}?all=1`)).code).toBe('bad-request')
  await world.end()
})

/** Releases of software at the index: by their publisher alone, under its label. */
import type { Identity } from '@scelle/seal/identity'
import {
  decode, encode, LogEntry, Software, softwareLabel, SUITE, toHex,
} from '@scelle/seal/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import { World } from './world.ts'

let world: World
let publisher: Identity
beforeEach(async (context) => {
  world = await World.create({ seed: context.task.name })
  publisher = await world.principal()
})
afterEach(() => world.end())

const release = (fields: Partial<Software> = {}, by = publisher): Promise<Uint8Array> => {
  const { now, random } = world.context
  return by.sign('software', encode(Software, {
    suite: SUITE, name: 'passkey page', version: '1', files: [{ path: '/a', sha256: random(32) }],
    time: Math.floor(now() / 1000), salt: random(16), ...fields,
  }))
}

const send = async (body: Uint8Array, by = publisher): Promise<string> => {
  const { status, code } = await world.ask(by, 'POST', '/v1/software', { body })
  return code ?? String(status)
}

const size = (): Promise<number> => world.storage.store.log.size()

test('a release becomes a leaf under its publisher\'s label, once', async () => {
  const signed = await release()
  const before = await size()
  expect(await send(signed)).toBe('200')
  expect(await send(signed)).toBe('200')
  expect(await size()).toBe(before + 1)
  const [leaf] = await world.storage.store.log.leaves(before, before + 1)
  expect(leaf?.control?.statement).toEqual(signed)
  const { subject } = decode(LogEntry, leaf?.entry as Uint8Array)
  expect(toHex(subject as Uint8Array)).toBe(toHex(softwareLabel(publisher.id)))
})

test('one that somebody else signed, names a file twice or none, is dated ahead, or is of another kind', async () => {
  const other = await world.principal()
  const ahead = Math.floor(world.context.now() / 1000) + 3_600
  const twice = [{ path: '/a', sha256: new Uint8Array(32) }, { path: '/a', sha256: new Uint8Array(32).fill(1) }]
  expect(await send(await release(), other)).toBe('not-permitted')
  expect(await send(await release({ files: twice }))).toBe('bad-encoding')
  expect(await send(await release({ files: [] }))).toBe('bad-encoding')
  expect(await send(await release({ time: ahead }))).toBe('bad-statement')
  expect(await send(await publisher.sign('fact', (await release()).slice(0, 40)))).toBe('bad-statement')
})

test('so many in an hour, and no more', async () => {
  for (let sent = 0; sent < INDEX_LIMITS.noticesPerHour; sent++) expect(await send(await release())).toBe('200')
  expect(await send(await release())).toBe('overloaded')
})

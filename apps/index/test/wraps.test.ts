/** Wraps at the index: who may write one, who may read it, and what the index could tell of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { decode, encode, toHex } from '@scelle/seal/verify'
import { StoredWrap, WrapToStore } from '@scelle/wire/messages'
import { signRequest } from '@scelle/wire/http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { World } from './world.ts'

const BYTES = 8_264
let world: World
let writer: Identity
let locator: string
beforeEach(async (context) => {
  world = await World.create({ seed: context.task.name })
  writer = await createIdentity('person', world.context)
  locator = toHex(world.context.random(32))
})
afterEach(() => world.end())

const bodyOf = (by: Identity, fields: Partial<WrapToStore> = {}): Uint8Array => encode(WrapToStore, {
  writer: by.chain[0] as Uint8Array, version: 0, wrap: world.context.random(BYTES), ...fields,
})

const put = async (body: Uint8Array, signer: Identity = writer, at = locator): Promise<string> => {
  const url = `/v1/wraps/${at}`
  const headers = await signRequest({
    method: 'PUT', url: `http://localhost${url}`, body, identity: signer, now: world.context.now,
    random: world.context.random,
  })
  const answer = await world.server.inject({ method: 'PUT', url, headers: { ...headers }, payload: Buffer.from(body) })
  return answer.statusCode === 204 ? '204' : (JSON.parse(answer.body) as { code: string }).code
}

const get = (at = locator) => world.server.inject({ method: 'GET', url: `/v1/wraps/${at}` })

test('a writer that nobody registered stores it; whoever has the locator reads it, and is not asked who it is',
  async () => {
    const wrap = world.context.random(BYTES)
    expect(await put(bodyOf(writer, { wrap }))).toBe('204')
    const answer = await get()
    expect(decode(StoredWrap, new Uint8Array(answer.rawPayload))).toEqual({ version: 0, wrap })
    expect((await get(toHex(world.context.random(32)))).statusCode).toBe(404)
    expect(await world.storage.store.keyCount(writer.id)).toBe(0)
  })

test('nobody else writes over it: not another writer, not one who shows the first one\'s record', async () => {
  const thief = await createIdentity('person', world.context)
  await put(bodyOf(writer))
  expect(await put(bodyOf(thief, { version: 1 }), thief)).toBe('not-permitted')
  expect(await put(bodyOf(writer, { version: 1 }), thief)).toBe('signature-invalid')
  expect(await put(bodyOf(writer, { version: 1 }))).toBe('204')
  expect(await put(bodyOf(writer))).toBe('already-exists')
})

test('is of one length, under a locator of 32 bytes', async () => {
  const long = bodyOf(writer)
  expect(await put(new Uint8Array([...long, 0]))).toBe('bad-encoding')
  expect(() => bodyOf(writer, { wrap: world.context.random(BYTES - 1) })).toThrow('8264 to 8264 allowed')
  expect(await put(bodyOf(writer), writer, locator.slice(2))).toBe('bad-request')
  expect((await get('..')).statusCode).toBe(404)
})

test('its locator stands in no line of the log', async () => {
  await put(bodyOf(writer))
  await get()
  expect(JSON.stringify(world.events)).not.toContain(locator)
  expect(JSON.stringify(world.events)).not.toContain(toHex(writer.id))
})

test('what is on the disk names no person, no time and no kind', async () => {
  const person = await world.principal()
  await put(bodyOf(writer))
  await world.stop()
  const file = readdirSync(world.directory).find((name) => name === 'wraps.sqlite') ?? 'none'
  const bytes = readFileSync(join(world.directory, file))
  expect(bytes.includes(Buffer.from(locator, 'hex'))).toBe(true)
  expect(bytes.includes(Buffer.from(person.id))).toBe(false)
  const [table] = /CREATE TABLE wraps \([^)]*\)/.exec(bytes.toString('latin1')) ?? []
  expect(table?.match(/\w+ (BLOB|INTEGER)/g)).toEqual(['locator BLOB', 'writer BLOB', 'version INTEGER', 'bytes BLOB'])
  await world.open()
})

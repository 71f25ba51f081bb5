/** What the index puts on record beside what its callers write: refused accesses, trustees' releases; who may ask. */
import { createAccess } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import {
  decode, decodeSigned, Denial, encode, equalBytes, Release, SUITE, statementId, toHex, verifyKeyChain, verifyPosition,
  verifySigned,
} from '@scelle/seal/verify'
import { entryOf, logPolicy, verifyReceipt } from '@scelle/wire/log'
import { AccessList, KeyChain, KeyPlaces, Receipt } from '@scelle/wire/messages'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import { impatientTimers, type Witness } from './witnesses.ts'
import { World, Writer } from './world.ts'

let world: World
let owner: Identity
let reader: Identity
let vault: Awaited<ReturnType<World['vault']>>
let capsule: Uint8Array
beforeEach(async () => {
  world = await World.create({ seed: 'log-records' })
  owner = await world.principal()
  reader = await world.principal('organisation')
  vault = await world.vault(owner)
  const written = await new Writer(world, owner, vault, { custodian: owner }).write()
  capsule = written.capsule.headerHash
})
afterEach(async () => world.end())

const makeAccess = (by: Identity, chain: Uint8Array[] = [], of = vault.vault) => createAccess(
  { vault: of, custodian: owner.id, reader: by, capsules: [capsule], chain, purpose: 'treatment' }, world.context,
)

const ask = async (by: Identity, signed: Uint8Array) => (await world.ask(by, 'POST', '/v1/accesses', { body: signed }))

const accesses = (by: Identity, query = '') =>
  world.ask(by, 'GET', `/v1/vaults/${toHex(vault.vault)}/accesses?custodian=${toHex(owner.id)}${query}`)

const listed = async (query = '') => {
  const answer = await accesses(owner, query)
  expect(answer.status).toBe(200)
  return decode(AccessList, answer.body)
}

const denialIn = async ({ denial, position }: AccessList[number]) => {
  const { body, id } = await verifySigned('denial', denial as Uint8Array, world.identity.keys)
  const { sequence, salt } = await verifyPosition(position, world.identity.keys, id)
  return { denial: decode(Denial, body), sequence, salt: salt as Uint8Array }
}

test('a refused access is on record as the index\'s signed word, a leaf beside granted ones', async () => {
  const grant = await world.grant(vault, { signer: owner, custodian: owner, grantee: reader })
  const good = await makeAccess(reader, [grant.id])
  expect((await ask(reader, good.signed)).status).toBe(200)
  const bad = await makeAccess(reader)
  expect((await ask(reader, bad.signed)).code).toBe('not-permitted')
  const [first, second, ...others] = await listed()
  expect(others).toEqual([])
  expect(first).toMatchObject({ access: good.signed })
  expect(first?.denial).toBeUndefined()
  expect(second?.access).toEqual(bad.signed)
  const { denial, sequence, salt } = await denialIn(second as AccessList[number])
  expect(denial).toMatchObject({ problem: 'not-permitted', access: bad.id, reader: reader.id })
  expect(denial.server).toEqual(world.identity.id)
  const leaves = await world.storage.store.log.leaves(sequence - 1, sequence)
  expect(leaves[0]?.entry).toEqual(entryOf(second?.denial as Uint8Array, salt))
  expect(leaves[0]?.control).toBeUndefined()
  expect(leaves[0]?.denial).toMatchObject({ statement: second?.denial, access: bad.signed })
  const { sequence: at } = await verifyPosition(
    (first as AccessList[number]).position, world.identity.keys, statementId(good.signed),
  )
  expect((await listed(`&after=${at}`)).map(({ access }) => access)).toEqual([bad.signed])
  expect(await listed(`&after=${sequence}`)).toEqual([])
})

test('too old, and revoked: on record too, and the refusal is the same when it is asked again', async () => {
  const late = await makeAccess(reader)
  world.clock.now += 301_000
  expect((await ask(reader, late.signed)).code).toBe('access-expired')
  expect((await ask(reader, late.signed)).code).toBe('access-expired')
  const entries = await listed()
  expect(entries).toHaveLength(1)
  expect((await denialIn(entries[0] as AccessList[number])).denial.problem).toBe('access-expired')
})

test('one principal fills no log: a bounded number an hour, and what follows is refused as before', async () => {
  const before = await world.storage.store.log.size()
  for (let i = 0; i < INDEX_LIMITS.denialsPerHour + 5; i++) {
    expect((await ask(reader, (await makeAccess(reader)).signed)).code).toBe('not-permitted')
  }
  expect(await world.storage.store.log.size()).toBe(before + INDEX_LIMITS.denialsPerHour)
  const other = await world.principal()
  await ask(other, (await makeAccess(other)).signed)
  expect(await listed()).toHaveLength(INDEX_LIMITS.denialsPerHour + 1)
  world.clock.now += 3_600_000
  await ask(reader, (await makeAccess(reader)).signed)
  expect(await listed()).toHaveLength(INDEX_LIMITS.denialsPerHour + 2)
})

test('what is not the reader\'s own, or of no vault here, leaves nothing', async () => {
  const before = await world.storage.store.log.size()
  const stranger = await makeAccess(reader)
  expect((await ask(owner, stranger.signed)).code).toBe('not-permitted')
  const nowhere = await makeAccess(reader, [], world.context.random(32))
  expect((await ask(reader, nowhere.signed)).code).toBe('not-found')
  const forged = Uint8Array.from((await makeAccess(reader)).signed)
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
  expect((await ask(reader, forged)).code).toBe('bad-statement')
  expect(await world.storage.store.log.size()).toBe(before)
})

test('the list of accesses is the custodian\'s and the owner\'s alone', async () => {
  await world.grant(vault, { signer: owner, custodian: owner, grantee: reader })
  expect((await accesses(reader)).code).toBe('not-found')
  expect((await accesses(owner, '&after=-1')).code).toBe('bad-request')
  expect((await accesses(owner, '&x=1')).code).toBe('bad-request')
})

const releaseBy = (trustee: Identity, fields: Partial<Release> = {}) => trustee.sign('release', encode(Release, {
  suite: SUITE, trustee: trustee.id, vault: vault.vault, access: world.context.random(32), capsules: 1,
  time: Math.floor(world.clock.now / 1000), salt: world.context.random(16), ...fields,
}))

test('a trustee of the vault puts its release on record; nobody else does', async () => {
  const trustee = await world.register(world.trustees[0] as Identity)
  const body = await releaseBy(trustee)
  const { position } = await world.must(Receipt, trustee, 'POST', '/v1/releases', { body })
  const { sequence } = await verifyPosition(position, world.identity.keys, statementId(body))
  expect(sequence).toBe(await world.storage.store.log.size())
  expect((await world.must(Receipt, trustee, 'POST', '/v1/releases', { body })).position).toEqual(position)
  const post = async (by: Identity, sent: Uint8Array): Promise<string | undefined> =>
    (await world.ask(by, 'POST', '/v1/releases', { body: sent })).code
  expect(await post(reader, body)).toBe('not-permitted')
  const foreign = await world.register(await createIdentity('trustee', world.context))
  expect(await post(foreign, await releaseBy(foreign))).toBe('not-permitted')
  expect(await post(trustee, await releaseBy(trustee, { trustee: foreign.id }))).toBe('not-permitted')
  expect(await post(trustee, await releaseBy(trustee, { vault: world.context.random(32) }))).toBe('not-found')
  const ahead = Math.floor(world.clock.now / 1000) + 3_600
  expect(await post(trustee, await releaseBy(trustee, { time: ahead }))).toBe('bad-statement')
  const person = await createIdentity('person', world.context)
  expect(await post(await world.register(person), await releaseBy(person))).toBe('not-permitted')
})

test('anybody registered finds where a principal\'s key records stand in the log', async () => {
  const path = `/v1/principals/${toHex(reader.id)}`
  const chain = await world.must(KeyChain, owner, 'GET', path)
  const found = await world.must(KeyPlaces, owner, 'GET', `${path}/places`)
  expect(found).toHaveLength(chain.length)
  await verifyKeyChain(chain)
  for (const [i, { sequence, salt }] of found.entries()) {
    const [leaf] = await world.storage.store.log.leaves(sequence - 1, sequence)
    expect(leaf?.entry).toEqual(entryOf(chain[i] as Uint8Array, salt))
    expect(equalBytes(leaf?.control?.statement as Uint8Array, chain[i] as Uint8Array)).toBe(true)
  }
  const nobody = toHex(world.context.random(32))
  expect((await world.ask(owner, 'GET', `/v1/principals/${nobody}/places`)).code).toBe('not-found')
})

test('without a quorum an access is on record and not answered; asked again once there is one, it is', async () => {
  await world.stop()
  for (const place of [0, 2]) {
    world.witnesses.faults.set(place, async (path, body) => {
      if (path === '/v1/log/push') throw new Error('no answer')
      return (world.witnesses.all[place] as Witness).answer(path, body)
    })
  }
  world.timers = impatientTimers
  await world.open()
  // Trustees have told first: these timers leave them no time to.
  await expect.poll(async () => (await world.send('GET', '/readyz', {})).status).toBe(200)
  const access = await makeAccess(owner)
  const refused = await world.ask(owner, 'POST', '/v1/accesses', { body: access.signed })
  expect(refused).toMatchObject({ status: 503, code: 'not-cosigned' })
  expect(refused.headers['retry-after']).toBe('1')
  expect((await listed()).map(({ access: signed }) => signed)).toEqual([access.signed])
  world.witnesses.faults.clear()
  // As a client does, whose patience is longer than that of these timers.
  await expect.poll(async () => (await ask(owner, access.signed)).status).toBe(200)
  const receipt = await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
  const trustees = world.trustees.map(({ keys }) => keys)
  await verifyReceipt(
    receipt.proof as Uint8Array, access.signed, logPolicy({ index: world.identity.keys, trustees, quorum: 2 }),
  )
  expect(decodeSigned('position', receipt.position).kind).toBe('position')
})

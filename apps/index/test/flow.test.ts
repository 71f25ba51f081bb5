import { createAccess, createRevocation } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { RIGHTS, statementId, toHex, verifyKeyChain, verifyPosition } from '@scelle/seal/verify'
import { entryOf } from '@scelle/wire/log'
import { GrantList, KeyChain, Receipt, Self, VaultView, CommitHistory } from '@scelle/wire/messages'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { World, Writer } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.create({ seed: 'flow' })
})
afterAll(async () => world.end())

test('an owner writes, a reader is granted, reads its part, puts its access on record, and is revoked', async () => {
  const owner = await world.principal()
  const reader = await world.principal()
  const vault = await world.vault(owner)
  const writer = new Writer(world, owner, vault, { custodian: owner })
  const { capsule, made } = await writer.write(3, 0)
  await writer.write(2, 1)

  const all = await world.feed(owner, vault.vault, owner)
  expect(all.commits.map((commit) => commit.records.length)).toEqual([3, 2])
  expect(all.more).toBe(false)
  expect(all.encapsulations).toHaveLength(4)

  const path = `/v1/vaults/${toHex(vault.vault)}`
  expect((await world.ask(reader, 'GET', path)).code).toBe('not-found')
  const [summary] = vault.manifest.secrets
  const grant = await world.grant(
    vault,
    { signer: owner, custodian: owner, grantee: reader },
    { categories: [summary!.category], rights: RIGHTS.read },
  )
  const view = await world.must(VaultView, reader, 'GET', path)
  expect(view.manifests).toHaveLength(1)
  const granted = await world.feed(reader, vault.vault, owner)
  expect(granted.commits).toHaveLength(1)
  expect(granted.commits[0]?.records).toHaveLength(3)
  expect(granted.commits[0]?.commit).toEqual(made.commit)

  const access = await createAccess(
    {
      vault: vault.vault,
      custodian: owner.id,
      reader,
      capsules: [capsule.headerHash],
      chain: [grant.id],
      purpose: 'treatment',
    },
    world.context,
  )
  const receipt = await world.must(Receipt, reader, 'POST', '/v1/accesses', { body: access.signed })
  const position = await verifyPosition(receipt.position, world.identity.keys, access.id)
  expect(position.sequence).toBeGreaterThan(0)
  world.clock.now += 3_600_000
  const again = await world.must(Receipt, reader, 'POST', '/v1/accesses', { body: access.signed })
  expect(again.position).toEqual(receipt.position)

  const late = await writer.seal(capsule, [{}], { withCapsule: false })
  const [refused] = await world.commit(owner, late.submission)
  expect(refused).toEqual({ problem: 'capsule-closed', places: late.made.records.map(({ place }) => place) })

  const revocation = await createRevocation({ vault: vault.vault, grant: grant.id, signer: owner }, world.context)
  await world.must(Receipt, owner, 'POST', '/v1/revocations', { body: revocation.signed })
  const after = await world.ask(reader, 'GET', `${path}/feed?custodian=${toHex(owner.id)}`)
  expect(after.code).toBe('not-found')
  const list = await world.must(GrantList, reader, 'GET', '/v1/grants')
  expect(list.map(({ revoked }) => revoked)).toEqual([true])
})

test('a hospital deposits under custody and hands its right on', async () => {
  const hospital = await world.provider()
  const team = await world.principal('organisation')
  const nurse = await world.principal()
  const vault = await world.vault(hospital, 'custody')
  const parent = await world.grant(vault, { signer: hospital, custodian: hospital, grantee: team }, { rights: 15 })
  await world.grant(
    vault,
    { signer: team, custodian: hospital, grantee: nurse },
    { rights: 6, depth: 1, parent: parent.id },
  )
  const writer = new Writer(world, nurse, vault, { custodian: hospital })
  await writer.write(2)
  expect((await world.feed(nurse, vault.vault, hospital)).commits).toHaveLength(1)
  const list = await world.must(GrantList, nurse, 'GET', '/v1/grants')
  expect(list[0]?.chain).toHaveLength(2)

  const revocation = await createRevocation({ vault: vault.vault, grant: parent.id, signer: hospital }, world.context)
  await world.must(Receipt, hospital, 'POST', '/v1/revocations', { body: revocation.signed })
  const next = await writer.seal(await writer.capsule(), [{}])
  expect(await world.commit(nurse, next.submission)).toEqual([{ problem: 'grant-revoked' }])
  const history = await world.must(
    CommitHistory,
    nurse,
    'GET',
    `/v1/vaults/${toHex(vault.vault)}/commits?custodian=${toHex(hospital.id)}`,
  )
  expect(history.commits.map((signed) => toHex(statementId(signed)))).toEqual([toHex(writer.previous!)])
  expect(history.encapsulations).toHaveLength(1)
  const [place] = history.places as [{ sequence: number; salt: Uint8Array }]
  expect(history.places).toHaveLength(1)
  const [leaf] = await world.storage.store.log.leaves(place.sequence - 1, place.sequence)
  expect(leaf?.entry).toEqual(entryOf(history.commits[0]!, place.salt))
})

test('answers survive a restart, byte for byte, and the same commit keeps its position', async () => {
  const owner = await world.principal()
  const vault = await world.vault(owner)
  const writer = new Writer(world, owner, vault, { custodian: owner })
  const sealed = await writer.seal(await writer.capsule(), [{}, {}])
  const first = await world.commit(owner, sealed.submission)
  const served = await world.feed(owner, vault.vault, owner)
  await world.restart()
  world.clock.now += 3 * 86_400_000
  expect(await world.commit(owner, sealed.submission)).toEqual(first)
  const later = await world.feed(owner, vault.vault, owner)
  expect({ ...later, cursor: served.cursor }).toEqual(served)
})

test('key records and self', async () => {
  const someone = await world.principal()
  const chain = await world.must(KeyChain, someone, 'GET', `/v1/principals/${toHex(someone.id)}`)
  expect((await verifyKeyChain(chain)).id).toEqual(someone.id)
  const self = await world.must(Self, someone, 'GET', '/v1/self')
  expect(self.role).toBe('index')
  expect((await verifyKeyChain(self.keys)).id).toEqual(world.identity.id)
})

test('no answer and no refusal tells what is not on the disk yet', async () => {
  const held: (() => void)[] = []
  let holding = false
  const flush = async (): Promise<void> => {
    if (holding) await new Promise<void>((resolve) => void held.push(resolve))
  }
  const slow = await World.create({ seed: 'unflushed', storage: { flush } })
  const [owner, other] = [await slow.principal(), await slow.principal()]
  // What is left to flush then is the vault's.
  const final = async (): Promise<string | undefined> =>
    Buffer.from((await slow.send('GET', '/v1/log/final', {})).body).toString().split('\n')[1]
  await expect.poll(final).toBe('2')
  holding = true
  const making = slow.vault(owner)
  await expect.poll(() => held.length).toBe(1)
  const told: string[] = []
  const ask = async (as: Identity, path: string) => told.push(String((await slow.ask(as, 'GET', path)).status))
  const asked = [ask(other, `/v1/principals/${toHex(owner.id)}`), ask(other, `/v1/vaults/${toHex(new Uint8Array(32))}`)]
  await new Promise((resolve) => void setTimeout(resolve, 20))
  expect(told).toEqual([])
  holding = false
  held[0]?.()
  await Promise.all([making, ...asked])
  expect(told.toSorted()).toEqual(['200', '404'])
  await slow.end()
})

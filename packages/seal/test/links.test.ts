/** What a custodian finds out about the index, and about authors who lie, from the links of commits. */
import { expect, test } from 'vitest'
import { checkLinks, Courier, createCommit, sealRecord } from '../src/envelope.ts'
import { createVault } from '../src/keys.ts'
import { CourierKeys, openCourier } from '../src/shares.ts'
import {
  Commit, decodeCapsule, encode, type PrincipalKeys, type Signed, toHex, verifyGenesis, VaultGenesis,
} from '../src/verify.ts'
import { CATEGORIES, makeCapsule, makeWorld, NOW, type World } from './fixtures.ts'

const refusedWith = (code: string) => expect.objectContaining({ name: 'SealError', code })

const recordOf = async (world: World) => {
  const item = { handle: new Uint8Array(16), version: 1, time: 0, contentType: 'fhir+json' as const, content: '{}' }
  const sealed = await sealRecord(await makeCapsule(world), item, world.context)
  return { ...sealed, size: sealed.body.length }
}

const commitOf = async (world: World, author: World['writer'], courier: Courier, previous?: Uint8Array, count = 1) => {
  const records = await Promise.all(Array.from({ length: count }, () => recordOf(world)))
  const base = { vault: world.vault.vault, custodian: world.owner.id, author, capsules: [], records }
  const linkRecipient = world.owner.keys
  const linked = previous === undefined ? {} : { previous }
  return createCommit({ ...base, linkRecipient, ...linked }, courier, world.context)
}

const setOf = (world: World, couriers: readonly Courier[]) => {
  const people = [world.writer, world.reader].map(({ keys }): [string, PrincipalKeys] => [toHex(keys.id), keys])
  const keys = new Map(people)
  return {
    vault: world.vault.vault,
    custodian: world.owner.id,
    authorKeys: ({ signer }: Signed) => keys.get(toHex(signer)),
    courierKeys: new CourierKeys(world.owner),
    encapsulations: (id: Uint8Array) => couriers.map((one) => one.bytesOf(id)).find((bytes) => bytes !== undefined),
  }
}

test('a writer whose link names nothing hides no withheld commit of another', async () => {
  const world = await makeWorld('liar')
  const liarCourier = new Courier(world.reader.id, world.context)
  const from = setOf(world, [world.courier, liarCourier])
  const lie = await commitOf(world, world.reader, liarCourier, world.context.random(32))
  const a = await commitOf(world, world.writer, world.courier)
  const b = await commitOf(world, world.writer, world.courier, a.id)
  const c = await commitOf(world, world.writer, world.courier, b.id)
  const whole = await checkLinks({ ...from, commits: [lie, a, b, c].map(({ commit }) => commit) })
  expect([...whole.wrong]).toEqual([[toHex(world.reader.id), refusedWith('feed-withheld')]])
  expect(whole.last.get(toHex(world.writer.id))).toEqual(c.id)
  const without = await checkLinks({ ...from, commits: [lie, a, c].map(({ commit }) => commit) })
  expect([...without.wrong.keys()]).toEqual([world.reader, world.writer].map(({ id }) => toHex(id)))
  const swapped = await checkLinks({ ...from, commits: [b, a, c, lie].map(({ commit }) => commit) })
  expect(swapped.wrong.get(toHex(world.writer.id))).toEqual(refusedWith('feed-reordered'))
  await expect(checkLinks({ ...from, commits: [a, a].map(({ commit }) => commit) })).rejects.toEqual(
    refusedWith('feed-replayed'),
  )
})

test('a link says how many records its commit has, and nothing but a link is taken for one', async () => {
  const world = await makeWorld('counts')
  const from = setOf(world, [world.courier])
  const three = await commitOf(world, world.writer, world.courier, undefined, 3)
  const { records } = await checkLinks({ ...from, commits: [three.commit] })
  expect(records.get(toHex(three.id))).toBe(3)
  const { root } = three.statement
  for (const [role, length, code] of [
    ['share', 36, 'seal-invalid'],
    ['owner', 36, 'seal-invalid'],
    ['link', 32, 'commit-link-broken'],
    ['link', 40, 'commit-link-broken'],
  ] as const) {
    const linkSeal = await world.courier.sealTo(world.owner.keys, role, root, new Uint8Array(length))
    const commit = await world.writer.sign('commit', encode(Commit, { ...three.statement, linkSeal }))
    const { wrong } = await checkLinks({ ...from, commits: [commit] })
    expect(wrong.get(toHex(world.writer.id))).toEqual(refusedWith(code))
  }
})

test('the same single record committed twice has two roots, so no key seals two links', async () => {
  const world = await makeWorld('padding')
  const record = await recordOf(world)
  const base = { vault: world.vault.vault, custodian: world.owner.id, author: world.writer, capsules: [] }
  for (const count of [1, 2, 4, 7]) {
    const records = Array.from({ length: count }, () => record)
    const make = () =>
      createCommit({ ...base, records, linkRecipient: world.owner.keys }, world.courier, world.context)
    const [one, two] = [await make(), await make()]
    expect(toHex(one.statement.root)).not.toBe(toHex(two.statement.root))
    expect(2 ** one.statement.depth).toBeGreaterThan(count)
    expect(one.leaves.length).toBe(32 * 2 ** one.statement.depth)
  }
})

test("a vault's controller is none of its trustees", async () => {
  const world = await makeWorld('own trustee')
  const trustees = [world.trustees[0]!.id, world.owner.id, world.trustees[2]!.id]
  const { mode } = world.vault.genesis
  await expect(
    createVault({ mode, controller: world.owner, trustees, categories: CATEGORIES }, world.context),
  ).rejects.toEqual(refusedWith('vault-mismatch'))
  const signed = await world.owner.sign('vault-genesis', encode(VaultGenesis, { ...world.vault.genesis, trustees }))
  await expect(verifyGenesis(signed, world.owner.keys)).rejects.toEqual(refusedWith('vault-mismatch'))
})

test('a secret sealed in one role opens in no other', async () => {
  const world = await makeWorld('roles')
  const capsule = await makeCapsule(world)
  const { owner } = decodeCapsule(capsule.capsuleBytes).capsule
  const key = await openCourier(world.courier.bytesOf(owner!.encapsulation)!, world.owner)
  await expect(key.open('share', capsule.headerHash, owner!.sealed)).rejects.toEqual(refusedWith('seal-invalid'))
  await expect(key.open('link', capsule.headerHash, owner!.sealed)).rejects.toEqual(refusedWith('seal-invalid'))
  expect((await key.open('owner', capsule.headerHash, owner!.sealed)).length).toBe(32)
  expect(key.encapsulation.day).toBe(Math.floor(NOW / 86_400_000))
})

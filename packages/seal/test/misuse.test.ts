/**
 * Attacks that the frozen vectors do not hold: what a caller, a server or a colluding party might try with live
 * objects.
 */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import {
  capsuleKey,
  Courier,
  createCapsule,
  createCommit,
  openRecord,
  openStream,
  ownerRelease,
  sealRecord,
  sealRecords,
  sealStream,
} from '../src/envelope.ts'
import { createGrant, openGrantKeys, renewGrantKeys } from '../src/grants.ts'
import { createIdentity, importIdentity, exportIdentity } from '../src/identity.ts'
import { createVault, drawCategoryKey, earlierSecrets, openManifest, rotateCategories } from '../src/keys.ts'
import { LIMITS } from '../src/limits.ts'
import { CourierKeys, openCourier, openShare } from '../src/shares.ts'
import { decode, decodeCapsule, GrantKeys, RIGHTS, Signed, toHex } from '../src/verify.ts'
import { makeCapsule, makeWorld, NOW, seededContext, type World } from './fixtures.ts'

const item = {
  handle: new Uint8Array(16),
  version: 1,
  time: NOW / 1000,
  contentType: 'fhir+json' as const,
  content: '{"a":1}',
}
const refusedWith = (code: string) => expect.objectContaining({ name: 'SealError', code })
const newCapsule = (world: World, change: object) =>
  createCapsule(
    {
      vault: world.vault.vault,
      genesis: world.vault.genesis,
      custodian: world.owner.id,
      category: world.vault.manifest.manifest.categories[0]!,
      retention: 'care',
      trustees: world.trustees.map(({ keys }) => keys),
      owner: world.owner.keys,
      ...change,
    },
    world.courier,
    world.context,
  )

test('a server cannot choose to whom a capsule is sealed', async () => {
  const world = await makeWorld('recipients')
  const trustees = world.trustees.map(({ keys }) => keys)
  const stranger = world.reader.keys
  for (const change of [
    { trustees: [stranger, trustees[1], trustees[2]] },
    { trustees: trustees.toReversed() },
    { trustees: trustees.slice(1) },
    { owner: stranger },
    { owner: undefined },
  ])
    await expect(newCapsule(world, change)).rejects.toEqual(refusedWith('vault-mismatch'))
})

test('in custody no owner is sealed to, even where keys are given', async () => {
  const world = await makeWorld('custody', 'custody')
  const capsule = await newCapsule(world, {})
  expect(decodeCapsule(capsule.capsuleBytes).capsule.owner).toBeUndefined()
})

test('a capsule takes no record when full, or after a day', async () => {
  const world = await makeWorld('closing')
  const capsule = await makeCapsule(world)
  await expect(
    sealRecords(
      capsule,
      Array.from({ length: LIMITS.capsuleRecords + 1 }, () => item),
      world.context,
    ),
  ).rejects.toEqual(refusedWith('capsule-full'))
  expect(capsule.count).toBe(0)
  const late = { ...world.context, now: () => NOW + LIMITS.capsuleOpenSeconds * 1000 }
  await expect(sealRecord(capsule, item, late)).rejects.toEqual(refusedWith('capsule-closed'))
  expect([capsule.takes(1, NOW), capsule.takes(1, late.now())]).toEqual([true, false])
})

test('a reader of an old epoch cannot open what came after', async () => {
  const world = await makeWorld('epochs')
  const { manifest: first, vault } = world.vault
  const next = await rotateCategories(
    {
      vault,
      custodian: world.owner,
      previousSigned: first.signed,
      previous: first.manifest,
      secrets: first.secrets,
      rotate: [first.manifest.categories[0]!.category],
    },
    world.context,
  )
  const capsule = await newCapsule(world, { category: next.manifest.categories[0]! })
  const release = await ownerRelease(capsule.capsuleBytes, world.owner, (id) => world.courier.bytesOf(id))
  const removed = await earlierSecrets([first.manifest, next.manifest], first.secrets)
  await expect(capsuleKey({ headerBytes: capsule.headerBytes, release, secrets: removed })).rejects.toEqual(
    refusedWith('category-unknown'),
  )
  const forced = await capsuleKey({
    headerBytes: capsule.headerBytes,
    release,
    secrets: () => first.secrets[0]!.secret,
  })
  const sealed = await sealRecord(capsule, item, world.context)
  await expect(openRecord(forced, sealed.headerBytes, sealed.body)).rejects.toEqual(refusedWith('record-tampered'))
})

test('a capsule moved to another vault is opened by no trustee', async () => {
  const [one, other] = [await makeWorld('vault one'), await makeWorld('vault other')]
  const [capsule, target] = [await makeCapsule(one), await makeCapsule(other)]
  const seal = decodeCapsule(capsule.capsuleBytes).capsule.shares[0]!
  const courierKey = await openCourier(one.courier.bytesOf(seal.encapsulation)!, one.trustees[0]!)
  await expect(openShare({ headerBytes: target.headerBytes, seal, index: 0, courierKey })).rejects.toEqual(
    refusedWith('capsule-mismatch'),
  )
})

test('a writer without a reading right cannot open what it wrote yesterday', async () => {
  const world = await makeWorld('writer')
  const capsule = await makeCapsule(world)
  const { capsule: stored } = decodeCapsule(capsule.capsuleBytes)
  for (const seal of [...stored.shares, stored.owner!]) {
    await expect(openCourier(world.courier.bytesOf(seal.encapsulation)!, world.writer)).rejects.toEqual(
      refusedWith('principal-mismatch'),
    )
  }
})

test('a courier makes one encapsulation per recipient and day, and forgets yesterday', async () => {
  let now = NOW
  const context = seededContext('courier', () => now)
  const [writer, recipient] = [await createIdentity('organisation', context), await createIdentity('trustee', context)]
  const courier = new Courier(writer.id, context)
  const [b1, b2] = [context.random(32), context.random(32)]
  const [one, two] = await Promise.all([
    courier.sealTo(recipient.keys, 'share', b1, Uint8Array.of(1)),
    courier.sealTo(recipient.keys, 'share', b2, Uint8Array.of(2)),
  ])
  expect(toHex(one.encapsulation)).toBe(toHex(two.encapsulation))
  expect(courier.takeNew().length).toBe(1)
  expect(courier.takeNew().length).toBe(0)
  now += 86_400_000
  const later = await courier.sealTo(recipient.keys, 'share', b1, Uint8Array.of(1))
  expect(toHex(later.encapsulation)).not.toBe(toHex(one.encapsulation))
  const keys = new CourierKeys(recipient)
  const key = await keys.of(courier.bytesOf(one.encapsulation)!)
  expect(await key.open('share', b1, one.sealed)).toEqual(Uint8Array.of(1))
  await expect(key.open('share', b2, one.sealed)).rejects.toEqual(refusedWith('seal-invalid'))
  await expect(key.open('share', b1, later.sealed)).rejects.toEqual(refusedWith('seal-invalid'))
  courier.forget(one.encapsulation)
  expect(courier.bytesOf(one.encapsulation)).toBeUndefined()
})

test('a courier that seals no more forgets its day when told that the clock moved', async () => {
  let now = NOW
  const context = seededContext('expiry', () => now)
  const [writer, recipient] = [await createIdentity('organisation', context), await createIdentity('trustee', context)]
  const courier = new Courier(writer.id, context)
  expect(courier.expire()).toBe(false)
  const one = await courier.sealTo(recipient.keys, 'share', context.random(32), Uint8Array.of(1))
  expect(courier.expire()).toBe(true)
  now = Math.ceil(NOW / 86_400_000) * 86_400_000
  expect(courier.expire()).toBe(false)
  now = NOW
  const other = await courier.sealTo(recipient.keys, 'share', context.random(32), Uint8Array.of(1))
  expect(toHex(other.encapsulation)).not.toBe(toHex(one.encapsulation))
})

test('keys are in no log line, dump or JSON of the objects that hold them', async () => {
  const world = await makeWorld('inspect')
  const capsule = await makeCapsule(world)
  const release = await ownerRelease(capsule.capsuleBytes, world.owner, (id) => world.courier.bytesOf(id))
  const key = await capsuleKey({ headerBytes: capsule.headerBytes, release, secrets: world.secrets })
  const { capsuleSecret } = await import('../src/envelope/capsule.ts')
  const secret = capsuleSecret(key)
  for (const shown of [
    inspect(key, { showHidden: true, depth: 9, maxArrayLength: null }),
    JSON.stringify(key),
    inspect(capsule, { showHidden: true, depth: 9 }),
  ]) {
    expect(shown).not.toContain([...secret.subarray(0, 8)].join(', '))
    expect(shown).not.toContain(toHex(secret))
  }
})

test('grant keys go to the grantee that the grant names, and hold no secret without the reading right', async () => {
  const world = await makeWorld('grantees')
  const { manifest, vault } = world.vault
  const fields = {
    vault,
    custodian: world.owner.id,
    grantee: world.reader.id,
    categories: [manifest.manifest.categories[1]!.category],
    rights: RIGHTS.write,
    purposes: ['treatment' as const],
    basis: 'consent' as const,
    notBefore: 0,
    expires: NOW,
    depth: 0,
  }
  const from = { signer: world.owner, grantee: world.reader.keys, secrets: manifest.secrets, manifestVersion: 1 }
  const made = await createGrant({ ...from, grant: fields }, world.context)
  const { body } = decode(Signed, made.keysSigned)
  const opened = await openGrantKeys({
    keys: decode(GrantKeys, body),
    grant: made.grant,
    grantId: made.id,
    grantee: world.reader,
    manifest: manifest.manifest,
  })
  expect(opened.map(({ code, secret }) => [code, secret])).toEqual([['notes', undefined]])
  await expect(
    renewGrantKeys({ ...from, grantee: world.writer.keys, grant: made.grant, grantId: made.id }),
  ).rejects.toEqual(refusedWith('principal-mismatch'))
  await expect(createGrant({ ...from, secrets: [], grant: fields }, world.context)).rejects.toEqual(
    refusedWith('category-unknown'),
  )
})

test('an attachment that is shorter or longer than announced is not finished', async () => {
  const world = await makeWorld('attachments')
  const capsule = await makeCapsule(world)
  const { handle, version, time } = item
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(100)
  }
  for (const length of [99, 101]) {
    const stream = sealStream(capsule, { handle, version, time, length, source: source() }, world.context)
    await expect(
      (async () => {
        for await (const _ of stream.body);
      })(),
    ).rejects.toEqual(refusedWith('record-mismatch'))
  }
  expect(() =>
    sealStream(capsule, { handle, version, time, length: LIMITS.attachment + 1, source: source() }, world.context),
  ).toThrow(refusedWith('record-too-large'))
  const sealed = await sealRecord(capsule, item, world.context)
  const whole = { size: sealed.body.length, read: async (at: number, n: number) => sealed.body.subarray(at, at + n) }
  await expect(openStream(capsule, sealed.headerBytes, whole)).rejects.toEqual(refusedWith('record-mismatch'))
})

test('records over their limits, and tombstones with content, are not sealed', async () => {
  const world = await makeWorld('limits')
  const capsule = await makeCapsule(world)
  const octets = { ...item, contentType: 'octets' as const, content: new Uint8Array(LIMITS.recordPlaintext + 1) }
  await expect(sealRecord(capsule, octets, world.context)).rejects.toEqual(refusedWith('record-too-large'))
  await expect(sealRecord(capsule, { ...item, contentType: 'tombstone' }, world.context)).rejects.toEqual(
    refusedWith('record-mismatch'),
  )
})

test('what repeats itself over 128-fold is stored uncompressed, and opens', async () => {
  const world = await makeWorld('growth')
  const capsule = await makeCapsule(world)
  for (const length of [20_000, 1_000_000]) {
    const content = JSON.stringify(' '.repeat(length))
    const sealed = await sealRecord(capsule, { ...item, content }, world.context)
    expect(sealed.body.length).toBeGreaterThan(length)
    const opened = await openRecord(capsule, sealed.headerBytes, sealed.body)
    expect(new TextDecoder().decode(opened.content)).toBe(content)
  }
  for (const content of [JSON.stringify('lorem ipsum '.repeat(500)), '{}', '']) {
    const sealed = await sealRecord(capsule, { ...item, content }, world.context)
    expect((await openRecord(capsule, sealed.headerBytes, sealed.body)).content.length).toBe(content.length)
  }
})

test('a commit needs something in it, and encapsulations that its courier made', async () => {
  const world = await makeWorld('commits')
  const capsule = await makeCapsule(world)
  const base = {
    vault: world.vault.vault,
    custodian: world.owner.id,
    author: world.writer,
    linkRecipient: world.owner.keys,
    records: [],
  }
  await expect(createCommit({ ...base, capsules: [] }, world.courier, world.context)).rejects.toEqual(
    refusedWith('commit-root-mismatch'),
  )
  const stranger = new Courier(world.writer.id, world.context)
  await expect(createCommit({ ...base, capsules: [capsule.capsuleBytes] }, stranger, world.context)).rejects.toEqual(
    refusedWith('capsule-mismatch'),
  )
  const known = await createCommit(
    { ...base, capsules: [capsule.capsuleBytes], indexHas: () => true },
    stranger,
    world.context,
  )
  expect(known.encapsulations).toEqual([])
})

test('vaults and identities are not made of what does not fit', async () => {
  const context = seededContext('fit')
  const controller = await createIdentity('person', context)
  const { id } = controller
  await expect(
    createVault({ mode: 'owner', controller, trustees: [id, id, id], categories: [] }, context),
  ).rejects.toEqual(refusedWith('vault-mismatch'))
  const stored = exportIdentity(controller)
  stored[stored.length - 1] = (stored.at(-1) as number) ^ 1
  await expect(importIdentity(stored)).rejects.toEqual(refusedWith('key-chain-broken'))
})

test('a category key drawn ahead opens its one category, and is refused for a second one', async () => {
  const world = await makeWorld('drawn-ahead')
  const { owner: controller, context } = world
  const trustees = world.trustees.map(({ id }) => id)
  const [key, other] = [drawCategoryKey(context), drawCategoryKey(context)]
  const make = (...keys: (typeof key)[]) =>
    createVault(
      {
        mode: 'owner',
        controller,
        trustees,
        categories: keys.map((each, place) => ({ code: `category-${place}`, strict: false, key: each })),
      },
      context,
    )
  const { manifest } = await make(key)
  expect(await openManifest(manifest.manifest, controller)).toEqual(manifest.secrets)
  await expect(make(key)).rejects.toEqual(refusedWith('category-key-mismatch'))
  await expect(make(other, other)).rejects.toEqual(refusedWith('category-key-mismatch'))
})

test('a secret that does not yield the published key is refused, whoever hands it over', async () => {
  const world = await makeWorld('other-key')
  const { manifest, vault } = world.vault
  const [first] = manifest.manifest.categories
  // What the custodian published is another key than the one that is handed over.
  const { publicKey } = drawCategoryKey(world.context)
  const published = {
    ...manifest.manifest, categories: manifest.manifest.categories.with(0, { ...first!, publicKey }),
  }
  const mismatch = refusedWith('category-key-mismatch')
  await expect(openManifest(published, world.owner)).rejects.toEqual(mismatch)
  await expect(earlierSecrets([published], manifest.secrets)).rejects.toEqual(mismatch)
  const made = await createGrant({
    signer: world.owner,
    grantee: world.reader.keys,
    secrets: manifest.secrets,
    manifestVersion: 1,
    grant: {
      vault,
      custodian: world.owner.id,
      grantee: world.reader.id,
      categories: [first!.category],
      rights: RIGHTS.read,
      purposes: ['treatment'],
      basis: 'consent',
      notBefore: 0,
      expires: NOW,
      depth: 0,
    },
  }, world.context)
  const { body } = decode(Signed, made.keysSigned)
  const from = { keys: decode(GrantKeys, body), grant: made.grant, grantId: made.id, grantee: world.reader }
  expect(await openGrantKeys({ ...from, manifest: manifest.manifest })).toHaveLength(1)
  await expect(openGrantKeys({ ...from, manifest: published })).rejects.toEqual(mismatch)
})

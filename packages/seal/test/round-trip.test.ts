/** A record's whole way: sealed by a writer, opened by its owner, and by a reader through two trustees. */
import { expect, test } from 'vitest'
import {
  capsuleKey,
  checkLinks,
  createCommit,
  openRecord,
  openRecords,
  openRelease,
  openStream,
  ownerRelease,
  sealRecord,
  sealRecords,
  sealStream,
} from '../src/envelope.ts'
import { createAccess, createGrant, openGrantKeys } from '../src/grants.ts'
import { earlierSecrets, openManifest, rotateCategories } from '../src/keys.ts'
import { CourierKeys, openCourier, openShare, sealRelease } from '../src/shares.ts'
import {
  decode,
  decodeCapsule,
  GrantKeys,
  SealError,
  toHex,
  verifyCommit,
  verifyPath,
  merkleLevels,
  merklePath,
  recordLeaf,
  verifyManifests,
  verifySigned,
  verifyGrantChain,
  RIGHTS,
  verifyGenesis,
} from '../src/verify.ts'
import { bytesOf, makeCapsule, makeWorld, NOW, type World } from './fixtures.ts'

const CONTENT = '{"resourceType":"Observation","status":"final","valueQuantity":{"value":5.4}}'
const item = {
  handle: new Uint8Array(16).fill(7),
  version: 1,
  time: NOW / 1000,
  contentType: 'fhir+json' as const,
  content: CONTENT,
}

const releaseTo = async (world: World, capsuleBytes: Uint8Array, which: readonly number[]): Promise<Uint8Array> => {
  const { capsule } = decodeCapsule(capsuleBytes)
  const { capsuleHeaderHash } = await import('../src/verify.ts')
  const headerHash = capsuleHeaderHash(capsule.header)
  const access = await createAccess(
    {
      vault: world.vault.vault,
      custodian: world.owner.id,
      reader: world.reader,
      capsules: [headerHash],
      chain: [],
      purpose: 'treatment',
    },
    world.context,
  )
  const answers = []
  for (const index of which) {
    const trustee = world.trustees[index] as World['reader']
    const seal = capsule.shares[index] as (typeof capsule.shares)[number]
    const courierKey = await openCourier(world.courier.bytesOf(seal.encapsulation) as Uint8Array, trustee)
    const share = await openShare({ headerBytes: capsule.header, seal, index, courierKey })
    const sealed = await sealRelease({
      accessId: access.id,
      trustee: trustee.id,
      oneTimeKey: access.access.oneTimeKey,
      shares: [{ headerHash, share }],
    })
    answers.push({ trustee: trustee.id, access: access.id, ...sealed })
  }
  const opened = await openRelease({
    answers,
    accessId: access.id,
    oneTimeSecret: access.oneTimeSecret,
    headers: [capsule.header],
    genesis: world.vault.genesis,
  })
  expect(opened.refused).toEqual([])
  return opened.releases.get(toHex(headerHash)) as Uint8Array
}

test('the owner opens alone, a reader through any two trustees', async () => {
  const world = await makeWorld('round-trip')
  const capsule = await makeCapsule(world)
  const sealed = await sealRecord(capsule, item, world.context)
  const release = await ownerRelease(capsule.capsuleBytes, world.owner, (id) => world.courier.bytesOf(id))
  for (const r of [
    release,
    await releaseTo(world, capsule.capsuleBytes, [0, 1]),
    await releaseTo(world, capsule.capsuleBytes, [2, 0]),
  ]) {
    const key = await capsuleKey({ headerBytes: capsule.headerBytes, release: r, secrets: world.secrets })
    const opened = await openRecord(key, sealed.headerBytes, sealed.body)
    expect(new TextDecoder().decode(opened.content)).toBe(CONTENT)
    expect(opened.header.version).toBe(1)
  }
})

test('a batch, with a tombstone and octets; a bad record hides no other', async () => {
  const world = await makeWorld('batch', 'custody')
  const capsule = await makeCapsule(world)
  const sealed = await sealRecords(
    capsule,
    [
      item,
      { ...item, version: 2, contentType: 'tombstone', content: '' },
      { ...item, version: 3, contentType: 'octets', content: new Uint8Array(40_000).fill(9) },
    ],
    world.context,
  )
  ;(sealed[1] as { body: Uint8Array }).body[60]! ^= 1
  const opened = await openRecords(capsule, sealed)
  expect(opened.map((one) => (one instanceof SealError ? one.code : one.content.length))).toEqual([
    CONTENT.length,
    'record-tampered',
    40_000,
  ])
  expect(capsule.count).toBe(3)
})

test('a commit covers every record and links to the one before', async () => {
  const world = await makeWorld('commit')
  const capsule = await makeCapsule(world)
  const records = (await sealRecords(capsule, [item, { ...item, version: 2 }], world.context)).map((r) => ({
    ...r,
    size: r.body.length,
  }))
  const base = {
    vault: world.vault.vault,
    custodian: world.owner.id,
    author: world.writer,
    linkRecipient: world.owner.keys,
  }
  const first = await createCommit({ ...base, capsules: [capsule.capsuleBytes], records }, world.courier, world.context)
  const more = (await sealRecords(capsule, [{ ...item, version: 3 }], world.context)).map((r) => ({
    ...r,
    size: r.body.length,
  }))
  const second = await createCommit(
    { ...base, capsules: [], records: more, previous: first.id },
    world.courier,
    world.context,
  )
  const { commit } = await verifyCommit(first.commit, world.writer.keys)
  const leaves = Array.from({ length: 2 ** commit.depth }, (_, i) => first.leaves.subarray(i * 32, i * 32 + 32))
  const levels = merkleLevels(leaves)
  for (const record of first.records) {
    verifyPath(recordLeaf(record.header, record.digest), record.place, merklePath(levels, record.place), commit)
  }
  expect(first.encapsulations.length).toBe(4)
  const links = {
    vault: base.vault,
    custodian: base.custodian,
    authorKeys: () => world.writer.keys,
    courierKeys: new CourierKeys(world.owner),
    encapsulations: (id: Uint8Array) => world.courier.bytesOf(id),
  }
  const checked = await checkLinks({ ...links, commits: [first.commit, second.commit] })
  expect(checked.last.get(toHex(world.writer.id))).toEqual(second.id)
  expect([...checked.records]).toEqual([first, second].map((one) => [toHex(one.id), one.records.length]))
  expect(checked.wrong.size).toBe(0)
})

test('a grantee reads what came before an epoch change and after', async () => {
  const world = await makeWorld('grant')
  const { manifest: made, vault, genesisSigned } = world.vault
  const next = await rotateCategories(
    {
      vault,
      custodian: world.owner,
      previousSigned: made.signed,
      previous: made.manifest,
      secrets: made.secrets,
      rotate: [made.manifest.categories[0]!.category],
      add: [{ code: 'imaging', strict: false }],
    },
    world.context,
  )
  const { genesis } = await verifyGenesis(genesisSigned, world.owner.keys)
  const { manifests } = await verifyManifests([made.signed, next.signed], {
    vault,
    genesis,
    custodian: world.owner.keys,
  })
  expect(await openManifest(manifests[1]!, world.owner)).toEqual(next.secrets)
  const categories = [made.manifest.categories[0]!.category]
  const grant = await createGrant(
    {
      signer: world.owner,
      grantee: world.reader.keys,
      secrets: next.secrets,
      manifestVersion: 2,
      grant: {
        vault,
        custodian: world.owner.id,
        grantee: world.reader.id,
        categories,
        rights: RIGHTS.read,
        purposes: ['treatment'],
        basis: 'consent',
        notBefore: NOW / 1000,
        expires: NOW / 1000 + 3600,
        depth: 0,
      },
    },
    world.context,
  )
  const { grants } = await verifyGrantChain({
    chain: [grant.grantSigned],
    vault,
    custodian: world.owner.id,
    keysOf: () => world.owner.keys,
    at: NOW / 1000,
    need: { reader: world.reader.id, categories, rights: RIGHTS.read },
  })
  const { body } = await verifySigned('grant-keys', grant.keysSigned, world.owner.keys)
  const secrets = await openGrantKeys({
    keys: decode(GrantKeys, body),
    grant: grants[0]!,
    grantId: grant.id,
    grantee: world.reader,
    manifest: manifests[1]!,
  })
  const lookup = await earlierSecrets(manifests, secrets)
  expect(lookup(categories[0]!, 0)).toEqual(made.secrets[0]!.secret)
  expect(lookup(categories[0]!, 1)).toEqual(next.secrets[0]!.secret)
  expect(lookup(made.manifest.categories[1]!.category, 0)).toBeUndefined()
})

test('an attachment is sealed as it comes and opened at any place', async () => {
  const world = await makeWorld('stream')
  const capsule = await makeCapsule(world)
  const content = world.context.random(70_001)
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < content.length; i += 1_000) yield content.subarray(i, i + 1_000)
  }
  const { handle, version, time } = item
  const stream = sealStream(capsule, { handle, version, time, length: content.length, source: source() }, world.context)
  const pieces: Uint8Array[] = []
  for await (const piece of stream.body) pieces.push(piece.slice())
  const body = Buffer.concat(pieces)
  expect(body.length).toBe(stream.size)
  const opened = await openStream(capsule, stream.headerBytes, {
    size: body.length,
    read: async (offset, length) => body.subarray(offset, offset + length),
  })
  expect(opened.length).toBe(content.length)
  for (const [start, end] of [
    [0, 70_001],
    [16_380, 16_384],
    [16_383, 40_000],
    [70_000, 80_000],
    [5, 5],
  ] as const) {
    const got: Uint8Array[] = []
    for await (const piece of opened.range(start, end)) got.push(piece.slice())
    expect(Buffer.concat(got)).toEqual(Buffer.from(content.subarray(start, end)))
  }
  const whole = await openRecord(capsule, stream.headerBytes, body)
  expect(Buffer.from(whole.content)).toEqual(Buffer.from(content))
})

test('bytes and text are the same content', async () => {
  const world = await makeWorld('text')
  const capsule = await makeCapsule(world)
  const sealed = await sealRecord(capsule, { ...item, content: bytesOf('{"é":1}') }, world.context)
  expect(new TextDecoder().decode((await openRecord(capsule, sealed.headerBytes, sealed.body)).content)).toBe('{"é":1}')
})

test('octets of every length around the chunks come back', async () => {
  const world = await makeWorld('octets')
  const capsule = await makeCapsule(world)
  const lengths = [0, 1, 16_379, 16_380, 16_381, 16_384, 16_385, 32_764, 32_768, 50_001, 131_073]
  const contents = lengths.map((length) => world.context.random(length))
  const items = contents.map((content, i) => ({ ...item, version: i, contentType: 'octets' as const, content }))
  const opened = await openRecords(capsule, await sealRecords(capsule, items, world.context))
  expect(opened.map((one) => (one instanceof SealError ? one.code : toHex(one.content)))).toEqual(contents.map(toHex))
})

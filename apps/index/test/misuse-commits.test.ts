/** What a writer, its thief or a liar may try with commits: refused by name, without effect. */
import { createAccess } from '@scelle/seal/grants'
import { rotateCategories } from '@scelle/seal/keys'
import {
  Capsule,
  CapsuleHeader,
  capsuleLeaf,
  Commit,
  concatBytes,
  decode,
  decodeSigned,
  encode,
  Encapsulation,
  merkleRoot,
  RecordHeader,
  recordLeaf,
  sha256,
  Signed,
  toHex,
} from '@scelle/seal/verify'
import type { Identity } from '@scelle/seal/identity'
import type { MadeVault } from '@scelle/seal/keys'
import { CommitBatch, type CommitSubmission, Receipt } from '@scelle/wire/messages'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommitAnswer, type Sealed, World, Writer } from './world.ts'

let world: World
let owner: Identity
let vault: MadeVault
let writer: Writer
beforeAll(async () => {
  world = await World.create({ seed: 'misuse-commits' })
  owner = await world.principal()
})
afterAll(async () => world.end())
beforeEach(async () => {
  vault = await world.vault(owner)
  writer = new Writer(world, owner, vault, { custodian: owner })
})

type Submission = CommitSubmission

const submit = async (submission: Submission, as: Identity = owner): Promise<CommitAnswer> =>
  (await world.submit(as, [submission]))[0] as CommitAnswer

const stored = async (): Promise<number> => (await world.feed(owner, vault.vault, owner)).commits.length

const seal = async (records = 1): Promise<Sealed> =>
  writer.seal(
    await writer.capsule(),
    Array.from({ length: records }, () => ({})),
  )

/** Signs a changed commit statement over the leaves as they now are. */
const resign = async (submission: Submission, fields: Partial<Commit> = {}, signer = owner): Promise<Submission> => {
  const commit = decode(Commit, decodeSigned('commit', submission.commit).body)
  const count = submission.leaves.length / 32
  const leaves = Array.from({ length: count }, (_, i): Uint8Array => submission.leaves.slice(i * 32, i * 32 + 32))
  for (const { place, capsule } of submission.capsules) leaves[place] = capsuleLeaf(capsule)
  for (const { place, header, digest } of submission.records) leaves[place] = recordLeaf(header, digest)
  const body = encode(Commit, { ...commit, root: merkleRoot(leaves), capsules: submission.capsules.length, ...fields })
  return { ...submission, leaves: concatBytes(...leaves), commit: await signer.sign('commit', body) }
}

const withHeader = (bytes: Uint8Array, fields: Partial<CapsuleHeader>): Uint8Array => {
  const capsule = decode(Capsule, bytes)
  return encode(Capsule, {
    ...capsule,
    header: encode(CapsuleHeader, { ...decode(CapsuleHeader, capsule.header), ...fields }),
  })
}

describe('the commit itself', () => {
  test('sent by another principal than its author', async () => {
    const thief = await world.principal()
    const { made } = await seal()
    expect(await submit(made, thief)).toEqual({ problem: 'not-permitted' })
    const forged = await resign(made, {}, thief)
    expect(await submit(forged, thief)).toEqual({ problem: 'bad-statement' })
    expect(await submit(await resign(made, { author: thief.id }, thief), thief)).toEqual({ problem: 'bad-statement' })
    expect(await stored()).toBe(0)
  })

  test('signature of another commit, or not over these bytes', async () => {
    const [{ made }, other] = [await seal(), await seal()]
    const signed = decodeSigned('commit', made.commit)
    const { signature } = decodeSigned('commit', other.made.commit)
    expect(await submit({ ...made, commit: encode(Signed, { ...signed, signature }) })).toEqual({
      problem: 'bad-statement',
    })
    expect(await submit({ ...made, commit: encode(Signed, { ...signed, keyVersion: 1 }) })).toEqual({
      problem: 'bad-statement',
    })
    expect(await submit({ ...made, commit: await owner.sign('access', signed.body) })).toEqual({
      problem: 'bad-statement',
    })
  })

  test('another suite, a future time, no item', async () => {
    const { made } = await seal()
    expect(await submit(await resign(made, { suite: 2 }))).toEqual({ problem: 'bad-statement' })
    expect(await submit(await resign(made, { time: Math.floor(world.clock.now / 1000) + 61 }))).toEqual({
      problem: 'bad-statement',
    })
    const empty = { ...made, capsules: [], records: [], encapsulations: [] }
    expect(await submit(await resign(empty))).toEqual({ problem: 'bad-statement' })
  })

  test('leaves that are not what was signed', async () => {
    const { made } = await seal(3)
    const [record] = made.records as [Submission['records'][number]]
    const wrong: Submission[] = [
      { ...made, leaves: made.leaves.slice(0, -32) },
      { ...made, leaves: concatBytes(made.leaves, made.leaves) },
      { ...made, leaves: made.leaves.map((byte) => byte ^ 1) },
      { ...made, capsules: [] },
      { ...made, records: [{ ...record, place: 4_000_000 }, ...made.records.slice(1)] },
      { ...made, records: [record, record, ...made.records.slice(2)] },
    ]
    const places = made.records.map(({ place }) => place)
    wrong.push({ ...made, records: made.records.map((one, i) => ({ ...one, place: places[(i + 1) % 3] as number })) })
    for (const submission of wrong) expect(await submit(submission)).toEqual({ problem: 'bad-statement' })
    expect(await stored()).toBe(0)
  })

  test('a record that its own author leaves out is as good as padding, and nothing else is lost', async () => {
    const { made } = await seal(3)
    expect(await submit({ ...made, records: made.records.slice(1) })).toHaveProperty('position')
    const [commit] = (await world.feed(owner, vault.vault, owner)).commits
    expect(commit?.records).toHaveLength(2)
  })

  test('an unknown vault, or one where the author has no right', async () => {
    const { made } = await seal()
    const stranger = await world.principal()
    const other = new Writer(world, stranger, vault, { custodian: owner })
    const theirs = await other.seal(await other.capsule(), [{}])
    expect(await submit(theirs.made, stranger)).toEqual({ problem: 'not-permitted' })
    expect(await submit(await resign(made, { vault: world.context.random(32) }))).toEqual({ problem: 'not-permitted' })
    const own = new Writer(world, stranger, vault, { custodian: stranger, owner })
    expect(await submit((await own.seal(await own.capsule(), [{}])).made, stranger)).toEqual({
      problem: 'not-permitted',
    })
  })
})

describe('capsules', () => {
  test('of another vault, custodian, writer, suite or time; without a seal for the owner', async () => {
    const { made } = await seal()
    const [{ place, capsule }] = made.capsules as [Submission['capsules'][number]]
    const now = Math.floor(world.clock.now / 1000)
    const { header, shares } = decode(Capsule, capsule)
    const wrong: [Uint8Array, string][] = [
      [withHeader(capsule, { vault: world.context.random(32) }), 'bad-statement'],
      [withHeader(capsule, { custodian: world.context.random(32) }), 'bad-statement'],
      [withHeader(capsule, { writer: world.context.random(32) }), 'bad-statement'],
      [withHeader(capsule, { suite: 9 }), 'bad-statement'],
      [withHeader(capsule, { opened: now + 61 }), 'bad-statement'],
      [withHeader(capsule, { opened: now - 86_400 }), 'capsule-closed'],
      [
        withHeader(capsule, { shareCommitments: decode(CapsuleHeader, header).shareCommitments.slice(1) }),
        'bad-statement',
      ],
      [withHeader(capsule, { category: world.context.random(16) }), 'bad-statement'],
      [withHeader(capsule, { epoch: 5 }), 'epoch-stale'],
      [encode(Capsule, { header, shares }), 'bad-statement'],
      [encode(Capsule, { ...decode(Capsule, capsule), shares: shares.slice(1) }), 'bad-statement'],
      [capsule.slice(0, -1), 'bad-encoding'],
      [concatBytes(capsule, Uint8Array.of(0)), 'bad-encoding'],
    ]
    for (const [bytes, problem] of wrong) {
      const submission = await resign({ ...made, capsules: [{ place, capsule: bytes }] })
      expect((await submit(submission)).problem, problem).toBe(problem)
    }
    expect(await stored()).toBe(0)
  })

  test("seals that name no encapsulation, another recipient's or another writer's", async () => {
    const { made } = await seal()
    const sent = made.encapsulations
    for (let leftOut = 0; leftOut < sent.length; leftOut++) {
      expect(await submit({ ...made, encapsulations: sent.filter((_, i) => i !== leftOut) })).toEqual({
        problem: 'bad-statement',
      })
    }
    const unnamed = encode(Encapsulation, { ...decode(Encapsulation, sent[0] as Uint8Array), day: 1 })
    expect(await submit({ ...made, encapsulations: [...sent, unnamed] })).toEqual({ problem: 'bad-statement' })
    const [{ place, capsule }] = made.capsules as [Submission['capsules'][number]]
    const { shares, ...rest } = decode(Capsule, capsule)
    const swapped = encode(Capsule, { ...rest, shares: shares.toReversed() })
    expect(await submit(await resign({ ...made, capsules: [{ place, capsule: swapped }] }))).toEqual({
      problem: 'bad-statement',
    })
    const friend = await world.principal()
    await world.grant(vault, { signer: owner, custodian: owner, grantee: friend })
    await submit(made)
    const theirs = new Writer(world, friend, vault, { custodian: owner })
    const lent = await theirs.seal(await theirs.capsule(), [{}])
    const [theirCapsule] = lent.made.capsules as [Submission['capsules'][number]]
    const borrowed = encode(Capsule, { ...decode(Capsule, theirCapsule.capsule), shares })
    const submission = await resign({ ...lent.made, capsules: [{ ...theirCapsule, capsule: borrowed }] }, {}, friend)
    const named = { ...submission, encapsulations: lent.made.encapsulations.slice(-1) }
    expect((await submit(named, friend)).problem).toBe('bad-statement')
    expect(await submit(lent.made, friend)).toHaveProperty('position')
  })

  test('used again in another vault, by another author, or after they closed', async () => {
    const first = await writer.write()
    const elsewhere = await world.vault(owner)
    const other = new Writer(world, owner, elsewhere, { custodian: owner })
    const across = await other.seal(first.capsule, [{}], { withCapsule: false })
    expect(await submit(across.made)).toEqual({ problem: 'capsule-closed', places: [across.made.records[0]?.place] })
    const twice = await writer.seal(first.capsule, [])
    expect((await submit(twice.made)).problem).toBe('already-exists')
    const access = await createAccess(
      {
        vault: vault.vault,
        custodian: owner.id,
        reader: owner,
        capsules: [first.capsule.headerHash],
        chain: [],
        purpose: 'patient-request',
      },
      world.context,
    )
    const late = await writer.seal(first.capsule, [{}], { withCapsule: false })
    await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
    expect(await submit(late.made)).toEqual({ problem: 'capsule-closed', places: [late.made.records[0]?.place] })
  })

  test('sealed to an epoch that is gone', async () => {
    const before = await seal()
    const rotated = await rotateCategories(
      {
        vault: vault.vault,
        custodian: owner,
        previousSigned: vault.manifest.signed,
        previous: vault.manifest.manifest,
        secrets: vault.manifest.secrets,
        rotate: [vault.manifest.secrets[0]?.category as Uint8Array],
      },
      world.context,
    )
    await world.must(Receipt, owner, 'POST', '/v1/manifests', { body: rotated.signed })
    const [capsule] = before.made.capsules
    expect(await submit(before.made)).toEqual({ problem: 'epoch-stale', places: [capsule?.place] })
    writer.manifest = rotated
    expect(await submit((await seal()).made)).toHaveProperty('position')
  })
})

describe('records', () => {
  test("bodies that are not what the header's leaf says", async () => {
    const { made } = await seal()
    const [record] = made.records as [Submission['records'][number]]
    const other = world.context.random(300)
    expect(await submit({ ...made, records: [{ ...record, body: other }] })).toEqual({ problem: 'digest-mismatch' })
    expect(await submit({ ...made, records: [{ ...record, size: record.size + 1 }] })).toEqual({
      problem: 'digest-mismatch',
    })
    expect(await submit({ ...made, records: [{ ...record, body: other, digest: sha256(other), size: 300 }] })).toEqual({
      problem: 'bad-statement',
    })
    const { body: _body, ...bare } = record
    expect(_body).toBeDefined()
    expect(await submit({ ...made, records: [bare] })).toEqual({ problem: 'blob-missing', places: [record.place] })
  })

  test('headers of another suite, or not canonical', async () => {
    const { made } = await seal()
    const [record] = made.records as [Submission['records'][number]]
    const suite = encode(RecordHeader, { ...decode(RecordHeader, record.header), suite: 3 })
    expect(await submit(await resign({ ...made, records: [{ ...record, header: suite }] }))).toEqual({
      problem: 'bad-statement',
    })
    const long = concatBytes(record.header, Uint8Array.of(0))
    expect(await submit(await resign({ ...made, records: [{ ...record, header: long }] }))).toEqual({
      problem: 'bad-encoding',
    })
  })

  test('a version that exists, also when many try at once', async () => {
    const handle = world.context.random(16)
    const racing = await Promise.all(
      Array.from({ length: 12 }, async () => writer.seal(await writer.capsule(), [{ handle }])),
    )
    const answers = (await Promise.all(racing.map(({ submission }) => world.commit(owner, submission)))).flat()
    expect(answers.filter(({ position }) => position !== undefined)).toHaveLength(1)
    const refused = answers.flatMap((answer, i) =>
      answer.problem === undefined ? [] : [{ answer, places: racing[i]?.made.records.map(({ place }) => place) }],
    )
    expect(refused).toHaveLength(11)
    for (const { answer, places } of refused) expect(answer).toEqual({ problem: 'version-exists', places })
    expect(await stored()).toBe(1)
    const next = await writer.seal(await writer.capsule(), [{ handle, version: 2 }])
    expect(await submit(next.made)).toHaveProperty('position')
  })
})

describe('a batch', () => {
  test('bad ones stand alone; the same one twice gets one place', async () => {
    const [good, bad, also] = [await seal(), await seal(), await seal()]
    const broken = { ...bad.made, leaves: bad.made.leaves.map((byte) => byte ^ 1) }
    const answers = await world.submit(owner, [good.made, broken, also.made, good.made])
    expect(answers.map(({ problem }) => problem)).toEqual([undefined, 'bad-statement', undefined, undefined])
    expect(answers[3]).toEqual(answers[0])
    expect(await stored()).toBe(2)
  })

  test('that is no batch', async () => {
    for (const body of [
      new Uint8Array(),
      Uint8Array.of(0x9f, 0xff),
      encode(CommitBatch, [(await seal()).made]).slice(0, -1),
    ]) {
      expect((await world.ask(owner, 'POST', '/v1/commits', { body })).code).toBe('bad-encoding')
    }
  })

  test('a provider that was not admitted deposits nowhere', async () => {
    const hospital = await world.provider()
    const custody = await world.vault(hospital, 'custody')
    const other = await world.principal('organisation')
    const own = new Writer(world, other, custody, { custodian: other })
    const sealed = await own.seal(await own.capsule(), [{}])
    expect(await submit(sealed.made, other)).toEqual({ problem: 'not-permitted' })
    expect((await world.ask(other, 'GET', `/v1/vaults/${toHex(custody.vault)}`)).code).toBe('not-found')
  })
})

/** A grantee with the right to write who makes what no client would make. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Courier, createCapsule, createCommit, type OpenCapsule, sealRecord } from '@scelle/seal/envelope'
import type { Client, SubmitResult } from '@scelle/sdk'
import { Capsule, CapsuleHeader, capsuleHeaderHash, categoryEntry, decode, encode } from '@scelle/seal/verify'
import { CommitSubmission } from '@scelle/wire/messages'
import { seededRandom } from '../src/constellation.ts'
import { newestManifest } from './forged.ts'
import { createScene, DAY, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
let drawn = 0
beforeEach(async () => {
  scene = await createScene('attack-writers')
})
afterEach(() => scene.world.close())

const writer = async (categories = ['summary']): Promise<Client> => {
  const lab = await scene.world.client('machine')
  await scene.vault.share({
    basis: 'consent',
    to: lab.identity.id, categories, rights: ['write'], until: scene.world.now() + 30 * DAY,
  })
  return lab
}

interface Craft {
  readonly category?: string
  /** What the capsule says of itself instead. */
  readonly header?: Partial<CapsuleHeader>
  readonly capsule?: (capsule: Capsule, courier: Courier) => Promise<Capsule>
  readonly content?: Uint8Array | string
  /** Milliseconds by which the writer's clock runs ahead. */
  readonly ahead?: number
}

const altered = async (made: OpenCapsule, { header, capsule }: Craft, courier: Courier): Promise<Uint8Array> => {
  const stored = decode(Capsule, made.capsuleBytes)
  const changed = { ...stored, header: encode(CapsuleHeader, { ...made.header, ...header }) }
  return encode(Capsule, capsule === undefined ? changed : await capsule(changed, courier))
}

/** One capsule and one record, made by hand and submitted as the writer's. */
const craft = async (lab: Client, how: Craft): Promise<SubmitResult> => {
  const { world, vault, hospital } = scene
  const context = { now: () => world.now() + (how.ahead ?? 0), random: seededRandom(`craft ${drawn++}`) }
  const courier = new Courier(lab.identity.id, context)
  const id = (await vault.categories()).get(how.category ?? 'summary')!.id
  const capsule = await createCapsule({
    vault: vault.id,
    genesis: vault.genesis,
    custodian: hospital.identity.id,
    category: categoryEntry(await newestManifest(scene), id),
    retention: 'care',
    trustees: world.trustees.map(({ identity }) => identity.keys),
  }, courier, context)
  const content = how.content ?? '{"id":"crafted"}'
  const handle = context.random(16)
  const record = await sealRecord(capsule, { handle, version: 1, time: 0, contentType: 'fhir+json', content }, context)
  const made = await createCommit({
    vault: vault.id,
    custodian: hospital.identity.id,
    author: lab.identity,
    capsules: [await altered(capsule, how, courier)],
    records: [{ ...record, size: record.body.length }],
    linkRecipient: hospital.identity.keys,
  }, courier, context)
  const { commit, leaves, capsules, records, encapsulations } = made
  const submission = encode(CommitSubmission, { commit, leaves, capsules, records, encapsulations })
  const one = { vault: vault.id, custodian: hospital.identity.id, id: made.id, submission, blobs: [], items: [] }
  return (await lab.submit([one]))[0] as SubmitResult
}

const problemOf = async (work: Promise<SubmitResult>): Promise<string> => {
  const result = await work
  return result.accepted ? 'accepted' : result.problem
}

describe('the index refuses', () => {
  it('a category that was not granted, and one that does not exist', async () => {
    const lab = await writer()
    expect(await problemOf(craft(lab, {}))).toBe('accepted')
    expect(await problemOf(craft(lab, { category: 'notes' }))).toBe('not-permitted')
    expect(await problemOf(craft(lab, { header: { category: new Uint8Array(16) } }))).toBe('bad-statement')
  })

  it('an epoch that is over, or not there yet', async () => {
    const lab = await writer()
    expect(await problemOf(craft(lab, { header: { epoch: 1 } }))).toBe('epoch-stale')
    await scene.vault.rotate()
    expect(await problemOf(craft(lab, { header: { epoch: 0 } }))).toBe('epoch-stale')
    expect(await problemOf(craft(lab, {}))).toBe('accepted')
  })

  it('a capsule dated ahead, to be kept open, or long ago', async () => {
    const lab = await writer()
    const now = Math.floor(scene.world.now() / 1000)
    expect(await problemOf(craft(lab, { ahead: 3_600_000 }))).toBe('bad-statement')
    expect(await problemOf(craft(lab, { header: { opened: now + 3_600 } }))).toBe('bad-statement')
    expect(await problemOf(craft(lab, { header: { opened: now - 25 * 3_600 } }))).toBe('capsule-closed')
  })

  it('a capsule of another writer, vault or custodian, and an owner\'s seal where there is no owner', async () => {
    const lab = await writer()
    for (const field of ['writer', 'vault', 'custodian'] as const) {
      expect(await problemOf(craft(lab, { header: { [field]: new Uint8Array(32).fill(1) } }))).toBe('bad-statement')
    }
    const capsule = async (one: Capsule): Promise<Capsule> => ({ ...one, owner: one.shares[0]! })
    expect(await problemOf(craft(lab, { capsule }))).toBe('bad-statement')
  })

  it('shares sealed to anybody but the vault\'s trustees, in their order', async () => {
    const lab = await writer()
    const swapped = async (one: Capsule): Promise<Capsule> => ({ ...one, shares: one.shares.toReversed() })
    expect(await problemOf(craft(lab, { capsule: swapped }))).toBe('bad-statement')
    const own = async (one: Capsule, courier: Courier): Promise<Capsule> => {
      const seal = await courier.sealTo(lab.identity.keys, 'share', capsuleHeaderHash(one.header), new Uint8Array(33))
      return { ...one, shares: [seal, one.shares[1]!, one.shares[2]!] }
    }
    expect(await problemOf(craft(lab, { capsule: own }))).toBe('bad-statement')
  })
})

describe('readers keep the others\' records', () => {
  it('beside a capsule whose shares were sealed under another header: named, not opened', async () => {
    const { vault } = scene
    await vault.write([item('a')])
    const lab = await writer()
    // The header was changed after the shares were sealed to it: no trustee's share opens.
    expect(await problemOf(craft(lab, { header: { retention: 'patient' } }))).toBe('accepted')
    await vault.refresh()
    const chart = await vault.open()
    expect(namesOf(chart.opened())).toEqual(['a'])
    expect(chart.problems).toMatchObject([{ what: 'capsule', code: 'share-invalid' }])
  })

  it('beside content that names prototypes, is not UTF-8, or is not JSON', async () => {
    const { vault } = scene
    await vault.write([item('a')])
    const lab = await writer()
    await craft(lab, { content: '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}' })
    await craft(lab, { content: Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d) })
    await vault.refresh()
    const chart = await vault.open()
    expect(chart.opened()).toHaveLength(3)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(chart.problems).toEqual([])
  })
})

describe('an owner', () => {
  it('opens through trustees what a writer sealed to it wrongly', async () => {
    const { world } = scene
    const owner = await world.client('person')
    const owned = await owner.createVault({ mode: 'owner', categories: [{ code: 'summary', strict: false }] })
    await owned.write([item('mine')])
    const context = { now: world.now, random: seededRandom('owner') }
    const courier = new Courier(owner.identity.id, context)
    const manifest = await newestManifest({ ...scene, vault: owned })
    const capsule = await createCapsule({
      vault: owned.id, genesis: owned.genesis, custodian: owner.identity.id, category: manifest.categories[0]!,
      retention: 'care', trustees: world.trustees.map(({ identity }) => identity.keys), owner: owner.identity.keys,
    }, courier, context)
    const record = await sealRecord(capsule, {
      handle: context.random(16), version: 1, time: 0, contentType: 'fhir+json', content: '{"id":"hidden"}',
    }, context)
    const stored = decode(Capsule, capsule.capsuleBytes)
    const other = new Courier(owner.identity.id, context)
    const release = new Uint8Array(32).fill(6)
    const seal = await other.sealTo(owner.identity.keys, 'owner', capsuleHeaderHash(stored.header), release)
    const made = await createCommit({
      vault: owned.id, custodian: owner.identity.id, author: owner.identity,
      capsules: [encode(Capsule, { ...stored, owner: seal })], records: [{ ...record, size: record.body.length }],
      linkRecipient: owner.identity.keys, indexHas: (id) => other.bytesOf(id) !== undefined,
    }, courier, context)
    const { commit, leaves, capsules, records } = made
    const encapsulations = [...made.encapsulations, other.bytesOf(seal.encapsulation)!]
    const submission = encode(CommitSubmission, { commit, leaves, capsules, records, encapsulations })
    const [result] = await owner.submit([
      { vault: owned.id, custodian: owner.identity.id, id: made.id, submission, blobs: [], items: [] },
    ])
    expect(result).toMatchObject({ accepted: true })
    expect(namesOf((await owned.open()).opened())).toEqual(['hidden', 'mine'])
  })
})

/** A record's proof, made in the whole constellation and checked by somebody who has nothing but the pinned keys. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Client, Vault } from '@scelle/sdk'
import { decode, sha256, toHex } from '@scelle/seal/verify'
import { logPolicy, QUORUM } from '@scelle/wire/log'
import { CommitHistory } from '@scelle/wire/messages'
import { encodeProven, Proven, type VerifiedProven, verifyProven } from '@scelle/wire/proven'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { codeOf, DAY, handle, item, lie } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))

let world: Constellation
let hospital: Client
let vault: Vault
beforeEach(async () => {
  world = await createConstellation({ seed: 'proofs' })
  hospital = await world.client('organisation')
  vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
})
afterEach(() => world.close())

/** As a stranger: who the parties are is pinned, everything else is in the file. */
const checked = async (file: Uint8Array, quorum: number = QUORUM.final, body?: Uint8Array): Promise<VerifiedProven> => {
  const { index, trustees } = hospital.parties
  const keysOf = (id: Uint8Array) => hospital.principal(id)
  return verifyProven(file, logPolicy({
    index: await keysOf(index), trustees: await Promise.all(trustees.map(keysOf)), quorum,
  }), body)
}

it('shows a stranger that a record stands in the log, and nothing of what is in it', async () => {
  const [first, second] = await vault.write([item('a'), item('b', 1, 'notes')])
  await vault.write([item('a', 2)])
  for (const written of [first!, second!]) {
    const file = await vault.proofOf({ record: written.record })
    const proven = await checked(file)
    expect(proven).toMatchObject({ kind: 'commit', leaf: written.sequence - 1, signer: toHex(hospital.identity.id) })
    expect(proven.statement).toBe(toHex(written.commit))
    expect(toHex(proven.record!.record)).toBe(written.record)
    expect(proven.checkpoint.cosigned.size).toBe(3)
  }
  const author = toHex(hospital.identity.id)
  const versions = await Promise.all([1, 2].map(async (version) =>
    (await checked(await vault.proofOf({ author, handle: toHex(handle('a')), version }))).record))
  expect(versions.map((record) => [toHex(record!.handle), record!.version]))
    .toEqual([[toHex(handle('a')), 1], [toHex(handle('a')), 2]])
  expect(toHex(versions[0]!.record)).toBe(first!.record)
})

it('opens nothing: no access is on record, and no trustee is asked', async () => {
  const [written] = await vault.write([item('a')])
  world.network.recording = true
  await vault.proofOf({ record: written!.record })
  world.network.recording = false
  expect(world.network.seen.filter(({ target }) => /\/v1\/(accesses|releases)/.test(target))).toEqual([])
})

it('is for owner, custodian and author; not for whoever may only read', async () => {
  const [written] = await vault.write([item('a')])
  const doctor = await world.client('person')
  await vault.share({
    basis: 'consent',
    to: doctor.identity.id, categories: ['summary'], rights: ['read', 'write'], until: world.now() + DAY,
  })
  const doctors = await doctor.vault(vault.id)
  expect(await codeOf(doctors.proofOf({ record: written!.record }))).toBe('not-custodian')
  const [own] = await doctors.write([item('d')])
  expect((await checked(await doctors.proofOf({ record: own!.record }))).signer).toBe(toHex(doctor.identity.id))
  expect(await codeOf(doctors.proofOf({ record: written!.record }))).toBe('not-custodian')
  expect((await checked(await vault.proofOf({ record: own!.record }))).statement).toBe(toHex(own!.commit))
  const [hidden] = await vault.write([item('n', 1, 'notes')])
  expect(await codeOf(doctors.proofOf({ record: hidden!.record }))).toBe('record-unknown')
  expect(await codeOf(vault.proofOf({ record: '00'.repeat(16) }))).toBe('record-unknown')
})

it('is refused with any octet changed, with parts of another file, and with other content', async () => {
  const [first] = await vault.write([item('a')])
  const [second] = await vault.write([item('b')])
  const files = await Promise.all([first!, second!].map(({ record }) => vault.proofOf({ record })))
  const [one, two] = files.map((file) => decode(Proven, file)) as [Proven, Proven]
  const file = files[0]!
  const { index, trustees } = hospital.parties
  const policy = logPolicy({
    index: await hospital.principal(index),
    trustees: await Promise.all(trustees.map((id) => hospital.principal(id))),
    quorum: QUORUM.final,
  })
  const passed: number[] = []
  for (let at = 0; at < file.length; at++) {
    const changed = file.slice()
    changed[at] = changed[at]! ^ 1
    if (await verifyProven(changed, policy).then(() => true, () => false)) passed.push(at)
  }
  expect(passed).toEqual([])
  for (const mixed of [
    { ...one, statement: two.statement }, { ...one, receipt: two.receipt }, { ...one, record: two.record! },
    { ...one, record: { ...one.record!, digest: sha256(new Uint8Array(1)) } },
  ]) {
    expect(await codeOf(checked(encodeProven(mixed)))).not.toBe('nothing was thrown')
  }
  expect(await codeOf(checked(file, QUORUM.final, new Uint8Array(100)))).toBe('record-mismatch')
})

it('is refused under the keys of another log', async () => {
  const [written] = await vault.write([item('a')])
  const file = await vault.proofOf({ record: written!.record })
  const other = await createConstellation({ seed: 'another' })
  try {
    const stranger = await other.client('organisation')
    const { index, trustees } = stranger.parties
    const policy = logPolicy({
      index: await stranger.principal(index),
      trustees: await Promise.all(trustees.map((id) => stranger.principal(id))),
      quorum: QUORUM.release,
    })
    expect(await codeOf(verifyProven(file, policy))).toBe('origin-unknown')
  } finally {
    await other.close()
  }
})

it('names an index that points at another leaf, or shows a commit only in the feed', async () => {
  const [written] = await vault.write([item('a')])
  await vault.write([item('b')])
  const record = written!.record
  const stops = lie(world, /\/commits\?/, CommitHistory, ({ places, ...rest }) => ({
    ...rest, places: places!.map((place, i) => ({ ...place, sequence: places!.at(-1 - i)!.sequence })),
  }))
  expect(await codeOf(vault.proofOf({ record }))).toBe('leaf-dropped')
  stops()
  lie(world, /\/commits\?/, CommitHistory, ({ commits, ...rest }) => ({ ...rest, commits: commits.slice(1) }))
  expect(await codeOf(vault.proofOf({ record }))).toBe('feed-withheld')
})

it('waits for the third trustee only a moment', async () => {
  const third = world.trustees[2]!
  await vault.write([item('a')])
  await third.kill()
  const [written] = await vault.write([item('b')])
  expect(await codeOf(vault.proofOf({ record: written!.record }))).toBe('index-problem')
  await third.restart()
  await world.clock.advance(120_000)
  await checked(await vault.proofOf({ record: written!.record }))
})

it('of an opening holds the access itself', async () => {
  await vault.write([item('a')])
  await vault.open()
  await world.clock.advance(120_000)
  const { accesses } = await vault.accesses()
  const { proof, statement } = accesses[0]!
  const proven = await checked(proof!, QUORUM.release)
  expect(proven).toMatchObject({ kind: 'access', statement, signer: toHex(hospital.identity.id), record: undefined })
})

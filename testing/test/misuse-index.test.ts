/** An index that lies about records: every lie has a name. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decode, encode, Signed, toHex } from '@scelle/seal/verify'
import { CommitSubmission, type FeedCommit, VaultView } from '@scelle/wire/messages'
import { submitLinkedToNothing } from './by-hand.ts'
import { forgedCommit } from './forged.ts'
import {
  codeOf, createScene, HOUR, item, lie, lieInFeed, lieInHistory, namesOf, type Scene, servedOf,
} from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene('misuse-index')
})
afterEach(() => scene.world.close())

/** Three commits of one author, each with a capsule of its own: opening closes what was open. */
const threeCommits = async (): Promise<void> => {
  for (const name of ['a', 'b', 'c']) {
    await scene.vault.write([item(name)])
    ;(await scene.vault.open()).close()
  }
}

const onRecords = (
  commit: FeedCommit,
  change: (records: FeedCommit['records']) => FeedCommit['records'],
): FeedCommit => ({ ...commit, records: change(commit.records) })

describe('records', () => {
  it('swapped bodies: record-tampered; swapped bodies with digests: commit-proof-invalid', async () => {
    const { vault, world } = scene
    await vault.write([item('a'), item('b')])
    const swap = (fields: readonly ('body' | 'digest' | 'size')[]) => () =>
      lieInFeed(world, (feed) => ({
        ...feed,
        commits: feed.commits.map((commit) =>
          onRecords(commit, ([a, b]) => [
            { ...a!, ...Object.fromEntries(fields.map((field) => [field, b![field]])) },
            { ...b!, ...Object.fromEntries(fields.map((field) => [field, a![field]])) },
          ]),
        ),
      }))
    const stop = swap(['body'])()
    expect(await codeOf(vault.open())).toBe('record-tampered')
    stop()
    const stopAgain = swap(['body', 'digest', 'size'])()
    expect(await codeOf(vault.open())).toBe('commit-proof-invalid')
    stopAgain()
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
  })

  it('a body changed in one bit: record-tampered', async () => {
    const { vault, world } = scene
    await vault.write([item('a')])
    lieInFeed(world, (feed) => ({
      ...feed,
      commits: feed.commits.map((commit) =>
        onRecords(commit, (records) =>
          records.map((record) => ({ ...record, body: record.body!.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) })),
        ),
      ),
    }))
    expect(await codeOf(vault.open())).toBe('record-tampered')
  })

  it('one replayed in its commit, and a commit replayed: feed-replayed', async () => {
    const { vault, world } = scene
    await vault.write([item('a')])
    const stop = lieInFeed(world, (feed) => ({
      ...feed,
      commits: feed.commits.map((commit) => onRecords(commit, ([record]) => [record!, record!])),
    }))
    expect(await codeOf(vault.open())).toBe('feed-replayed')
    stop()
    lieInFeed(world, (feed) => ({ ...feed, commits: [...feed.commits, ...feed.commits] }))
    expect(await codeOf(vault.open())).toBe('feed-replayed')
  })

  it('a version committed twice, which the index had to refuse: feed-replayed', async () => {
    const { world, hospital, vault } = scene
    const prepared = await vault.prepare([item('a')])
    await hospital.submit([prepared])
    const again = await scene.world.client(hospital.identity)
    const twin = await (await again.vault(vault.id)).prepare([item('a')])
    const [refused] = await again.submit([twin])
    expect(refused).toMatchObject({ accepted: false, problem: 'version-exists', items: [0] })
    const served = feedCommitOf(twin.submission)
    lieInFeed(world, (feed) => ({ ...feed, commits: [...feed.commits, served] }))
    expect(await codeOf(vault.open())).toBe('feed-replayed')
  })

  it('a forged signature: signature-invalid; an author who may not write: grant-insufficient', async () => {
    const { vault, world } = scene
    await vault.write([item('a')])
    const stop = lieInFeed(world, (feed) => ({
      ...feed,
      commits: feed.commits.map((commit) => {
        const signed = decode(Signed, commit.commit)
        const signature = signed.signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte))
        return { ...commit, commit: encode(Signed, { ...signed, signature }) }
      }),
    }))
    expect(await codeOf(vault.open())).toBe('signature-invalid')
    stop()
    const { commit, encapsulations } = await forgedCommit(scene)
    lieInFeed(world, (feed) => ({
      ...feed,
      commits: [...feed.commits, commit],
      encapsulations: [...feed.encapsulations, ...encapsulations],
    }))
    expect(await codeOf(vault.open())).toBe('grant-insufficient')
  })

  it('a commit of another vault: vault-mismatch', async () => {
    const { hospital, vault, world } = scene
    const other = await hospital.createVault({ mode: 'custody', categories: [{ code: 'summary', strict: false }] })
    const prepared = await other.prepare([item('z')])
    await hospital.submit([prepared])
    lieInFeed(world, (feed) => ({ ...feed, commits: [feedCommitOf(prepared.submission)] }))
    expect(await codeOf(vault.open())).toBe('vault-mismatch')
  })

  it('a capsule left out: capsule-mismatch for its records, feed-withheld without them', async () => {
    const { vault, world } = scene
    await vault.write([item('a'), item('n', 1, 'notes')])
    const stop = lieInFeed(world, (feed) => ({
      ...feed,
      commits: feed.commits.map((commit) => ({ ...commit, capsules: commit.capsules.slice(1), records: [] })),
    }))
    expect(await codeOf(vault.open())).toBe('feed-withheld')
    stop()
    const doctor = await world.client('person')
    await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + HOUR })
    lieInFeed(world, (feed) => ({ ...feed, commits: feed.commits.map((commit) => ({ ...commit, capsules: [] })) }))
    expect(await codeOf((await doctor.vault(vault.id)).open())).toBe('capsule-mismatch')
  })
})

describe('order and memory', () => {
  it('the same commits in another order: feed-reordered', async () => {
    const { vault, world } = scene
    await threeCommits()
    await vault.open()
    lieInFeed(world, (feed) => ({ ...feed, commits: feed.commits.toReversed() }))
    expect(await codeOf(vault.open())).toBe('feed-reordered')
  })

  it('fewer commits than before, or a record less: feed-rolled-back', async () => {
    const { vault, world } = scene
    await vault.write([item('a'), item('b')])
    await threeCommitsMore()
    await vault.open()
    const stop = lieInFeed(world, (feed) => ({ ...feed, commits: feed.commits.slice(0, -1) }))
    expect(await codeOf(vault.open())).toBe('feed-rolled-back')
    stop()
    lieInFeed(world, (feed) => ({
      ...feed,
      commits: feed.commits.map((commit, i) => (i === 0 ? onRecords(commit, (records) => records.slice(1)) : commit)),
    }))
    expect(await codeOf(vault.open())).toBe('feed-rolled-back')
  })

  const threeCommitsMore = async (): Promise<void> => {
    for (const name of ['c', 'd']) await scene.vault.write([item(name)])
  }

  it('an older manifest: manifest-rolled-back', async () => {
    const { vault, world } = scene
    await vault.rotate()
    lie(world, /\/v1\/vaults\/[0-9a-f]+$/, VaultView, (view) => ({
      ...view,
      manifests: view.manifests.map((part) => ({ ...part, versions: part.versions.slice(0, 1) })),
    }))
    expect(await codeOf(vault.refresh().then(() => vault.open()))).toBe('manifest-rolled-back')
  })

  it('a part that was there and is not served any more: manifest-rolled-back', async () => {
    const { vault, world } = scene
    lie(world, /\/v1\/vaults\/[0-9a-f]+$/, VaultView, (view) => ({ ...view, manifests: [] }))
    await vault.refresh()
    expect(await codeOf(vault.open({ custodian: scene.hospital.identity.id }))).toBe('manifest-rolled-back')
  })

  it('a writer whose last commit the index lost: feed-rolled-back', async () => {
    const { hospital, vault, world } = scene
    const state = await rememberingClient()
    const again = await state.client.vault(vault.id)
    await again.write([item('a')])
    lieInHistory(world, () => [])
    const restarted = await scene.world.client(hospital.identity, { state: state.state })
    expect(await codeOf((await restarted.vault(vault.id)).write([item('b')]))).toBe('feed-rolled-back')
  })

  const rememberingClient = async () => {
    const entries = new Map<string, Uint8Array>()
    const state = {
      get: async (key: string) => entries.get(key),
      set: async (key: string, value: Uint8Array) => void entries.set(key, value),
    }
    return { state, client: await scene.world.client(scene.hospital.identity, { state }) }
  }
})

describe('withholding, found by the custodian', () => {
  it('nothing withheld: nothing thrown', async () => {
    await threeCommits()
    await expect(scene.vault.checkHistory()).resolves.toBeUndefined()
    await expect(scene.vault.checkHistory()).resolves.toBeUndefined()
  })

  it('a commit between two others, from feed and history: feed-withheld', async () => {
    const { hospital, vault, world } = scene
    await threeCommits()
    const fresh = await (await world.client(hospital.identity)).vault(vault.id)
    lieInFeed(world, (feed) => ({ ...feed, commits: feed.commits.toSpliced(1, 1) }))
    lieInHistory(world, (commits) => commits.toSpliced(1, 1))
    await fresh.open()
    expect(await codeOf(fresh.checkHistory())).toBe('feed-withheld')
  })

  it('from the feed alone: feed-withheld; the newest: feed-rolled-back; out of order: feed-reordered', async () => {
    const { hospital, vault, world } = scene
    await threeCommits()
    const fresh = await (await world.client(hospital.identity)).vault(vault.id)
    const stop = lieInFeed(world, (feed) => ({ ...feed, commits: feed.commits.toSpliced(1, 1) }))
    expect(await codeOf(fresh.checkHistory())).toBe('feed-withheld')
    stop()
    const stopHistory = lieInHistory(world, (commits) => commits.slice(0, -1))
    expect(await codeOf(vault.checkHistory())).toBe('feed-rolled-back')
    stopHistory()
    lieInHistory(world, (commits) => commits.toReversed())
    expect(await codeOf(vault.checkHistory())).toBe('feed-reordered')
  })

  it('one record of a commit: feed-withheld, and the author is named', async () => {
    const { hospital, vault, world } = scene
    await vault.write([item('a'), item('b')])
    const fresh = await (await world.client(hospital.identity)).vault(vault.id)
    const stop = lieInFeed(world, (feed) => ({
      ...feed,
      commits: feed.commits.map((commit) => onRecords(commit, (records) => records.slice(1))),
    }))
    const error: unknown = await fresh.checkHistory().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'feed-withheld', parties: [toHex(hospital.identity.id)] })
    stop()
    const again = await (await world.client(hospital.identity)).vault(vault.id)
    await expect(again.checkHistory()).resolves.toBeUndefined()
  })

  it("a commit of one author, though another author's link names nothing: both are named", async () => {
    const { hospital, vault, world } = scene
    const writer = await world.client('organisation')
    await vault.share({
      basis: 'consent', to: writer.identity.id, categories: ['summary'], until: world.now() + HOUR, rights: ['write'],
    })
    await submitLinkedToNothing(scene, writer)
    const error: unknown = await vault.checkHistory().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'feed-withheld', parties: [toHex(writer.identity.id)] })
    await threeCommits()
    const fresh = await (await world.client(hospital.identity)).vault(vault.id)
    lieInFeed(world, (feed) => ({ ...feed, commits: feed.commits.toSpliced(2, 1) }))
    lieInHistory(world, (commits) => commits.toSpliced(2, 1))
    const both: unknown = await fresh.checkHistory().catch((thrown: unknown) => thrown)
    const parties = [writer, hospital].map(({ identity }) => toHex(identity.id))
    expect(both).toMatchObject({ code: 'feed-withheld', parties })
    expect((both as Error).message).toContain(parties[1])
  })

  it('is not for readers', async () => {
    const { vault, world } = scene
    const doctor = await world.client('person')
    await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + HOUR })
    expect(await codeOf((await doctor.vault(vault.id)).checkHistory())).toBe('not-custodian')
  })
})

/** A prepared commit, as a lying index would serve it. */
const feedCommitOf = (submission: Uint8Array): FeedCommit => servedOf(decode(CommitSubmission, submission))

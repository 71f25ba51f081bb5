/** Readers and writers who want more than they were given. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { capsuleKey, ownerRelease } from '@scelle/seal/envelope'
import type { Client, Vault } from '@scelle/sdk'
import { toHex } from '@scelle/seal/verify'
import {
  accessTo, capsulesOf, deliveredTo, type OwnersCapsule, ownersScene, releaseOf, submitBroken,
} from './by-hand.ts'
import { codeOf, createScene, DAY, HOUR, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene('misuse-readers')
})
afterEach(() => scene.world.close())

const shareWith = (
  client: Client,
  options: { rights?: ('read' | 'write')[]; categories?: string[]; until?: number } = {},
) =>
  scene.vault.share({
    basis: 'consent',
    to: client.identity.id,
    categories: options.categories ?? ['summary'],
    until: options.until ?? scene.world.now() + 30 * DAY,
    rights: options.rights ?? ['read'],
  })

const opened = async (vault: Vault): Promise<string[]> => namesOf((await vault.open()).opened())

describe('a writer without a read grant', () => {
  it("writes, and cannot open what it wrote: not now, and not yesterday's", async () => {
    const { world, vault } = scene
    const lab = await world.client('machine')
    await shareWith(lab, { rights: ['write'] })
    const labVault = await lab.vault(vault.id)
    await labVault.write([item('result')])
    expect(lab.openCapsules).toBe(1)
    expect(await codeOf(labVault.open())).toBe('no-grant')
    await world.clock.advance(25 * HOUR)
    // The key is forgotten with the capsule's day: nothing that this client still holds opens it.
    expect(lab.openCapsules).toBe(0)
    expect(await codeOf(labVault.open())).toBe('no-grant')
    expect(await opened(vault)).toEqual(['result'])
  })

  it('has no category secret, so that even the release secret itself opens nothing', async () => {
    const { owner, vault, capsules } = await ownersScene(scene)
    const lab = await scene.world.client('machine')
    await vault.share({
      basis: 'consent',
      to: lab.identity.id,
      categories: ['summary'],
      rights: ['write'],
      until: scene.world.now() + DAY,
    })
    const labVault = await lab.vault(vault.id)
    await labVault.write([item('result')])
    const [written] = await capsules()
    const release = await ownerRelease(written!.bytes, owner.identity, written!.encapsulation)
    expect((await labVault.categories()).get('summary')?.readable).toBe(false)
    const secrets = await deliveredTo(scene, lab, vault.id)
    expect(await codeOf(capsuleKey({ headerBytes: written!.capsule.header, release, secrets }))).toBe(
      'category-unknown',
    )
  })

  it('is refused by index and trustees when it asks for a release anyway', async () => {
    const { world, vault } = scene
    await vault.write([item('a')])
    const lab = await world.client('machine')
    await shareWith(lab, { rights: ['write'] })
    const access = await accessTo(scene, lab, await capsulesOf(scene))
    expect(access.status).toBe(403)
  })
})

describe('a reader removed from a category', () => {
  it('cannot open the next record, and keeps nothing but what it had opened', async () => {
    const { world, vault } = scene
    const [doctor, nurse] = [await world.client('person'), await world.client('person')]
    const { grant } = await shareWith(doctor)
    await shareWith(nurse)
    await vault.write([item('before')])
    const doctorsVault = await doctor.vault(vault.id)
    const chart = await doctorsVault.open()
    expect(namesOf(chart.opened())).toEqual(['before'])
    const state = await vault.revoke(grant)
    expect(state).toMatchObject({ pending: [], index: true, rotated: true })
    expect(state.acknowledged).toHaveLength(3)
    await vault.write([item('after')])
    expect(await codeOf(chart.refresh())).toBe('index-problem')
    expect(await codeOf(doctorsVault.open())).toBe('index-problem')
    expect(await codeOf(doctor.vault(vault.id))).toBe('index-problem')
    expect(await opened(await nurse.vault(vault.id))).toEqual(['after', 'before'])
  })

  it("cannot even where index and trustees help it: the new epoch's key was never sent to it", async () => {
    const { owner, vault, capsules } = await ownersScene(scene)
    const doctor = await scene.world.client('person')
    const share = { to: doctor.identity.id, categories: ['summary'], until: scene.world.now() + DAY }
    const { grant } = await vault.share(share)
    await vault.write([item('before')])
    await vault.revoke(grant)
    await vault.write([item('after')])
    const secrets = await deliveredTo(scene, doctor, vault.id)
    const [before, after] = await capsules()
    const keyOf = async ({ bytes, capsule, encapsulation }: OwnersCapsule) =>
      capsuleKey({
        headerBytes: capsule.header,
        secrets,
        release: await ownerRelease(bytes, owner.identity, encapsulation),
      })
    expect((await keyOf(before!)).header.epoch).toBe(0)
    expect(after!.header.epoch).toBe(1)
    expect(await codeOf(keyOf(after!))).toBe('category-unknown')
  })

  it('keeps its other categories, under their own keys', async () => {
    const { world, vault } = scene
    const doctor = await world.client('person')
    const { grant } = await shareWith(doctor, { categories: ['notes'] })
    await shareWith(doctor)
    await vault.revoke(grant)
    await vault.write([item('a'), item('n', 1, 'notes')])
    expect(await opened(await doctor.vault(vault.id))).toEqual(['a'])
  })

  it('loses what it passed on as well', async () => {
    const { world, vault } = scene
    const [ward, nurse] = [await world.client('organisation'), await world.client('person')]
    const { grant } = await vault.share({
      basis: 'consent',
      to: ward.identity.id,
      categories: ['summary'],
      rights: ['read', 'shareOn'],
      until: world.now() + DAY,
    })
    const wardsVault = await ward.vault(vault.id)
    await wardsVault.share({
      basis: 'consent', to: nurse.identity.id, categories: ['summary'], until: world.now() + HOUR,
    })
    await vault.write([item('a')])
    expect(await opened(await nurse.vault(vault.id))).toEqual(['a'])
    expect(
      await codeOf(
        wardsVault.share({
          basis: 'consent', to: nurse.identity.id, categories: ['summary'], until: world.now() + 2 * DAY,
        }),
      ),
    ).toBe('grant-not-subset')
    await vault.rotate()
    await vault.write([item('b')])
    await (await ward.vault(vault.id)).renewKeys()
    expect(await opened(await nurse.vault(vault.id))).toEqual(['a', 'b'])
    await vault.revoke(grant)
    expect(await codeOf(nurse.vault(vault.id))).toBe('index-problem')
  })
})

describe('a grant used outside its limits', () => {
  it('another purpose, an expired time, an unnamed category: no-grant', async () => {
    const { world, vault } = scene
    const doctor = await world.client('person')
    await shareWith(doctor, { until: world.now() + HOUR })
    await vault.write([item('a')])
    const doctorsVault = await doctor.vault(vault.id)
    expect(await codeOf(doctorsVault.open({ purpose: 'research' }))).toBe('no-grant')
    expect(await codeOf(doctorsVault.open({ categories: ['notes'] }))).toBe('no-grant')
    await world.clock.advance(HOUR + 1000)
    expect(await codeOf(doctorsVault.open())).toBe('index-problem')
  })
})

describe('capsules and shares', () => {
  it('a share moved to another capsule: refused by the trustee', async () => {
    const { world, vault } = scene
    await vault.write([item('a'), item('n', 1, 'notes')])
    const doctor = await world.client('person')
    await shareWith(doctor)
    const all = await capsulesOf(scene)
    const summary = (await vault.categories()).get('summary')!
    const mine = all.find(({ header }) => toHex(header.category) === toHex(summary.id))!
    const notes = all.find((one) => one !== mine)!
    const right = await releaseOf(scene, doctor, [mine], [mine])
    expect(right.status).toBe(200)
    // The notes' shares under the header that this reader may open.
    const moved = await releaseOf(scene, doctor, [mine], [notes])
    expect(moved).toMatchObject({ status: 400, code: 'bad-statement' })
    expect(moved.detail).toMatch(/seal-invalid/)
  })

  it("whose shares disagree: refused and named, the other writers' records open", async () => {
    const { world, vault } = scene
    const mallory = await world.client('machine')
    await shareWith(mallory, { rights: ['write'] })
    await vault.write([item('good')])
    await submitBroken(scene, mallory, 'shares-disagree')
    const chart = await vault.open()
    expect(namesOf(chart.opened())).toEqual(['good'])
    expect(chart.problems).toEqual([
      { what: 'capsule', who: toHex(mallory.identity.id), which: expect.any(String), code: 'shares-disagree' },
    ])
  })

  it('whose shares are not those committed to: refused and named, the other records open', async () => {
    const { world, vault } = scene
    const mallory = await world.client('machine')
    await shareWith(mallory, { rights: ['write'] })
    await vault.write([item('good'), item('n', 1, 'notes')])
    await submitBroken(scene, mallory, 'share-invalid')
    const chart = await vault.open()
    expect(namesOf(chart.opened())).toEqual(['good', 'n'])
    expect(chart.problems.map(({ what, who, code }) => ({ what, who, code }))).toContainEqual({
      what: 'capsule',
      who: toHex(mallory.identity.id),
      code: 'share-invalid',
    })
  })
})


/** The sdk as its callers use it, over the whole constellation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rotateIdentity, SDK_LIMITS } from '@scelle/sdk'
import { decode, toHex } from '@scelle/seal/verify'
import { ReleaseRequest } from '@scelle/wire/messages'
import { seededRandom } from '../src/constellation.ts'
import { askedOf, CATEGORIES, codeOf, createScene, DAY, handle, HOUR, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene('sdk-flows')
})
afterEach(() => scene.world.close())

describe('writing', () => {
  it('a new vault is written to without being read back from the index', async () => {
    const { world, hospital } = scene
    world.network.recording = true
    world.network.seen.length = 0
    const made = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    await made.write([item('a')])
    world.network.recording = false
    expect(askedOf(world).map(({ method, target }) => `${method} ${target}`)).toEqual([
      'POST /v1/vaults', 'POST /v1/commits',
    ])
    const again = await (await world.client(hospital.identity)).vault(made.id)
    expect(namesOf((await again.open()).opened())).toEqual(['a'])
    expect([...(await again.categories()).keys()]).toEqual([...(await made.categories()).keys()])
    await made.rotate()
    await made.write([item('a', 2)])
    expect((await made.open()).opened()).toHaveLength(2)
  })

  it('one capsule for the records of a day, another after an opening, an epoch or a day', async () => {
    const { vault, world, hospital } = scene
    const capsules = async (): Promise<number> => {
      world.network.recording = true
      world.network.seen.length = 0
      await (await (await world.client(hospital.identity)).vault(vault.id)).open()
      world.network.recording = false
      return decode(ReleaseRequest, world.network.seen.find(({ target }) => target === '/v1/releases')!.body!)
        .capsules.length
    }
    await vault.write([item('a')])
    await vault.write([item('b')])
    expect(await capsules()).toBe(1)
    await vault.write([item('c')])
    expect(await capsules()).toBe(2)
    await vault.rotate()
    await vault.write([item('d')])
    expect(await capsules()).toBe(3)
    await vault.write([item('e')])
    await world.clock.advance(DAY + 1000)
    await vault.write([item('f')])
    expect(await capsules()).toBe(5)
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('in bulk: up to 500 records a capsule, any number a commit', async () => {
    const { vault, hospital } = scene
    await vault.write(Array.from({ length: 1_203 }, (_, i) => item(`r${i}`)))
    expect(hospital.openCapsules).toBe(1)
    const chart = await vault.open()
    expect(chart.opened()).toHaveLength(1_203)
    expect(chart.opened()[7]?.author).toBe(toHex(hospital.identity.id))
  })

  it('versions, tombstones and bodies that travel as blobs', async () => {
    const { vault, world } = scene
    const large = Buffer.from(world.random('large')(300_000)).toString('hex')
    await vault.write([item('a'), { ...item('scan'), content: large }])
    await vault.write([item('a', 2)])
    await vault.write([{ ...item('a', 3), content: '', contentType: 'tombstone' }])
    const chart = await vault.open()
    expect(chart.opened()).toHaveLength(4)
    const latest = new Map(chart.latest().map((record) => [record.handle, record]))
    expect(latest.get(toHex(handle('a')))).toMatchObject({ version: 3, contentType: 'tombstone' })
    expect(Buffer.from(latest.get(toHex(handle('scan')))!.content).toString()).toBe(large)
  })

  it('the same version twice: commit-refused, naming the item, and nothing of the batch', async () => {
    const { vault } = scene
    await vault.write([item('a')])
    const writing = vault.write([item('b'), item('a')])
    await expect(writing).rejects.toMatchObject({ code: 'commit-refused', problem: 'version-exists', items: [1] })
    await vault.write([item('c')])
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'c'])
    await vault.checkHistory()
  })

  it('what does not fit is refused before anything is sealed', async () => {
    const { vault } = scene
    const refusals = [[], [{ ...item('a'), handle: new Uint8Array(15) }], [item('a', 0)], [item('a'), item('a')]]
    for (const items of refusals) expect(await codeOf(vault.write(items))).toBe('bad-input')
    expect(await codeOf(vault.write([item('a', 1, 'nowhere')]))).toBe('category-unknown')
    await expect(vault.write([item('a')])).resolves.toHaveLength(1)
  })

  it('many at once into one vault: one after the other, each linked to the last', async () => {
    const { vault } = scene
    await Promise.all(Array.from({ length: 24 }, (_, i) => vault.write([item(`p${i}`)])))
    expect((await vault.open()).opened()).toHaveLength(24)
    await vault.checkHistory()
  })

  it('many vaults in one request', async () => {
    const { hospital, world } = scene
    const vaults = []
    for (let i = 0; i < 5; i++) vaults.push(await hospital.createVault({ mode: 'custody', categories: CATEGORIES }))
    const prepared = await Promise.all(vaults.map((vault) => vault.prepare([item('a')])))
    world.network.recording = true
    const results = await hospital.submit(prepared)
    expect(results.map(({ accepted }) => accepted)).toEqual([true, true, true, true, true])
    expect(askedOf(world).map(({ target }) => target)).toEqual(['/v1/commits'])
  })

  it('a prepared commit holds its part until it is submitted or discarded', async () => {
    const { vault, hospital } = scene
    const first = await vault.prepare([item('a')])
    let second = false
    const next = vault.prepare([item('b')]).then((prepared) => {
      second = true
      return prepared
    })
    await new Promise(setImmediate)
    expect(second).toBe(false)
    hospital.discard(first)
    await hospital.submit([await next])
    expect(namesOf((await vault.open()).opened())).toEqual(['b'])
    await vault.checkHistory()
    await vault.prepare([item('c')])
    expect(await codeOf(vault.prepare([item('d')]))).toBe('commit-pending')
  })

  it('goes on after a restart where the last process stopped', async () => {
    const { vault, world, hospital } = scene
    const entries = new Map<string, Uint8Array>()
    const state = {
      get: async (key: string) => entries.get(key),
      set: async (key: string, value: Uint8Array) => void entries.set(key, value),
    }
    const before = await world.client(hospital.identity, { state })
    await (await before.vault(vault.id)).write([item('a')])
    const left = await (await before.vault(vault.id)).prepare([item('b')])
    const after = await world.client(hospital.identity, { state })
    expect(await after.submit([structuredClone(left)])).toMatchObject([{ accepted: true }])
    await (await after.vault(vault.id)).write([item('c')])
    const reopened = await after.vault(vault.id)
    expect(namesOf((await reopened.open()).opened())).toEqual(['a', 'b', 'c'])
    await reopened.checkHistory()
    // What was given to the index is kept whole for one that is restored, so much of it at most.
    const given = [...entries].filter(([key]) => key.includes('/given/'))
    expect(given.every(([, value]) => value.length < 2 * SDK_LIMITS.givenBytes)).toBe(true)
    const others = [...entries].filter(([key]) => !key.includes('/given/'))
    expect(others.every(([, value]) => value.length < 4_096)).toBe(true)
  })
})

describe('a chart', () => {
  it('refreshes: one request where nothing is new, one access where something is', async () => {
    const { vault, world } = scene
    await vault.write([item('a')])
    const chart = await vault.open()
    world.network.recording = true
    expect(await chart.refresh()).toEqual([])
    expect(askedOf(world).map(({ target }) => target.replace(/\?.*/, ''))).toEqual([
      `/v1/vaults/${toHex(vault.id)}/feed`,
    ])
    await vault.write([item('b')])
    const [first, second] = await Promise.all([chart.refresh(), chart.refresh()])
    expect([namesOf(first), namesOf(second)]).toEqual([['b'], []])
    expect(namesOf(chart.latest())).toEqual(['a', 'b'])
  })

  it('follows an epoch and a wider grant that come while it is open', async () => {
    const { vault, world } = scene
    const doctor = await world.client('person')
    const share = { basis: 'consent', to: doctor.identity.id, until: world.now() + DAY } as const
    await vault.share({ ...share, categories: ['summary'] })
    await vault.write([item('a'), item('n', 1, 'notes')])
    const doctors = await doctor.vault(vault.id)
    const chart = await doctors.open()
    await vault.rotate()
    await vault.write([item('b')])
    expect(namesOf(await chart.refresh())).toEqual(['b'])
    await vault.share({ ...share, categories: ['notes'] })
    await vault.write([item('c')])
    expect(namesOf(await chart.refresh())).toEqual(['c'])
    expect(chart.categories).toEqual(['summary'])
    await doctors.refresh()
    expect(namesOf((await doctors.open()).opened())).toEqual(['a', 'b', 'c', 'n'])
    expect(namesOf((await doctors.open({ categories: ['notes'] })).opened())).toEqual(['n'])
  })

  it('says so where its keys were not renewed yet, and opens the rest', async () => {
    const { vault, world } = scene
    const [ward, nurse] = [await world.client('organisation'), await world.client('person')]
    await vault.share({
      basis: 'consent',
      to: ward.identity.id,
      categories: ['summary'],
      rights: ['read', 'shareOn'],
      until: world.now() + DAY,
    })
    const wards = await ward.vault(vault.id)
    await wards.share({ basis: 'consent', to: nurse.identity.id, categories: ['summary'], until: world.now() + HOUR })
    await vault.write([item('a')])
    const chart = await (await nurse.vault(vault.id)).open()
    await vault.rotate()
    await vault.write([item('b')])
    expect(await chart.refresh()).toEqual([])
    expect(chart.problems).toMatchObject([{ what: 'capsule', code: 'category-unknown' }])
    expect(await wards.renewKeys()).toBe(1)
    expect(namesOf(await chart.refresh())).toEqual(['b'])
    expect(chart.problems).toEqual([])
  })

  it('keeps nothing after it is closed', async () => {
    const { vault } = scene
    await vault.write([item('a')])
    const chart = await vault.open()
    chart.close()
    for (const look of [() => chart.opened(), () => chart.latest(), () => chart.problems, () => chart.categories]) {
      expect(look).toThrow(expect.objectContaining({ code: 'chart-closed' }))
    }
    expect(await codeOf(chart.refresh())).toBe('chart-closed')
  })
})

describe('a writer that stays connected', () => {
  it('seals again after an epoch it did not hear of', async () => {
    const { vault, world } = scene
    const lab = await world.client('machine')
    await vault.share({
      basis: 'consent', to: lab.identity.id, categories: ['summary'], rights: ['write'], until: world.now() + DAY,
    })
    const labs = await lab.vault(vault.id)
    await labs.write([item('a')])
    await vault.rotate()
    await labs.write([item('b')])
    expect(namesOf((await vault.open()).opened())).toEqual(['a', 'b'])
  })

  it('and one whose keys changed: what it sealed, received and signed before still holds', async () => {
    const { vault, world, hospital } = scene
    await vault.write([item('a')])
    const rotated = await rotateIdentity(hospital.identity, { now: world.now, random: seededRandom('new keys') })
    const again = await world.client(rotated)
    const reopened = await again.vault(vault.id)
    await reopened.write([item('b')])
    expect(namesOf((await reopened.open()).opened())).toEqual(['a', 'b'])
    await reopened.checkHistory()
  })
})

describe('custody and ownership', () => {
  it("a second custodian has a part of its own, and neither sees the other's", async () => {
    const { vault, world } = scene
    const clinic = await world.client('organisation')
    const clinics = await clinic.joinVault(vault.id, { categories: CATEGORIES })
    await vault.write([item('hospital')])
    await clinics.write([item('clinic')])
    expect(namesOf((await vault.open()).opened())).toEqual(['hospital'])
    expect(namesOf((await clinics.open()).opened())).toEqual(['clinic'])
    const doctor = await world.client('person')
    for (const one of [vault, clinics])
      await one.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
    const doctors = await doctor.vault(vault.id)
    expect(await codeOf(doctors.open())).toBe('bad-input')
    expect(namesOf((await doctors.open({ custodian: clinic.identity.id })).opened())).toEqual(['clinic'])
    expect((await doctor.grants()).map(({ categories, rights }) => ({ categories, rights }))).toEqual([
      { categories: ['summary'], rights: ['read'] },
      { categories: ['summary'], rights: ['read'] },
    ])
  })

  it('an owner sees what others wrote, and checks that nothing is withheld', async () => {
    const { world } = scene
    const patient = await world.client('person')
    const vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    const lab = await world.client('machine')
    await vault.share({
      basis: 'consent', to: lab.identity.id, categories: ['summary'], rights: ['write'], until: world.now() + DAY,
    })
    await (await lab.vault(vault.id)).write([item('result')])
    await vault.write([item('own', 1, 'notes')])
    world.network.recording = true
    expect(namesOf((await vault.open()).opened())).toEqual(['own', 'result'])
    expect(askedOf(world).some(({ host }) => host.startsWith('trustee'))).toBe(false)
    await vault.checkHistory()
  })
})

/** Writers who may write, and use it against the others: nobody's records disappear behind theirs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, SDK_LIMITS, type Vault } from '@scelle/sdk'
import { sha256, toHex } from '@scelle/seal/verify'
import { codeOf, createScene, DAY, handle, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
let mallory: Client
let theirs: Vault
beforeEach(async () => {
  scene = await createScene('misuse-writers')
  mallory = await scene.world.client('machine')
  await scene.vault.share({
    basis: 'consent',
    to: mallory.identity.id,
    categories: ['summary'],
    rights: ['read', 'write'],
    until: scene.world.now() + DAY,
  })
  await scene.vault.write([item('allergy')])
  theirs = await mallory.vault(scene.vault.id)
})
afterEach(() => scene.world.close())

describe('a writer with a grant', () => {
  it("cannot replace or delete another author's resource by taking its handle", async () => {
    const { vault, hospital } = scene
    await theirs.write([
      {
        category: 'summary',
        handle: handle('allergy'),
        version: 4_000_000_000,
        content: '',
        contentType: 'tombstone',
      },
    ])
    await vault.refresh()
    const latest = (await vault.open()).latest()
    const own = latest.filter(({ author }) => author === toHex(hospital.identity.id))
    expect(namesOf(own)).toEqual(['allergy'])
    expect(latest.filter(({ author }) => author === toHex(mallory.identity.id))).toMatchObject([
      { contentType: 'tombstone' },
    ])
  })

  it('cannot close a chart with records that fill the memory once opened', async () => {
    const { vault } = scene
    // As much growth as a record may have: a little noise in every 4 kB.
    const noise = (i: number): string => toHex(sha256(Uint8Array.of(i & 255, i >> 8))) + 'ab'.repeat(8)
    const content = `"${Array.from({ length: 15_000 }, (_, i) => noise(i) + 'x'.repeat(4_000)).join('')}"`
    for (let i = 0; i < 5; i++)
      await theirs.write([{ category: 'summary', handle: handle(`bomb ${i}`), version: 1, content }])
    await vault.refresh()
    const chart = await vault.open()
    const size = chart.opened().reduce((sum, record) => sum + record.content.length, 0)
    expect(size).toBeLessThanOrEqual(SDK_LIMITS.chartBytes)
    expect(chart.problems).toMatchObject([
      { what: 'record', who: toHex(mallory.identity.id), code: 'chart-too-large' },
    ])
    expect(namesOf(chart.opened().filter(({ author }) => author === toHex(scene.hospital.identity.id)))).toEqual([
      'allergy',
    ])
  })

  it('cannot close a chart with a body that is not there any more, or that is another one', async () => {
    const { vault, world } = scene
    await theirs.write([{ ...item('scan'), content: Buffer.from(world.random('scan')(200_000)).toString('hex') }])
    await vault.refresh()
    const stop = world.network.add({
      host: world.index.host,
      target: /blobs/,
      effect: {
        kind: 'tamper',
        change: (answer) => ({
          ...answer,
          status: 404,
          headers: {},
          body: new TextEncoder().encode('{"code":"not-found"}'),
        }),
      },
    })
    expect((await vault.open()).problems).toMatchObject([{ what: 'record', code: 'blob-missing' }])
    stop()
    world.network.add({
      host: world.index.host,
      target: /blobs/,
      effect: {
        kind: 'tamper',
        change: (answer) => ({
          ...answer,
          body: answer.body.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
        }),
      },
    })
    const chart = await vault.open()
    expect(chart.problems).toMatchObject([{ what: 'record', code: 'record-tampered' }])
    expect(namesOf(chart.opened())).toEqual(['allergy'])
  })

  it('cannot write elsewhere', async () => {
    expect(await codeOf(theirs.write([item('n', 1, 'notes')]))).toBe('category-unknown')
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import { handleOf } from '@scelle/sdk'
import { type Constellation, createConstellation } from '../src/constellation.ts'

let world: Constellation
afterEach(() => world.close())

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const CATEGORIES = [{ code: 'summary', strict: false }, { code: 'notes', strict: true }]

describe('the whole constellation', () => {
  it('seals, shares and opens', async () => {
    world = await createConstellation({ seed: 'first' })
    const hospital = await world.client('organisation')
    const vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    const key = world.random('handles')(32)
    await vault.write([
      { category: 'summary', handle: handleOf(key, 'Patient', '1'), version: 1, content: '{"resourceType":"Patient"}' },
      { category: 'notes', handle: handleOf(key, 'Note', '1'), version: 1, content: '{"text":"secret"}' },
    ])
    const own = await vault.open()
    expect(own.opened().map(({ category }) => category).toSorted()).toEqual(['notes', 'summary'])
    const doctor = await world.client('person')
    await vault.share({
      basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + 3_600_000,
    })
    const chart = await (await doctor.vault(vault.id)).open()
    expect(chart.latest().map(({ content }) => text(content))).toEqual(['{"resourceType":"Patient"}'])
    expect(chart.problems).toEqual([])
  })

  it('lets an owner open without any trustee', async () => {
    world = await createConstellation({ seed: 'owner' })
    const patient = await world.client('person')
    const vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await vault.write([{ category: 'summary', handle: new Uint8Array(16), version: 1, content: '{}' }])
    for (const trustee of world.trustees) await trustee.kill()
    const chart = await vault.open()
    expect(chart.latest()).toHaveLength(1)
  })
})

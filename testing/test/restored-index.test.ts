/** Yesterday's backup of the index: trustees and clients give back what it lost, and nobody notices but by waiting. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, memoryState, type Vault } from '@scelle/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import type { LogEvent } from '@scelle/wire/server'
import { CATEGORIES, DAY, item, namesOf } from './scene.ts'

let world: Constellation
let events: LogEvent[]
let hospital: Client
let doctor: Client
let vault: Vault
let backup: string

/** Lets everything happen that happens by itself, with some time. */
const settle = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return
    await world.clock.advance(500)
  }
  throw new Error('it never came to hold')
}

const status = async (path: string): Promise<number> => (await world.network.fetch(`${world.index.url}${path}`)).status
const isFinal = async (): Promise<boolean> => {
  const { waiting } = await hospital.log.confirmKept()
  return waiting === 0
}

beforeEach(async (context) => {
  events = []
  world = await createConstellation({
    seed: context.task.name, log: (party, event) => void (party === 'index' && events.push(event)),
  })
  // A memory that outlives the client, as an edge and the command line have it.
  hospital = await world.client(await world.identity('organisation'), { state: memoryState() })
  doctor = await world.client(await world.identity('person'), { state: memoryState() })
  vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item('before')])
  await settle(isFinal)
  backup = mkdtempSync(join(tmpdir(), 'scelle-backup-'))
  await world.index.kill()
  cpSync(world.index.directory, backup, { recursive: true })
  await world.index.restart()
})
afterEach(async () => {
  await world.close()
  rmSync(backup, { recursive: true, force: true })
})

const restore = async (): Promise<void> => {
  await world.index.kill()
  rmSync(world.index.directory, { recursive: true, force: true })
  cpSync(backup, world.index.directory, { recursive: true })
  await world.index.restart()
  await settle(() => events.some(({ event }) => event === 'log-recovering'))
}

test('a day of writes, grants, openings and revocations is back, each where it was', async () => {
  await vault.write([item('after')])
  const { grant } = await vault.share({
    to: doctor.identity.id, categories: ['summary'], rights: ['read', 'write'], purposes: ['treatment'],
    basis: 'consent', until: world.now() + 30 * DAY,
  })
  const theirs = await doctor.vault(vault.id)
  const chart = await theirs.open({ purpose: 'treatment' })
  expect(namesOf(chart.opened())).toEqual(['after', 'before'])
  await theirs.write([item('by the doctor')])
  const other = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await other.write([item('of another')])
  const late = await world.client(await world.identity('person'), { state: memoryState() })
  await settle(async () => (await isFinal()) && (await doctor.log.confirmKept()).waiting === 0)
  const final = await hospital.log.checkpoint('final')

  await restore()
  expect(await status('/readyz')).toBe(503)
  expect(await status('/checkpoint')).toBe(503)
  const given = [await hospital.returnLost(), await late.returnLost(), await doctor.returnLost()]
  expect(given.at(-1)?.missing).toBe(0)
  await settle(async () => (await status('/readyz')) === 200)
  expect(events).toContainEqual(expect.objectContaining({ event: 'log-recovered' }))

  // Whoever looks again sees what it saw, and the log that goes on is the one that it knew.
  const again = await doctor.vault(vault.id)
  expect(namesOf((await again.open({ purpose: 'treatment' })).opened())).toEqual(['after', 'before', 'by the doctor'])
  expect(namesOf((await (await hospital.vault(other.id)).open()).opened()))
    .toEqual(['of another'])
  await vault.write([item('and on')])
  await settle(isFinal)
  expect((await hospital.log.checkpoint('final')).size).toBeGreaterThan(final.size)
  await vault.revoke(grant)
  expect([...hospital.log.alarms, ...doctor.log.alarms]).toEqual([])
})

test('nothing is asked for twice, and an index that lost nothing is asked one question', async () => {
  expect(await hospital.returnLost()).toEqual({ returned: 0, missing: 0 })
  await vault.write([item('after')])
  await settle(isFinal)
  await restore()
  expect(await hospital.returnLost()).toEqual({ returned: 1, missing: 0 })
  await settle(async () => (await status('/readyz')) === 200)
  expect(await hospital.returnLost()).toEqual({ returned: 0, missing: 0 })
})

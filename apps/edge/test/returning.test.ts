/** An edge gives an index that was restored from a backup what it kept for that, without anybody asking. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SdkError } from '@scelle/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { Returner } from '../src/writes/returner.ts'
import { createWorld, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
let backup: string
beforeEach(async () => {
  world = await createWorld({ seed: 'returning', jump: 0 })
  backup = mkdtempSync(join(tmpdir(), 'scelle-backup-'))
})
afterEach(async () => {
  await world.close()
  rmSync(backup, { recursive: true, force: true })
})

const status = async (path: string): Promise<number> => {
  const { index, network } = world.constellation
  return (await network.fetch(`${index.url}${path}`)).status
}

test('patients and results of a day: back, and read by an edge that starts anew', async () => {
  const { constellation, app, patiently, party } = world
  const { index } = constellation
  await patiently(app.put('Patient/p', patient('p')))
  await index.kill()
  cpSync(index.directory, backup, { recursive: true })
  await index.restart()
  await patiently(app.put('Patient/q', patient('q')))
  for (const [place, id] of ['p', 'q'].entries()) {
    await patiently(app.put(`Observation/${id}`, { ...glucose(id, place + 4), id }))
  }
  await constellation.clock.advance(5_000)
  await index.kill()
  rmSync(index.directory, { recursive: true, force: true })
  cpSync(backup, index.directory, { recursive: true })
  await index.restart()
  await constellation.clock.advance(2_000)
  expect(await status('/readyz')).toBe(503)
  for (let i = 0; i < 8 && (await status('/readyz')) !== 200; i++) await constellation.clock.advance(15_000)
  expect(await status('/readyz')).toBe(200)
  expect(world.lines.some((line) => line.includes('"index-restored"') && line.includes('"missing":0'))).toBe(true)
  await party.kill()
  await party.restart()
  for (const id of ['p', 'q']) expect((await patiently(app.get(`Observation/${id}`))).status).toBe(200)
  expect(world.lines.some((line) => line.includes('log-alarm'))).toBe(false)
})

test('an index that does not answer is asked at the next time', async () => {
  const events: string[] = []
  let asked = 0
  const returner = new Returner({
    client: { returnLost: async () => {
      asked++
      if (asked === 1) throw new SdkError('network', 'down')
      return { returned: asked === 3 ? 2 : 0, missing: 0 }
    } },
    kept: { all: function* none() {} },
    log: (event) => void events.push(event),
  })
  await returner.look()
  await returner.look()
  expect(events).toEqual(['index-not-asked'])
  await Promise.all([returner.look(), returner.look()])
  expect(events).toEqual(['index-not-asked', 'index-restored'])
  expect(EDGE_LIMITS.returnInterval).toBe(60_000)
})

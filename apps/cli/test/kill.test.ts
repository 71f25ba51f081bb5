/**
 * Kill -9 of index, edge and importer, real processes, at 100 seeded points of an import (DESIGN section 11): nothing
 * acknowledged is lost, nothing is there twice, and the import resumes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { population } from '@scelle/testing/population'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyResource } from '../src/import/read.ts'
import { everything } from '../src/open.ts'
import { killNow, type Parties, startParties } from './parties.ts'

const SEED = process.env['SCELLE_SEED'] ?? 'kill-1'
const KILLS = 100
const PATIENTS_A_ROUND = 40

/** Seeded, so that a failing run can be repeated: splitmix32 over the seed's characters. */
const dice = (seed: string): (() => number) => {
  let state = Array.from(seed).reduce((sum, char) => (Math.imul(sum, 31) + char.charCodeAt(0)) | 0, 7)
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

let parties: Parties
beforeAll(async () => {
  parties = await startParties('kill')
}, 120_000)
afterAll(() => parties.close())

const writeRound = async (round: number): Promise<{ folder: string; resources: AnyResource[] }> => {
  const folder = join(parties.root, `round-${round}`)
  await mkdir(folder)
  const resources: AnyResource[] = []
  for (const patient of population({ seed: `${SEED}-${round}`, patients: PATIENTS_A_ROUND })) {
    await writeFile(join(folder, `${patient.patient.id}.json`), JSON.stringify(patient.bundle()))
    resources.push(...(patient.resources as unknown as AnyResource[]))
  }
  return { folder, resources }
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

const startImport = (folder: string): ChildProcess =>
  spawn(process.execPath, [main, 'import', folder], {
    env: { ...process.env, SCELLE_HOME: parties.io.home.root, NODE_NO_WARNINGS: '1' },
    stdio: 'ignore',
  })

/** Runs an import to its end, killing index and edge at seeded moments; now and then the import itself, uncounted. */
const importUnderFire = async (folder: string, random: () => number, killsLeft: () => boolean, killed: () => void) => {
  let child = startImport(folder)
  let ended = once(child, 'exit') as Promise<[number | null]>
  const again = (): void => {
    child = startImport(folder)
    ended = once(child, 'exit') as Promise<[number | null]>
  }
  for (;;) {
    const outcome = await Promise.race([
      ended,
      sleep(killsLeft() ? 20 + random() * 400 : 120_000).then(() => undefined),
    ])
    if (outcome !== undefined && outcome[0] === 0) return
    if (outcome !== undefined) {
      again()
      continue
    }
    const which = random()
    if (which < 0.1) {
      await killNow(child)
      again()
    } else {
      killed()
      await parties.restart(which < 0.55 ? 'index' : 'edge')
    }
  }
}

describe(`kill -9, seed ${SEED}`, () => {
  it(`survives ${KILLS} kills during imports`, async () => {
    const random = dice(SEED)
    const expected: AnyResource[] = []
    const killed: number[] = []
    for (let round = 0; killed.length < KILLS; round++) {
      const { folder, resources } = await writeRound(round)
      expected.push(...resources)
      await importUnderFire(
        folder,
        random,
        () => killed.length < KILLS,
        () => killed.push(round),
      )
    }
    const found = new Map<string, AnyResource[]>()
    for (const patient of expected.filter((resource) => resource.resourceType === 'Patient')) {
      for (const resource of await everything(parties.io, parties.edge, String(patient.id))) {
        const name = `${resource.resourceType}/${resource.id}`
        found.set(name, [...(found.get(name) ?? []), resource])
      }
    }
    for (const resource of expected) {
      const name = `${resource.resourceType}/${resource.id}`
      const copies = found.get(name) ?? []
      expect(copies, name).toHaveLength(1)
      expect(copies[0], name).toMatchObject({ meta: { versionId: '1' } })
      expect(copies[0]).toMatchObject({
        resourceType: resource.resourceType,
        id: resource.id,
      })
    }
    expect(found.size).toBe(expected.length)
    expect(killed.length).toBeGreaterThanOrEqual(KILLS)
    const leftovers = (await readdir(parties.io.home.path('index', 'data'), { recursive: true })).filter((name) =>
      /tmp|partial/.test(name),
    )
    expect(leftovers).toEqual([])
  }, 580_000)
})

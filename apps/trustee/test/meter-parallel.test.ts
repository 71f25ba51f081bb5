/** 8 devices of one person, 200 streams each, at once: the bound is met exactly, and every release has its word. */
import { expect, test } from 'vitest'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { BUDGETS } from '../src/meter/budgets.ts'
import { askRelease, withReceipts } from './logged.ts'
import { patientOf, requestOf } from './patients.ts'
import { makeWorld, type Outcome, startTrustee, statusOf } from './world.ts'

const DEVICES = 8
const STREAMS = 200
/** So many patients; each device asks for each of them. */
const PATIENTS = STREAMS

test('one person, 8 devices, 1,600 requests: the patients released are exactly the free ones', async () => {
  const world = await makeWorld('parallel')
  const running = startTrustee(world)
  const devices = await Promise.all(Array.from({ length: DEVICES }, () => createIdentity('person', world.clock)))
  const meter = new Uint8Array(32).fill(7)
  const hospital = await statusOf(world, world.hospital, { role: 'hospital' })
  const statuses = new Map<Identity, Uint8Array[]>()
  for (const device of devices) {
    const own = await statusOf(world, device, { role: 'gp', meter, organisation: world.hospital.id })
    statuses.set(device, [own, hospital])
  }
  const asked: { device: Identity; vault: string; request: ReleaseRequest }[] = []
  for (let n = 0; n < PATIENTS; n++) {
    const patient = await patientOf(world, devices)
    for (const device of devices) {
      const request = await requestOf(world, patient, device, statuses.get(device) ?? [])
      asked.push({ device, vault: patient.vault.join(), request })
    }
  }
  const requests = await withReceipts(world, running, asked.map(({ request }) => request))
  const said: { vault: string; outcome: Outcome }[] = []
  const waiting = asked.map(({ device, vault }, i) => ({ device, vault, request: requests[i] as ReleaseRequest }))
  // A server takes 512 bodies whose signer it does not know yet: as many at once, the others as soon as one is through.
  const stream = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      said.push({ vault: next.vault, outcome: await askRelease(world, running, next.request, next.device) })
    }
  }
  await Promise.all(Array.from({ length: 500 }, stream))
  const released = said.filter(({ outcome }) => outcome.status === 200)
  expect(new Set(released.map(({ vault }) => vault)).size).toBe(BUDGETS.gp.free)
  expect(released.length, 'each device opens what one of them opened').toBe(BUDGETS.gp.free * DEVICES)
  const refused = new Set(said.filter(({ outcome }) => outcome.status !== 200).map(({ outcome }) => outcome.code))
  expect([...refused]).toEqual(['step-up-required'])
  const now = Math.floor(world.clock.now() / 1000)
  expect(running.store.asked(({ ledger }) => ledger.count(meter, 'seen', 'day', now))).toBe(BUDGETS.gp.free)
  expect(running.store.asked(({ spent }) => spent.serial)).toBe(released.length)
}, 120_000)

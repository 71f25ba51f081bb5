/** 8 devices of one person, 200 streams each, at once: the bound is met exactly, and every release has its word. */
import { expect, test } from 'vitest'
import { createAccess, createGrant } from '@scelle/seal/grants'
import { createCapsule } from '@scelle/seal/envelope'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { createVault } from '@scelle/seal/keys'
import { type CategoryEntry, decodeCapsule, RIGHTS } from '@scelle/seal/verify'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { BUDGETS } from '../src/meter/budgets.ts'
import { askRelease, withReceipts } from './logged.ts'
import { ANY_RECEIPT, makeWorld, type Outcome, startTrustee, statusOf, type World } from './world.ts'

const DEVICES = 8
const STREAMS = 200
/** So many patients; each device asks for each of them. */
const PATIENTS = STREAMS
const HOUR = 3_600

interface Patient {
  readonly vault: Uint8Array
  readonly genesisSigned: Uint8Array
  readonly capsule: Awaited<ReturnType<typeof createCapsule>>
  readonly grants: ReadonlyMap<Identity, { readonly id: Uint8Array; readonly signed: Uint8Array }>
}

const patientOf = async (world: World, devices: readonly Identity[]): Promise<Patient> => {
  const { clock, hospital, trustees, courier } = world
  const made = await createVault({
    mode: 'custody', controller: hospital, trustees: trustees.map(({ id }) => id),
    categories: [{ code: 'summary', strict: false }],
  }, clock)
  const category = made.manifest.manifest.categories[0] as CategoryEntry
  const capsule = await createCapsule({
    vault: made.vault, genesis: made.genesis, custodian: hospital.id, category, retention: 'care',
    trustees: trustees.map(({ keys }) => keys),
  }, courier, clock)
  const now = Math.floor(clock.now() / 1000)
  const grants = new Map(await Promise.all(devices.map(async (device) => {
    const { id, grantSigned } = await createGrant({
      signer: hospital, grantee: device.keys, secrets: made.manifest.secrets, manifestVersion: 1,
      grant: {
        vault: made.vault, custodian: hospital.id, grantee: device.id, categories: [category.category],
        rights: RIGHTS.read, purposes: ['treatment'], basis: 'consent', notBefore: now, expires: now + HOUR, depth: 0,
      },
    }, clock)
    return [device, { id, signed: grantSigned }] as const
  })))
  return { vault: made.vault, genesisSigned: made.genesisSigned, capsule, grants }
}

const requestOf = async (
  world: World, patient: Patient, device: Identity, statuses: readonly Uint8Array[],
): Promise<ReleaseRequest> => {
  const grant = patient.grants.get(device) as { id: Uint8Array; signed: Uint8Array }
  const { signed } = await createAccess({
    vault: patient.vault, custodian: world.hospital.id, reader: device, purpose: 'treatment',
    capsules: [patient.capsule.headerHash], chain: [grant.id],
  }, world.clock)
  const { header, shares } = decodeCapsule(patient.capsule.capsuleBytes).capsule
  const share = shares[0] as (typeof shares)[number]
  const shown = [world.hospital, device, world.register, ...world.trustees]
  return {
    access: signed, genesis: patient.genesisSigned, keys: shown.map(({ chain }) => [...chain]), chain: [grant.signed],
    capsules: [{ header, share }], encapsulations: [world.courier.bytesOf(share.encapsulation) as Uint8Array],
    receipt: ANY_RECEIPT, statuses: [...statuses],
  }
}

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

/** Many patients of one hospital, and what a reader shows to open one of them. */
import { createCapsule } from '@scelle/seal/envelope'
import { createAccess, createGrant } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { createVault } from '@scelle/seal/keys'
import { type CategoryEntry, decodeCapsule, RIGHTS } from '@scelle/seal/verify'
import type { ReleaseRequest } from '@scelle/wire/messages'
import { ANY_RECEIPT, type World } from './world.ts'

const HOUR = 3_600

export interface Patient {
  readonly vault: Uint8Array
  readonly genesisSigned: Uint8Array
  readonly capsule: Awaited<ReturnType<typeof createCapsule>>
  readonly grants: ReadonlyMap<Identity, { readonly id: Uint8Array; readonly signed: Uint8Array }>
}

export const patientOf = async (world: World, devices: readonly Identity[]): Promise<Patient> => {
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

export const requestOf = async (
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

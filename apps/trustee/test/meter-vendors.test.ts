/** Vendors: what a ticket lets in, and everything that it does not. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createAccess, type MadeGrant, signTicket } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import type { OpenCapsule } from '@scelle/seal/envelope'
import { type Grant, statementId, type Status, type Ticket } from '@scelle/seal/verify'
import { askRelease } from './logged.ts'
import {
  answerIn, grantTo, makeCapsule, makeWorld, prepare, type Running, startTrustee, statusOf, type World,
} from './world.ts'

const HOUR = 3600

let world: World
let running: Running
let capsule: OpenCapsule
let vendor: Identity
let subcontractor: Identity
let engineer: Identity
let sponsor: Identity

beforeEach(async () => {
  world = await makeWorld('vendors')
  running = startTrustee(world)
  capsule = await makeCapsule(world)
  vendor = await createIdentity('vendor', world.clock)
  subcontractor = await createIdentity('vendor', world.clock)
  engineer = await createIdentity('person', world.clock)
  sponsor = await createIdentity('person', world.clock)
})

const now = (): number => Math.floor(world.clock.now() / 1000)

const ticketOf = (fields: Partial<Ticket> = {}, signer = sponsor): Promise<Uint8Array> => signTicket(signer, {
  organisation: world.hospital.id, vendor: vendor.id, number: 'INC-4711', vaults: [world.vault.vault],
  purpose: 'administration', subcontract: false, notBefore: now(), expires: now() + 4 * HOUR, ...fields,
}, world.clock)

const chainOf = async (ticket: Uint8Array | undefined, through: readonly Identity[]): Promise<MadeGrant[]> => {
  const chain: MadeGrant[] = []
  for (const [place, grantee] of through.entries()) {
    const parent = chain.at(-1)
    const fields: Partial<Grant> & { signer?: Identity } = {
      purposes: ['administration'],
      depth: 3 - place,
      ...(ticket === undefined ? {} : { ticket: statementId(ticket) }),
      ...(parent === undefined ? {} : { parent: parent.id, signer: through[place - 1] as Identity }),
    }
    chain.push(await grantTo(world, grantee, fields))
  }
  return chain
}

interface Visit {
  readonly ticket?: Uint8Array | undefined
  readonly through?: readonly Identity[]
  readonly reader?: Identity
  readonly statuses?: readonly [Identity, Pick<Status, 'role'> & Partial<Status>][]
  readonly underTicket?: Uint8Array | undefined
  readonly purpose?: 'treatment'
}

/** Asks for the capsule as the engineer of a vendor; the code of the refusal, or `released`. */
const visit = async ({ ticket, through = [vendor, engineer], reader = engineer, ...more }: Visit): Promise<string> => {
  const under = 'underTicket' in more ? more.underTicket : ticket
  const chain = await chainOf(under, through)
  const access = await createAccess({
    vault: world.vault.vault, custodian: world.hospital.id, reader, purpose: more.purpose ?? 'administration',
    capsules: [capsule.headerHash], chain: chain.map(({ id }) => id),
  }, world.clock)
  const { request } = await prepare(world, { capsules: [capsule], chain, reader, access })
  const statuses = await Promise.all((more.statuses ?? standard()).map(([who, status]) => statusOf(world, who, status)))
  const shown = new Set([world.hospital, ...through, reader, sponsor, world.register, ...world.trustees])
  const outcome = await askRelease(world, running, {
    ...request, statuses, keys: [...shown].map(({ chain: records }) => [...records]),
    ...(ticket === undefined ? {} : { ticket }),
  }, reader)
  if (outcome.status === 200) {
    expect(answerIn(outcome).counter?.day).toBeGreaterThan(0)
    return 'released'
  }
  return String(outcome.code)
}

const standard = (): [Identity, Pick<Status, 'role'> & Partial<Status>][] => [
  [world.hospital, { role: 'hospital' }],
  [vendor, { role: 'vendor' }],
  [subcontractor, { role: 'vendor' }],
  [engineer, { role: 'engineer', organisation: vendor.id }],
  [sponsor, { role: 'ward-nurse', organisation: world.hospital.id }],
]

describe('a ticket', () => {
  test('lets an engineer open the patient that it names, charged to engineer and vendor', async () => {
    expect(await visit({ ticket: await ticketOf() })).toBe('released')
    expect(running.store.meter.ledger.count(vendor.id, 'own', 'day', now())).toBe(1)
  })

  test('without one a vendor opens nothing, whatever it was granted', async () => {
    expect(await visit({})).toBe('ticket-required')
    expect(await visit({ reader: vendor, through: [vendor] })).toBe('ticket-required')
  })

  test('a vendor that leaves its own status out is still a vendor, by its keys', async () => {
    const statuses = standard().filter(([who]) => who !== vendor && who !== engineer)
    expect(await visit({ reader: vendor, through: [vendor], statuses })).toBe('status-required')
  })

  const refused: [string, () => Promise<Visit>][] = [
    ['of another patient', async () => ({ ticket: await ticketOf({ vaults: [new Uint8Array(32).fill(9)] }) })],
    ['of no patient, which is the default', async () => ({ ticket: await ticketOf({ vaults: [] }) })],
    ['of another vendor', async () => ({ ticket: await ticketOf({ vendor: subcontractor.id }) })],
    ['of another organisation', async () => ({ ticket: await ticketOf({ organisation: world.practice.id }) })],
    ['for another purpose', async () => ({ ticket: await ticketOf({ purpose: 'research' }) })],
    ['that is over', async () => ({ ticket: await ticketOf({ notBefore: now() - 2 * HOUR, expires: now() }) })],
    ['that has not begun', async () => ({ ticket: await ticketOf({ notBefore: now() + 1 }) })],
    ['of more than four hours', async () => ({ ticket: await ticketOf({ expires: now() + 4 * HOUR + 1 }) })],
    ['that the engineer signed', async () => ({ ticket: await ticketOf({}, engineer) })],
    ['that the vendor signed', async () => ({ ticket: await ticketOf({}, vendor) })],
    ['that grants do not name', async () => ({ ticket: await ticketOf(), underTicket: undefined })],
    ['other than the one that grants name', async () => ({ ticket: await ticketOf(), underTicket: await ticketOf() })],
    ['whose sponsor is the engineer under another key', async () => ({
      ticket: await ticketOf(),
      statuses: [
        ...standard().slice(0, 3),
        [engineer, { role: 'engineer', organisation: vendor.id, meter: new Uint8Array(32).fill(1) }],
        [sponsor, { role: 'ward-nurse', organisation: world.hospital.id, meter: new Uint8Array(32).fill(1) }],
      ],
    })],
    ['that a key on a disk signed, which the register does not take for its person', async () => ({
      ticket: await ticketOf(),
      statuses: [
        ...standard().slice(0, 4),
        [sponsor, { role: 'ward-nurse', organisation: world.hospital.id, ownKey: false }],
      ],
    })],
    ['whose sponsor nobody knows', async () => ({ ticket: await ticketOf(), statuses: standard().slice(0, 4) })],
  ]
  test.each(refused)('%s: refused', async (_, make) => {
    expect(await visit(await make())).toBe('ticket-required')
    expect(running.store.meter.ledger.count(vendor.id, 'seen', 'day', now())).toBe(0)
  })

  test('a subcontractor only where the ticket allows it', async () => {
    const through = [vendor, subcontractor, engineer]
    const statuses = [...standard().slice(0, 3), ...standard().slice(4),
      [engineer, { role: 'engineer' as const, organisation: subcontractor.id }] as const,
    ] as Visit['statuses'] & object
    expect(await visit({ ticket: await ticketOf(), through, statuses })).toBe('ticket-required')
    expect(await visit({ ticket: await ticketOf({ subcontract: true }), through, statuses })).toBe('released')
    for (const one of [vendor, subcontractor]) {
      expect(running.store.meter.ledger.count(one.id, 'own', 'day', now())).toBe(1)
    }
  })

  test('a locked vendor: nobody of it opens anything', async () => {
    running.store.meter.locks.add({ scope: 'vendor', target: vendor.id, cause: 'order', since: now() })
    expect(await visit({ ticket: await ticketOf() })).toBe('locked')
  })

  test('names 25 patients at most', () => {
    const many = Array.from({ length: 26 }, (_, i) => new Uint8Array(32).fill(i))
    expect(() => ticketOf({ vaults: many })).toThrow(/25 allowed/)
  })
})

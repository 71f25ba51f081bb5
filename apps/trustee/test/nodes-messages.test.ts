/** What a node has verified reaches its holder whole: another charge would be another bound. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from 'node:net'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONFIRMATIONS, ROLES } from '@scelle/seal/verify'
import { systemTimers } from '@scelle/wire/timers'
import { Problem } from '@scelle/wire/errors'
import type { Holder, Settlement } from '../src/holder.ts'
import { TRUSTEE_LIMITS } from '../src/limits.ts'
import { BUDGETS, CARER, UNREGISTERED } from '../src/meter/budgets.ts'
import { HeldElsewhere, openDoor } from '../src/nodes/door.ts'
import type { Facts } from '../src/nodes/messages.ts'

const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
const ids = fc.array(id, { maxLength: 3 })
const count = fc.nat(1_000)
const meter = fc.record({
  key: id, scope: fc.constantFrom('person', 'organisation', 'vendor'), circle: ids,
  budget: fc.constantFrom(UNREGISTERED, CARER, ...ROLES.map((role) => BUDGETS[role])),
  patientsPerDay: fc.option(count, { nil: undefined }),
})
const source = fc.oneof(
  fc.record({ by: fc.constantFrom('patient', 'nobody') }),
  fc.record({ by: fc.constant('other'), house: id, circle: ids, lifts: fc.boolean() }),
)
const charge = fc.record({
  reader: id, meters: fc.array(meter, { minLength: 1, maxLength: 5 }), houses: ids, source,
  role: fc.option(fc.constantFrom(...ROLES), { nil: undefined }), stepUp: fc.option(id, { nil: undefined }),
  strict: fc.boolean(), patientsPerDay: fc.option(count, { nil: undefined }),
  confirmations: fc.array(fc.record({ statement: id, type: fc.constantFrom(...CONFIRMATIONS) }), { maxLength: 4 }),
  emergency: fc.option(fc.record({
    confirmers: ids, summaryOnly: fc.boolean(), access: id, house: id, reason: fc.uint8Array({ minLength: 1 }),
  }), { nil: undefined }),
}).map(({ reader, meters, houses, role, stepUp, ...rest }) => ({
  standing: { reader, role, own: meters[0], meters, houses, stepUp }, ...rest,
}))

const settlement = fc.record({
  id, vault: id, custodian: id, signed: fc.uint8Array({ minLength: 1 }), chain: ids,
  revocations: count, lastSignOut: count,
  access: fc.uint8Array({ minLength: 16, maxLength: 16 }), leaf: count,
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }), note: fc.uint8Array({ minLength: 1 }), root: id, size: count,
  cosigned: fc.array(fc.record({ trustee: id, time: count }), { maxLength: 3 }),
  heads: fc.array(fc.record({ principal: id, version: count, record: id }), { maxLength: 3 }),
  sealed: fc.array(fc.uint8Array({ minLength: 49, maxLength: 49 }), { maxLength: 3 }),
  charge: fc.option(charge, { nil: undefined }), reader: id,
}).map(({ access, vault, custodian, chain, leaf, salt, note, root, size, cosigned, signed, reader, ...rest }) => ({
  ...rest, signed, enc: new Uint8Array(1_120),
  access: { access, reader: rest.charge?.standing.reader ?? reader, vault, custodian, chain },
  recorded: { leaf: { leaf, statement: signed, salt }, note: { size, root, note }, cosigned },
  charge: rest.charge === undefined ? undefined : { ...rest.charge, vault },
}) as unknown as Settlement)

let folder: string
let path: string
const closing: (() => Promise<void> | void)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-door-'))
  path = join(folder, 'door.sock')
})
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
  rmSync(folder, { recursive: true, force: true })
})

const facts: Facts = {
  known: [], signers: [], revoked: [], revocations: 0, logged: [], claimed: false, locks: [],
  signOuts: [], lastSignOut: 0,
  withdrawn: [], standIns: [],
}
const trustee = new Uint8Array(32)

const opened = async (holder: Partial<Holder>, events: unknown[] = []): Promise<HeldElsewhere> => {
  const door = await openDoor(path, {
    settings: async () => ({ trustee, index: trustee, issuers: [], emergencyKeys: [] }), facts: async () => facts,
    settle: async () => new Uint8Array(0), deny: async () => undefined, ...holder,
  }, (event) => events.push(event))
  const elsewhere = new HeldElsewhere(path, systemTimers, () => undefined)
  closing.push(() => door.close(), elsewhere.close)
  return elsewhere
}

describe('the door', () => {
  test('is for the owner of the folder alone', async () => {
    await opened({})
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('every settlement arrives as it was sent', async () => {
    let last: Settlement | undefined
    const holder = await opened({ settle: async (one) => { last = one; return new Uint8Array([7]) } })
    await fc.assert(fc.asyncProperty(settlement, async (one) => {
      expect(await holder.settle(one)).toEqual(new Uint8Array([7]))
      expect(last).toEqual(one)
    }), { numRuns: 200 })
  })

  test('a charge under a budget that is in no table is sent nowhere', async () => {
    const holder = await opened({})
    const [one] = fc.sample(settlement.filter((made) => made.charge !== undefined), 1) as [Settlement]
    const own = { ...one.charge?.standing.own, budget: { ...UNREGISTERED, free: 9 } }
    const standing = { ...one.charge?.standing, meters: [own], own }
    expect(() => holder.settle({ ...one, charge: { ...one.charge, standing } } as Settlement)).toThrow(/of the table/)
  })

  test('a refusal keeps its code; a defect is told to the operator, and to the node only that it is one', async () => {
    const events: unknown[] = []
    let why: Error = new Problem('budget-spent', 'enough')
    const holder = await opened({ facts: () => Promise.reject(why) }, events)
    const asked = {
      principals: [], vouching: [], chain: [], vault: trustee, reader: trustee, access: new Uint8Array(16),
    }
    await expect(holder.facts({ ...asked, statement: trustee })).rejects
      .toMatchObject({ code: 'budget-spent', detail: 'enough' })
    why = new Error('a vault of somebody')
    await expect(holder.facts({ ...asked, statement: trustee })).rejects
      .toMatchObject({ code: 'internal', detail: undefined })
    expect(events).toEqual([expect.objectContaining({ event: 'fault', kind: 'Error' })])
  })

  test('many questions at once, answered in any order, each get their own answer', async () => {
    const waiting: (() => void)[] = []
    const holder = await opened({
      settle: (one) => new Promise((resolve) => {
        waiting.push(() => resolve(one.id))
        if (waiting.length === 50) for (const answer of waiting.toReversed()) answer()
      }),
    })
    const many = fc.sample(settlement, 50)
    expect(await Promise.all(many.map((one) => holder.settle(one)))).toEqual(many.map((one) => one.id))
  })

  test('a frame over the limit ends its connection, and no other', async () => {
    const holder = await opened({})
    const socket = connect(path)
    closing.push(() => { socket.destroy() })
    const head = Buffer.alloc(9)
    head.writeUInt32BE(TRUSTEE_LIMITS.nodeFrame + 1, 0)
    socket.write(head)
    await new Promise((resolve) => socket.once('close', resolve))
    expect((await holder.settings()).trustee).toEqual(trustee)
  })
})

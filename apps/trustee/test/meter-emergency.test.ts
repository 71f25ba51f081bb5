/** Breaking the glass: what it takes, its ceiling, and what it is not stopped by. */
import { beforeEach, describe, expect, test } from 'vitest'
import { signConfirmation } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { hashOf, type Status } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { EMERGENCY } from '../src/meter/budgets.ts'
import {
  type Asking, type Cast, charged, type Enrolment, makeCast, range, seconds, until, vaultId,
} from './meter-world.ts'

const SUMMARY = new Uint8Array(16).fill(1)
const NOTES = new Uint8Array(16).fill(2)

let cast: Cast
let glass: Identity
beforeEach(async () => {
  cast = await makeCast('emergency')
  glass = await createIdentity('organisation', cast.clock)
})

const meterOf = (who: { id: Uint8Array }): Uint8Array => hashOf('statementId', who.id)

const enrolled = (site: Partial<Status> = { emergency: true }, doctor: Partial<Status> = {}): Enrolment[] => [
  [cast.doctor, {
    role: 'emergency-physician', organisation: cast.hospital.id, stepUp: cast.key.id, ...doctor,
  }],
  [cast.colleague, { role: 'emergency-nurse', organisation: cast.hospital.id }],
  [cast.secretary, { role: 'emergency-nurse', organisation: cast.hospital.id }],
  [cast.hospital, { role: 'hospital', ...site }],
]

const confirmed = (by: Identity, type: 'step-up' | 'colleague', vault: number | undefined): Promise<Uint8Array> =>
  signConfirmation(by, {
    type, reader: cast.doctor.id, organisation: cast.hospital.id, reason: 'inconscient, allergie ?',
    ...(vault === undefined ? {} : { vault: vaultId(vault) }),
  }, cast.clock)

interface Breaking extends Asking {
  readonly reason?: boolean
  readonly colleague?: Identity | undefined
  readonly hours?: number
  readonly way?: object[]
}

const breakGlass = async (
  vault: number, { reason = true, colleague, hours = 4, way, ...more }: Breaking = {},
): Promise<string> => {
  const from = seconds(cast)
  const grants = way ?? [
    { grantee: glass.id, basis: 'vital-interest', summary: [SUMMARY], notBefore: 0, expires: from + 1_000_000 },
    {
      grantee: cast.doctor.id, basis: 'vital-interest', summary: [SUMMARY], notBefore: from,
      expires: from + hours * 3_600,
    },
  ]
  const confirmations = [
    ...reason ? [await confirmed(cast.key, 'step-up', vault)] : [],
    ...colleague === undefined ? [] : [await confirmed(colleague, 'colleague', vault)],
  ]
  return charged(cast, {
    vault, enrolled: enrolled(), grants: grants as never, confirmations, categories: [SUMMARY],
    emergencyKeys: [glass.id], purpose: 'emergency', ...more,
  }).catch((error: unknown) => {
    if (error instanceof Problem) return error.code
    throw error
  })
}

describe('breaking the glass', () => {
  test('two patients\' summaries alone, with a reason for each', async () => {
    expect(await breakGlass(1)).toBe('charged')
    expect(await breakGlass(2)).toBe('charged')
    expect(await breakGlass(3)).toBe('emergency-refused')
    expect(await breakGlass(1), 'one that is open stays open').toBe('charged')
  })

  test('everything else with a colleague, five in a shift', async () => {
    const notes = { categories: [SUMMARY, NOTES] }
    expect(await breakGlass(1, notes)).toBe('emergency-refused')
    const said: string[] = []
    for (const vault of range(1, 6)) {
      const colleague = vault <= 3 ? cast.colleague : cast.secretary
      said.push(await breakGlass(vault, { ...notes, colleague }))
    }
    expect(said).toEqual([...Array<string>(EMERGENCY.patients).fill('charged'), 'emergency-refused'])
    cast.clock.move(12 * 3_600)
    expect(await breakGlass(7, { ...notes, colleague: cast.colleague })).toBe('charged')
  })

  test('a colleague confirms for three, and is counted for it', async () => {
    const notes = { categories: [NOTES], colleague: cast.colleague }
    for (const vault of range(1, EMERGENCY.confirmed)) expect(await breakGlass(vault, notes)).toBe('charged')
    expect(await breakGlass(9, notes)).toBe('emergency-refused')
    expect(cast.store.meter.ledger.count(meterOf(cast.colleague), 'vouched', 'shift', seconds(cast))).toBe(3)
  })

  test('no spent budget stops it, nor the lock that came of it', async () => {
    cast.store.meter.locks.add({ scope: 'person', target: meterOf(cast.doctor), cause: 'budget', since: 0 })
    cast.store.meter.locks.add({ scope: 'organisation', target: cast.hospital.id, cause: 'budget', since: 0 })
    expect(await breakGlass(1)).toBe('charged')
    cast.store.meter.spent.wasRestored({ at: seconds(cast), leaf: 0 })
    expect(await breakGlass(2)).toBe('charged')
  })

  test('an officer\'s order does, and so does a decoy', async () => {
    cast.store.meter.decoys.add({ vault: vaultId(1), signer: cast.hospital.id, everyone: true })
    expect(await breakGlass(1)).toBe('locked')
    expect(await breakGlass(2)).toBe('locked')
  })

  test('takes nothing from the ordinary budget, and gives nothing to it', async () => {
    await breakGlass(1)
    expect(cast.store.meter.ledger.count(meterOf(cast.doctor), 'own', 'day', seconds(cast))).toBe(0)
    expect(cast.store.meter.ledger.count(cast.hospital.id, 'emergency', 'shift', seconds(cast))).toBe(1)
  })

  const refused: [string, Breaking | (() => Breaking)][] = [
    ['without a reason for this patient', { reason: false }],
    ['at an organisation that the register does not know as a site', () => ({ enrolled: enrolled({}) })],
    ['by somebody who treats nobody', () => ({ enrolled: enrolled({ emergency: true }, { role: 'officer' }) })],
    ['under another emergency key', { emergencyKeys: [new Uint8Array(32)] }],
    ['for more than four hours', { hours: 5 }],
    ['by the emergency key itself, without a person', () => ({
      way: [{ grantee: cast.doctor.id, basis: 'vital-interest', notBefore: 0, expires: 1e10 }],
    })],
  ]
  test.each(refused)('%s: refused', async (_, breaking) => {
    expect(await breakGlass(1, typeof breaking === 'function' ? breaking() : breaking)).toBe('emergency-refused')
  })

  test('a reason that would fit any patient is none', async () => {
    const any = await confirmed(cast.key, 'step-up', undefined)
    expect(await breakGlass(1, { confirmations: [any] })).toBe('emergency-refused')
  })
})

const officer = (house: Identity = cast.hospital) => ({ organisation: house.id, meter: meterOf(house) })

describe('review', () => {
  test('what nobody looked at in three days lowers the ceiling, down to one', async () => {
    for (const vault of range(1, 5)) {
      await breakGlass(vault, { colleague: vault <= 3 ? cast.colleague : cast.secretary })
    }
    cast.clock.move(EMERGENCY.review + 60)
    expect(await breakGlass(11)).toBe('charged')
    expect(await breakGlass(12)).toBe('emergency-refused')
    const open = cast.store.meter.emergencies.of(cast.hospital.id, 100)
    expect(open.length).toBe(6)
    for (const { access } of open) cast.store.meter.emergencies.review(access, officer(), seconds(cast))
    expect(await breakGlass(12)).toBe('charged')
  })

  test('is the reader\'s own organisation\'s', async () => {
    await breakGlass(1)
    const [one] = cast.store.meter.emergencies.of(cast.hospital.id, 10)
    expect(cast.store.meter.emergencies.review(one!.access, officer(cast.practice), 1)).toBe(false)
    expect(cast.store.meter.emergencies.of(cast.practice.id, 10)).toEqual([])
  })

  test('is not by whoever opened it, in another role', async () => {
    await breakGlass(1)
    const { emergencies } = cast.store.meter
    const [one] = emergencies.of(cast.hospital.id, 10)
    expect(emergencies.review(one!.access, { ...officer(), meter: meterOf(cast.doctor) }, 1)).toBe(false)
    expect(emergencies.review(one!.access, { organisation: undefined, meter: meterOf(cast.doctor) }, 1)).toBe(false)
    expect(emergencies.review(one!.access, officer(), 1)).toBe(true)
  })
})

describe('confirming', () => {
  const notes = (vault: number): Promise<string> =>
    breakGlass(vault, { colleague: cast.colleague, categories: [NOTES] })

  test.each([
    ['device', () => cast.colleague.id], ['person', () => meterOf(cast.colleague)],
  ] as const)('by a colleague whose %s is locked: counts for nothing', async (scope, target) => {
    expect(await notes(1)).toBe('charged')
    cast.store.meter.locks.add({ scope, target: target(), cause: 'order', since: 0 })
    expect(await notes(2)).toBe('emergency-refused')
  })

  test('is in nobody\'s way for a spent budget', async () => {
    for (const [scope, target] of [
      ['person', meterOf(cast.colleague)], ['organisation', cast.hospital.id],
    ] as const) cast.store.meter.locks.add({ scope, target, cause: 'budget', since: 0 })
    expect(await notes(1)).toBe('charged')
  })
})

test('a thief with keys and second key breaks the glass 50 times: what is lost, by numbers', async () => {
  const alone = (await Promise.all(range(1, 50).map((vault) => breakGlass(vault)))).filter((said) => said === 'charged')
  expect(alone.length).toBe(EMERGENCY.alone)
})

test('two thieves who confirm each other get the ceiling, each', async () => {
  let opened = 0
  for (const vault of range(1, 50)) {
    if (await breakGlass(vault, { colleague: cast.colleague, categories: [NOTES] }) === 'charged') opened++
  }
  expect(opened).toBe(EMERGENCY.confirmed)
  expect(await until(cast, [1], { enrolled: enrolled() })).toEqual([1, 'charged'])
})

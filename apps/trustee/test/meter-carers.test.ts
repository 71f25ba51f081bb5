/** Parents and carers: whom no register knows, reading for the patient by a grant to themselves, and nothing else. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import type { Grant } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { CARER_TOTAL, each } from '../src/meter/budgets.ts'
import { type Asking, type Cast, charged, counted, makeCast, range, standard } from './meter-world.ts'

const DAY = 24 * 3_600

let cast: Cast
let carer: Identity
beforeEach(async () => {
  cast = await makeCast('carers')
  carer = await createIdentity('person', cast.clock)
})

const grantTo = (to: Identity, basis: Grant['basis'] = 'consent'): Grant =>
  ({ grantee: to.id, basis, purposes: ['patient-request'], rights: 12 }) as unknown as Grant

const reads = (asking: Asking = {}): Promise<string> => charged(cast, {
  reader: carer, purpose: 'patient-request', grants: [grantTo(carer)], enrolled: standard(cast), ...asking,
}).catch((error: unknown) => {
  if (error instanceof Problem) return error.code
  throw error
})

describe('a carer', () => {
  test('reads for so many patients a day, by its own key', async () => {
    for (const vault of range(1, each(CARER_TOTAL))) expect(await reads({ vault })).toBe('charged')
    expect(await reads({ vault: 100 })).toBe('budget-spent')
    expect(await reads({ vault: 1 })).toBe('locked')
  })

  test('does not sleep: a child may be well for months', async () => {
    await reads()
    cast.clock.move(200 * DAY)
    expect(await reads({ vault: 2 })).toBe('charged')
  })

  test('is charged to who keeps the vault, too: inventing carers gains a stolen hospital nothing', async () => {
    expect(await reads({ custodian: cast.hospital })).toBe('charged')
    expect(counted(cast, cast.hospital.id, 'own')).toBe(1)
  })

  const refused: [string, () => Asking][] = [
    ['for treatment', () => ({ purpose: 'treatment' })],
    ['as the custodian itself', () => ({ grants: [] })],
    ['by what somebody else passed on', () => ({ grants: [grantTo(cast.patient), grantTo(carer)] })],
    ['as a care team', () => ({ grants: [grantTo(carer, 'care-team')] })],
  ]
  test.each(refused)('%s: nobody', async (_, asking) => {
    expect(await reads(asking())).toBe('status-required')
  })

  test('who is a professional is counted as one, whatever it reads for', async () => {
    expect(await reads({ reader: cast.doctor, grants: [grantTo(cast.doctor)] })).toBe('charged')
    expect(counted(cast, cast.doctor.id, 'seen')).toBe(0)
  })
})

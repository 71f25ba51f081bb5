/** The keeper's right: what one wrote, for a duty, with two officers, until retention ends; each left out: refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CapsuleHeader, DUTIES, FORMAT_LIMITS, type Grant, keeperRefusal, type Keeping, keptUntil, RETENTION_CLASSES,
  ROLES, sha256, u32,
} from '../src/verify.ts'

const id = (n: number): Uint8Array => sha256(u32(n))
const [KEEPER, OTHER, ANNE, BORIS] = [id(1), id(2), id(3), id(4)]
const OPENED = 1_800_000_000
const YEARS = FORMAT_LIMITS.retention.care

const header = (change: Partial<CapsuleHeader> = {}): CapsuleHeader =>
  ({ writer: KEEPER, retention: 'care', opened: OPENED, ...change }) as CapsuleHeader
const grant = (change: Partial<Grant> = {}): Grant => ({ grantee: KEEPER, basis: 'legal-duty', ...change }) as Grant
const anne = { role: 'officer', organisation: KEEPER, meter: ANNE } as const
const boris = { role: 'officer', organisation: KEEPER, meter: BORIS, duty: 'litigation' } as const

const good: Keeping = {
  grants: [grant(), grant({ grantee: id(9) })], purpose: 'legal', headers: [header(), header()], reader: anne,
  second: [boris], clocks: {}, now: OPENED + 1_000,
}

test('an author\'s officer opens what the author wrote, with a second one', () => {
  expect(keeperRefusal(good)).toBeUndefined()
})

test.each<[string, Partial<Keeping>, string]>([
  ['without a grant', { grants: [] }, 'not-a-duty'],
  ['under a care grant', { grants: [grant({ basis: 'consent' })] }, 'not-a-duty'],
  ['under one link of another basis', { grants: [grant(), grant({ basis: 'consent' })] }, 'not-a-duty'],
  ['for treatment', { purpose: 'treatment' }, 'not-a-duty'],
  ['of nothing', { headers: [] }, 'not-the-author'],
  ['of another\'s writing', { headers: [header({ writer: OTHER })] }, 'not-the-author'],
  ['of another\'s among its own', { headers: [header(), header({ writer: OTHER })] }, 'not-the-author'],
  ['of what another author\'s root would give', { grants: [grant({ grantee: OTHER })] }, 'not-the-author'],
  ['when retention has ended', { now: OPENED + YEARS }, 'retention-ended'],
  ['of what patients write', { headers: [header({ retention: 'patient' })] }, 'retention-ended'],
  ['when that of one has ended', { headers: [header(), header({ opened: OPENED - YEARS })] }, 'retention-ended'],
  ['by a reader nobody knows', { reader: undefined }, 'not-an-officer'],
  ['by a doctor', { reader: { ...anne, role: 'gp' } }, 'not-an-officer'],
  ['by another house\'s officer', { reader: { ...anne, organisation: OTHER } }, 'not-an-officer'],
  ['by an officer of no house', { reader: { ...anne, organisation: undefined } }, 'not-an-officer'],
  ['alone', { second: [] }, 'second-officer-missing'],
  ['with oneself by another key', { second: [{ ...boris, meter: ANNE }] }, 'second-officer-missing'],
  ['with a doctor', { second: [{ ...boris, role: 'gp' }] }, 'second-officer-missing'],
  ['with another house\'s officer', { second: [{ ...boris, organisation: OTHER }] }, 'second-officer-missing'],
  ['for no duty by its name', { second: [{ ...boris, duty: undefined }] }, 'second-officer-missing'],
])('%s: refused', (_, change, refusal) => {
  expect(keeperRefusal({ ...good, ...change })).toBe(refusal)
})

const people = fc.record({
  role: fc.constantFrom(...ROLES), organisation: fc.constantFrom(KEEPER, OTHER, undefined),
  meter: fc.constantFrom(ANNE, BORIS, id(5)),
})

describe('whatever is shown', () => {
  test('nothing opens that the keeper did not write, and nothing without two people who are its officers', () => {
    fc.assert(fc.property(
      fc.array(fc.constantFrom(KEEPER, OTHER), { maxLength: 4 }), people,
      fc.array(fc.tuple(people, fc.constantFrom(...DUTIES, undefined)), { maxLength: 4 }),
      fc.constantFrom('legal', 'treatment'), (writers, reader, second, purpose) => {
        const keeping = {
          ...good, purpose, reader, headers: writers.map((writer) => header({ writer })),
          second: second.map(([person, duty]) => ({ ...person, duty })),
        } as Keeping
        if (keeperRefusal(keeping) !== undefined) return
        expect(writers.every((writer) => writer === KEEPER)).toBe(true)
        const officers = [reader, ...second.map(([person]) => person)]
          .filter(({ role, organisation }) => role === 'officer' && organisation === KEEPER)
        expect(new Set(officers.map(({ meter }) => meter)).size).toBeGreaterThan(1)
      }), { numRuns: 2_000 })
  })

  test('a clock only makes the right longer, and none makes a duty of what patients write', () => {
    fc.assert(fc.property(
      fc.constantFrom(...RETENTION_CLASSES), fc.nat(), fc.option(fc.nat(), { nil: undefined }),
      fc.option(fc.nat(), { nil: undefined }), (retention, opened, lastContact, holdUntil) => {
        const until = keptUntil({ retention, opened }, { lastContact, holdUntil })
        const least = opened + FORMAT_LIMITS.retention[retention]
        expect(retention === 'patient' ? until === opened : until >= least).toBe(true)
      }))
  })
})

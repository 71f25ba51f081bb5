/** Ahead of time: for whom a day ahead is known, to whose key, for how long, and what it is counted as. */
import * as fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createIdentity } from '@scelle/seal/identity'
import { type Fact, FACTS, hashOf } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../src/limits.ts'
import { reachesAhead } from '../src/meter/ahead.ts'
import {
  type Asking, type Cast, charged, counted, type Enrolment, factOf, makeCast, seconds, standard, weighed,
} from './meter-world.ts'

const HOUR = 3600
const DAY = 24 * HOUR

let cast: Cast
let casts = 0
beforeEach(async () => {
  cast = await makeCast(`ahead ${casts++}`)
})

/** Which code an access ahead of time meets, or `charged`. */
const asked = async (asking: Asking & { readonly hours?: number } = {}): Promise<string> => {
  const { hours = 20, ...rest } = asking
  try {
    return await charged(cast, { ahead: seconds(cast) + hours * HOUR, ...rest })
  } catch (error) {
    return error instanceof Problem ? error.code : String(error)
  }
}
const appointment = (fields: Partial<Fact> = {}, signer = cast.secretary): Promise<Uint8Array> =>
  factOf(cast, signer, { notBefore: seconds(cast) + 10 * HOUR, expires: seconds(cast) + 11 * HOUR, ...fields })
const admission = (fields: Partial<Fact> = {}): Promise<Uint8Array> =>
  factOf(cast, cast.secretary, { type: 'admission', expires: seconds(cast) + 96 * HOUR, ...fields })
const without = (who: { id: Uint8Array }): Enrolment[] => standard(cast).filter(([one]) => one !== who)

describe('released ahead', () => {
  test('a patient with an appointment tomorrow, by the secretary\'s word', async () => {
    expect(await asked({ facts: [await appointment()] })).toBe('charged')
  })

  test('by the patient\'s own word, or a hospital\'s referral', async () => {
    expect(await asked({ facts: [await appointment({}, cast.patient)] })).toBe('charged')
    const referral = await appointment({ type: 'referral', expires: seconds(cast) + 20 * DAY }, cast.hospital)
    expect(await asked({ vault: 2, facts: [referral] })).toBe('ahead-refused')
    expect(await asked({ facts: [referral] })).toBe('charged')
  })

  test('who is admitted, for what is left of 96 hours', async () => {
    const facts = [await admission()]
    expect(await asked({ facts, hours: 96 })).toBe('charged')
    cast.clock.move(80 * HOUR)
    expect(await asked({ facts, hours: 17 })).toBe('ahead-refused')
    expect(await asked({ facts, hours: 15 })).toBe('charged')
  })

  test('is charged as any other opening, now, and once', async () => {
    const facts = [await appointment()]
    const own = hashOf('statementId', cast.doctor.id)
    expect(await asked({ facts })).toBe('charged')
    expect(counted(cast, own, 'seen')).toBe(1)
    expect(counted(cast, own, 'own')).toBe(1)
    expect(counted(cast, cast.practice.id, 'seen')).toBe(1)
    cast.clock.move(10 * HOUR)
    expect(await charged(cast, { facts })).toBe('charged')
    expect(await asked({ facts, hours: 5 })).toBe('charged')
    expect(counted(cast, own, 'seen')).toBe(1)
    expect(counted(cast, own, 'unexplained')).toBe(0)
  })

  test('as much as a practice\'s word carries: a thief does not take a month\'s patients in a day', async () => {
    const said = []
    for (let number = 1; number < 200; number++) {
      said.push(await asked({ vault: number, facts: [await factOf(cast, cast.secretary, { number })] }))
      if (said.at(-1) !== 'charged') break
    }
    expect(said.at(-1)).toBe('budget-spent')
    expect(await asked({ vault: 500, facts: [await factOf(cast, cast.secretary, { number: 500 })] })).toBe('locked')
  })
})

describe('refused ahead', () => {
  const grant = (fields: object) => [{ grantee: cast.doctor.id, basis: 'consent', ...fields }] as never

  const cases: [string, () => Promise<Asking & { readonly hours?: number }>][] = [
    ['without a fact', async () => ({})],
    ['with the reader\'s own fact', async () => ({ facts: [await appointment({}, cast.doctor)] })],
    ['with a fact by the reader\'s other device', async () => ({
      facts: [await appointment()],
      enrolled: [...without(cast.secretary), [cast.secretary, {
        role: 'gp', organisation: cast.practice.id, meter: hashOf('statementId', cast.doctor.id),
      }]],
    })],
    ['with another patient\'s fact', async () => ({ vault: 2, facts: [await appointment()] })],
    ['with another house\'s fact', async () => ({ facts: [await appointment({ organisation: cast.hospital.id })] })],
    ['with a presence: who is here is opened now', async () => ({
      facts: [await factOf(cast, cast.patient, { type: 'presence' })], hours: 1,
    })],
    ['with a presence that is promised for later', async () => ({
      facts: [await appointment({ type: 'presence' }, cast.patient)],
    })],
    ['for on-call, which names no patient\'s care', async () => ({
      facts: [await factOf(cast, cast.secretary, { type: 'on-call' })],
    })],
    ['with an appointment that begins after it ends', async () => ({ facts: [await appointment()], hours: 9 })],
    ['with an appointment that is over', async () => ({
      facts: [await appointment({ notBefore: seconds(cast) - HOUR, expires: seconds(cast) })],
    })],
    ['more than a day ahead', async () => ({ facts: [await appointment()], hours: 25 })],
    ['admitted, more than 96 hours ahead', async () => ({ facts: [await admission()], hours: 97 })],
    ['for who is admitted the day after tomorrow', async () => ({
      facts: [await admission({ notBefore: seconds(cast) + 30 * HOUR })], hours: 40,
    })],
    ['until now', async () => ({ facts: [await admission()], hours: 0 })],
    ['for ever', async () => ({ facts: [await admission()], ahead: Number.MAX_SAFE_INTEGER })],
    ['for an organisation', async () => ({ reader: cast.practice, facts: [await appointment()] })],
    ['for another purpose', async () => ({ facts: [await appointment()], purpose: 'administration' })],
    ['for an emergency', async () => ({
      facts: [await appointment()], purpose: 'emergency', emergencyKeys: [cast.hospital.id],
      grants: grant({ basis: 'vital-interest' }),
    })],
    ['for a keeper\'s duty', async () => ({ facts: [await appointment()], grants: grant({ basis: 'legal-duty' }) })],
    ['under a vendor\'s ticket', async () => ({ facts: [await appointment()], ticket: new Uint8Array(1) })],
    ['under a grant that names a ticket', async () => ({
      facts: [await appointment()], grants: grant({ ticket: new Uint8Array(32) }),
    })],
    ['to a key that rests beside the answer', async () => ({
      facts: [await appointment()], oneTimeKey: cast.key.keys.current.sealingKey,
    })],
    ['for the owner, who needs no trustee', async () => ({ reader: cast.patient, facts: [await appointment()] })],
  ]
  test.each(cases)('%s', async (_, make) => {
    expect(await asked(await make())).toBe('ahead-refused')
    expect(counted(cast, hashOf('statementId', cast.doctor.id), 'seen')).toBe(0)
  })

  test('whom no register knows', async () => {
    const facts = [await appointment()]
    expect(await asked({ facts, enrolled: without(cast.doctor) })).toBe('status-required')
    const nobody = await createIdentity('person', cast.clock)
    expect(await asked({ facts, reader: nobody })).toBe('status-required')
  })
})

describe('an appointment to come', () => {
  test('explains nothing that is opened now', async () => {
    const facts = [await appointment()]
    const own = hashOf('statementId', cast.doctor.id)
    expect(await charged(cast, { facts })).toBe('charged')
    expect(counted(cast, own, 'unexplained')).toBe(1)
    const soon = [await factOf(cast, cast.secretary, { number: 2, notBefore: seconds(cast) + 60 })]
    expect(await weighed(cast, { vault: 2, facts: soon })).toMatchObject({ source: { by: 'other' } })
  })
})

describe('of any fact', () => {
  const LASTS = { appointment: 24, referral: 24, admission: 96 } as const
  let base: Cast
  beforeAll(async () => {
    base = await makeCast('any')
  })

  /** By the rule's words, hour by hour. */
  const expected = (type: Fact['type'], begins: number, until: number): boolean => {
    if (type !== 'appointment' && type !== 'referral' && type !== 'admission') return false
    const last = type === 'admission' ? Math.min(96, begins + 96) : LASTS[type]
    return until <= last && begins <= until && begins <= 24
  }

  test('what it carries is what the rule says', () => {
    const now = seconds(base)
    fc.assert(fc.property(
      fc.constantFrom(...FACTS), fc.integer({ min: -100, max: 100 }), fc.integer({ min: 1, max: 120 }),
      (type, begins, until) => {
        const fact = { type, notBefore: now + begins * HOUR } as Fact
        expect(reachesAhead(fact, now + until * HOUR, now)).toBe(expected(type, begins, until))
      },
    ), { numRuns: 2_000 })
  })

  test('no fact reaches further than the longest of them', () => {
    const now = seconds(base)
    fc.assert(fc.property(fc.constantFrom(...FACTS), fc.integer(), fc.nat(), (type, begins, beyond) => {
      const until = now + TRUSTEE_LIMITS.aheadTimes.admission + 1 + beyond
      expect(reachesAhead({ type, notBefore: now + begins } as Fact, until, now)).toBe(false)
    }))
  })
})

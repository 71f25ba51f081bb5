/** Whose meters an opening is charged to, what explains it, and how far the ladder goes. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createIdentity } from '@scelle/seal/identity'
import { hashOf, SealError } from '@scelle/seal/verify'
import { BUDGETS, each, UNREGISTERED } from '../src/meter/budgets.ts'
import type { Charge } from '../src/meter/meter.ts'
import { Problem } from '@scelle/wire/errors'
import {
  type Cast, charged, confirmationOf, counted, type Enrolment, factOf, makeCast, range, seconds, standard, until,
  vaultId, weighed,
} from './meter-world.ts'
import { statusOf } from './world.ts'

let cast: Cast
beforeEach(async () => {
  cast = await makeCast('rules')
})

const meterOf = (who: { id: Uint8Array }): Uint8Array => hashOf('statementId', who.id)
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(() => 'nothing was thrown', (error: unknown) =>
    error instanceof Problem || error instanceof SealError ? error.code : String(error))
const without = (who: { id: Uint8Array }): Enrolment[] => standard(cast).filter(([one]) => one !== who)

describe('who is charged', () => {
  test('the person by its meter id, the organisation that employs it, each patient once', async () => {
    expect(await until(cast, [1, 2, 2, 1])).toEqual([4, 'charged'])
    expect(counted(cast, meterOf(cast.doctor), 'unexplained')).toBe(2)
    expect(counted(cast, cast.practice.id, 'own')).toBe(2)
    expect(counted(cast, meterOf(cast.colleague), 'seen')).toBe(0)
  })

  test('ten employers and ten devices of one person are one meter', async () => {
    const free = BUDGETS.gp.free
    let opened = 0
    for (let device = 0; device < 10; device++) {
      const one = await createIdentity('person', cast.clock)
      const employer = await createIdentity('organisation', cast.clock)
      const enrolled: Enrolment[] = [
        [one, { role: 'gp', organisation: employer.id, meter: meterOf(cast.doctor) }],
        [employer, { role: 'practice' }],
      ]
      const [count] = await until(cast, range(100 * device, 30), { reader: one, enrolled, others: [employer] })
      opened += count
    }
    expect(opened).toBe(free)
  })

  test('a vendor that runs the organisation\'s edge', async () => {
    const vendor = await createIdentity('vendor', cast.clock)
    const enrolled: Enrolment[] = [
      ...without(cast.practice), [cast.practice, { role: 'practice', vendor: vendor.id }], [vendor, { role: 'vendor' }],
    ]
    expect(await charged(cast, { enrolled, others: [vendor] })).toBe('charged')
    expect(counted(cast, vendor.id, 'own')).toBe(1)
  })

  test('everybody between the patient and the reader: invented principals gain nothing', async () => {
    const hospital = cast.hospital
    let opened = 0
    for (let invented = 0; invented < 120; invented++) {
      const one = await createIdentity('organisation', cast.clock)
      const enrolled: Enrolment[] = [[hospital, { role: 'practice', patientsPerDay: 60 }]]
      const grants = [{ grantee: hospital.id }, { grantee: one.id }] as never
      const [count, why] = await until(cast, range(1000 * invented, 10), { reader: one, enrolled, grants })
      opened += count
      if (why !== 'charged') break
    }
    expect(opened).toBe(each(60))
    expect(cast.store.meter.locks.of('organisation', hospital.id)?.cause).toBe('budget')
  })

  test('the custodian who grants its own part to invented principals', async () => {
    let opened = 0
    for (let invented = 0; invented < 10; invented++) {
      const one = await createIdentity('organisation', cast.clock)
      const enrolled: Enrolment[] = [[cast.hospital, { role: 'practice', patientsPerDay: 60 }]]
      const grants = [{ grantee: one.id }] as never
      const asking = { reader: one, enrolled, grants, custodian: cast.hospital }
      const [count] = await until(cast, range(1000 * invented, 20), asking)
      opened += count
    }
    expect(opened).toBe(each(60))
  })

  test('an assistant is charged to whom it acts for as well', async () => {
    const enrolled: Enrolment[] = [
      ...without(cast.secretary),
      [cast.secretary, { role: 'assistant', organisation: cast.practice.id, under: cast.doctor.id }],
    ]
    expect(await charged(cast, { reader: cast.secretary, enrolled })).toBe('charged')
    expect(counted(cast, meterOf(cast.doctor), 'own')).toBe(1)
    expect(await refusal(weighed(cast, { reader: cast.secretary, enrolled: enrolled.filter(([one]) =>
      one !== cast.doctor) }))).toBe('status-required')
  })

  test('the owner of a claimed vault is not metered', async () => {
    expect(await charged(cast, { reader: cast.patient })).toBe('free')
  })
})

describe('refused', () => {
  test('a person of whom no register says anything', async () => {
    expect(await refusal(weighed(cast, { enrolled: without(cast.doctor) }))).toBe('status-required')
  })

  test('a person whose organisation is not shown, so that it would not be charged', async () => {
    expect(await refusal(weighed(cast, { enrolled: without(cast.practice) }))).toBe('status-required')
  })

  test('a hospital whose vendor is not shown', async () => {
    const vendor = await createIdentity('vendor', cast.clock)
    const enrolled: Enrolment[] = [...without(cast.practice), [cast.practice, { role: 'practice', vendor: vendor.id }]]
    expect(await refusal(weighed(cast, { enrolled }))).toBe('status-required')
  })

  test('a status by somebody else, of another time, or two of one principal', async () => {
    const gp = { role: 'gp', organisation: cast.practice.id } as const
    const practice = await statusOf(cast, cast.practice, { role: 'practice' })
    const own = await statusOf({ clock: cast.clock, register: cast.doctor }, cast.doctor, gp)
    expect(await refusal(weighed(cast, { statuses: [own, practice] }))).toBe('status-required')
    const over = await statusOf(cast, cast.doctor, { ...gp, expires: seconds(cast) })
    expect(await refusal(weighed(cast, { statuses: [over, practice] }))).toBe('status-required')
    const early = await statusOf(cast, cast.doctor, { ...gp, notBefore: seconds(cast) + 1 })
    expect(await refusal(weighed(cast, { statuses: [early, practice] }))).toBe('status-required')
    const one = await statusOf(cast, cast.doctor, gp)
    const two = await statusOf(cast, cast.doctor, { ...gp, role: 'radiologist' })
    expect(await refusal(weighed(cast, { statuses: [one, two, practice] }))).toBe('bad-statement')
  })

  test('machines, servers, and a status of another kind of principal', async () => {
    const machine = await createIdentity('machine', cast.clock)
    expect(await refusal(weighed(cast, { reader: machine }))).toBe('status-required')
    const enrolled: Enrolment[] = [...without(cast.doctor), [cast.doctor, { role: 'hospital' }]]
    expect(await refusal(weighed(cast, { enrolled }))).toBe('status-required')
    const posing: Enrolment[] = [[cast.practice, { role: 'gp' }]]
    expect(await refusal(weighed(cast, { reader: cast.practice, enrolled: posing }))).toBe('status-required')
  })

  test('an organisation that no register knows has the smallest budget', async () => {
    const nobody = await createIdentity('organisation', cast.clock)
    const asking = { reader: nobody, enrolled: [] }
    expect(await until(cast, range(1, 100), asking)).toEqual([UNREGISTERED.bounds.own?.day, 'budget-spent'])
  })

  test('a standing grant without a fact', async () => {
    const grants = [{ grantee: cast.doctor.id, standing: true }] as never
    expect(await refusal(weighed(cast, { grants }))).toBe('fact-required')
    const fact = await factOf(cast, cast.secretary)
    expect(await charged(cast, { grants, facts: [fact] })).toBe('charged')
  })
})

describe('an explanation', () => {
  const explained = async (facts: readonly Uint8Array[], enrolled = standard(cast), more = {}): Promise<string> => {
    await charged(cast, { facts, enrolled, ...more })
    const own = meterOf(cast.doctor)
    if (counted(cast, own, 'unexplained') > 0) return 'none'
    if (counted(cast, own, 'own') > 0) return 'inside'
    return counted(cast, own, 'patients') > 0 ? 'outside' : 'patient'
  }

  test('of the patient lifts every bound', async () => {
    expect(await explained([await factOf(cast, cast.patient, { type: 'presence' })])).toBe('patient')
  })

  test('of the issuer of the patient\'s card, too', async () => {
    expect(await explained([await factOf(cast, cast.register, { type: 'presence' })])).toBe('patient')
  })

  test('of another organisation is one from outside, and bounded by that one\'s own meter', async () => {
    expect(await explained([await factOf(cast, cast.hospital, { type: 'referral' })])).toBe('outside')
    expect(counted(cast, cast.hospital.id, 'own')).toBe(1)
  })

  test('of another practice lifts no bound: 1,500 stolen ones would vouch for each other', async () => {
    const enrolled: Enrolment[] = [...without(cast.hospital), [cast.hospital, { role: 'practice' }]]
    expect(await explained([await factOf(cast, cast.hospital, { type: 'referral' })], enrolled)).toBe('inside')
  })

  test('of a secretary, or of the practice\'s own key, is one from inside', async () => {
    expect(await explained([await factOf(cast, cast.secretary)])).toBe('inside')
    cast = await makeCast('practice key')
    expect(await explained([await factOf(cast, cast.practice)])).toBe('inside')
  })

  test('of an organisation with the same vendor is one from inside', async () => {
    const vendor = await createIdentity('vendor', cast.clock)
    const enrolled: Enrolment[] = [
      ...standard(cast).filter(([one]) => one !== cast.practice && one !== cast.hospital),
      [cast.practice, { role: 'practice', vendor: vendor.id }],
      [cast.hospital, { role: 'hospital', vendor: vendor.id }], [vendor, { role: 'vendor' }],
    ]
    const fact = await factOf(cast, cast.hospital, { type: 'referral' })
    expect(await explained([fact], enrolled, { others: [vendor] })).toBe('inside')
  })

  const nothing: [string, () => Promise<Uint8Array>][] = [
    ['made by the reader', () => factOf(cast, cast.doctor)],
    ['of another patient', () => factOf(cast, cast.patient, { number: 2 })],
    ['for another organisation', () => factOf(cast, cast.patient, { organisation: cast.hospital.id })],
    ['for another reader', () => factOf(cast, cast.patient, { reader: cast.colleague.id })],
    ['that is over', () => factOf(cast, cast.patient, { notBefore: seconds(cast) - 60, expires: seconds(cast) })],
    ['more than a day ahead', () => factOf(cast, cast.secretary, {
      notBefore: seconds(cast) + 86_401, expires: seconds(cast) + 90_000,
    })],
    ['that lasts longer than its kind may', () => factOf(cast, cast.patient, {
      type: 'presence', expires: seconds(cast) + 43_201,
    })],
    ['of a presence, by a colleague', () => factOf(cast, cast.secretary, { type: 'presence' })],
    ['of a presence, by another hospital', () => factOf(cast, cast.hospital, { type: 'presence' })],
  ]
  test.each(nothing)('%s explains nothing', async (_, make) => {
    expect(await explained([await make()])).toBe('none')
  })

  test('by somebody without a status explains nothing: it may be a key made a minute ago', async () => {
    const fact = await factOf(cast, cast.secretary)
    expect(await explained([fact], without(cast.secretary))).toBe('none')
  })

  test('by the reader\'s other device, or its assistant, explains nothing', async () => {
    const fact = await factOf(cast, cast.secretary)
    const same: Enrolment[] = [...without(cast.secretary),
      [cast.secretary, { role: 'gp', organisation: cast.practice.id, meter: meterOf(cast.doctor) }]]
    expect(await explained([fact], same)).toBe('none')
    cast = await makeCast('assistant')
    const under: Enrolment[] = [...without(cast.secretary),
      [cast.secretary, { role: 'assistant', organisation: cast.practice.id, under: cast.doctor.id }]]
    expect(await explained([await factOf(cast, cast.secretary)], under)).toBe('none')
  })

  test.each([
    ['device', () => cast.secretary.id], ['person', () => meterOf(cast.secretary)],
  ] as const)('by somebody whose %s is locked explains nothing: a thief has its keys', async (scope, target) => {
    const fact = await factOf(cast, cast.secretary)
    expect(await explained([fact])).toBe('inside')
    cast.store.meter.locks.add({ scope, target: target(), cause: 'order', since: 0 })
    expect(await explained([fact])).toBe('none')
  })

  test('by a hospital that is locked explains nothing, and locks no reader', async () => {
    const fact = await factOf(cast, cast.hospital, { type: 'referral' })
    expect(await explained([fact])).toBe('outside')
    cast.store.meter.locks.add({ scope: 'organisation', target: cast.hospital.id, cause: 'budget', since: 0 })
    expect(await explained([fact])).toBe('none')
    expect(await charged(cast, { facts: [fact] })).toBe('charged')
  })

  test('that is forged is refused', async () => {
    const fact = await factOf(cast, cast.patient)
    fact[fact.length - 1] = (fact[fact.length - 1] as number) ^ 1
    expect(await refusal(weighed(cast, { facts: [fact] }))).toBe('signature-invalid')
  })

  test('the best of several counts', async () => {
    const facts = [await factOf(cast, cast.doctor), await factOf(cast, cast.secretary),
      await factOf(cast, cast.patient, { type: 'presence' })]
    expect(await explained(facts)).toBe('patient')
  })
})

describe('the ladder of the unexplained', () => {
  const { free } = BUDGETS.gp

  test('free, then the second key once, then a colleague each time, then locked', async () => {
    expect(await until(cast, range(1, 100))).toEqual([free, 'step-up-required'])
    const stepUp = await confirmationOf(cast, cast.key, 'step-up')
    const [more, why] = await until(cast, range(100, 100), { confirmations: [stepUp] })
    expect([more, why]).toEqual([free, 'colleague-required'])
    const again = await confirmationOf(cast, cast.key, 'step-up')
    expect(await charged(cast, { vault: 300, confirmations: [again] })).toBe('colleague-required')
    const colleague = await confirmationOf(cast, cast.colleague, 'colleague')
    const [last, bound] = await until(cast, range(400, 100), { confirmations: [colleague] })
    expect([2 * free + last, bound]).toEqual([BUDGETS.gp.bounds.unexplained?.day, 'budget-spent'])
    expect(await charged(cast, { vault: 1 }), 'a known one, too, once locked').toBe('locked')
  })

  test('a day later it begins anew', async () => {
    await until(cast, range(1, 100))
    cast.clock.move(86_401)
    expect(await until(cast, range(200, 100))).toEqual([free, 'step-up-required'])
  })

  const useless: [string, () => Promise<Uint8Array>][] = [
    ['by the first key', () => confirmationOf(cast, cast.doctor, 'step-up')],
    ['by a stranger\'s key', () => confirmationOf(cast, cast.patient, 'step-up')],
    ['for a session at a server of the house', () => confirmationOf(cast, cast.key, 'session')],
    ['without a reason', () => confirmationOf(cast, cast.key, 'step-up', { reason: ' ' })],
    ['for another patient', () => confirmationOf(cast, cast.key, 'step-up', { vault: vaultId(9999) })],
  ]
  test.each(useless)('a step-up %s opens nothing', async (_, make) => {
    await until(cast, range(1, 100))
    expect(await charged(cast, { vault: 200, confirmations: [await make()] })).toBe('step-up-required')
  })

  test('an old one opens nothing', async () => {
    await until(cast, range(1, 100))
    const stepUp = await confirmationOf(cast, cast.key, 'step-up')
    cast.clock.move(901)
    expect(await charged(cast, { vault: 200, confirmations: [stepUp] })).toBe('step-up-required')
  })

  test('the same confirmation counts once, however often it is shown', async () => {
    await until(cast, range(1, 100))
    const stepUp = await confirmationOf(cast, cast.key, 'step-up')
    await until(cast, range(100, 100), { confirmations: [stepUp] })
    const colleague = await confirmationOf(cast, cast.colleague, 'colleague')
    const twice = { confirmations: [colleague, colleague] }
    const bound = BUDGETS.gp.bounds.unexplained?.day ?? 0
    expect((await until(cast, range(300, 100), twice))[0]).toBe(bound - 2 * free)
    expect(cast.store.meter.ledger.confirmations(meterOf(cast.doctor), true, seconds(cast))).toBe(1)
  })

  test('nobody is its own colleague, by another device, its second key, or its assistant', async () => {
    await until(cast, range(1, 100))
    const first = await confirmationOf(cast, cast.key, 'step-up')
    await until(cast, range(100, 100), { confirmations: [first] })
    const device = await createIdentity('person', cast.clock)
    const asking = async (signer: typeof device, enrolled: Enrolment[]) => charged(cast, {
      vault: 500, enrolled, others: [device], confirmations: [await confirmationOf(cast, signer, 'colleague')],
    })
    const employed = { role: 'gp', organisation: cast.practice.id } as const
    const others: [typeof device, Enrolment[]][] = [
      [device, [...standard(cast), [device, { ...employed, meter: meterOf(cast.doctor) }]]],
      [cast.key, [...standard(cast), [cast.key, employed]]],
      [device, [...standard(cast), [device, { ...employed, under: cast.doctor.id }]]],
      [device, [...standard(cast), [device, { ...employed, organisation: cast.hospital.id }]]],
      [device, standard(cast)],
      [cast.practice, standard(cast)],
    ]
    for (const [signer, enrolled] of others) expect(await asking(signer, enrolled)).toBe('colleague-required')
  })

  test('explained patients ask for nothing, up to the bound of the house', async () => {
    const facts = await Promise.all(range(1, 60).map((number) => factOf(cast, cast.secretary, { number })))
    const opened: string[] = []
    for (const [i, fact] of facts.entries()) opened.push(await charged(cast, { vault: i + 1, facts: [fact] }))
    expect(opened.filter((said) => said === 'charged').length).toBe(BUDGETS.gp.bounds.own?.day)
    expect(opened.at(-1)).toBe('locked')
  })

  test('patients who are there have no bound', async () => {
    for (const number of range(1, 120)) {
      const fact = await factOf(cast, cast.patient, { type: 'presence', number })
      expect(await charged(cast, { vault: number, facts: [fact] })).toBe('charged')
    }
    expect(counted(cast, meterOf(cast.doctor), 'seen')).toBe(120)
  })
})

describe('bounds', () => {
  test('of a grant: no more patients a day than its giver expects', async () => {
    const grants = [{ grantee: cast.doctor.id, patientsPerDay: 3 }] as never
    expect(await until(cast, range(1, 10), { grants })).toEqual([3, 'budget-spent'])
    expect(cast.store.meter.locks.all()).toEqual([])
  })

  test('of strict categories, which the grant names', async () => {
    const category = new Uint8Array(16).fill(5)
    const grants = [{ grantee: cast.doctor.id, strict: [category] }] as never
    const asking = { grants, categories: [category] }
    expect(await until(cast, range(1, 100), asking)).toEqual([BUDGETS.gp.bounds.strict?.day, 'budget-spent'])
  })

  test('of a house: what the register knows, and no more than 1.3 times its own past', async () => {
    const enrolled: Enrolment[] = [[cast.hospital, { role: 'practice', patientsPerDay: 900 }]]
    const asking = { reader: cast.hospital, enrolled }
    for (let day = 0; day < 8; day++) {
      expect(await until(cast, range(day * 1_000, 100), asking)).toEqual([100, 'charged'])
      cast.clock.move(86_400)
    }
    expect(await until(cast, range(90_000, 300), asking)).toEqual([130, 'budget-spent'])
  })

  test('of 30 days: slow is no way around', async () => {
    let opened = 0
    for (let day = 0; day < 29; day++) {
      opened += (await until(cast, range(day * 1000, 20)))[0]
      cast.clock.move(86_400)
    }
    expect(opened).toBe(BUDGETS.gp.bounds.own?.month)
  })
})

describe('shadow mode', () => {
  test('counts, refuses nothing for its number, and says so in every answer', async () => {
    const { TrusteeStore } = await import('../src/trustee.ts')
    cast = await makeCast('shadow', new TrusteeStore(':memory:', { shadow: true }))
    expect(await until(cast, range(1, 200))).toEqual([200, 'charged'])
    const charge = await weighed(cast) as Charge
    expect(cast.store.meter.charge(charge)).toMatchObject({ counter: { shadow: true } })
    expect(counted(cast, meterOf(cast.doctor), 'unexplained')).toBe(200)
  })
})

describe('a meter that was restored from a backup', () => {
  const restored = () => cast.store.meter.spent.wasRestored({ at: seconds(cast), leaf: 0 })

  test('opens no new patient, whoever explains it, and goes on with those that it remembers', async () => {
    expect(await charged(cast, { vault: 1 })).toBe('charged')
    restored()
    expect(await charged(cast, { vault: 2 })).toBe('meter-recovering')
    const fact = await factOf(cast, cast.hospital, { type: 'referral', number: 3 })
    expect(await charged(cast, { vault: 3, facts: [fact] })).toBe('meter-recovering')
    expect(await charged(cast, { vault: 1 })).toBe('charged')
    expect(cast.store.meter.locks.all()).toEqual([])
  })

  test('is what it was once all is back, or once nothing that it forgot is in any window', async () => {
    restored()
    cast.clock.move(86_400)
    expect(await charged(cast, { vault: 2 }), 'the month is longer').toBe('meter-recovering')
    cast.clock.move(29 * 86_400)
    // It does not know whether this reader slept.
    expect(await charged(cast, { vault: 2 })).toBe('step-up-required')
    const confirmations = [await confirmationOf(cast, cast.key, 'step-up')]
    expect(await charged(cast, { vault: 2, confirmations })).toBe('charged')
    restored()
    cast.store.meter.spent.replayed()
    expect(await charged(cast, { vault: 3 })).toBe('charged')
  })
})

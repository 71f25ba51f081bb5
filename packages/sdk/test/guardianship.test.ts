/** Ages and decisions by themselves: birthdays, zones and clocks; who may wish what, and what follows from it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { comesOf } from '../src/guardianship/ages.ts'
import {
  AGES, type Decision, decided, REVIEW, SECRET, SUMMARY, type Wanted, wantedAt, type Ward, type Wish,
} from '../src/guardianship/decisions.ts'

const PARIS = 'Europe/Paris'
const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (text: string): number => Date.parse(text)

describe('an age is reached', () => {
  test.each([
    ['in winter', '2010-01-20', PARIS, 15, '2025-01-19T23:00:00Z'],
    ['in summer', '2010-07-20', PARIS, 15, '2025-07-19T22:00:00Z'],
    ['on the day that clocks change', '2008-03-29', PARIS, 18, '2026-03-28T23:00:00Z'],
    ['on 28 February by who was born on the 29th', '2008-02-29', PARIS, 18, '2026-02-27T23:00:00Z'],
    ['on 29 February in a leap year', '2008-02-29', PARIS, 16, '2024-02-28T23:00:00Z'],
    ['on La Réunion, hours before', '2008-06-01', 'Indian/Reunion', 18, '2026-05-31T20:00:00Z'],
    ['in Papeete, hours after', '2008-06-01', 'Pacific/Tahiti', 18, '2026-06-01T10:00:00Z'],
    ['where clocks skip midnight, on that day', '2001-09-08', 'America/Santiago', 18, '2019-09-08T04:00:00Z'],
  ])('%s', (_, date, zone, years, moment) => {
    expect(new Date(comesOf({ date, zone }, years)).toISOString()).toBe(new Date(moment).toISOString())
  })

  test.each([['2010-02-30', PARIS], ['2010-2-3', PARIS], ['20100203', PARIS], ['2010-02-03', 'Europe/Nowhere']])(
    '%s in %s is no birth', (date, zone) => {
      expect(() => comesOf({ date, zone }, 18)).toThrow('a ')
    })

  const births = fc.record({
    date: fc.date({ min: new Date('1990-01-01'), max: new Date('2030-12-31'), noInvalidDate: true })
      .map((day) => day.toISOString().slice(0, 10)),
    zone: fc.constantFrom(
      PARIS, 'Pacific/Tahiti', 'Indian/Reunion', 'America/Cayenne', 'Pacific/Noumea', 'America/Miquelon',
      'America/Santiago', 'Asia/Beirut', 'Pacific/Kiritimati', 'Africa/Cairo'),
  })

  test('at the first moment of that day there: a millisecond before, it is the day before', () => {
    fc.assert(fc.property(births, fc.integer({ min: 1, max: 30 }), ({ date, zone }, years) => {
      const moment = comesOf({ date, zone }, years)
      const dayThere = (time: number): string => new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(time)
      const [year, rest] = [Number(date.slice(0, 4)) + years, date.slice(4)]
      const day = rest === '-02-29' && new Date(Date.UTC(year, 1, 29)).getUTCMonth() !== 1 ? '-02-28' : rest
      expect(dayThere(moment)).toBe(`${year}${day}`)
      expect(dayThere(moment - 1) < `${year}${day}`).toBe(true)
    }), { numRuns: 300 })
  })

  test('one after the other, and years apart', () => {
    fc.assert(fc.property(births, (birth) => {
      const [secrets, majority] = [comesOf(birth, AGES.secrets), comesOf(birth, AGES.majority)]
      expect(majority - secrets).toBeGreaterThan(3 * 365 * DAY - 26 * HOUR)
      expect(majority - secrets).toBeLessThan(3 * 366 * DAY)
    }))
  })
})

const mother = 'aa'.repeat(32)
const father = 'bb'.repeat(32)
const aunt = 'cc'.repeat(32)
const ALL = ['summary', 'notes', ...SECRET]
const child: Ward = { kind: 'minor', birth: { date: '2014-05-17', zone: PARIS } }
const NOW = at('2026-01-15T08:00:00Z')
const TEEN = at('2030-01-15T08:00:00Z')
const court = { kind: 'court', reference: 'TJ Paris 26/00042' } as const
const civil = { kind: 'civil-status', reference: 'acte 117/2014' } as const

const appointed = (guardian: string, by: Wish['by'] = civil): Wish =>
  ({ kind: 'appoint', guardian, categories: ALL, by })
/** All of them, one after the other, each as it may be made. */
const after = (wishes: readonly Wish[], now = NOW, ward: Ward = child): Decision[] => {
  const decisions: Decision[] = []
  for (const wish of wishes) decisions.push(decided(ward, decisions, wish, now))
  return decisions
}
const parents = (): Decision[] => after([appointed(mother), appointed(father)])
const of = (wanted: readonly Wanted[], who: string): string[][] =>
  wanted.filter(({ to }) => to === who).map(({ categories }) => [...categories])

describe('what guardians have', () => {
  test('all until fifteen, and from then on without what a minor keeps secret, until majority', () => {
    const wanted = wantedAt(child, parents(), NOW)
    const [secrets, majority] = [at('2029-05-16T22:00:00Z'), at('2032-05-16T22:00:00Z')]
    for (const who of [mother, father]) {
      expect(wanted.filter(({ to }) => to === who)).toEqual([
        { to: who, categories: ALL, from: undefined, until: secrets },
        { to: who, categories: ['summary', 'notes'], from: secrets, until: majority },
      ])
    }
    expect(of(wantedAt(child, parents(), secrets), mother)).toEqual([['summary', 'notes']])
    expect(wantedAt(child, parents(), majority)).toEqual([])
  })

  test('at any time: nothing after majority, nothing secret from fifteen, and no gap before', () => {
    fc.assert(fc.property(
      fc.integer({ min: at('2014-06-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') }), (now) => {
        const [secrets, majority] = [comesOf(child.birth, 15), comesOf(child.birth, 18)]
        const mine = wantedAt(child, parents(), now).filter(({ to }) => to === mother)
        for (const { categories, from, until } of mine) {
          expect(until).toBeLessThanOrEqual(majority)
          expect(until).toBeGreaterThan(now)
          if (until > secrets) expect(categories.some((code) => SECRET.includes(code))).toBe(false)
          if (until > secrets) expect(from === undefined ? now >= secrets : from === secrets).toBe(true)
        }
        expect(mine.some(({ from }) => from === undefined)).toBe(now < majority)
      }), { numRuns: 300 })
  })

  test('what is hidden from one, the other sees; one secret hides all of them', () => {
    const hidden = decided(child, parents(), {
      kind: 'hide', category: 'sexual-health', from: [father], by: { kind: 'professional', id: aunt },
    }, NOW)
    const wanted = wantedAt(child, [...parents(), hidden], NOW)
    expect([of(wanted, mother)[0], of(wanted, father)[0]]).toEqual([ALL, ['summary', 'notes']])
  })

  test('what the ward hid, no guardian shows again; what one hid, the court does', () => {
    const hide: Wish = { kind: 'hide', category: 'notes', from: [father, mother], by: { kind: 'ward' } }
    const before = [...parents(), decided(child, parents(), hide, TEEN)]
    const shown = (by: Wish['by']): string[][] => {
      const show = decided(child, before, { ...hide, kind: 'show', from: [father], by }, TEEN)
      return of(wantedAt(child, [...before, show], TEEN), father)
    }
    expect(shown({ kind: 'guardian', id: mother })).toEqual([['summary']])
    expect(shown({ kind: 'ward' })).toEqual([['summary', 'notes']])
    expect(shown(court)).toEqual([['summary', 'notes']])
  })

  test('an adult under protection: no age step, until the date, at most ten years', () => {
    const ward: Ward = { kind: 'adult' }
    const until = NOW + 5 * 365 * DAY
    const wish: Wish = { kind: 'appoint', guardian: aunt, categories: ALL, until, by: court }
    expect(wantedAt(ward, after([wish], NOW, ward), NOW))
      .toEqual([{ to: aunt, categories: ALL, from: undefined, until }])
    expect(wantedAt(ward, after([wish], NOW, ward), until)).toEqual([])
    expect(() => decided(ward, [], { ...wish, until: NOW + REVIEW + 1 }, NOW)).toThrow('within ten years')
    const { until: _, ...endless } = wish as Wish & { kind: 'appoint' }
    expect(() => decided(ward, [], endless, NOW)).toThrow('until a date')
  })
})

describe('refused:', () => {
  const hide = (by: Wish['by'], category = 'notes', from = [father]): Wish => ({ kind: 'hide', category, from, by })
  const cases: [string, Wish, number, string][] = [
    ['a parent appoints a friend', appointed(aunt, { kind: 'guardian', id: mother }), NOW, 'civil status or a court'],
    ['a parent dismisses the other one', { kind: 'dismiss', guardian: father, by: { kind: 'guardian', id: mother } },
      NOW, 'A court dismisses'],
    ['a parent shuts the other one out of the emergency summary', hide({ kind: 'guardian', id: mother }, SUMMARY), NOW,
      'emergency summary'],
    ['the ward does', hide({ kind: 'ward' }, SUMMARY), TEEN, 'emergency summary'],
    ['a friend hides something', hide({ kind: 'guardian', id: aunt }), NOW, 'from another one'],
    ['a child under fifteen decides alone', hide({ kind: 'ward' }), NOW, 'Under fifteen'],
    ['it is hidden from somebody who is no guardian', hide(court, 'notes', [aunt]), NOW, 'from guardians'],
    ['after majority', appointed(aunt, court), at('2032-05-17T00:00:00Z'), 'of age'],
    ['past majority', { ...appointed(aunt, court), until: at('2040-01-01T00:00:00Z') } as Wish, NOW, 'until majority'],
    ['who opened what is shown', { ...appointed(aunt), categories: ['summary', 'access-log'] } as Wish, NOW, 'opened'],
    ['without the emergency summary', { ...appointed(aunt), categories: ['notes'] } as Wish, NOW, 'emergency summary'],
  ]
  test.each(cases)('%s', (_, wish, now, why) => {
    expect(() => decided(child, parents(), wish, now)).toThrow(why)
  })

  test('whatever one parent wishes, the other one keeps the summary until majority', () => {
    const wishes = fc.array(fc.record({
      kind: fc.constantFrom('hide', 'show', 'dismiss', 'appoint'), category: fc.constantFrom(...ALL),
      self: fc.boolean(),
    }), { maxLength: 12 })
    fc.assert(fc.property(wishes, (all) => {
      const decisions = parents()
      const by = { kind: 'guardian', id: mother } as const
      for (const { kind, category, self } of all) {
        const who = self ? mother : father
        const wish: Wish = kind === 'dismiss' ? { kind, guardian: who, by }
          : kind === 'appoint' ? appointed(who, by) : { kind, category, from: [who], by }
        try {
          decisions.push(decided(child, decisions, wish, NOW))
        } catch {
          // Refused: nothing follows from it.
        }
      }
      expect(of(wantedAt(child, decisions, NOW), father).every((codes) => codes.includes(SUMMARY))).toBe(true)
      expect(of(wantedAt(child, decisions, NOW), father)).toHaveLength(2)
    }))
  })
})

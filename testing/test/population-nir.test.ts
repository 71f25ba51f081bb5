import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { civilDate, dayNumber, instant, isoDate, parseDate } from '../src/population/calendar.ts'
import { BIRTHPLACES } from '../src/population/communes.ts'
import { nir, nirIsValid, nirKey } from '../src/population/nir.ts'
import { withLuhn } from '../src/population/staff.ts'

const parts = fc.record({
  sex: fc.constantFrom('male' as const, 'female' as const),
  year: fc.integer({ min: 1900, max: 2026 }),
  month: fc.integer({ min: 1, max: 12 }),
  birthplace: fc.constantFrom(...BIRTHPLACES.map(({ insee }) => insee)),
  order: fc.integer({ min: 1, max: 999 }),
})

describe('NIR', () => {
  test('the national test patients\' matricules have the keys we compute', () => {
    for (const known of ['279035121518989', '277076322082910']) {
      expect(nirKey(known.slice(0, 13))).toBe(known.slice(13))
      expect(nirIsValid(known)).toBe(true)
    }
  })

  test('property: number and key are together divisible by 97, with 2A and 2B by the subtraction rule', () => {
    fc.assert(fc.property(parts, (given) => {
      const value = nir(given)
      expect(value).toMatch(/^[12]\d{4}(\d\d|2[AB])\d{8}$/)
      // The other way to state the Corsican rule: A or B becomes 0, and 1 or 2 million is taken off.
      const body = BigInt(value.slice(0, 13).replace(/[AB]/, '0'))
      const less = value.includes('A') ? 1_000_000n : value.includes('B') ? 2_000_000n : 0n
      expect((body - less + BigInt(value.slice(13))) % 97n).toBe(0n)
    }))
  })

  test('property: one wrong digit in the number or a wrong key is noticed', () => {
    fc.assert(fc.property(parts, fc.integer({ min: 10, max: 14 }), fc.integer({ min: 1, max: 9 }), (given, at, by) => {
      const value = nir(given)
      const wrong = value.slice(0, at) + String((Number(value[at]) + by) % 10) + value.slice(at + 1)
      expect(nirIsValid(wrong)).toBe(false)
    }))
  })

  test('no birthplace stands twice: distinct matricules rest on that', () => {
    expect(new Set(BIRTHPLACES.map(({ insee }) => insee)).size).toBe(BIRTHPLACES.length)
    for (const { insee } of BIRTHPLACES) expect(insee).toMatch(/^(\d\d|2[AB])\d{3}$/)
  })
})

describe('calendar', () => {
  test('property: agrees with the platform\'s calendar from 1850 to 2150', () => {
    fc.assert(fc.property(fc.integer({ min: -43_800, max: 65_700 }), (day) => {
      const expected = new Date(day * 86_400_000).toISOString().slice(0, 10)
      expect(isoDate(day)).toBe(expected)
      expect(parseDate(expected)).toBe(day)
      const { year, month, day: dayOfMonth } = civilDate(day)
      expect(dayNumber(year, month, dayOfMonth)).toBe(day)
    }))
  })

  test('summer time runs from the last Sunday of March to the last Sunday of October', () => {
    expect(instant(dayNumber(2025, 3, 29), 600)).toBe('2025-03-29T10:00:00+01:00')
    expect(instant(dayNumber(2025, 3, 30), 600)).toBe('2025-03-30T10:00:00+02:00')
    expect(instant(dayNumber(2025, 10, 25), 600)).toBe('2025-10-25T10:00:00+02:00')
    expect(instant(dayNumber(2025, 10, 26), 605)).toBe('2025-10-26T10:05:00+01:00')
  })
})

test('Luhn: the classic example keeps its digit', () => {
  expect(withLuhn('7992739871')).toBe('79927398713')
})

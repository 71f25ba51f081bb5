/** The digits of every number survive, whatever strings stand around it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exactJson, withDecimals } from '../src/decimals.ts'

const number = fc.constantFrom(
  '0', '5', '-5', '5.0', '0.10', '100.00', '-0.50', '1e3', '1E+3', '1.50e-7', '1.2345678901234567890', '10', '1200',
  '12345678901234567', '0.1',
)
const string = fc.oneof(
  fc.string(), fc.string({ unit: 'binary' }),
  fc.constantFrom('a: 5.0', '[1.0', '"5.0"', '\\', '\\\\"', '\\":1.0', '\u00005.0', '\u00001.0,', ',-1.00', 'µ: 1e3'),
).map((text) => JSON.stringify(text))
const space = fc.constantFrom('', ' ', '\n\t')

const { value: json } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    number, string, fc.constantFrom('true', 'null', 'false'),
    fc.array(fc.tuple(space, tie('value')), { maxLength: 6 }).map((items) =>
      `[${items.map((one) => one.join('')).join(',')}]`),
    fc.array(fc.tuple(string, space, tie('value')), { maxLength: 6 }).map((members) =>
      `{${members.map(([name, gap, value], i) => `"k${i}${name.slice(1)}:${gap}${value}`).join(',')}}`),
  ),
}))

/** JSON text without the spaces that stand outside of its strings. */
const tight = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (piece) => (piece.startsWith('"') ? JSON.stringify(JSON.parse(piece)) : ''))

test('what comes in goes out digit by digit', () => {
  fc.assert(fc.property(json, (value) => {
    const text = `{"resource":${value}}`
    const read = withDecimals(text, JSON.parse(text) as object)
    expect(exactJson(read)).toBe(tight(text))
  }), { numRuns: 2_000 })
})

test('a string that looks marked is a string', () => {
  const text = '{"a":"\\u00005.0","b":5.0,"c":[":1.0",1.0]}'
  const value = withDecimals(text, JSON.parse(text) as { a: string })
  expect(value.a).toBe('\u00005.0')
  expect(exactJson(value)).toBe(text)
})

test.each([
  ['many numbers without a string', `{"a":[${'1.0,'.repeat(300_000)}1.0]}`],
  ['many strings with suspects in them', `{"a":[${'":1.0",'.repeat(200_000)}1.0]}`],
  ['one long string of quotes', `{"b":1.0,"a":"${'\\"'.repeat(500_000)}","c":2.0}`],
])('takes time in proportion: %s', (_, text) => {
  const value = JSON.parse(text) as object
  const started = performance.now()
  expect(exactJson(withDecimals(text, value))).toBe(text)
  expect(performance.now() - started).toBeLessThan(10_000)
})

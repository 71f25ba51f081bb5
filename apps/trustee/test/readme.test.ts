/** The bounds that the README tells are those of the code. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { HOUSE_TOTALS, PERSON_TOTALS, UNREGISTERED_TOTAL } from '../src/meter/budgets.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** Rows of the table whose first column is so called: first cell, and the numbers after it. */
const rowsOf = (first: string): [string, number[]][] => {
  const lines = README.split('\n')
  const head = lines.findIndex((line) => line.startsWith(`| ${first} |`))
  const end = lines.findIndex((line, i) => i > head && !line.startsWith('|'))
  return lines.slice(head + 2, end).map((line) => {
    const [name = '', ...numbers] = line.split('|').slice(1, -1).map((cell) => cell.trim())
    return [name, numbers.map((cell) => Number(cell.replaceAll(',', '')))]
  })
}

test('of people', () => {
  expect(rowsOf('role')).toEqual(Object.entries(PERSON_TOTALS).map(
    ([role, { hour, shift, own, month, free, unexplained, strict }]) =>
      [role, [hour, shift, own, month, free, unexplained, strict]]))
})

test('of houses', () => {
  expect(rowsOf('house')).toEqual([
    ...Object.entries(HOUSE_TOTALS).map(([role, day]) => [role, [day]]),
    ['(whom no register knows)', [UNREGISTERED_TOTAL]],
  ])
})

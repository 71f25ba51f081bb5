import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { buildTables } from '../tools/build-r4.ts'

test('the condensed tables are those that the definitions give', () => {
  const tables = buildTables()
  expect(Object.keys(tables)).toHaveLength(4)
  for (const [name, text] of Object.entries(tables)) {
    expect(readFileSync(new URL(`../src/r4/${name}`, import.meta.url), 'utf8') === text, name).toBe(true)
  }
})

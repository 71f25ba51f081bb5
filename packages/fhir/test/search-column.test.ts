/** A column lets go of what no resource has any more: an open chart is written to for days. */
import type { Observation } from '@medplum/fhirtypes'
import { expect, test } from 'vitest'
import { Column } from '../src/search/column.ts'
import { columnOf } from '../src/search/columns.ts'
import { parameterOf } from '../src/search/parameters.ts'

test('values that stand nowhere any more are kept nowhere', () => {
  const column = new Column(columnOf(parameterOf('Observation', 'code')!))
  const observation = (code: string, system: string): Observation =>
    ({ resourceType: 'Observation', status: 'final', code: { coding: [{ system, code }] } })
  column.put(0, observation('a', 'urn:x'))
  column.put(1, observation('a', 'urn:y'))
  column.put(2, observation('b', 'urn:x'))
  for (let at = 0; at < 1000; at++) {
    column.put(3, observation(`c${at}`, 'urn:x'))
    column.drop(3)
  }
  column.drop(0)
  expect([...column.terms()].map(({ slots }) => slots)).toEqual([[1], [2]])
  expect(column.lookup('a')).toHaveLength(1)
  column.drop(1)
  column.drop(2)
  expect([...column.terms()]).toEqual([])
})

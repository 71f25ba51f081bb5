/** Patients by identifier: from the sealed index while the list is not in memory, with the same answers as from it. */
import type { Bundle, Identifier } from '@medplum/fhirtypes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'
import { patient } from './records.ts'

const SYSTEM = 'urn:oid:1.2.3.4'
const INS = 'urn:oid:1.2.250.1.213.1.4.8'
const many = (count: number, from = 0): Identifier[] =>
  Array.from({ length: count }, (_, at) => ({ system: SYSTEM, value: `N${at + from}` }))

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'lookup' })
  const people: Record<string, Identifier[]> = {
    upper: [{ system: SYSTEM, value: 'IPP1' }], lower: [{ system: SYSTEM, value: 'ipp1' }],
    former: [{ system: SYSTEM, value: 'IPP2', use: 'old' }, { system: SYSTEM, value: 'IPP3' }],
    other: [{ system: 'urn:oid:1.2.3.5', value: 'IPP1' }], bare: [{ value: 'IPP1' }],
    ins: [{ system: INS, value: '260058815400233' }], spaced: [{ system: INS, value: '2 60 05 88 154 002 33' }],
    many: many(40), more: many(25, 30),
  }
  for (const [id, identifier] of Object.entries(people)) {
    const put = await world.app.put(`Patient/${id}`, { ...patient(id), identifier })
    if (put.status !== 201) throw new Error(put.text)
  }
})
afterAll(() => world.close())

const QUERIES = [
  `${SYSTEM}|IPP1`, `${SYSTEM}|ipp1`, `${SYSTEM}|IPP2`, `${SYSTEM}|IPP3`, `${SYSTEM}|IPP4`,
  `${SYSTEM}|IPP3,${SYSTEM}|IPP1`,
  `${INS}|260058815400233`, `${INS}|2 60 05 88 154 002 33`, `${SYSTEM}|N0`, `${SYSTEM}|N35`, `${SYSTEM}|N39`,
  `${SYSTEM}|N54`, `${SYSTEM}|`, '|IPP1', 'IPP1', `${SYSTEM}|IPP1,IPP3`, `${SYSTEM}|IPP1&family=dupont`,
  `${SYSTEM}|IPP1&family=durand`, `${SYSTEM}|IPP1&_id=upper`, `${SYSTEM}|IPP1&_summary=count`,
  `${SYSTEM}|IPP1&_sort=-_id`, `${SYSTEM}|IPP1&_elements=name`, 'urn:oid:1.2.3.5|ipp1',
]

const answers = async (): Promise<unknown[]> => {
  const all: unknown[] = []
  for (const query of QUERIES) {
    const { status, body } = await world.app.search(`Patient?identifier=${query.replaceAll(' ', '%20')}`)
    all.push([query, status, body.total, (body.entry ?? []).map(({ resource }) => resource)])
  }
  return all
}

test('the same answers before and after the list is in memory', async () => {
  await world.party.restart()
  const before = await answers()
  await world.app.search('Patient?family=dupont')
  expect(await answers()).toEqual(before)
  expect(before.slice(0, 2).map((each) => (each as unknown[])[2])).toEqual([2, 2])
})

test('pages go on, though the first one came before the list was in memory', async () => {
  await world.party.restart()
  const first = await world.app.search(`Patient?identifier=${SYSTEM}|IPP1&_count=1&_sort=_id`)
  expect(first.body.total).toBe(2)
  const next = await world.app.get<Bundle>(first.body.link?.find(({ relation }) => relation === 'next')?.url ?? '')
  expect([first, next].map(({ body }) => body.entry?.[0]?.resource?.id)).toEqual(['lower', 'upper'])
})

test('what is written is found at once, and what was renumbered no longer', async () => {
  await world.party.restart()
  const total = async (value: string): Promise<number | undefined> =>
    (await world.app.search(`Patient?identifier=${SYSTEM}|${value}`)).body.total
  await world.app.put('Patient/former', { ...patient('former'), identifier: [{ system: SYSTEM, value: 'IPP9' }] })
  expect([await total('IPP9'), await total('IPP3'), await total('IPP2')]).toEqual([1, 0, 0])
  await world.app.delete('Patient/former')
  expect(await total('IPP9')).toBe(0)
  const once = { 'if-none-exist': `identifier=${SYSTEM}|IPP10` }
  const body = { ...patient(), identifier: [{ system: SYSTEM, value: 'IPP10' }] }
  const created = await Promise.all([1, 2, 3].map(() => world.app.post('Patient', body, once)))
  expect(created.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 201])
})

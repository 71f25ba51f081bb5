/** The list of patients is loaded in slices: what happens between two of them must be in it, and hold nobody up. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { parseSearch } from '@scelle/fhir/search'
import { bytesOf, type Entry } from '../src/entry.ts'
import { EDGE_LIMITS } from '../src/limits.ts'
import { Persons } from '../src/persons.ts'
import { presentMoment, Records } from '../src/records.ts'
import { matchesAt, resultAt } from '../src/search-space.ts'
import type { Directory } from '../src/store/directory.ts'

const person = (id: string, family: string, version = 1, deleted = false): Entry => ({
  type: 'Patient', id, version, updated: 1_000 + version, category: 'summary', author: 'aa', handle: `handle-${id}`,
  deleted,
  bytes: bytesOf(deleted ? '' : JSON.stringify({ resourceType: 'Patient', id, name: [{ family }] })),
})

/** A directory that gives out what it holds in slices of two, and tells of each. */
const directoryOf = (held: readonly Entry[], told: (slice: number) => void = () => undefined) => {
  let slices = 0
  const personsAfter = (after: Uint8Array | undefined) => {
    told(++slices)
    const from = after?.[0] ?? 0
    return held.slice(from, from + 2).map((entry, i) => ({ row: Uint8Array.of(from + i + 1), entry }))
  }
  return { personsAfter, isDecoy: () => false, slices: () => slices } as unknown as Directory & { slices: () => number }
}

const random = (length: number): Uint8Array => new Uint8Array(length)
const found = async (persons: Persons, query: string): Promise<string[]> =>
  matchesAt({ where: 'persons', opening: await persons.use(), beside: [] }, parseSearch('Patient', query),
    presentMoment())

const HELD = ['Martin', 'Durand', 'Bernard', 'Petit', 'Moreau'].map((family, i) => person(`p${i}`, family))

test('every slice is in the list, and other work goes on between them', async () => {
  const persons = new Persons(directoryOf(HELD), random)
  const loading = persons.use()
  let turns = 0
  const counting = (async () => {
    while (persons.peek() === undefined) {
      turns++
      await nextTurn()
    }
  })()
  await loading
  await counting
  expect(turns).toBeGreaterThanOrEqual(3)
  expect(await found(persons, 'family=moreau')).toEqual(['Patient/p4'])
  expect(await found(persons, 'family=martin')).toEqual(['Patient/p0'])
})

test('what is written while it loads is in it, newer than what is read later', async () => {
  const written = [person('p4', 'Renard', 2), person('p0', '', 2, true), person('new', 'Lefort')]
  const persons: Persons = new Persons(
    directoryOf(HELD, (slice) => {
      if (slice === 2) persons.accepted(written)
    }),
    random,
  )
  expect(await found(persons, 'family=moreau')).toEqual([])
  expect(await found(persons, 'family=renard,lefort')).toEqual(['Patient/new', 'Patient/p4'])
  expect(await found(persons, 'family=martin')).toEqual([])
})

test('somebody who leaves while it loads is not in it: it is read again', async () => {
  let isHere = true
  const stays = HELD.slice(1)
  const first = directoryOf(HELD)
  const second = directoryOf(stays)
  const persons: Persons = new Persons(
    {
      personsAfter: (after: Uint8Array | undefined, count: number) => {
        if (first.slices() === 2 && isHere) {
          isHere = false
          persons.forget()
        }
        return isHere || first.slices() < 4 ? first.personsAfter(after, count) : second.personsAfter(after, count)
      },
    } as unknown as Directory,
    random,
  )
  expect(await found(persons, 'family=martin')).toEqual([])
  expect(await found(persons, 'family=durand')).toEqual(['Patient/p1'])
  expect(second.slices()).toBeGreaterThan(0)
})

test('it is loaded once for everybody who asks meanwhile', async () => {
  const directory = directoryOf(HELD)
  const persons = new Persons(directory, random)
  const [one, other] = await Promise.all([persons.use(), persons.use()])
  expect(one).toBe(other)
  expect(directory.slices()).toBe(4)
})

test('a list that could not be read is read again for whoever asks next', async () => {
  let isBroken = true
  const directory = directoryOf(HELD, () => {
    if (isBroken) throw new Error('disk I/O error')
  })
  const persons = new Persons(directory, random)
  const both = await Promise.allSettled([persons.use(), persons.use()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isBroken = false
  expect(await found(persons, 'family=moreau')).toEqual(['Patient/p4'])
})

test('former versions are let go now and then: who is written often takes no more memory for ever', async () => {
  const persons = new Persons(directoryOf(HELD), random)
  await persons.use()
  let heaviest = 0
  for (let version = 2; version < 3 * EDGE_LIMITS.personVersions; version++) {
    persons.accepted([person('p0', 'Martin', version)])
    const { records } = persons.peek() ?? await persons.use()
    heaviest = Math.max(heaviest, records.weight)
  }
  expect(heaviest).toBeLessThan(EDGE_LIMITS.personVersions * 1_500)
})

test('a further page reads nobody else\'s record again because one was written meanwhile', () => {
  const opening = { name: 'all', records: new Records(), gaps: () => 0 }
  for (let i = 0; i < 600; i++) opening.records.put(person(`p${String(i).padStart(3, '0')}`, 'Martin'))
  const parsed = parseSearch('Patient', 'family=martin&_count=20')
  const page = (state: number, at: number): string[] =>
    resultAt({ where: 'persons', opening, beside: [] }, parsed, state, { base: 'b', shown: (entry) => entry })
      .page(at, 20).map(({ resource }) => Buffer.from(resource ?? []).toString())
  const before = presentMoment()
  const [first, second] = [page(before, 0), page(before, 20)]
  opening.records.put(person('p021', 'Renard', 2))
  const after = presentMoment()
  page(after, 0)
  opening.records.put(person('p022', 'Lefort', 2))
  const parse = vi.spyOn(JSON, 'parse')
  const again = [page(before, 0), page(before, 20), page(after, 20)]
  expect(parse).toHaveBeenCalledTimes(0)
  parse.mockRestore()
  expect(again.slice(0, 2)).toEqual([first, second])
  expect(again[2]).toHaveLength(20)
  expect([second.join('').includes('p021'), again[2]?.join('').includes('p021')]).toEqual([true, false])
  expect(page(presentMoment(), 20).join('')).not.toMatch(/p021|p022/)
})

test('of many results the oldest are forgotten, and all of them when what was found is closed', () => {
  const records = new Records()
  for (let search = 0; search < 100; search++) records.remember(`${search}`, ['a'])
  expect([records.found('0'), records.found('99')]).toEqual([undefined, ['a']])
  records.wipe()
  expect(records.found('99')).toBeUndefined()
})

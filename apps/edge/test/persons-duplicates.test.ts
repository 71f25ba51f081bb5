/** The work list of probable duplicates: computed while writing, answered by people, never acted upon by itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Parameters, Patient } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { type Listed, pairsIn } from './pairs.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'duplicates' })
})
afterAll(() => world.close())

const list = async (query = ''): Promise<Listed[]> =>
  pairsIn((await world.app.get<Parameters>(`$scelle-duplicates${query}`)).body)
const between = async (...ids: string[]): Promise<Listed | undefined> =>
  (await list('?_count=1000')).find(({ patients }) =>
    patients.join() === ids.map((id) => `Patient/${id}`).toSorted().join())
const answer = (pair: string, as: string) => world.app.post<Parameters>('$scelle-resolve-duplicate',
  { resourceType: 'Parameters', parameter: [{ name: 'pair', valueString: pair }, { name: 'as', valueCode: as }] })

const born = (id: string, family: string, given: string, birthDate: string, more: Partial<Patient> = {}): Patient => ({
  resourceType: 'Patient', id, name: [{ use: 'official', family, given: [given] }], birthDate, gender: 'female',
  ...more,
})
const put = async (patient: Patient): Promise<void> => {
  const answered = await world.app.put(`Patient/${patient.id}`, patient)
  expect(answered.status, answered.text).toBeLessThan(300)
}

describe('the work list', () => {
  test('a second record of one person appears with its reasons, and no value', async () => {
    await put(born('a1', 'Lefèvre', 'Zoé', '1980-02-03'))
    expect(await between('a1', 'a2')).toBeUndefined()
    await put(born('a2', 'LEFEVRE', 'Zoe', '1980-03-02'))
    expect(await between('a1', 'a2')).toMatchObject({ kind: 'duplicate', score: 65, reasons: [
      'birth-name equal 25', 'given-name equal 20', 'birth-date day-month-exchanged 15', 'sex equal 5'] })
    const { text } = await world.app.get('$scelle-duplicates')
    expect(text).not.toMatch(/lef|zo[eé]|1980/i)
  })

  test('a correction takes the pair away, a new slip brings it back', async () => {
    await put(born('a2', 'Lefèvre', 'Anne', '1990-03-02'))
    expect(await between('a1', 'a2')).toBeUndefined()
    await put(born('a2', 'Lefevre', 'Zoé', '1980-02-03'))
    expect(await between('a1', 'a2')).toMatchObject({ score: 75 })
  })

  test('what a person answered is not asked again, until they take it back', async () => {
    const pair = await between('a1', 'a2')
    expect((await answer(pair?.name ?? '', 'not-same')).status).toBe(200)
    expect(await between('a1', 'a2')).toBeUndefined()
    await put(born('a2', 'Lefevre', 'Zoë', '1980-02-03', { telecom: [{ system: 'phone', value: '0102030405' }] }))
    await world.party.restart()
    await put(born('a1', 'Lefevre', 'Zoé', '1980-02-03', { telecom: [{ system: 'phone', value: '0102030405' }] }))
    expect(await between('a1', 'a2')).toBeUndefined()
    expect((await list('?state=not-same')).map(({ name }) => name)).toEqual([pair?.name])
    expect((await answer(pair?.name ?? '', 'open')).status).toBe(200)
    expect(await between('a1', 'a2')).toMatchObject({ name: pair?.name })
  })

  test('one local number on two patients is accepted, and shown as a collision', async () => {
    const identifier = [{ system: 'urn:oid:1.2.250.1.999', value: '42' }]
    await put(born('n1', 'Petit', 'Luc', '1950-01-01', { identifier }))
    await put(born('n2', 'Grand', 'Ève', '1999-01-01', { identifier }))
    expect(await between('n1', 'n2')).toMatchObject({ kind: 'same-number', score: 65 })
    expect((await world.app.search('Patient?identifier=urn:oid:1.2.250.1.999|42')).body.total).toBe(2)
    const again = await world.app.send('PUT', 'Patient?identifier=urn:oid:1.2.250.1.999|42',
      { body: born('n1', 'Petit', 'Luc', '1950-01-01', { identifier }) })
    expect(again.status).toBe(412)
  })

  test('twins and namesakes are no pair; who was deleted is none either', async () => {
    await put(born('t1', 'Roux', 'Léa', '2001-05-06'))
    await put(born('t2', 'Roux', 'Emma', '2001-05-06'))
    expect(await between('t1', 't2')).toBeUndefined()
    await put(born('t3', 'Roux', 'Lea', '2001-05-06'))
    expect(await between('t1', 't3')).toBeDefined()
    await world.app.delete('Patient/t3')
    expect(await between('t1', 't3')).toBeUndefined()
  })

  test('pages go on where the last one ended, the highest score first', async () => {
    for (const at of [1, 2, 3, 4]) await put(born(`p${at}`, 'Moreau', 'Lou', '1970-07-07'))
    const all = await list('?_count=1000')
    expect(all.length).toBeGreaterThanOrEqual(6)
    expect(all.map(({ score }) => score)).toEqual(all.map(({ score }) => score).toSorted((a, b) => b - a))
    const seen: Listed[] = []
    let after = ''
    do {
      const { body } = await world.app.get<Parameters>(`$scelle-duplicates?_count=2${after}`)
      expect(body.parameter?.find(({ name }) => name === 'total')?.valueInteger).toBe(all.length)
      seen.push(...pairsIn(body))
      const next = body.parameter?.find(({ name }) => name === 'next')?.valueString
      after = next === undefined ? '' : `&after=${next}`
    } while (after !== '')
    expect(seen).toEqual(all)
  })

  test('what is not understood is refused by name', async () => {
    for (const [query, status] of [['?x=1', 400], ['?state=maybe', 400], ['?_count=0', 400],
      ['?_count=1&_count=2', 400],
      ['?after=1', 400], [`?after=${'0'.repeat(32)}`, 410]] as const) {
      const refused = await world.app.get(`$scelle-duplicates${query}`)
      expect([refused.status, issueOf(refused).severity], query).toEqual([status, 'error'])
    }
    expect((await answer('0'.repeat(32), 'not-same')).status).toBe(404)
    expect((await answer('x', 'not-same')).status).toBe(400)
    expect((await answer('0'.repeat(32), 'merged')).status).toBe(400)
    expect((await world.writer.get('$scelle-duplicates')).status).toBe(403)
    expect((await world.reader.post('$scelle-resolve-duplicate', {})).status).toBe(403)
    expect((await world.app.post('$scelle-resolve-duplicate', { resourceType: 'Parameters',
      parameter: [{ name: 'pair', valueString: 'x' }, { name: 'who', valueString: 'x' }] })).status).toBe(400)
  })

  test('a directory that was not indexed is, when the edge starts', async () => {
    const before = await list('?_count=1000')
    await world.party.kill()
    const db = new DatabaseSync(join(world.party.directory, 'edge.db'))
    for (const table of ['block', 'compared', 'pair']) db.exec(`DELETE FROM ${table}`)
    db.close()
    await world.party.restart()
    expect(before.length).toBeGreaterThan(0)
    expect(await list('?_count=1000')).toEqual(before)
  })

  test('nothing of it is on the disk in clear', () => {
    const db = ['edge.db', 'edge.db-wal'].map((name) => {
      try {
        return readFileSync(join(world.party.directory, name), 'latin1')
      } catch {
        return ''
      }
    }).join('')
    expect(db.length).toBeGreaterThan(10_000)
    for (const canary of ['Moreau', 'moreau', 'Patient/a1', '1970-07-07', 'not-same', 'birth-name', '999|42']) {
      expect(db.includes(canary), canary).toBe(false)
    }
  })
})

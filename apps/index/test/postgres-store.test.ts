import { describe, expect, test } from 'vitest'
import { keyRecord } from './operations.ts'
import { freshDatabase, hasPostgres, openFresh, openOn, query } from './postgres.ts'
import { describeStore } from './store-conformance.ts'
import { seeded } from './world.ts'

describe.runIf(hasPostgres)('on PostgreSQL', () => {
  describeStore('PostgreSQL', () => openFresh())

  test('a database of a newer schema is refused, and so is one that is none', async () => {
    const database = await freshDatabase()
    await (await openOn(database.url)).close()
    await query(database.url, 'UPDATE schema_version SET version = version + 1')
    await expect(openOn(database.url)).rejects.toThrow(/has schema \d+, this program knows/)
    await query(database.url, 'UPDATE schema_version SET version = version - 1')
    await expect(openOn(`${database.url}_absent`)).rejects.toThrow('does not exist')
    await database.remove()
  })

  test('several processes make the tables at once', async () => {
    const database = await freshDatabase()
    await query(database.url, 'DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    const stores = await Promise.all([0, 1, 2, 3].map(() => openOn(database.url)))
    const random = seeded('at once')
    const outcomes = await Promise.all(stores.map((store) => store.apply([keyRecord(random, random(32), 0)])))
    expect(outcomes.flat().every((outcome) => 'position' in outcome)).toBe(true)
    await Promise.all(stores.map((store) => store.close()))
    await database.remove()
  })
})

/** Routes, log and receipts on the second engine: the same tests, on worlds that have a database. */
import { describe, expect, test } from 'vitest'
import { freshDatabase, hasPostgres, query } from './postgres.ts'
import { judge } from './postgres-judge.ts'
import { World } from './world.ts'

const judged = async () => {
  const database = await freshDatabase()
  return {
    ...database,
    remove: async () => {
      await judge(database.url)
      await database.remove()
    },
  }
}
if (hasPostgres) World.freshDatabase = judged

const FILES = {
  flow: () => import('./flow.test.ts'),
  'log routes': () => import('./log-routes.test.ts'),
  'log records': () => import('./log-records.test.ts'),
  'misuse of commits': () => import('./misuse-commits.test.ts'),
  'misuse of requests': () => import('./misuse-requests.test.ts'),
  'replaced keys': () => import('./replaced-keys.test.ts'),
  inspect: () => import('./inspect.test.ts'),
  entries: () => import('./entries.test.ts'),
}

describe.runIf(hasPostgres)('on PostgreSQL', () => {
  test('worlds have databases', async () => {
    const world = await World.create({ seed: 'which engine' })
    const someone = await world.principal()
    expect(await world.storage.store.keyCount(someone.id)).toBe(1)
    expect(world.storage.lost).toBeUndefined()
    await world.end()
    expect(await query((await freshDatabase()).url, 'SELECT * FROM key_records')).toEqual([])
  })

  for (const [name, load] of Object.entries(FILES)) {
    describe(`routes: ${name}`, async () => {
      if (hasPostgres) await load()
    })
  }
})

/** What a row stored, counted in the index's database: how many records share a capsule belongs to every figure. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Parties } from './parties.ts'

export interface Capsules {
  readonly records: number
  readonly capsules: number
}

/** So far. The index may be running: this is one more reader. */
export const capsulesIn = (parties: Parties): Capsules => {
  const folder = parties.data('index')
  const file = readdirSync(folder).find((name) => name.endsWith('.sqlite'))
  if (file === undefined) throw new Error(`no database of the index in ${folder}`)
  const database = new DatabaseSync(join(folder, file), { readOnly: true })
  try {
    const count = (table: string): number =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
    return { records: count('records'), capsules: count('capsules') }
  } finally {
    database.close()
  }
}

/** Records a capsule of what came between two counts; `-` where nothing came. */
export const ofCapsules = (before: Capsules, after: Capsules): string => {
  const capsules = after.capsules - before.capsules
  return capsules === 0 ? '-' : ((after.records - before.records) / capsules).toFixed(1)
}

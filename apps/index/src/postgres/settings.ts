/** Small things that all processes of one index share. */
import type { Database } from './database.ts'

/** Drawn once, by whichever process is first. */
export const keptSecret = async (database: Database, name: string, draw: () => Uint8Array): Promise<Uint8Array> => {
  await database.insertInto('settings').values({ name, value: draw() })
    .onConflict((conflict) => conflict.column('name').doNothing()).execute()
  const { value } = await database.selectFrom('settings').select('value').where('name', '=', name)
    .executeTakeFirstOrThrow()
  return value
}

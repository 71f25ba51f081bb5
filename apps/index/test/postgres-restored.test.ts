/** A database taken back to an earlier moment: the index finds that trustees cosigned more, and serves nothing. */
import { toHex } from '@scelle/seal/verify'
import { describe, expect, test } from 'vitest'
import { RECOVERY_ADVICE } from '../src/log/errors.ts'
import { freshDatabase, hasPostgres, query } from './postgres.ts'
import { World } from './world.ts'

/** As if the transactions since had never been: what was stored after the first `leaves` leaves is gone. */
const takeBack = async (url: string, leaves: number): Promise<void> => {
  await query(url, `DO $$ BEGIN
    DELETE FROM key_records WHERE (principal, seq) IN (SELECT vault, seq FROM leaves WHERE sequence > ${leaves});
    DELETE FROM statements WHERE (vault, seq) IN (SELECT vault, seq FROM leaves WHERE sequence > ${leaves});
    DELETE FROM positions WHERE (vault, seq) IN (SELECT vault, seq FROM leaves WHERE sequence > ${leaves});
    DELETE FROM vaults WHERE vault NOT IN (SELECT vault FROM statements);
    DELETE FROM leaves WHERE sequence > ${leaves};
    DELETE FROM cosigned;
    UPDATE log_head SET size = ${leaves}, checkpoint = 0, root = NULL, note = NULL;
  END $$`)
}

describe.runIf(hasPostgres)('a database restored from a backup', () => {
  test('is not gone on with: no number is given a second time, nothing is signed', async () => {
    const database = await freshDatabase()
    World.freshDatabase = async () => database
    const world = await World.create({ seed: 'taken back' })
    const kept = await world.principal()
    for (let i = 0; i < 4; i++) await world.principal()
    await expect.poll(async () => (await world.send('GET', '/v1/log/final', {})).status).toBe(200)
    await expect.poll(async () => (await world.storage.store.log.cosigned('final'))?.size).toBe(5)
    await world.stop()
    await takeBack(database.url, 2)
    await world.open()
    await expect.poll(async () => (await world.ask(kept, 'GET', `/v1/principals/${toHex(kept.id)}`)).code)
      .toBe('log-recovering')
    await expect(world.principal()).rejects.toThrow('log-recovering')
    const said = world.events.find(({ event }) => event === 'log-recovering')
    expect(said).toMatchObject({ has: 2, needs: 5, missing: 3, advice: RECOVERY_ADVICE.older })
    expect(await query(database.url, 'SELECT checkpoint::integer, size::integer FROM log_head'))
      .toEqual([{ checkpoint: 0, size: 2 }])
    await world.end()
  })
})

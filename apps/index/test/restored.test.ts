/** A restored index: it knows it before it gives a number or a view to anybody, and never signs a second history. */
import { toHex } from '@scelle/seal/verify'
import { formatNote, parseNote } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Backup, backUp, until } from './restored.ts'
import { heldTimers } from './witnesses.ts'
import { World, Writer } from './world.ts'

let world: World
let owner: Identity
let vault: Awaited<ReturnType<World['vault']>>
let writer: Writer
let backup: Backup | undefined
let timePasses: () => void
beforeEach(async (context) => {
  const { timers, run } = heldTimers()
  timePasses = run
  world = await World.create({ seed: context.task.name, timers })
  owner = await world.principal()
  vault = await world.vault(owner)
  writer = new Writer(world, owner, vault, { custodian: owner })
})
afterEach(async () => {
  backup?.remove()
  backup = undefined
  await world.end()
})

const ready = async (): Promise<number> => (await world.send('GET', '/readyz', {})).status
const witness = (place: number) => world.witnesses.all[place]!
const allHave = (size: number) => until(() => world.witnesses.all.every(({ last }) => (last?.size ?? 0) >= size))
const size = (): Promise<number> => world.storage.store.log.size()
/** Leaves whose statements are stored. */
const held = async (): Promise<number> => (await world.storage.lost!.range()).from
const feedPath = () => `/v1/vaults/${toHex(vault.vault)}/feed?custodian=${toHex(owner.id)}`

/** Each of these is refused with `log-recovering`, and the store stays as it is. */
const servesNothing = async (): Promise<void> => {
  const before = await held()
  const { submission } = await writer.seal(await writer.capsule(), [{}])
  await expect(world.commit(owner, submission)).rejects.toThrow('log-recovering')
  expect((await world.ask(owner, 'GET', feedPath())).code).toBe('log-recovering')
  for (const path of ['/checkpoint', '/v1/log/head', '/v1/log/quorum', '/v1/log/final']) {
    expect((await world.send('GET', path, {})).code, path).toBe('log-recovering')
  }
  expect(await ready()).toBe(503)
  expect(await held()).toBe(before)
}

describe('yesterday\'s backup', () => {
  test('serves nothing, whoever of the trustees knows, and tells its operator', async () => {
    backup = await backUp(world)
    await writer.write()
    await allHave(await size())
    const cosigned = world.witnesses.all.map(({ last }) => last)
    for (const silent of [0, 1, 2]) {
      world.witnesses.faults.clear()
      world.witnesses.faults.set(silent, async () => {
        throw new TypeError('fetch failed')
      })
      world.events.length = 0
      await backup.restore()
      await servesNothing()
      const told = world.events.find(({ event }) => event === 'log-recovering')
      expect(told).toMatchObject({ has: await held(), needs: cosigned[0]?.size })
    }
    // Nothing was published: no trustee was shown another tree.
    expect(world.witnesses.all.map(({ last }) => last)).toEqual(cosigned)
  })

  test('a principal registered since is told that the index recovers, not that it is unknown', async () => {
    backup = await backUp(world)
    await writer.write()
    const late = await world.principal()
    await allHave(await size())
    await backup.restore()
    expect((await world.ask(late, 'GET', '/v1/grants')).code).toBe('log-recovering')
  })

  test('a trustee that is heard only while the index runs already shows it, too', async () => {
    backup = await backUp(world)
    const { submission } = await writer.seal(await writer.capsule(), [{}])
    // Two of three forgot as well: restored with the index. The third alone has more, and comes late.
    const before = [0, 1].map(witness).map(({ last, note, entries }) => ({ last, note, entries: [...entries] }))
    await world.commit(owner, submission)
    await allHave(await size())
    for (const [place, { entries, last, note }] of before.entries()) {
      witness(place).entries.splice(entries.length)
      Object.assign(witness(place), { last, note })
    }
    world.witnesses.faults.set(2, async () => {
      throw new TypeError('fetch failed')
    })
    await backup.restore()
    await until(async () => (await ready()) === 200)
    world.witnesses.faults.clear()
    await until(async () => (await ready()) === 503)
    await servesNothing()
    expect(world.events.some(({ event }) => event === 'log-recovering')).toBe(true)
  })

  test('with other leaves since, it is stopped for good: no second history is signed', async () => {
    const lost = await backUp(world)
    await writer.write()
    await allHave(await size())
    const cosigned = world.witnesses.all.map(({ last, note, entries }) => ({ last, note, entries: [...entries] }))
    // It goes on alone from the backup, as a version without this check would.
    for (const one of world.witnesses.all) Object.assign(one, { last: undefined, note: undefined, entries: [] })
    await lost.restore()
    await until(async () => (await ready()) === 200)
    await writer.write(2)
    await writer.write(1)
    for (const [place, state] of cosigned.entries()) Object.assign(witness(place), state)
    await world.restart()
    await until(() => world.events.some((one) => one.event === 'log-stopped' && one.reason === 'another-history'))
    const { submission } = await writer.seal(await writer.capsule(), [{}])
    await expect(world.commit(owner, submission)).rejects.toThrow('log-stopped')
    expect(world.witnesses.all.map(({ last }) => last)).toEqual(cosigned.map(({ last }) => last))
    lost.remove()
  })
})

describe('trustees', () => {
  const silent = async (): Promise<Uint8Array> => {
    throw new TypeError('fetch failed')
  }

  test('two of three must have told before a number is given; one is not enough', async () => {
    await writer.write()
    await allHave(await size())
    world.witnesses.faults.set(0, silent).set(1, silent)
    await world.restart()
    const { submission } = await writer.seal(await writer.capsule(), [{}])
    const asked = world.commit(owner, submission).catch((error: Error) => error.message)
    const requests = () => world.events.filter(({ event }) => event === 'request').length
    const before = requests()
    await until(() => requests() > before, timePasses)
    expect(await asked).toContain('log-recovering')
    expect(world.events).toContainEqual(expect.objectContaining({ event: 'log-asking', told: 1, needed: 2 }))
    expect(await ready()).toBe(503)
    world.witnesses.faults.delete(0)
    await until(async () => (await ready()) === 200, timePasses)
    expect((await world.commit(owner, submission))[0]?.problem).toBeUndefined()
  })

  test('one that claims more without this index\'s signature is not believed', async () => {
    await writer.write()
    await allHave(await size())
    const note = witness(0).note as Uint8Array
    const { text, signatures } = parseNote(note)
    const [origin, count, root] = text.split('\n')
    const larger = `${origin}\n${Number(count) + 100}\n${root}\n`
    world.witnesses.faults.set(0, async (path, body) =>
      path === '/v1/log/checkpoint' ? formatNote({ text: larger, signatures }) : witness(0).answer(path, body))
    await world.restart()
    await until(async () => (await ready()) === 200)
    const { submission } = await writer.seal(await writer.capsule(), [{}])
    expect((await world.commit(owner, submission))[0]?.problem).toBeUndefined()
  })
})

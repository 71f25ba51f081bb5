/** Who leaves is out: the register takes its word back, trustees have it, and nothing brings it back but the issuer. */
import type { Client } from '@scelle/sdk'
import { Browser, type Somebody } from '@scelle/testing/desk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DESK_LIMITS } from '../src/desk.ts'
import { createWorld, KIT, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld('leavers')
})
afterEach(() => world.close())

const LOOK = DESK_LIMITS.lookEvery

interface Watched {
  readonly one: Somebody
  readonly status: Uint8Array
  readonly client: Client
}

/** With a client that asks trustees where its person stands. */
const watched = async (one: Somebody): Promise<Watched> => ({
  one, client: await world.constellation.client(one.identity),
  status: await world.scene.statusOf(world.chu.identity, one.id) ?? new Uint8Array(),
})

/** At how many trustees this status counts for nothing. */
const outAt = async ({ client, status }: Watched): Promise<number> => {
  const house = await world.constellation.register.enrol({ subject: world.chu.identity.id, role: 'hospital' })
  return (await client.standing([status, house])).filter(({ locked }) => locked === 'withdrawn').length
}

const enrolled = async (name: string) => {
  const { one, issued } = await world.enrolled(name)
  return { ...await watched(one), index: issued.index }
}

describe('a credential that its issuer takes back', () => {
  test('takes the status with it at all three trustees within one look, and no other one\'s', async () => {
    const [gone, stays] = [await enrolled('gone'), await enrolled('stays')]
    world.scene.issuer.revoke(gone.index)
    await world.advance(LOOK + 1_000)
    expect([await outAt(gone), await outAt(stays)]).toEqual([3, 0])
    expect([await world.status(gone.one), (await world.status(stays.one))?.role]).toEqual([undefined, 'gp'])
    world.scene.issuer.reinstate(gone.index)
    await world.advance(3 * LOOK)
    expect(await world.status(gone.one), 'for good').toBeUndefined()
  })

  test('is asked about at least every thirty seconds', async () => {
    await enrolled('asked about')
    const before = world.scene.fetched
    await world.advance(60_000)
    expect(world.scene.fetched - before).toBeGreaterThan(60_000 / LOOK - 2)
  })

  test('suspended, it comes back with the suspension\'s end, by a status that begins later', async () => {
    const one = await enrolled('suspended')
    world.scene.issuer.suspend(one.index)
    await world.advance(LOOK + 1_000)
    expect(await outAt(one)).toBe(3)
    world.scene.issuer.reinstate(one.index)
    await world.advance(LOOK + 1_000)
    expect(await outAt(one), 'the old one').toBe(3)
    expect(await outAt(await watched(one.one)), 'the new one').toBe(0)
  })

  test('after a suspension too is taken back for good', async () => {
    const one = await enrolled('suspended, then struck off')
    world.scene.issuer.suspend(one.index)
    await world.advance(LOOK + 1_000)
    world.scene.issuer.revoke(one.index)
    await world.advance(LOOK + 1_000)
    world.scene.issuer.reinstate(one.index)
    await world.advance(LOOK + 1_000)
    expect(await world.status(one.one)).toBeUndefined()
  })

  test('shown anew, as another one, enrols the person again', async () => {
    const one = await enrolled('back again')
    world.scene.issuer.revoke(one.index)
    await world.advance(LOOK + 1_000)
    const { credential } = await world.credential(one.one)
    const [url, browser] = [await world.scene.sent(world.chu.identity, one.one.id), new Browser(world.constellation)]
    await world.scene.proven(browser, url, one.one)
    expect((await world.scene.byWallet(browser, url, one.one.wallet, credential)).status).toBe(303)
    await world.advance(LOOK)
    expect(await outAt(await watched(one.one))).toBe(0)
  })
})

describe('a list that is not known', () => {
  test('counts as gone after forty seconds, and not for one or two looks that fail', async () => {
    const one = await enrolled('unfetched')
    await world.advance(LOOK)
    world.scene.isListed = false
    await world.advance(2 * LOOK)
    expect(await outAt(one)).toBe(0)
    world.scene.isListed = true
    await world.advance(LOOK)
    world.scene.isListed = false
    await world.advance(DESK_LIMITS.listGraceLeast - LOOK)
    expect(await outAt(one)).toBe(0)
    await world.advance(2 * LOOK)
    expect(await outAt(one)).toBe(3)
  })

  test('ends nobody\'s work for a quarter of an hour where nobody says otherwise, and then everybody\'s', async () => {
    const usual = await createWorld('usual', undefined, DESK_LIMITS.listGrace)
    const { one } = await usual.enrolled('works on')
    await usual.advance(LOOK)
    usual.scene.isListed = false
    await usual.advance(DESK_LIMITS.listGrace - 2 * LOOK)
    const before = await usual.status(one)
    await usual.advance(3 * LOOK)
    const after = await usual.status(one)
    await usual.close()
    expect([before?.role, after]).toEqual(['gp', undefined])
  }, 60_000)

  test('that comes back brings its people back by itself, but for those who left meanwhile', async () => {
    const [stays, leaves] = [await enrolled('stays'), await enrolled('leaves meanwhile')]
    world.scene.isListed = false
    world.scene.issuer.revoke(leaves.index)
    await world.advance(DESK_LIMITS.listGraceLeast + 2 * LOOK)
    expect([await outAt(stays), await outAt(leaves)]).toEqual([3, 3])
    world.scene.isListed = true
    await world.advance(LOOK + 1_000)
    expect([(await world.status(stays.one))?.role, await world.status(leaves.one)]).toEqual(['gp', undefined])
    expect(await outAt(await watched(stays.one))).toBe(0)
  })

  test.each([
    ['older than one that was seen', async (before: string) => before],
    ['signed by somebody else', async (before: string) => `${before.slice(0, -8)}AAAAAAAA`],
    ['no list at all', async () => 'not found'],
  ])('because it is %s counts as one that is not there', async (_, make) => {
    const one = await enrolled('hidden')
    const before = await world.scene.issuer.statusToken()
    await world.advance(2 * LOOK)
    world.scene.issuer.revoke(one.index)
    world.scene.served = await make(before)
    await world.advance(DESK_LIMITS.listGraceLeast + 2 * LOOK)
    expect(await outAt(one)).toBe(3)
  })

  test('from before is noticed after a restart too', async () => {
    const one = await enrolled('restart')
    const before = await world.scene.issuer.statusToken()
    await world.advance(2 * LOOK)
    world.scene.issuer.revoke(one.index)
    world.scene.served = before
    await world.scene.party.restart()
    await world.advance(DESK_LIMITS.listGraceLeast + 2 * LOOK)
    expect(await outAt(one)).toBe(3)
  })
})

describe('what was taken back', () => {
  test('reaches a trustee that was down, once it is up, and is on record meanwhile', async () => {
    const one = await enrolled('one trustee down')
    const [first] = world.constellation.trustees
    await first?.kill()
    world.scene.issuer.revoke(one.index)
    await world.advance(LOOK + 1_000)
    expect(await outAt(one)).toBe(2)
    await first?.restart()
    await world.advance(3 * LOOK)
    expect(await outAt(one)).toBe(3)
  })

  test('is told by the next process where the first one was killed before', async () => {
    const one = await enrolled('killed')
    for (const { host } of world.constellation.trustees) world.constellation.network.down(host)
    world.scene.issuer.revoke(one.index)
    await world.advance(LOOK + 1_000)
    await world.scene.party.kill()
    for (const { host } of world.constellation.trustees) world.constellation.network.up(host)
    expect(await outAt(one)).toBe(0)
    await world.scene.party.restart()
    await world.advance(LOOK)
    expect(await outAt(one)).toBe(3)
  })

  test('while the desk was down is taken back as soon as it is up', async () => {
    const one = await enrolled('desk down')
    await world.scene.party.kill()
    world.scene.issuer.revoke(one.index)
    world.constellation.clock.set(world.constellation.now() + 600_000)
    expect(await outAt(one)).toBe(0)
    await world.scene.party.restart()
    await world.advance(2_000)
    expect(await outAt(one)).toBe(3)
  })

  test('by its house, or an operator of the register, is so at once, and by nobody else', async () => {
    const [one, two] = [await enrolled('dismissed'), await enrolled('struck off')]
    expect(await world.scene.left(world.clinic.identity, one.one.id)).toBe(403)
    expect(await world.scene.left(world.chu.identity, one.one.id)).toBe(204)
    expect(await world.scene.left(world.operator.identity, two.one.id)).toBe(204)
    expect([await outAt(one), await outAt(two)]).toEqual([3, 3])
    await world.advance(3 * LOOK)
    expect([await world.status(one.one), await world.status(two.one)], 'though their credentials are good')
      .toEqual([undefined, undefined])
  })
})

describe('a status', () => {
  const DAY = 24 * 3_600_000

  test('is prolonged before it ends, while its credential is good, and never beyond that', async () => {
    const { one, issued } = await world.enrolled('prolonged')
    const first = await world.status(one)
    const { exp } = JSON.parse(
      Buffer.from(issued.credential.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
    world.constellation.clock.set(world.constellation.now() + 2 * DAY)
    await world.advance(LOOK)
    const second = await world.status(one)
    expect((second?.expires ?? 0) - (first?.expires ?? 0)).toBeGreaterThan(DAY / 1000)
    world.constellation.clock.set((exp - 3_600) * 1000)
    await world.advance(LOOK)
    expect((await world.status(one))?.expires).toBe(exp)
    world.constellation.clock.set(exp * 1000)
    await world.advance(LOOK)
    expect(await world.status(one)).toBeUndefined()
  })

  test('by a sign-in ends a week after it, however often it was prolonged', async () => {
    await world.close()
    world = await createWorld('signed in', KIT)
    const one = await world.somebody('signed in')
    const [url, browser] = [await world.scene.sent(world.chu.identity, one.id), new Browser(world.constellation)]
    await world.scene.proven(browser, url, one)
    const before = world.constellation.now() / 1000
    expect((await world.scene.byProvider(browser, url)).status).toBe(303)
    const ends: number[] = []
    for (let days = 0; days < 6; days++) {
      world.constellation.clock.set(world.constellation.now() + DAY)
      await world.advance(LOOK)
      ends.push((await world.status(one))?.expires ?? 0)
    }
    expect(Math.max(...ends)).toBeLessThanOrEqual(Math.ceil(before) + DESK_LIMITS.signIn)
    expect(Math.min(...ends), 'without a gap').toBeGreaterThan(before + 3 * DAY / 1000 - 1)
    world.constellation.clock.set(world.constellation.now() + 2 * DAY)
    await world.advance(LOOK)
    expect(await world.status(one)).toBeUndefined()
  })
})

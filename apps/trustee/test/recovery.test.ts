/** Recovery and PINs at a trustee: what it counts, when it gives its part, and which of two things at once wins. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '@scelle/seal/identity'
import { pinInput, wrapByPin, wrapPlace, wrapWriter } from '@scelle/seal/recovery'
import { decode, encode, readPinSet, type Wrap } from '@scelle/seal/verify'
import { blindInput, type KeyShare, openPinShare, evaluateBlinded } from '@scelle/seal/voprf'
import { PinEvaluation, PinTry } from '@scelle/wire/messages'
import type { RecoveryCase } from '../src/recovery/store.ts'
import { TrusteeStore } from '../src/trustee.ts'
import { makeWorld, type Outcome, post, type Running, startTrustee, type World } from './world.ts'

let world: World
let running: Running[]
let folder: string
beforeEach(async () => {
  world = await makeWorld('recovery')
  folder = mkdtempSync(join(tmpdir(), 'scelle-recovery-'))
  running = [0, 1, 2].map((which) => startTrustee(world, which, join(folder, `${which}.sqlite`)))
})
afterEach(() => {
  for (const { store } of running) store.close()
  rmSync(folder, { recursive: true })
})

const at = <T>(list: readonly T[], place: number): T => {
  const found = list[place]
  if (found === undefined) throw new Error('there is none')
  return found
}

describe('a case', () => {
  const made = (fields: Partial<RecoveryCase> = {}): RecoveryCase => ({
    id: world.clock.random(32), set: world.clock.random(32), owner: world.clock.random(32),
    device: world.clock.random(32), time: 100, due: 1_000, ...fields,
  })
  const cases = () => at(running, 0).store.recovery

  test('is given once it began; an objection before ends it, one after is told that it came too late', () => {
    const [first, second] = [made(), made()]
    for (const one of [first, second]) cases().begin(one)
    expect(cases().object(first.id, first.owner)).toBe(true)
    expect(() => cases().release(first.id, 1_000)).toThrow('The owner objected')
    cases().release(second.id, 1_000)
    expect(cases().object(second.id, second.owner)).toBe(false)
    expect(() => cases().release(second.id, 1_001)).toThrow('The owner objected')
    expect(cases().find(second.id)).toMatchObject({ released: 1_000, ended: true })
  })

  test('that is not known is given to nobody', () => {
    expect(() => cases().release(world.clock.random(32), 1)).toThrow('The owner objected')
  })

  test('is ended by its own owner alone, also where the objection comes first; a set is ended for good', () => {
    const [one, other] = [made(), made()]
    cases().object(one.id, other.owner)
    cases().begin(one)
    expect(cases().find(one.id)).toMatchObject({ ended: false })
    cases().object(other.id, other.owner)
    cases().begin(other)
    expect(cases().find(other.id)).toMatchObject({ ended: true })
    cases().object(one.set, one.owner)
    const again = made({ set: one.set, owner: one.owner, time: 200 })
    cases().begin(again)
    expect([one, again].map(({ id }) => cases().find(id)?.ended)).toEqual([true, true])
  })

  test('of one set goes on if it was signed last, in whichever order they come; shown again it changes nothing', () => {
    const [early, late] = [made(), made({ time: 200 })]
    const both = [early, { ...late, set: early.set, owner: early.owner }] as const
    for (const one of both) cases().begin(one)
    cases().begin({ ...both[0], due: 5 })
    expect(both.map(({ id }) => cases().find(id)?.ended)).toEqual([true, false])
    expect(cases().find(early.id)?.due).toBe(1_000)
    const [third, fourth] = [made({ time: 300 }), made({ time: 250 })]
    cases().begin(third)
    cases().begin({ ...fourth, set: third.set, owner: third.owner })
    expect([third, fourth].map(({ id }) => cases().find(id)?.ended)).toEqual([false, true])
  })
})

interface Pinned {
  readonly wrap: Wrap
  readonly device: Uint8Array
  readonly asker: Identity
}

const pinned = async (): Promise<Pinned> => {
  const device = world.clock.random(32)
  const trustees = world.trustees.map(({ keys }) => keys)
  const wrap = await wrapByPin({ root: world.clock.random(32), pin: '739156', device, trustees }, world.clock)
  return { wrap, device, asker: await wrapWriter(wrapPlace(device)) }
}

const shownTo = ({ wrap: { pin } }: Pinned, which: number) => {
  if (pin === undefined) throw new Error('this is no PIN\'s wrap')
  return { set: pin.set, share: at(pin.shares, which) }
}

const pointOf = (one: Pinned, typed: string): Uint8Array => {
  const { salt } = readPinSet(shownTo(one, 0).set)
  return blindInput(pinInput(typed, salt), world.clock).blinded
}

const tryAt = (one: Pinned, which: number, blinded: Uint8Array, by = one.asker): Promise<Outcome> =>
  post(world, at(running, which), '/v1/pins/evaluations', encode(PinTry, {
    keys: [[...by.chain]], ...shownTo(one, which), blinded,
  }), by)

describe('a PIN', () => {
  test('is tried ten times at a trustee, the same point being one try; each is on the disk before it is answered',
    async () => {
      const one = await pinned()
      const first = pointOf(one, '000000')
      for (let i = 0; i < 3; i++) expect(decode(PinEvaluation, (await tryAt(one, 0, first)).bytes).left).toBe(9)
      for (let left = 8; left >= 0; left--) {
        const told = decode(PinEvaluation, (await tryAt(one, 0, pointOf(one, '000000'))).bytes)
        expect(told.left).toBe(left)
        // Killed here, nothing is lost: what is answered was counted.
        const before = at(running, 0)
        before.store.close()
        running[0] = startTrustee(world, 0, '', { store: new TrusteeStore(join(folder, '0.sqlite')) })
      }
      expect((await tryAt(one, 0, pointOf(one, '739156'))).code).toBe('pin-locked')
    })

  test('is tried by the device\'s key alone: nobody else uses the tries up', async () => {
    const one = await pinned()
    expect((await tryAt(one, 0, pointOf(one, '000000'), world.stranger)).code).toBe('not-permitted')
    expect(decode(PinEvaluation, (await tryAt(one, 0, pointOf(one, '000000'))).bytes).left).toBe(9)
  })

  test('a point that is none, or another PIN\'s share, costs no try', async () => {
    const [one, other] = [await pinned(), await pinned()]
    expect((await tryAt(one, 0, new Uint8Array(32))).code).toBe('bad-statement')
    const mixed = { ...one, wrap: { ...one.wrap, pin: { ...shownTo(one, 0), shares: other.wrap.pin?.shares ?? [],
      sealed: new Uint8Array(48) } } }
    expect((await tryAt(mixed, 0, pointOf(one, '000000'))).code).toBe('bad-statement')
    expect(decode(PinEvaluation, (await tryAt(one, 0, pointOf(one, '000000'))).bytes).left).toBe(9)
  })

  test('is forgotten its tries by whoever knows it, and by nobody else', async () => {
    const { PinKnown } = await import('@scelle/wire/messages')
    const one = await pinned()
    await tryAt(one, 0, pointOf(one, '000000'))
    for (const by of [one.asker, world.stranger]) {
      const body = encode(PinKnown, { keys: [[...by.chain]], ...shownTo(one, 0) })
      expect((await post(world, at(running, 0), '/v1/pins/known', body, by)).code).toBe('not-permitted')
    }
    expect(decode(PinEvaluation, (await tryAt(one, 0, pointOf(one, '000000'))).bytes).left).toBe(8)
  })

  /** A thief who spends the tries as well as can be: guesses, each by two evaluations of one point. */
  const guesses = async (one: Pinned, liars: ReadonlyMap<number, KeyShare>): Promise<number> => {
    for (let count = 0; ; count++) {
      const blinded = pointOf(one, String(100_000 + count))
      // Whoever answers without counting is asked first; of the others, those with most tries left.
      const left = [0, 1, 2].filter((which) => !liars.has(which)).toSorted((a, b) => spent[a]! - spent[b]!)
      let evaluations = 0
      for (const which of [...liars.keys(), ...left]) {
        if (evaluations === 2) break
        const share = liars.get(which)
        if (share !== undefined) {
          expect(evaluateBlinded(blinded, share, world.clock).evaluated).toHaveLength(32)
          evaluations++
          continue
        }
        const { status } = await tryAt(one, which, blinded)
        if (status !== 200) continue
        spent[which]!++
        evaluations++
      }
      if (evaluations < 2) return count
    }
  }
  let spent: number[]

  test('bears 15 guesses at three honest trustees, exactly, and 20 where one of them is dishonest', async () => {
    const one = await pinned()
    spent = [0, 0, 0]
    expect(await guesses(one, new Map())).toBe(15)
    expect(spent).toEqual([10, 10, 10])
    const other = await pinned()
    const { set, share: sealed } = shownTo(other, 2)
    const { share } = await openPinShare({ set, sealed }, at(world.trustees, 2))
    spent = [0, 0, 0]
    expect(await guesses(other, new Map([[2, share]]))).toBe(20)
  })
})

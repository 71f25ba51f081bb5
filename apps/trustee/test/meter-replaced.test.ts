/** A lost key is replaced within a shift by two officers, under the same meter, and for nothing longer than that. */
import { beforeEach, describe, expect, test } from 'vitest'
import { makeOrder, signOrder } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { encode, hashOf, type Order } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { OrderNotice } from '@scelle/wire/messages'
import { createLog } from '@scelle/wire/server'
import { BUDGETS } from '../src/meter/budgets.ts'
import { createTrustee } from '../src/trustee.ts'
import {
  type Asking, type Cast, charged as chargedIn, type Enrolment, makeCast, range, seconds, standard, until,
} from './meter-world.ts'
import { post, type Running, statusOf, type World } from './world.ts'

const HOUR = 3_600

let cast: Cast
let running: Running
let one: Identity
let two: Identity
/** An officer for all. */
let state: Identity
let other: Identity
/** The key that the doctor is handed. */
let spare: Identity
beforeEach(async () => {
  cast = await makeCast('replaced')
  const person = () => createIdentity('person', cast.clock)
  ;[one, two, state, other, spare] = [await person(), await person(), await person(), await person(), await person()]
  const trustee = createTrustee({
    identity: await createIdentity('trustee', cast.clock), store: cast.store,
    index: { id: '0'.repeat(64), url: 'http://index.test' }, issuers: [Buffer.from(cast.register.id).toString('hex')],
    context: cast.clock, log: createLog(() => undefined, cast.clock.now), timers: { after: () => () => undefined },
  })
  running = { trustee, store: cast.store, lines: [] }
})

const meterOf = (who: { id: Uint8Array }): Uint8Array => hashOf('statementId', who.id)

const everybody = (): Enrolment[] => [
  [one, { role: 'officer', organisation: cast.practice.id }],
  [two, { role: 'officer', organisation: cast.practice.id }],
  [state, { role: 'officer' }],
  [other, { role: 'officer', organisation: cast.hospital.id }],
  ...standard(cast),
]

const orderOf = (fields: Partial<Order> = {}): Order => makeOrder({
  action: 'replace', scope: 'device', target: cast.doctor.id, replacement: spare.id, notBefore: seconds(cast),
  expires: seconds(cast) + 14 * HOUR, reason: 'clé perdue', ...fields,
}, cast.clock)

const send = async (
  order: Order, by: readonly Identity[] = [one, two], enrolled: readonly Enrolment[] = everybody(),
): Promise<string> => {
  const shown = new Set([...by, cast.register])
  const concerned = enrolled.filter(([who]) =>
    by.includes(who) || Buffer.from(who.id).equals(Buffer.from(order.target)))
  const body = encode(OrderNotice, {
    orders: await Promise.all(by.map((officer) => signOrder(officer, order))),
    statuses: await Promise.all(concerned.map(([who, status]) => statusOf(cast, who, status))),
    keys: [...shown].map(({ chain }) => [...chain]),
  })
  const outcome = await post({ clock: cast.clock } as World, running, '/v1/orders', body, by[0] as Identity)
  return outcome.status === 204 ? 'done' : String(outcome.code)
}

/** `charged`, or the code of whichever rule refuses. */
const charged = (asking: Asking): Promise<string> => chargedIn(cast, asking).catch((error: unknown) => {
  if (error instanceof Problem) return error.code
  throw error
})

/** An order that replaces nothing. */
const bare = (action: 'lock' | 'clear', fields: Partial<Order> = {}): Order => {
  const { replacement: _, ...order } = orderOf({ action, ...fields })
  return order
}

/** The doctor with the new key: shows the status of the lost one. */
const anew = { get reader() { return spare } }

describe('two officers replace a lost key', () => {
  test('the new one opens for the shift, the lost one nothing, and after it neither', async () => {
    expect(await charged({ vault: 1, ...anew })).toBe('status-required')
    expect(await send(orderOf())).toBe('done')
    expect(await charged({ vault: 1, ...anew })).toBe('charged')
    expect(await charged({ vault: 1 })).toBe('locked')
    cast.clock.move(14 * HOUR - 1)
    expect(await charged({ vault: 1, ...anew })).toBe('charged')
    cast.clock.move(1)
    expect(await charged({ vault: 1, ...anew })).toBe('status-required')
    expect(await charged({ vault: 1 })).toBe('locked')
  })

  test('no budget begins anew: what the lost key opened counts', async () => {
    const [opened] = await until(cast, range(1, 100))
    expect(opened).toBe(BUDGETS.gp.free)
    await send(orderOf())
    expect(await charged({ vault: 200, ...anew })).toBe('step-up-required')
    expect(await charged({ vault: 1, ...anew })).toBe('charged')
  })

  test('what locks the person locks the new key, and its holder locks that key alone', async () => {
    await send(orderOf())
    expect(await send(bare('lock', { target: spare.id }), [spare])).toBe('done')
    expect(await charged({ vault: 1, ...anew })).toBe('locked')
    cast.store.meter.locks.clear('device', spare.id, 0)
    expect(await charged({ vault: 1, ...anew })).toBe('charged')
    cast.store.meter.locks.add({ scope: 'person', target: meterOf(cast.doctor), cause: 'order', since: 0 })
    expect(await charged({ vault: 1, ...anew })).toBe('locked')
  })

  test('the lost key was found and two cleared it: the new one opens nothing any more', async () => {
    await send(orderOf())
    cast.clock.move(HOUR)
    expect(await send(bare('clear'))).toBe('done')
    expect(await charged({ vault: 1 })).toBe('charged')
    expect(await charged({ vault: 1, ...anew })).toBe('status-required')
  })

  test('lost again within the shift: the third key in its place, until the first shift ends', async () => {
    const third = await createIdentity('person', cast.clock)
    await send(orderOf())
    cast.clock.move(4 * HOUR)
    expect(await send(orderOf({ replacement: third.id }))).toBe('not-permitted')
    expect(await send(orderOf({ replacement: third.id, expires: seconds(cast) + 10 * HOUR }))).toBe('done')
    expect(await charged({ vault: 1, ...anew })).toBe('status-required')
    expect(await charged({ vault: 1, reader: third })).toBe('charged')
  })

  test('a second shift takes an officer for all, until the register has had a month', async () => {
    await send(orderOf())
    cast.clock.move(14 * HOUR)
    expect(await send(orderOf())).toBe('not-permitted')
    expect(await send(orderOf(), [one, state])).toBe('done')
    cast.clock.move(31 * 24 * HOUR)
    expect(await send(orderOf())).toBe('done')
  })

  test('a status of the new key\'s own goes before the lost one\'s: nobody chooses between two meters', async () => {
    await send(orderOf())
    const enrolled: Enrolment[] = [...standard(cast), [spare, { role: 'gp', organisation: cast.practice.id }]]
    const first = await until(cast, range(1, 100), { ...anew, enrolled })
    expect(first).toEqual([BUDGETS.gp.free, 'step-up-required'])
    expect(await charged({ vault: 200, reader: cast.doctor })).toBe('locked')
  })
})

describe('refused, and nobody stands in for anybody:', () => {
  const cases: [string, () => [Order, Identity[]] | [Order, Identity[], Enrolment[]], string][] = [
    ['one officer alone', () => [orderOf(), [one]], 'not-permitted'],
    ['one officer twice', () => [orderOf(), [one, one]], 'not-permitted'],
    ['one person under two keys', () => [orderOf(), [one, two], [...everybody().filter(([who]) => who !== two),
      [two, { role: 'officer', organisation: cast.practice.id, meter: meterOf(one) }]]], 'not-permitted'],
    ['an officer of another house', () => [orderOf(), [one, other]], 'not-permitted'],
    ['officers of another house', () => [orderOf(), [other, state]], 'not-permitted'],
    ['a colleague as the second', () => [orderOf(), [one, cast.colleague]], 'not-permitted'],
    ['an officer who is the replacement', () => [orderOf({ replacement: two.id }), [one, two]], 'not-permitted'],
    ['an officer\'s own key', () => [orderOf({ target: two.id }), [one, two]], 'not-permitted'],
    ['an officer\'s key, by two others', () => [orderOf({ target: two.id }), [one, state]], 'not-permitted'],
    ['an officer\'s other employment', () => [orderOf(), [one, two], [
      ...everybody().filter(([who]) => who !== cast.doctor),
      [cast.doctor, { role: 'gp', organisation: cast.practice.id, meter: meterOf(two) }]]], 'not-permitted'],
    ['a key that was never anybody\'s', () => [orderOf({ target: spare.id, replacement: other.id }), [one, two]],
      'not-permitted'],
    ['the key of a house', () => [orderOf({ target: cast.practice.id }), [one, state]], 'not-permitted'],
    ['by itself', () => [orderOf({ replacement: cast.doctor.id }), [one, two]], 'bad-statement'],
    ['a person, not a device', () => [orderOf({ scope: 'person' }), [one, two]], 'not-permitted'],
    ['longer than a shift', () => [orderOf({ expires: seconds(cast) + 14 * HOUR + 1 }), [one, two]], 'bad-statement'],
    ['an order of last night', () => [orderOf({ notBefore: seconds(cast) - 901 }), [one, two]], 'bad-statement'],
    ['a lock that names a replacement', () => [orderOf({ action: 'lock' }), [one]], 'bad-statement'],
  ]
  test.each(cases)('%s', async (_, make, code) => {
    const [order, by, enrolled] = make()
    expect(await send(order, by, enrolled)).toBe(code)
    expect(await charged({ vault: 1, ...anew })).toBe('status-required')
    expect(cast.store.meter.locks.all()).toEqual([])
  })

  test('without a replacement', async () => {
    const { replacement: _, ...order } = orderOf()
    expect(await send(order)).toBe('bad-statement')
  })

  test('a chain: who stands in is replaced by nobody, and gives no orders', async () => {
    await send(orderOf())
    const third = await createIdentity('person', cast.clock)
    expect(await send(orderOf({ target: spare.id, replacement: third.id }))).toBe('not-permitted')
    expect(await charged({ vault: 1, reader: third })).toBe('status-required')
    expect(await send(bare('lock', { target: cast.colleague.id }), [spare])).toBe('not-permitted')
  })

  test('one key for two people at once: it would have two budgets', async () => {
    await send(orderOf())
    expect(await send(orderOf({ target: cast.colleague.id }))).toBe('not-permitted')
    expect(cast.store.meter.locks.of('device', cast.colleague.id)).toBeUndefined()
  })

  test('the same order again, after the key was found', async () => {
    const order = orderOf()
    await send(order)
    cast.clock.move(60)
    await send(bare('clear'))
    expect(await send(order)).toBe('done')
    expect(await charged({ vault: 1, ...anew })).toBe('status-required')
    expect(await charged({ vault: 1 })).toBe('charged')
  })
})

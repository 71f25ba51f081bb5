/** A register takes back what it said: at a trustee at once, by the log for one that was away, and for nobody else. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeOrder, signNotice, signOrder, signWithdrawal } from '@scelle/seal/grants'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { decode, encode, hashOf, SUITE, Withdrawal } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { MeterAnswer, MeterRequest, OrderNotice, WithdrawalNotice } from '@scelle/wire/messages'
import { standingOf, verifyStatuses } from '../src/meter/standing.ts'
import { verifyPrincipals } from '../src/principals.ts'
import { follow, TestLog } from './log-world.ts'
import { makeWorld, type Outcome, post, type Running, startTrustee, statusOf, type World } from './world.ts'

let world: World
let running: Running
beforeEach(async () => {
  world = await makeWorld('withdrawals')
  running = startTrustee(world)
})
afterEach(() => running.store.close())

const seconds = (): number => Math.floor(world.clock.now() / 1000)

const contentOf = async (subject: Uint8Array, issuer = world.register, more: readonly Identity[] = []) =>
  encode(WithdrawalNotice, {
    withdrawal: await signWithdrawal(issuer, subject, world.clock),
    keys: [...new Set([issuer, ...more])].map(({ chain }) => [...chain]),
  })

const send = async (content: Uint8Array, by = world.register): Promise<Outcome> =>
  post(world, running, '/v1/withdrawals', content, by)

/** What a reader is to this trustee: who it is, or why it is nobody. */
const standing = async (
  reader = world.doctor, statuses: readonly Uint8Array[] = world.statuses, of = running,
): Promise<string> => {
  const shown = [...new Set([reader, world.practice, world.hospital, world.register])]
  const principals = await verifyPrincipals(shown.map(({ chain }) => chain), of.store)
  const changes = of.store.meter.changes.about(shown.map(({ id }) => id), seconds())
  try {
    const rules = { issuers: [world.register.id], principals, now: seconds(), changes }
    const valid = await verifyStatuses(statuses, rules)
    return standingOf({ reader: reader.keys, grants: [], custodian: undefined }, valid).role ?? 'nobody'
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}

const lockedBy = async (reader = world.doctor): Promise<string | undefined> => {
  const body = encode(MeterRequest, {
    statuses: [...world.statuses], keys: [reader, world.register].map(({ chain }) => [...chain]),
  })
  const outcome = await post(world, running, '/v1/meter', body, reader)
  expect(outcome.status).toBe(200)
  return decode(MeterAnswer, outcome.bytes).locked
}

describe('a withdrawal', () => {
  test('counts from its answer on: the leaver is nobody, and is told so', async () => {
    expect([await standing(), await lockedBy()]).toEqual(['gp', undefined])
    expect((await send(await contentOf(world.doctor.id))).status).toBe(204)
    expect([await standing(), await lockedBy()]).toEqual(['status-withdrawn', 'withdrawn'])
    expect([await standing(world.stranger), await lockedBy(world.stranger)]).toEqual(['gp', undefined])
  })

  test('is brought by anybody who has it: the register signed it', async () => {
    expect((await send(await contentOf(world.doctor.id, world.register, [world.practice]), world.practice)).status)
      .toBe(204)
    expect(await standing()).toBe('status-withdrawn')
  })

  test('of a house ends its people, and the house itself though it leaves its status out', async () => {
    await send(await contentOf(world.practice.id))
    expect([await standing(), await lockedBy()]).toEqual(['status-withdrawn', 'withdrawn'])
    expect(await standing(world.practice)).toBe('status-withdrawn')
    expect(await standing(world.practice, [])).toBe('status-withdrawn')
    expect(await standing(world.hospital)).toBe('hospital')
  })

  test('is over with a status that begins after it, and with none that began before', async () => {
    await send(await contentOf(world.doctor.id))
    const others = world.statuses.slice(1)
    const role = { role: 'gp', organisation: world.practice.id } as const
    const same = await statusOf(world, world.doctor, { ...role, notBefore: seconds() })
    expect(await standing(world.doctor, [same, ...others])).toBe('status-withdrawn')
    world.clock.move(60)
    const next = await statusOf(world, world.doctor, { ...role, notBefore: seconds() })
    expect(await standing(world.doctor, [next, ...others])).toBe('gp')
  })

  test('sent again, or an older one after it, changes nothing', async () => {
    const older = await contentOf(world.doctor.id)
    world.clock.move(10)
    await send(await contentOf(world.doctor.id))
    const between = await statusOf(world, world.doctor, { role: 'gp', notBefore: seconds() - 5 })
    expect((await send(older)).status).toBe(204)
    expect(await standing(world.doctor, [between])).toBe('status-withdrawn')
  })
})

describe('refused:', () => {
  const dated = async (time: number): Promise<Uint8Array> => encode(WithdrawalNotice, {
    withdrawal: await world.register.sign('withdrawal', encode(Withdrawal, {
      suite: SUITE, subject: world.doctor.id, time, salt: world.clock.random(16),
    })),
    keys: [[...world.register.chain]],
  })
  const cases: [string, () => Promise<[Uint8Array, Identity]>, string][] = [
    ['by a register that is not listed', async () => {
      const other = await createIdentity('organisation', world.clock)
      return [await contentOf(world.doctor.id, other), other]
    }, 'not-permitted'],
    ['by the house that somebody left: a status is not its own', async () =>
      [await contentOf(world.doctor.id, world.practice), world.practice], 'not-permitted'],
    ['dated in the future: no later status would count', async () => [await dated(seconds() + 120), world.register],
      'bad-statement'],
    ['under a key that the register replaced', async () => {
      const stolen = world.register
      const next = await rotateIdentity(stolen, world.clock)
      const { withdrawal } = decode(WithdrawalNotice, await contentOf(world.doctor.id, stolen))
      return [encode(WithdrawalNotice, { withdrawal, keys: [[...next.chain]] }), next]
    }, 'signature-invalid'],
    ['a status in its place', async () => [encode(WithdrawalNotice, {
      withdrawal: world.statuses[0] as Uint8Array, keys: [[...world.register.chain]],
    }), world.register], 'bad-statement'],
  ]
  test.each(cases)('%s', async (_, make, code) => {
    const outcome = await send(...await make())
    expect(`${String(outcome.code)} ${outcome.detail}`).toContain(code)
    expect(await standing()).toBe('gp')
  })
})

test('one register takes back its own word, and no other one\'s', async () => {
  const second = await createIdentity('organisation', world.clock)
  running.store.withdraw({ subject: world.doctor.id, issuer: second.id, time: seconds() }, [])
  expect(await standing()).toBe('gp')
})

describe('by the log', () => {
  let log: TestLog
  let officer: Identity
  beforeEach(async () => {
    officer = await createIdentity('person', world.clock)
    log = new TestLog(world).append(2)
    for (const { chain } of [world.register, officer]) log.add(chain[0] as Uint8Array)
    await follow(world, running, log)
  })

  const notice = (about: 'withdrawal' | 'order', target: Uint8Array, content: Uint8Array, signer = world.register) =>
    signNotice({ signer, about, target, content, trustees: world.trustees.map(({ keys }) => keys) }, world.clock)
  const logged = async (...notices: readonly Uint8Array[]): Promise<void> => {
    for (const one of notices) log.add(one)
    expect((await follow(world, running, log)).cosigned).toBe(log.size)
  }
  const withdrawal = async (subject: Uint8Array): Promise<Uint8Array> =>
    notice('withdrawal', subject, await contentOf(subject))
  const lock = async (): Promise<Uint8Array> => {
    const order = makeOrder({
      action: 'lock', scope: 'person', target: hashOf('statementId', world.doctor.id), notBefore: seconds(),
      expires: seconds() + 600, reason: 'appareil volé',
    }, world.clock)
    return notice('order', order.target, encode(OrderNotice, {
      orders: [await signOrder(officer, order)],
      statuses: [
        await statusOf(world, officer, { role: 'officer', organisation: world.practice.id }),
        world.statuses[0] as Uint8Array,
      ],
      keys: [officer, world.register].map(({ chain }) => [...chain]),
    }), officer)
  }

  test('a trustee that was away has it before it cosigns anything later, however old it is', async () => {
    const away = startTrustee(world, 1)
    await logged(await withdrawal(world.doctor.id))
    world.clock.move(30 * 24 * 3_600)
    log.append(100)
    await follow(world, away, log)
    expect(await standing(world.doctor, world.statuses, away)).toBe('status-withdrawn')
    away.store.close()
  })

  test('an officer who has left orders nothing in what comes after, of the same run too', async () => {
    const first = await lock()
    await logged(first)
    expect(running.store.meter.locks.all()).toHaveLength(1)
    running.store.meter.locks.clear('person', hashOf('statementId', world.doctor.id), 0)
    const gone = await withdrawal(officer.id)
    world.clock.move(120)
    await logged(gone, await lock())
    expect(running.store.meter.locks.all()).toEqual([])
    expect(running.lines.filter((line) => line.includes('notice-ignored'))).toHaveLength(1)
  })

  test('of nobody whom this trustee lists it is ignored, and the tree is cosigned', async () => {
    const other = await createIdentity('organisation', world.clock)
    await logged(await notice('withdrawal', world.doctor.id, await contentOf(world.doctor.id, other)))
    expect(await standing()).toBe('gp')
    expect(running.lines.filter((line) => line.includes('notice-ignored'))).toHaveLength(1)
  })
})

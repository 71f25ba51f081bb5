/** Notices at the index: who may put one on record, how many, and that nothing of what they tell is readable there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { signNotice } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import {
  controlSubject, decode, decodeSigned, encode, leafSubject, LogEntry, Notice, type NoticeAbout, noticeLabel, toHex,
} from '@scelle/seal/verify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { auditDirectory } from '../src/audit/audit.ts'
import { INDEX_LIMITS } from '../src/limits.ts'
import { World } from './world.ts'

let world: World
let officer: Identity
beforeEach(async (context) => {
  world = await World.create({ seed: context.task.name })
  officer = await world.principal()
})
afterEach(() => world.end())

const content = new TextEncoder().encode('the meter id of somebody, and why')
const make = (
  about: NoticeAbout = 'order', signer = officer, target = signer.id,
): Promise<Uint8Array> => signNotice({
  signer, about, target, content, trustees: world.trustees.map(({ keys }) => keys),
}, world.context)

const send = async (body: Uint8Array, path = '/v1/orders', by = officer): Promise<string> => {
  const { status, code } = await world.ask(by, 'POST', path, { body })
  return code ?? String(status)
}

/** The same notice with something else in it, signed by the same. */
const changed = (signed: Uint8Array, fields: Partial<Notice>, by = officer): Promise<Uint8Array> =>
  by.sign('notice', encode(Notice, { ...decode(Notice, decodeSigned('notice', signed).body), ...fields }))

const lastLeaf = async () => {
  const { log } = world.storage.store
  const size = await log.size()
  return { size, leaf: (await log.leaves(size - 1, size))[0] }
}

test('each kind has its route, and becomes a control leaf that names nobody', async () => {
  const paths = [
    ['order', 'orders'], ['binding', 'bindings'], ['link', 'links'], ['recovery', 'recoveries'],
    ['objection', 'objections'], ['withdrawal', 'withdrawals'],
  ] as const
  for (const [about, path] of paths) {
    const notice = await make(about)
    expect(await send(notice, `/v1/${path}`)).toBe('200')
    const { leaf } = await lastLeaf()
    expect(leaf?.control?.statement).toEqual(notice)
    const { subject } = decode(LogEntry, leaf?.entry as Uint8Array)
    expect(toHex(subject as Uint8Array)).toBe(toHex(noticeLabel(leafSubject(officer.id))))
    for (const [, other] of paths) {
      if (other !== path) expect(await send(await make(about), `/v1/${other}`)).toBe('bad-statement')
    }
  }
  await world.stop()
  const { notices } = (await auditDirectory(world.directory, { index: world.identity.keys }))!
  expect(notices).toEqual({
    order: 1, binding: 1, link: 1, recovery: 1, objection: 1, withdrawal: 1, 'sign-out': 0, software: 0,
  })
  for (const name of readdirSync(world.directory).filter((one) => one.includes('sqlite'))) {
    expect(readFileSync(join(world.directory, name)).includes(Buffer.from(content))).toBe(false)
  }
  await world.open()
})

test('sent again it is the same leaf, also when it is old by then', async () => {
  const notice = await make()
  expect(await send(notice)).toBe('200')
  const { size } = await lastLeaf()
  world.clock.now += 3_600_000
  expect(await send(notice)).toBe('200')
  expect((await lastLeaf()).size).toBe(size)
})

test('a stranger cannot label one like key records of somebody else', async () => {
  const victim = await world.principal()
  // The nearest that a signer can come: what would be hashed to the victim's label, and that label itself.
  for (const subject of [victim.id, leafSubject(victim.id)]) {
    const forged = await changed(await make(), { subject })
    expect(toHex(controlSubject(forged) as Uint8Array)).not.toBe(toHex(leafSubject(victim.id)))
  }
})

describe('refused, and no leaf of the log:', () => {
  const cases: [string, () => Promise<[Uint8Array, Identity?]>, string][] = [
    ['by somebody who is not registered', async () => {
      const stranger = await createIdentity('person', world.context)
      return [await make('order', stranger), stranger]
    }, 'principal-unknown'],
    ['another one\'s', async () => [await make(), await world.principal()], 'not-permitted'],
    ['with a signature that does not hold', async () => {
      const notice = Uint8Array.from(await make())
      notice[notice.length - 1]! ^= 1
      return [notice]
    }, 'bad-statement'],
    ['sealed to nobody', async () => [await changed(await make(), { keys: [] })], 'bad-statement'],
    ['sealed to one trustee twice', async () => {
      const notice = await make()
      const { keys } = decode(Notice, decodeSigned('notice', notice).body)
      return [await changed(notice, { keys: [keys[0]!, keys[0]!] })]
    }, 'bad-statement'],
    ['kept back', async () => {
      const notice = await make()
      world.clock.now += (INDEX_LIMITS.noticeAge + 1) * 1000
      return [notice]
    }, 'bad-statement'],
    ['of the future', async () => [
      await changed(await make(), { time: Math.floor(world.clock.now / 1000) + 120 })], 'bad-statement'],
    ['of another kind of statement', async () => [
      await officer.sign('order', new Uint8Array(40))], 'bad-statement'],
  ]
  test.each(cases)('%s', async (_, prepare, code) => {
    const [notice, by = officer] = await prepare()
    const { size } = await lastLeaf()
    expect(await send(notice, '/v1/orders', by)).toBe(code)
    expect((await lastLeaf()).size).toBe(size)
  })
})

test('so many an hour by one principal, and by an admitted provider as many as it has patients', async () => {
  const hospital = await world.provider()
  const some = await make('binding', hospital)
  const sent = async (by: Identity, count: number): Promise<string[]> => {
    const said: string[] = []
    for (let i = 0; i < count; i++) {
      const notice = await changed(some, {
        salt: world.context.random(16), time: Math.floor(world.clock.now / 1000),
      }, by)
      said.push(await send(notice, '/v1/bindings', by))
    }
    return said
  }
  const most = INDEX_LIMITS.noticesPerHour
  expect((await sent(officer, most)).every((code) => code === '200')).toBe(true)
  expect(await sent(officer, 1)).toEqual(['overloaded'])
  expect(await sent(await world.principal(), 1)).toEqual(['200'])
  expect((await sent(hospital, most + 1)).every((code) => code === '200')).toBe(true)
  world.clock.now += 3_600_000
  expect(await sent(officer, 1)).toEqual(['200'])
})

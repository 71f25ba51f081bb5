/** Orders, bindings and links on record: whoever was away when they were given has them before it cosigns anything. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Client, Told, Traits, Vault } from '@scelle/sdk'
import { makeOrder, signOrder } from '@scelle/seal/grants'
import { decode, type Order, toHex } from '@scelle/seal/verify'
import { MeterStatus } from '@scelle/wire/messages'
import type { LogEvent } from '@scelle/wire/server'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import { codeOf, DAY, item } from './scene.ts'

const CATEGORIES = ['summary', 'access-log'].map((code) => ({ code, strict: false }))
const person = (name: string): Traits => ({
  birthName: name, firstName: 'Jeanne', sex: 'F', birthDate: '1969-05-17', birthPlace: '75056',
})

let world: Constellation
let hospital: Client
let doctor: Client
let officers: Client[]
let statuses: Uint8Array[]
let first: PartyHandle
let third: PartyHandle
let events: [string, LogEvent][]
beforeEach(async () => {
  events = []
  world = await createConstellation({
    seed: 'orders logged', gossipEvery: 60_000, log: (party, event) => void events.push([party, event]),
  })
  hospital = await world.client('organisation')
  doctor = await world.client('person')
  officers = [await world.client('person'), await world.client('person')]
  statuses = [
    ...await Promise.all(officers.map(({ identity }) =>
      world.register.enrol({ subject: identity.id, role: 'officer' }))),
    await world.register.enrol({ subject: doctor.identity.id, role: 'specialist' }),
  ]
  ;[first, , third] = world.trustees as [PartyHandle, PartyHandle, PartyHandle]
})
afterEach(() => world.close())

const context = () => ({ now: world.now, random: world.random(`orders ${drawn++}`) })
let drawn = 0
const seconds = (): number => Math.floor(world.now() / 1000)

const signed = async (action: Order['action'], by: readonly Client[]): Promise<Uint8Array[]> => {
  const order = makeOrder({
    action, scope: 'device', target: doctor.identity.id, notBefore: seconds(), expires: seconds() + 600,
    reason: 'appareil volé',
  }, context())
  return Promise.all(by.map(({ identity }) => signOrder(identity, order)))
}
const order = async (action: Order['action'], by = officers.slice(0, 1)): Promise<Told> =>
  officers[0]!.order(await signed(action, by), statuses)

const someVault = async (): Promise<Vault> => {
  const vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item('a')])
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  return doctor.vault(vault.id)
}
const open = async (vault: Vault): Promise<string> => codeOf(vault.open().then((chart) => chart.close()))

/** Time goes on until what goes on by itself has been done. */
const settle = async (): Promise<void> => {
  for (let minute = 0; minute < 2; minute++) await world.clock.advance(60_000)
}
/** From the backup beside it. */
const restoreFirst = async (): Promise<void> => {
  await first.kill()
  for (const file of ['trustee.sqlite', 'trustee.sqlite-wal', 'trustee.sqlite-shm']) {
    rmSync(join(first.directory, file), { force: true })
  }
  cpSync(`${first.directory}-backup`, first.directory, { recursive: true })
  await first.restart()
}
const locksOf = async ({ url }: PartyHandle): Promise<number> => {
  const answer = await world.network.fetch(`${url}/v1/meter`)
  return decode(MeterStatus, new Uint8Array(await answer.arrayBuffer())).locks
}
const heard = (event: string): LogEvent[] => events.flatMap(([, one]) => one.event === event ? [one] : [])

describe('a lock', () => {
  test('that a trustee missed is there before it releases again: the two others cannot be gone round', async () => {
    const vault = await someVault()
    await third.kill()
    const state = await order('lock')
    expect([state.pending.map(toHex), state.logged]).toEqual([[toHex(third.id)], true])
    await third.restart()
    // The officer's device is gone by now: nobody tells it again.
    await settle()
    expect(await locksOf(third)).toBe(1)
    await first.kill()
    expect(await open(vault)).toBe('release-insufficient')
    expect(heard('notice-ignored')).toEqual([])
  })

  test('outlives a trustee\'s restore from a backup of before it', async () => {
    const vault = await someVault()
    await settle()
    await first.kill()
    cpSync(first.directory, `${first.directory}-backup`, { recursive: true })
    await first.restart()
    expect(await order('lock')).toEqual({ pending: [], logged: true })
    await settle()
    await restoreFirst()
    await settle()
    // It knows from its peers that it forgot something, and serves nobody until the log's next leaves bring it back.
    expect(await locksOf(first)).toBe(0)
    await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    await settle()
    expect(await locksOf(first)).toBe(1)
    expect(heard('notice-ignored')).toEqual([])
    expect(await open(vault)).toBe('release-insufficient')
  })

  test('that was cleared does not come back, whoever logs it again', async () => {
    const vault = await someVault()
    const lock = await signed('lock', officers.slice(0, 1))
    await officers[0]!.order(lock, statuses)
    await world.clock.advance(60_000)
    await third.kill()
    expect((await order('clear', officers)).logged).toBe(true)
    await officers[1]!.order(lock, statuses)
    await third.restart()
    await settle()
    for (const trustee of world.trustees) expect(await locksOf(trustee)).toBe(0)
    expect(await open(vault)).toBe('nothing was thrown')
  })

  test('is carried out though the index is down, and is pending there', async () => {
    const vault = await someVault()
    // An officer's client knows the register's keys, or it can show them to nobody.
    await officers[0]!.principal(world.register.id)
    await world.index.kill()
    expect(await order('lock')).toEqual({ pending: [], logged: false })
    await world.index.restart()
    await settle()
    expect(await open(vault)).toBe('release-insufficient')
  })

  test('by somebody whom all trustees refuse is not logged', async () => {
    const stranger = await world.client('person')
    await settle()
    const size = (await stranger.log.checkpoint('quorum')).size
    const forged = await signed('lock', [stranger])
    expect(await codeOf(stranger.order(forged, statuses))).toBe('trustee-problem')
    await settle()
    expect((await stranger.log.checkpoint('quorum')).size).toBe(size)
  })
})

test('no principal is alarmed by an order about its keys: nobody made keys for it', async () => {
  await order('lock')
  await settle()
  const found: unknown[] = []
  const stop = doctor.watchOwnKeys((key) => void found.push(key))
  await settle()
  stop()
  expect(found).toEqual([])
})

test('a trustee restored from before a binding signs no second one; links reach one that was away', async () => {
  await world.discovery()
  const clinic = await world.client('organisation')
  const [vault, other] = [await hospital.createVault({ mode: 'custody', categories: CATEGORIES }),
    await hospital.createVault({ mode: 'custody', categories: CATEGORIES })]
  await settle()
  await first.kill()
  cpSync(first.directory, `${first.directory}-backup`, { recursive: true })
  await first.restart()
  expect(await hospital.bind(vault.id, person('Le Goff'))).toEqual({ bound: true })
  await settle()
  await restoreFirst()
  await settle()
  // With the other two alone there would be one that refuses, and none that would sign with the restored one.
  await third.kill()
  const theirs = await clinic.createVault({ mode: 'custody', categories: CATEGORIES })
  expect(await codeOf(clinic.bind(theirs.id, person('Le Goff')))).toBe('trustee-problem')
  expect(toHex((await clinic.discover(person('Le Goff')))?.vault as Uint8Array)).toBe(toHex(vault.id))
  const merge = await hospital.mergeVaults(vault.id, other.id)
  await third.restart()
  await settle()
  await first.kill()
  const found = await clinic.discover(person('Le Goff'))
  expect(found?.linked?.map(toHex)).toEqual([toHex(other.id)])
  await first.restart()
  await third.kill()
  await hospital.splitVaults(merge, vault.id, other.id)
  await third.restart()
  await settle()
  await first.kill()
  expect((await clinic.discover(person('Le Goff')))?.linked).toEqual([])
  expect(heard('binding-conflict')).toEqual([])
}, 30_000)

/** A trustee's meter restored from a backup: it never refills, whatever the index and the peers do. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Client, Vault } from '@scelle/sdk'
import { decode } from '@scelle/seal/verify'
import { MeterStatus, ReleaseJournal } from '@scelle/wire/messages'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import { codeOf, DAY, item, lie } from './scene.ts'

const CATEGORIES = ['summary', 'access-log'].map((code) => ({ code, strict: false }))

let world: Constellation
let hospital: Client
let doctor: Client
let first: PartyHandle
let third: PartyHandle
const counters: number[] = []
beforeEach(async () => {
  world = await createConstellation({ seed: 'meter restored', gossipEvery: 60_000 })
  hospital = await world.client('organisation')
  const identity = await world.identity('person')
  const { show } = world.standingOf(identity)
  counters.length = 0
  doctor = await world.client(identity, {
    standing: { show, counted: (_, { unexplained }) => void counters.push(unexplained) },
  })
  ;[first, , third] = world.trustees as [PartyHandle, PartyHandle, PartyHandle]
})
afterEach(() => world.close())

const someVault = async (): Promise<Vault> => {
  const vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item('a')])
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  return doctor.vault(vault.id)
}

/** Through the first trustee, since the third is away. */
const open = async (vault: Vault): Promise<string> => codeOf(vault.open().then((chart) => chart.close()))

const files = ['trustee.sqlite', 'trustee.sqlite-wal', 'trustee.sqlite-shm']

const backUp = async (): Promise<void> => {
  await first.kill()
  cpSync(first.directory, `${first.directory}-backup`, { recursive: true })
  await first.restart()
}

const restore = async (): Promise<void> => {
  await first.kill()
  for (const file of files) rmSync(join(first.directory, file), { force: true })
  cpSync(`${first.directory}-backup`, first.directory, { recursive: true })
  await first.restart()
}

/** Time goes on until what goes on by itself has been done. */
const settle = async (): Promise<void> => {
  for (let minute = 0; minute < 4; minute++) await world.clock.advance(60_000)
}

const statusOf = async (): Promise<MeterStatus> => {
  const answer = await world.network.fetch(`${first.url}/v1/meter`)
  return decode(MeterStatus, new Uint8Array(await answer.arrayBuffer()))
}

it('has back what it spent, from the log, and counts on from there', async () => {
  await open(await someVault())
  await settle()
  await backUp()
  await third.kill()
  for (let i = 0; i < 3; i++) expect(await open(await someVault())).toBe('nothing was thrown')
  await third.restart()
  await settle()
  expect(await statusOf()).toMatchObject({ day: 4 })
  await restore()
  await settle()
  expect(await statusOf()).toMatchObject({ day: 4 })
  await third.kill()
  counters.length = 0
  expect(await open(await someVault())).toBe('nothing was thrown')
  expect(counters).toEqual([5, 5])
})

it('keeps its windows full while the index keeps a release back: those that it remembers go on', async () => {
  const known = await someVault()
  await open(known)
  await settle()
  await backUp()
  await third.kill()
  for (let i = 0; i < 3; i++) await open(await someVault())
  await third.restart()
  await settle()
  const stop = lie(world, /\/v1\/releases\?after/, ReleaseJournal, ({ words, ...page }) =>
    ({ ...page, words: words.slice(0, -1) }))
  await restore()
  await settle()
  await third.kill()
  expect(await open(await someVault())).toBe('release-insufficient')
  expect(await open(known)).toBe('nothing was thrown')
  // The other two serve meanwhile.
  await third.restart()
  expect(await open(await someVault())).toBe('nothing was thrown')
  stop()
  await settle()
  await third.kill()
  expect(await open(await someVault())).toBe('nothing was thrown')
})

it('keeps them full while a peer that may know more does not answer', async () => {
  expect(await open(await someVault())).toBe('nothing was thrown')
  await settle()
  await backUp()
  expect(await open(await someVault())).toBe('nothing was thrown')
  await settle()
  await third.kill()
  await restore()
  await settle()
  expect(await open(await someVault())).toBe('release-insufficient')
})

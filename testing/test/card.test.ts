/**
 * An emergency summary that its patient carries: opened where no network is, by sites that are registered, and told to
 * patient and officers once the network is back.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signConfirmation } from '@scelle/seal/grants'
import { Confirmation, decode, decodeSigned, type Role, toHex } from '@scelle/seal/verify'
import {
  type Client, fromQr, offlineReason, openCardOffline, type Shown, toQr, type Vault,
} from '@scelle/sdk'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { codeOf, DAY, item } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))
const HOUR = 3_600_000

const folder = join(process.env['SCELLE_SHARED'] ?? join(import.meta.dirname, '../../../shared'), 'data/ips')
const REAL = (() => {
  try {
    return readdirSync(folder).filter((name) => /^Bundle-.*\.json$/.test(name))
  } catch {
    console.warn('published patient summaries are absent (SCELLE_SHARED): an invented one takes their place')
    return []
  }
})()

const invented = {
  resourceType: 'Bundle', type: 'document',
  entry: Array.from({ length: 30 }, (_, n) => ({
    fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    resource: { resourceType: 'AllergyIntolerance', id: `a${n}`, code: { text: `Allergène ${n}` } },
  })),
}

/** As it is sent: without the white space of a published example. */
const summaryIn = (name: string | undefined): Uint8Array => new TextEncoder().encode(JSON.stringify(
  name === undefined ? invented : JSON.parse(readFileSync(join(folder, name), 'utf8'))))

let world: Constellation
let patient: Client
let vault: Vault
let hospital: Client
let site: Client
let physician: Client
let key: Client
let officer: Client
let statuses: Map<Client, Uint8Array>
let shown: Shown
/** The site's own disk. */
let notes: Uint8Array[]

beforeEach(async () => {
  world = await createConstellation({ seed: 'card', organisations: 2 })
  shown = {}
  notes = []
  patient = await world.client('person', { registers: [world.register.id] })
  vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  await vault.write([item('allergy'), item('note', 1, 'notes')])
  await leaveOpen(vault)
  hospital = await world.client('organisation')
  site = await world.client(world.emergency)
  ;[physician, key, officer] = [
    await world.client('person', { standing: { show: () => shown } }), await world.client('person'),
    await world.client('person'),
  ]
  const employ = (who: Client, role: Role, stepUp?: Client): Promise<Uint8Array> => world.register.enrol({
    subject: who.identity.id, role, organisation: hospital.identity.id,
    ...(stepUp === undefined ? {} : { stepUp: stepUp.identity.id }),
  })
  statuses = new Map([
    [hospital, await world.register.enrol({
      subject: hospital.identity.id, role: 'hospital', emergency: true, name: 'CHU de Brest',
    })],
    [physician, await employ(physician, 'emergency-physician', key)],
    [officer, await employ(officer, 'officer')],
  ])
})
afterEach(() => world.close())

let drawn = 0
const context = () => ({ now: world.now, random: world.random(`card ${drawn++}`) })
const of = (...who: Client[]): Uint8Array[] => who.map((one) => statuses.get(one) as Uint8Array)

const leaveOpen = (one: Vault): Promise<unknown> => one.share({
  to: world.emergency.id, categories: ['summary', 'notes'], summary: ['summary'], rights: ['read', 'shareOn'],
  purposes: ['emergency'], basis: 'vital-interest', until: world.now() + 300 * DAY, depth: 1,
})

const make = async (summary = summaryIn(REAL[0]), one = vault): Promise<Uint8Array> => (await patient.makeCard({
  vault: one.id, summary, until: world.now() + 200 * DAY, emergencyKeys: [world.emergency.id],
})).bytes

const open = (card: Uint8Array, more: Partial<Parameters<typeof openCardOffline>[0]> = {}) => openCardOffline({
  card, site: world.emergency, reader: physician.identity, reason: 'inconscient', context: context(),
  organisation: hospital.identity.id,
  keep: async (note) => {
    notes.push(note)
  },
  ...more,
})

/** The site signs the way on, the reader signs the reason with the second key, as for every broken glass. */
const report = (some: readonly Uint8Array[] = notes) => physician.reportCards(some, {
  way: async (opening) => {
    const note = some.find((one) => offlineReason(one).endsWith(opening.reason)) as Uint8Array
    await (await site.vault(opening.vault)).share({
      to: physician.identity.id, categories: ['summary'], summary: ['summary'], purposes: ['emergency'],
      until: world.now() + 3 * HOUR, depth: 0,
    })
    shown = {
      statuses: of(physician, hospital),
      confirmations: [await signConfirmation(key.identity, {
        type: 'step-up', reader: physician.identity.id, organisation: hospital.identity.id, vault: opening.vault,
        reason: offlineReason(note),
      }, context())],
    }
  },
})

const cut = (): void => {
  for (const { host } of [world.index, ...world.trustees]) world.network.down(host)
}
const restore = (): void => {
  for (const { host } of [world.index, ...world.trustees]) world.network.up(host)
}

describe('without a network', () => {
  it('a real summary opens from its QR codes, to the byte', async () => {
    const sizes: string[] = []
    const cards: { summary: Uint8Array; frames: string[] }[] = []
    for (const name of REAL.length === 0 ? [undefined] : REAL) {
      const summary = summaryIn(name)
      const card = await make(summary)
      const frames = toQr(card)
      sizes.push(`${name ?? 'invented'}: ${summary.length} bytes, card ${card.length}, ${frames.length} codes`)
      cards.push({ summary, frames })
    }
    cut()
    world.network.seen.length = 0
    world.network.recording = true
    for (const { summary, frames } of cards) {
      const opened = await open(fromQr(frames.toReversed()))
      expect(opened.summary).toEqual(summary)
      expect(opened).toMatchObject({ vault: toHex(vault.id), issuer: toHex(patient.identity.id), mode: 'owner' })
    }
    expect(world.network.seen).toEqual([])
    console.info(sizes.join('\n'))
    expect(Math.max(...cards.map(({ frames }) => frames.length))).toBeLessThanOrEqual(24)
  })

  it('the note is there before anything is shown, and nothing is shown without it', async () => {
    const card = await make()
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    expect(await codeOf(open(card, { keep: () => Promise.reject(full) }))).toBe('ENOSPC')
    let kept = false
    const opening = open(card, {
      keep: async () => {
        await Promise.resolve()
        kept = true
      },
    }).then(() => kept)
    expect(await opening).toBe(true)
    expect(await codeOf(open(card, { reason: '  ' }))).toBe('bad-input')
  })

  it('no site opens it but a registered one, nor anybody later, and of these no note is left', async () => {
    const card = await make()
    expect(await codeOf(open(card, { site: hospital.identity }))).toBe('card-recipient-unknown')
    expect(await codeOf(open(card, { site: patient.identity }))).toBe('card-recipient-unknown')
    const later = { now: () => world.now() + 200 * DAY, random: world.random('later') }
    expect(await codeOf(open(card, { context: later }))).toBe('card-expired')
    expect(notes).toEqual([])
  })

  it('is made by who answers for the vault, where its openings can be told', async () => {
    const about = { vault: vault.id, summary: summaryIn(undefined), emergencyKeys: [world.emergency.id] }
    expect(await codeOf(site.makeCard({ ...about, until: world.now() + DAY }))).toBe('not-custodian')
    expect(await codeOf(patient.makeCard({ ...about, until: world.now() + 301 * DAY }))).toBe('no-grant')
    expect(await codeOf(patient.makeCard({
      ...about, until: world.now() + DAY, emergencyKeys: [hospital.identity.id],
    }))).toBe('no-grant')
    const [way] = await vault.grantsGiven()
    await vault.revoke(way!.id)
    expect(await codeOf(patient.makeCard({ ...about, until: world.now() + DAY }))).toBe('no-grant')
  })
})

describe('when the network is back', () => {
  it('two openings are told: the patient sees when they were and why, the officer has them to review', async () => {
    const other = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await other.write([item('other')])
    await leaveOpen(other)
    const cards = [await make(), await make(summaryIn(undefined), other)]
    cut()
    const times = []
    for (const [n, card] of cards.entries()) {
      times.push(Math.floor(world.now() / 1000) * 1000)
      await open(card, { reason: `sans connaissance ${n}` })
      await world.clock.advance(20 * 60_000)
    }
    expect((await report()).map(({ state }) => state)).toEqual(['failed', 'failed'])
    restore()
    await world.clock.advance(120_000)
    expect((await report()).map(({ state }) => state)).toEqual(['told', 'told'])
    // Told again, by a program that forgot that it had: once all the same.
    expect((await report([...notes, ...notes])).map(({ state }) => state)).toEqual(Array<string>(4).fill('told'))

    await world.clock.advance(120_000)
    for (const [n, one] of [vault, other].entries()) {
      await one.refresh()
      const { accesses, findings } = await one.accesses()
      expect(findings).toEqual([])
      expect(accesses.filter(({ offline }) => offline !== undefined)).toHaveLength(1)
      expect(accesses.find(({ offline }) => offline !== undefined)).toMatchObject({
        purpose: 'emergency', reader: toHex(physician.identity.id), categories: ['summary'],
        houses: [{ name: 'CHU de Brest', proven: true }],
        offline: { time: times[n], reason: `sans connaissance ${n}`, site: toHex(world.emergency.id) },
      })
    }
    const broken = await officer.brokenGlass(of(officer, hospital))
    expect(broken.map((one) => one.vault).toSorted()).toEqual([vault, other].map(({ id }) => toHex(id)).toSorted())
    const reasons = broken.map(({ reason }) => decode(Confirmation, decodeSigned('confirmation', reason).body).reason)
    for (const time of times) {
      expect(reasons.join('\n')).toContain(`offline ${new Date(time).toISOString().slice(0, 16)}Z: sans connaissance`)
    }
  }, 60_000)

  it('the patient sees it too where trustees refuse, as they do somebody without a second key', async () => {
    await open(await make())
    const way = async (): Promise<void> => {
      await (await site.vault(vault.id)).share({
        to: physician.identity.id, categories: ['summary'], summary: ['summary'], purposes: ['emergency'],
        until: world.now() + 3 * HOUR, depth: 0,
      })
      shown = { statuses: of(physician, hospital) }
    }
    expect(await physician.reportCards(notes, { way })).toMatchObject([
      { state: 'logged', problem: 'emergency-refused' },
    ])
    await world.clock.advance(120_000)
    const { accesses } = await vault.accesses()
    expect(accesses.filter(({ offline }) => offline?.reason === 'inconscient')).toHaveLength(1)
    expect((await officer.brokenGlass(of(officer, hospital))).length).toBe(0)
    expect((await report()).map(({ state }) => state)).toEqual(['told'])
  })

  it('a way in that was ended ends no card: it opens, and cannot be told, which its reader is', async () => {
    const card = await make()
    for (const { id } of await vault.grantsGiven()) await vault.revoke(id)
    expect((await open(card)).mode).toBe('owner')
    expect(await report()).toMatchObject([{ state: 'failed' }])
    expect((await vault.accesses()).accesses).toEqual([])
  })

  it('nobody reports somebody else\'s note, and a note of another vault in an entry is a finding', async () => {
    await open(await make())
    expect(await codeOf(key.reportCards(notes))).toBe('principal-mismatch')
    const other = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await other.write([item('other')])
    await leaveOpen(other)
    await (await site.vault(other.id)).share({
      to: physician.identity.id, categories: ['summary'], summary: ['summary'], purposes: ['emergency'],
      until: world.now() + 3 * HOUR, depth: 0,
    })
    shown = {
      statuses: of(physician, hospital),
      confirmations: [await signConfirmation(key.identity, {
        type: 'step-up', reader: physician.identity.id, organisation: hospital.identity.id, vault: other.id,
        reason: 'inconscient',
      }, context())],
    }
    const chart = await (await physician.vault(other.id)).open({ purpose: 'emergency', about: { offline: notes[0]! } })
    chart.close()
    await world.clock.advance(120_000)
    const { accesses, findings } = await other.accesses()
    expect(findings).toMatchObject([{ code: 'entry-garbled', who: toHex(physician.identity.id) }])
    expect(accesses.every(({ offline }) => offline === undefined)).toBe(true)
  })
})

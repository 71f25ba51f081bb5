/**
 * A night in an emergency department: 21 patients, none with a device, no appointments, two of them unconscious and
 * nobody knows who they are. Nobody who treats them is stopped, everybody is told, and what was broken is reviewed.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { makeOrder, signConfirmation, signFact, signOrder } from '@scelle/seal/grants'
import { decode, decodeSigned, Confirmation, fromHex, type Role, toHex } from '@scelle/seal/verify'
import type { Client, Shown, Vault } from '@scelle/sdk'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { codeOf, DAY, item } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))
const HOUR = 3_600_000

let world: Constellation
let hospital: Client
let site: Client
let clerk: Client
let triage: Client
let physician: Client
let nurse: Client
let officer: Client
let key: Client
let nurseKey: Client
let statuses: Map<Client, Uint8Array>
/** What somebody shows for an opening, set before it. */
let shown: Shown
beforeEach(async () => {
  world = await createConstellation({ seed: 'night', organisations: 2 })
  shown = {}
  const standing = { show: () => shown }
  hospital = await world.client('organisation')
  site = await world.client(world.emergency)
  ;[clerk, triage, physician, nurse, officer, key, nurseKey] = [
    await world.client('person'), await world.client('person', { standing }),
    await world.client('person', { standing }), await world.client('person', { standing }),
    await world.client('person'), await world.client('person'), await world.client('person'),
  ]
  statuses = new Map()
  const employ = async (who: Client, role: Role, stepUp?: Client): Promise<void> => {
    statuses.set(who, await world.register.enrol({
      subject: who.identity.id, role, organisation: hospital.identity.id,
      ...(stepUp === undefined ? {} : { stepUp: stepUp.identity.id }),
    }))
  }
  statuses.set(hospital, await world.register.enrol({
    subject: hospital.identity.id, role: 'hospital', emergency: true, name: 'CHU de Brest',
  }))
  await employ(clerk, 'registration')
  await employ(triage, 'triage-nurse')
  await employ(physician, 'emergency-physician', key)
  await employ(nurse, 'emergency-nurse', nurseKey)
  await employ(officer, 'officer')
})
afterEach(() => world.close())

const context = () => ({ now: world.now, random: world.random(`night ${drawn++}`) })
let drawn = 0
const of = (...who: Client[]): Uint8Array[] => who.map((one) => statuses.get(one) as Uint8Array)
const seconds = (): number => Math.floor(world.now() / 1000)

/** The desk admits somebody: a fact by another person than those who treat. */
const admit = (vault: Uint8Array): Promise<Uint8Array> => signFact(clerk.identity, {
  type: 'admission', vault, organisation: hospital.identity.id, notBefore: seconds(), expires: seconds() + 86_400,
}, context())

const confirm = (by: Client, type: 'step-up' | 'colleague', reader: Client, vault: Uint8Array) =>
  signConfirmation(by.identity, {
    type, reader: reader.identity.id, organisation: hospital.identity.id, vault, reason: 'inconscient, sans papiers',
  }, context())

/** Somebody of the house opens what the house has, with the desk's admission. */
const openAdmitted = async (vault: Vault, fact: Uint8Array, who: Client): Promise<string> => {
  await vault.share({ to: who.identity.id, categories: ['summary'], until: world.now() + 12 * HOUR })
  shown = { facts: [fact], statuses: of(who, hospital, clerk) }
  return codeOf((await who.vault(vault.id)).open().then((chart) => chart.close()))
}

/** The site signs the way on to the reader, who opens with a reason and a colleague. */
const breakGlass = async (
  vault: Uint8Array, who: Client, { second, by, categories = ['summary', 'notes'] }: {
    second: Client; by?: Client; categories?: string[]
  },
): Promise<string> => {
  await (await site.vault(vault)).share({
    to: who.identity.id, categories, purposes: ['emergency'], until: world.now() + 3 * HOUR, depth: 0,
    ...(categories.includes('notes') ? {} : { summary: ['summary'] }),
  })
  shown = {
    statuses: of(who, hospital, ...by === undefined ? [] : [by]),
    confirmations: [
      await confirm(second, 'step-up', who, vault),
      ...by === undefined ? [] : [await confirm(by, 'colleague', who, vault)],
    ],
  }
  return codeOf((await who.vault(vault)).open({ purpose: 'emergency' }).then((chart) => chart.close()))
}

/** A patient at home somewhere, who left the way open and granted this hospital nothing. */
const stranger = async (n: number): Promise<{ patient: Client; vault: Vault }> => {
  const patient = await world.client('person', { registers: [world.register.id] })
  const vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  await vault.write([item(`allergy ${n}`), item(`n${n}`, 1, 'notes')])
  await vault.share({
    to: world.emergency.id, categories: ['summary', 'notes'], summary: ['summary'], rights: ['read', 'shareOn'],
    purposes: ['emergency'], basis: 'vital-interest', until: world.now() + 300 * DAY, depth: 1,
  })
  return { patient, vault }
}

it('21 patients: nobody is stopped, each who was opened in an emergency sees it, and officers review it', async () => {
  const said: string[] = []
  // Fifteen who were here before, or are new: the desk admits them, three people open their records.
  for (let n = 0; n < 15; n++) {
    const vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    await vault.write([item(`known ${n}`)])
    const fact = await admit(vault.id)
    for (const who of [triage, physician]) said.push(await openAdmitted(vault, fact, who))
    await world.clock.advance(60_000)
  }
  // Two whom nobody knows: a temporary vault, in which there is nothing to break.
  for (let n = 0; n < 2; n++) {
    const vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    await vault.write([item(`unknown ${n}`)])
    said.push(await openAdmitted(vault, await admit(vault.id), physician))
  }
  // Four with a vault elsewhere.
  const strangers = []
  for (let n = 0; n < 4; n++) strangers.push(await stranger(n))
  for (const [n, { vault }] of strangers.entries()) {
    said.push(n < 2
      ? await breakGlass(vault.id, physician, { second: key, by: nurse })
      : await breakGlass(vault.id, nurse, { second: nurseKey, by: triage }))
  }
  expect(said).toEqual(Array<string>(15 * 2 + 2 + 4).fill('nothing was thrown'))

  await world.clock.advance(120_000)
  const { accesses, findings } = await strangers[0]!.vault.accesses()
  expect(findings).toEqual([])
  expect(accesses).toMatchObject([{ purpose: 'emergency', reader: toHex(physician.identity.id) }])
  expect(accesses[0]?.houses.map(({ name, proven }) => [name, proven])).toEqual([['CHU de Brest', true]])

  const broken = await officer.brokenGlass(of(officer, hospital))
  expect(broken.map(({ vault }) => vault).toSorted())
    .toEqual(strangers.map(({ vault }) => toHex(vault.id)).toSorted())
  const { reason } = decode(Confirmation, decodeSigned('confirmation', broken[0]!.reason).body)
  expect(reason).toContain('inconscient')
  for (const { access } of broken) {
    const order = makeOrder({
      action: 'review', scope: 'organisation', target: fromHex(access) as Uint8Array, notBefore: seconds(),
      expires: seconds() + 600, reason: 'vu',
    }, context())
    const told = await codeOf(officer.order([await signOrder(officer.identity, order)], of(officer, hospital)))
    // A trustee that was not asked to release has nothing to review.
    expect(['nothing was thrown', 'trustee-problem']).toContain(told)
  }
  expect((await officer.brokenGlass(of(officer, hospital))).every(({ reviewed }) => reviewed !== undefined)).toBe(true)
}, 120_000)

it('the summary alone opens without a colleague, and a thief is soon at the end of it; notes do not', async () => {
  const strangers = []
  for (let n = 0; n < 7; n++) strangers.push((await stranger(n)).vault.id)
  const alone = { second: key, categories: ['summary'] }
  expect(await breakGlass(strangers[0]!, physician, { second: key })).toBe('release-insufficient')
  const said = []
  for (const vault of strangers) said.push(await breakGlass(vault, physician, alone))
  // Two of three trustees release, each of them for two patients: three in all.
  expect(said.filter((one) => one === 'nothing was thrown').length).toBeLessThanOrEqual(3)
  expect(said.at(-1)).toBe('release-insufficient')
})

it('a patient who closed the way is not opened, and neither is one by a site that is none', async () => {
  const { vault } = await stranger(1)
  statuses.set(hospital, await world.register.enrol({ subject: hospital.identity.id, role: 'hospital' }))
  expect(await breakGlass(vault.id, physician, { second: key, by: nurse })).toBe('release-insufficient')
  statuses.set(hospital, await world.register.enrol({
    subject: hospital.identity.id, role: 'hospital', emergency: true,
  }))
  const [grant] = (await site.grants()).filter(({ vault: id }) => toHex(id) === toHex(vault.id))
  await vault.revoke(grant!.id)
  expect(await codeOf(breakGlass(vault.id, physician, { second: key, by: nurse }))).not.toBe('nothing was thrown')
})

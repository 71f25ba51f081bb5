/** A vendor's visit through the whole constellation: ticket, grants, openings, what the patient sees, the report. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { signTicket } from '@scelle/seal/grants'
import { createPerson, sealingKeyOf, unsignedOf } from '@scelle/seal/persons'
import {
  decode, decodeSigned, encode, type Role, statementId, toHex, verifyKeyChain,
} from '@scelle/seal/verify'
import type { Client, Shown, Vault } from '@scelle/sdk'
import { logPolicy } from '@scelle/wire/log'
import { ReportFile, verifyReport } from '@scelle/wire/report'
import { SoftwareAuthenticator } from '../src/authenticator.ts'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { codeOf, DAY, item } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))
const HOUR = 3_600_000

let world: Constellation
let patient: Client
let hospital: Client
let vendor: Client
let other: Client
let engineer: Client
let sponsor: Client
let vault: Vault
let shown: Shown
let tickets = 0
beforeEach(async () => {
  world = await createConstellation({ seed: 'vendors' })
  patient = await world.client('person', { registers: [world.register.id] })
  vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  await vault.write([item('a'), item('n', 1, 'notes')])
  const showing = { standing: { show: () => shown } }
  hospital = await world.client('organisation')
  vendor = await world.client('vendor', showing)
  other = await world.client('vendor', showing)
  engineer = await world.client('person', showing)
  sponsor = await world.client('person')
  shown = {}
})
afterEach(() => world.close())

const seconds = (): number => Math.floor(world.now() / 1000)

const enrol = (who: Client, role: Role, more: object = {}): Promise<Uint8Array> =>
  world.register.enrol({ subject: who.identity.id, role, ...more })

interface Sponsored {
  readonly subcontract?: boolean
  readonly vaults?: Uint8Array[]
  /** Who signs the ticket in place of a sponsor whose own key the register takes for them. */
  readonly by?: { readonly id: Uint8Array; readonly sign: (ticket: Uint8Array) => Uint8Array }
}

/** Hospital → vendor (→ other) → engineer, under the ticket; what the engineer shows. */
const visit = async ({ subcontract = false, vaults = [vault.id], by }: Sponsored) => {
  const made = await signTicket(sponsor.identity, {
    organisation: hospital.identity.id, vendor: vendor.identity.id, number: 'INC-4711', vaults,
    purpose: 'administration', subcontract, notBefore: seconds(), expires: seconds() + 4 * 3600,
  }, { now: world.now, random: world.random(`ticket ${tickets++}`) })
  const ticket = by?.sign(decodeSigned('ticket', made).body) ?? made
  const given = { categories: ['summary'], purposes: ['administration'] as const, until: world.now() + HOUR }
  const rights = ['read', 'shareOn'] as const
  await vault.share({ ...given, to: hospital.identity.id, rights, depth: 4 })
  await (await hospital.vault(vault.id)).share({ ...given, to: vendor.identity.id, rights, depth: 3, ticket })
  const last = subcontract ? other : vendor
  if (subcontract) {
    await (await vendor.vault(vault.id)).share({ ...given, to: other.identity.id, rights, depth: 2 })
  }
  await (await last.vault(vault.id)).share({ ...given, to: engineer.identity.id, depth: 0 })
  shown = {
    ticket,
    statuses: await Promise.all([
      enrol(hospital, 'hospital', { name: 'CHU de Brest' }),
      enrol(vendor, 'vendor', { name: 'Logiciels Dupond' }),
      ...subcontract ? [enrol(other, 'vendor', { name: 'Sous-traitance Durand' })] : [],
      enrol(engineer, 'engineer', { organisation: last.identity.id }),
      world.register.enrol({
        subject: by?.id ?? sponsor.identity.id, role: 'ward-nurse', organisation: hospital.identity.id,
        ...by === undefined ? {} : { ownKey: false },
      }),
    ]),
  }
  return ticket
}

const open = async () => (await engineer.vault(vault.id)).open({ purpose: 'administration' })

const policy = () => logPolicy({
  index: world.index.identity.keys, trustees: world.trustees.map(({ identity }) => identity.keys), quorum: 2,
})

describe('an engineer under a ticket', () => {
  it('opens the patient that it names, and the patient sees vendor and subcontractor by name', async () => {
    await visit({ subcontract: true })
    expect((await open()).latest().map(({ category }) => category)).toEqual(['summary'])
    await world.clock.advance(120_000)
    const { accesses, findings } = await vault.accesses()
    expect(findings).toEqual([])
    expect(accesses[0]?.houses.map(({ name, proven }) => [name, proven])).toEqual([
      ['CHU de Brest', true], ['Logiciels Dupond', true], ['Sous-traitance Durand', true],
    ])
  })

  it('a name that no register of the patient signed is told as a claim', async () => {
    await visit({})
    await open()
    await world.clock.advance(120_000)
    const unsure = await world.client(patient.identity)
    const { accesses } = await (await unsure.vault(vault.id)).accesses()
    expect(accesses[0]?.houses.map(({ proven }) => proven)).toEqual([false, false])
  })

  it('opens nothing once it is over, and nothing of another patient', async () => {
    await visit({ vaults: [new Uint8Array(32)] })
    expect(await codeOf(open())).toBe('release-insufficient')
    await visit({})
    await world.clock.advance(4 * HOUR)
    expect(await codeOf(open())).not.toBe('')
  })
})

describe('a sponsor with a passkey', () => {
  /** A nurse of the hospital whose record has these passkeys. */
  const nurseWith = async (authenticator: SoftwareAuthenticator) => {
    const random = world.random('nurse')
    const keys = { signing: random(32), sealingKey: sealingKeyOf(random(32)), passkeys: [authenticator.passkey] }
    const chain = [await createPerson(keys, { now: world.now, random })]
    await hospital.people.register(chain)
    const person = await verifyKeyChain(chain)
    return {
      id: person.id, sign: (ticket: Uint8Array) => authenticator.sign(unsignedOf('ticket', ticket, person)),
    }
  }

  it('lets the vendor in by a gesture, and the report holds by it', async () => {
    const nurse = await nurseWith(new SoftwareAuthenticator({ random: world.random('passkey') }))
    const ticket = await visit({ by: nurse })
    expect((await open()).latest()).toHaveLength(1)
    const report = await verifyReport(await engineer.visitReport(ticket), policy(), [world.register.id])
    expect(report.sponsor).toBe(toHex(nurse.id))
  })

  it('lets nobody in by one that can be copied', async () => {
    const synced = new SoftwareAuthenticator({ random: world.random('passkey'), deviceBound: false })
    await visit({ by: await nurseWith(synced) })
    expect(await codeOf(open())).toBe('release-insufficient')
  })
})

describe('the report', () => {
  it('says what was opened, when, under which ticket, with receipts that hold without anybody', async () => {
    const ticket = await visit({})
    await open()
    await open()
    const report = await verifyReport(await engineer.visitReport(ticket), policy(), [world.register.id])
    expect(report.accesses.map(({ vault: opened }) => opened)).toEqual([toHex(vault.id), toHex(vault.id)])
    expect(report).toMatchObject({ reader: toHex(engineer.identity.id), sponsor: toHex(sponsor.identity.id) })
    expect(report.statuses.map(({ role }) => role).toSorted())
      .toEqual(['engineer', 'hospital', 'vendor', 'ward-nurse'])
  })

  it('one of a visit that opened nothing says so', async () => {
    const ticket = await visit({})
    expect((await verifyReport(await engineer.visitReport(ticket), policy())).accesses).toEqual([])
  })

  it('with an access left out, added, of another ticket, or without its receipt: refused', async () => {
    const ticket = await visit({})
    await open()
    const file = decode(ReportFile, await engineer.visitReport(ticket))
    await world.clock.advance(2 * HOUR)
    const again = await visit({})
    await open()
    const second = decode(ReportFile, await engineer.visitReport(again))
    const changed: ReportFile[] = [
      { ...file, accesses: [] },
      { ...file, accesses: [...file.accesses, ...second.accesses] },
      { ...file, ticket: second.ticket },
      { ...file, report: second.report },
      { ...file, accesses: file.accesses.map((one) => ({ ...one, receipt: second.accesses[0]!.receipt })) },
      { ...file, keys: file.keys.slice(1) },
    ]
    const codes = await Promise.all(changed.map((one) => codeOf(verifyReport(encode(ReportFile, one), policy()))))
    expect(codes).toEqual([
      'release-mismatch', 'release-mismatch', 'release-mismatch', 'release-mismatch', 'inclusion-invalid',
      'key-chain-broken',
    ])
    expect(statementId(file.ticket)).not.toEqual(statementId(second.ticket))
  })
})

describe('a decoy', () => {
  it('told to the trustees by its custodian locks the custodian\'s own people, through the sdk', async () => {
    const trap = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    await trap.write([item('x')])
    await trap.declareDecoy()
    const nurse = await world.client('person', { standing: { show: () => shown } })
    shown = { statuses: await Promise.all([
      enrol(hospital, 'hospital'), enrol(nurse, 'ward-nurse', { organisation: hospital.identity.id }),
    ]) }
    await trap.share({ basis: 'consent', to: nurse.identity.id, categories: ['summary'], until: world.now() + DAY })
    const real = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
    await real.write([item('y')])
    await real.share({ basis: 'consent', to: nurse.identity.id, categories: ['summary'], until: world.now() + DAY })
    expect((await (await nurse.vault(real.id)).open()).latest().length).toBe(1)
    expect(await codeOf((await nurse.vault(trap.id)).open())).toBe('release-insufficient')
    expect(await codeOf((await nurse.vault(real.id)).open())).toBe('release-insufficient')
  })
})

/** One person with several devices, patients, officers, three trustees: what the tests of the bound go through. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeOrder, signFact, signOrder } from '@scelle/seal/grants'
import { decode, decodeSigned, type Order, Release, toHex } from '@scelle/seal/verify'
import type { Client, Shown, Vault } from '@scelle/sdk'
import { BUDGETS } from '@scelle/trustee/meter'
import { signRequest } from '@scelle/wire/http'
import { ReleaseJournal } from '@scelle/wire/messages'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import { codeOf, DAY, item } from './scene.ts'

const CATEGORIES = [{ code: 'summary', strict: false }]

/** Of one trustee, of the smallest budget that there is: a day of an officer, all lanes alike. */
export const B = BUDGETS.officer.bounds.own?.day as number

export interface Patient {
  readonly vault: Vault
  readonly id: string
}

interface Person {
  readonly device: Client
  status: Uint8Array
}

/** A secretary of the house, whose word spares a reader the second key, and lifts no bound. */
class Agenda {
  readonly #world: Constellation
  readonly #hospital: Client
  readonly #secretary: Client
  readonly status: Uint8Array
  #drawn = 0

  private constructor(world: Constellation, hospital: Client, secretary: Client, status: Uint8Array) {
    this.#world = world
    this.#hospital = hospital
    this.#secretary = secretary
    this.status = status
  }

  static async create(world: Constellation, hospital: Client): Promise<Agenda> {
    const secretary = await world.client('person')
    const status = await world.register.enrol({
      subject: secretary.identity.id, role: 'assistant', organisation: hospital.identity.id,
    })
    return new Agenda(world, hospital, secretary, status)
  }

  factAbout(vault: Uint8Array): Promise<Uint8Array> {
    const now = Math.floor(this.#world.now() / 1000)
    return signFact(this.#secretary.identity, {
      type: 'appointment', vault, organisation: this.#hospital.identity.id, notBefore: now - 60, expires: now + 3_600,
    }, { now: this.#world.now, random: this.#world.random(`fact ${this.#drawn++}`) })
  }
}

/** Devices with an even number show the agenda's word of each patient; the others show nothing. */
export class BoundScene {
  readonly world: Constellation
  readonly hospital: Client
  readonly patients: readonly Patient[]
  readonly #devices: readonly Person[]
  readonly #officers: readonly Person[]
  readonly #house: Uint8Array
  /** The register's number of the person that is counted now. */
  number = ''
  #drawn = 0

  private constructor(
    world: Constellation, hospital: Client,
    more: { patients: Patient[]; devices: Person[]; officers: Person[]; house: Uint8Array },
  ) {
    this.world = world
    this.hospital = hospital
    this.patients = more.patients
    this.#devices = more.devices
    this.#officers = more.officers
    this.#house = more.house
  }

  static async create(seed: string, { patients: count, devices: many }: { patients: number; devices: number }) {
    const world = await createConstellation({ seed, organisations: 1 })
    const hospital = await world.client('organisation')
    const house = await world.register.enrol({ subject: hospital.identity.id, role: 'hospital' })
    const people: Person[] = []
    const agenda = await Agenda.create(world, hospital)
    for (let n = 0; n < many + 2; n++) {
      const person: Partial<Person> = { status: house }
      const show = async (vault: Uint8Array): Promise<Shown> => {
        const statuses = [person.status as Uint8Array, house, agenda.status]
        return n % 2 === 0 ? { statuses, facts: [await agenda.factAbout(vault)] } : { statuses }
      }
      people.push(Object.assign(person, { device: await world.client('person', { standing: { show } }) }) as Person)
    }
    const [devices, officers] = [people.slice(0, many), people.slice(many)]
    const patients: Patient[] = []
    for (let n = 0; n < count; n++) {
      const vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
      await vault.write([item('a')])
      for (const { device: { identity } } of devices) {
        await vault.share({ basis: 'consent', to: identity.id, categories: ['summary'], until: world.now() + 9 * DAY })
      }
      patients.push({ vault, id: toHex(vault.id) })
    }
    const scene = new BoundScene(world, hospital, { patients, devices, officers, house })
    for (const [n, officer] of officers.entries()) await scene.#employ(officer, `officer ${n}`)
    return scene
  }

  /** All devices are a new person's from now on, who has opened nothing yet. */
  async becomes(number: string): Promise<void> {
    this.number = number
    for (const device of this.#devices) await this.#employ(device, number)
  }

  async #employ(person: Person, number: string): Promise<void> {
    const { identity: { id: subject } } = person.device
    const organisation = this.hospital.identity.id
    person.status = await this.world.register.enrol({ subject, role: 'officer', number, organisation })
  }

  idOf(device: number): Uint8Array {
    return (this.#devices[device] as Person).device.identity.id
  }

  /** Whether that device got the patient's keys. */
  async open(device: number, patient: Patient): Promise<boolean> {
    const { device: client } = this.#devices[device] as Person
    const vault = await client.vault(patient.vault.id)
    return await codeOf(vault.open().then((chart) => chart.close())) === 'nothing was thrown'
  }

  /** Does that while one trustee is out of the reader's reach: which two release is the reader's choice. */
  async without<T>(trustee: number | undefined, work: () => Promise<T>): Promise<T> {
    if (trustee === undefined) return work()
    const { host } = this.world.trustees[trustee] as PartyHandle
    const stop = this.world.network.add({ host, target: /^\/v1\/releases$/, effect: { kind: 'refuse' } })
    try {
      return await work()
    } finally {
      stop()
    }
  }

  /** One officer locks the person; two clear it. Resolves once all three trustees know. */
  async order(action: Order['action']): Promise<void> {
    const { world } = this
    const now = Math.floor(world.now() / 1000)
    const order = makeOrder({
      action, scope: 'person', target: world.register.meterOf(this.number), notBefore: now, expires: now + 900,
      reason: 'essai',
    }, { now: world.now, random: world.random(`order ${this.#drawn++}`) })
    const signers = action === 'lock' ? this.#officers.slice(0, 1) : this.#officers
    const orders = await Promise.all(signers.map(({ device }) => signOrder(device.identity, order)))
    const statuses = [...signers, this.#devices[0] as Person].map(({ status }) => status)
    const { pending } = await (signers[0] as Person).device.order(orders, [...statuses, this.#house])
    if (pending.length > 0) throw new Error('a trustee was not reached')
  }

  /** What a trustee's own file says that it charged this person, vault by vault. */
  charged(trustee: PartyHandle): Set<string> {
    const meter = this.world.register.meterOf(this.number)
    return new Set(this.#rows<{ vault: Uint8Array }>(trustee,
      'SELECT vault FROM charge WHERE meter = ? AND measure = 0', meter).map(({ vault }) => toHex(vault)))
  }

  /** Statement ids of all accesses that a trustee's own file says it released. */
  released(trustee: PartyHandle): Set<string> {
    return new Set(this.#rows<{ statement: Uint8Array }>(trustee, 'SELECT statement FROM release')
      .map(({ statement }) => toHex(statement)))
  }

  #rows<T>({ directory }: PartyHandle, sql: string, ...values: Uint8Array[]): T[] {
    // The file is the trustee's alone while it runs: what a copy of the disk would show.
    const copy = mkdtempSync(join(tmpdir(), 'scelle-copied-'))
    for (const name of ['trustee.sqlite', 'trustee.sqlite-wal']) {
      if (existsSync(join(directory, name))) copyFileSync(join(directory, name), join(copy, name))
    }
    const db = new DatabaseSync(join(copy, 'trustee.sqlite'))
    try {
      return db.prepare(sql).all(...values) as T[]
    } finally {
      db.close()
      rmSync(copy, { recursive: true, force: true })
    }
  }

  /** Accesses of that trustee's own words, as the index gives them back from its log. */
  async words({ identity }: PartyHandle): Promise<Set<string>> {
    const { world } = this
    const found = new Set<string>()
    for (let after = 0; ;) {
      const url = `${world.index.url}/v1/releases?after=${after}`
      const context = { now: world.now, random: world.random(`words ${this.#drawn++}`) }
      const headers = await signRequest({ method: 'GET', url, identity, ...context })
      const answer = await world.network.fetch(url, { headers })
      const { words, next, end } = decode(ReleaseJournal, new Uint8Array(await answer.arrayBuffer()))
      for (const word of words) found.add(toHex(decode(Release, decodeSigned('release', word).body).access))
      if (end) return found
      after = next
    }
  }

  /** Time goes on until what goes on by itself has been done: words told, mirrors up to date. */
  async settle(): Promise<void> {
    for (let minute = 0; minute < 3; minute++) await this.world.clock.advance(60_000)
  }

  close(): Promise<void> {
    return this.world.close()
  }
}

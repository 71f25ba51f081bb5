/**
 * The same person works at two houses, under one root secret and one register number. What index, trustees and the two
 * edges store of them there is compared, octet by octet, with what they store of somebody else at a third house: what
 * the two have in common beyond that would link them.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Parameters } from '@medplum/fhirtypes'
import { createPerson } from '@scelle/seal/persons'
import {
  newPrinted, pairwiseSecrets, printedSecret, sealWrap, type WrapPlace, wrapByPasskey, wrapByPrinted, wrapPlace,
} from '@scelle/seal/recovery'
import { decodeSigned, statementId, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, loggedIn, parametersOf, type StaffKeys, type World } from './harness.ts'

const WINDOW = 16
const RETURN = 'https://desk.example/back'

interface Person {
  readonly root: Uint8Array
  /** In the register. */
  readonly number: string
}

/** Somebody at one house, and every string that stands for them there. */
interface At {
  readonly world: World
  readonly material: Readonly<Record<string, Uint8Array>>
}

let constellation: Constellation
let alice: Person
let other: Person
let [north, south, elsewhere]: readonly (At | undefined)[] = []
let careless: readonly At[] = []

const houseOf = async (name: string): Promise<World> => createWorld({
  seed: 'pairwise', within: constellation, name, registered: { role: 'practice' }, basis: 'consent',
  staff: { [`officer of ${name}`]: { role: 'officer' } },
})

/** What the page makes of a root: principal, passkey, and both wraps. */
const madeBy = async (
  { root }: Person, house: Uint8Array, sealingKey: Uint8Array, name: string, passkey: SoftwareAuthenticator,
) => {
  const context = { now: constellation.now, random: constellation.random(`page at ${name}`) }
  const keys = { signing: pairwiseSecrets(root, house).signing, sealingKey, passkeys: [passkey.passkey] }
  const chain = [await createPerson(keys, context)]
  // Another PRF output for each passkey, and another sheet.
  const sheet = await newPrinted()
  const places: WrapPlace[] = [wrapPlace(context.random(32)), wrapPlace(printedSecret(sheet))]
  const [first, second] = places as [WrapPlace, WrapPlace]
  const wraps = [
    { credential: passkey.passkey.credential, sealed: await sealWrap(wrapByPasskey(root, context), first, context) },
    { sealed: await sealWrap(await wrapByPrinted(root, sheet, context), second, context) },
  ]
  return { keys, chain, wraps, places }
}

/** Enrolled by an officer, given a status, signed in, and a chart opened: so everybody stores what they ever do. */
const enrolledAt = async (person: Person, name: string, given?: SoftwareAuthenticator): Promise<At> => {
  const world = await houseOf(name)
  const passkey = given ?? new SoftwareAuthenticator({ random: constellation.random(`passkey at ${name}`) })
  await world.app.put(`Patient/${name}`, { resourceType: 'Patient', id: name, name: [{ family: name }] })
  await world.app.put(`Condition/${name}`, {
    resourceType: 'Condition', id: name, subject: { reference: `Patient/${name}` },
  })
  const officer = await loggedIn(world, `officer of ${name}`)
  const asked = await officer.post<Parameters>('$scelle-enrol', parametersOf({
    name: 'Alice', return: RETURN, language: 'fr',
  }))
  const url = asked.body.parameter?.[0]?.valueString ?? ''
  const { request } = await readAsk(url.slice(url.indexOf('#') + 1))
  const house = world.party.id
  const { keys, chain, wraps, places } =
    await madeBy(person, house, request.sealingKey ?? new Uint8Array(), name, passkey)
  const answer = writeAnswer({ state: request.state, chain, wraps })
  const answered = await world.patiently(officer.post('$scelle-enrol', parametersOf({ answer })))
  const { id, current } = await verifyKeyChain(chain)
  const status = await constellation.register.enrol({
    subject: id, role: 'gp', organisation: house, number: person.number, ownKey: false,
  })
  await officer.post('$scelle-status', parametersOf({
    person: toHex(id), statement: Buffer.from(status).toString('base64'),
  }))
  const people = world.staff as Map<string, StaffKeys>
  people.set('alice', { identity: { id }, chain, sealing: new Uint8Array(), keys, statuses: [], passkey })
  const session = await world.patiently(loggedIn(world, 'alice', `alice at ${name}`))
  const opened = await world.patiently(session.get(`Condition/${name}`))
  if (answered.status !== 200 || opened.status !== 200) throw new Error(`${answered.text} ${opened.text}`)
  const [record] = chain
  return {
    world,
    material: {
      id, salt: current.salt, signingKey: current.signingKey, sealingKey: current.sealingKey,
      recordId: statementId(record as Uint8Array),
      signature: decodeSigned('key-record', record as Uint8Array).signature,
      credential: passkey.passkey.credential, publicKey: passkey.passkey.publicKey,
      wrap: wraps[0]!.sealed, sheet: wraps[1]!.sealed,
      ...Object.fromEntries(places.flatMap(({ locator, key, writer }, at) =>
        [[`locator ${at}`, locator], [`key ${at}`, key], [`writer ${at}`, writer]])),
    },
  }
}

beforeAll(async () => {
  constellation = await createConstellation({ seed: 'pairwise', jump: 2_000 })
  const random = constellation.random('people')
  alice = { root: random(32), number: '810000000001' }
  other = { root: random(32), number: '810000000002' }
  north = await enrolledAt(alice, 'north')
  south = await enrolledAt(alice, 'south')
  elsewhere = await enrolledAt(other, 'elsewhere')
  const same = new SoftwareAuthenticator({ random })
  careless = [await enrolledAt(alice, 'east', same), await enrolledAt(alice, 'west', same)]
}, 120_000)
afterAll(() => constellation.close())

/** A value as it is, and what a text of hexadecimal or base64 digits stands for. */
const formsOf = (value: Uint8Array): Buffer[] => {
  const bytes = Buffer.from(value)
  const text = bytes.toString('latin1')
  const hex = [...text.matchAll(/[0-9a-f]{32,}/gi)].map(([digits]) => Buffer.from(digits, 'hex'))
  const base64 = [...text.matchAll(/[A-Za-z0-9+/_-]{22,}/g)].map(([digits]) => Buffer.from(digits, 'base64url'))
  return [bytes, ...hex, ...base64]
}

type Row = readonly Buffer[]

/** Of a copy: whoever serves from it has it to itself. */
const rowsOfDatabase = (path: string): Row[] => {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    return tables.flatMap(({ name }) => database.prepare(`SELECT * FROM "${String(name)}"`).all().map((row) =>
      Object.values(row).flatMap((value) => {
        if (value instanceof Uint8Array) return formsOf(value)
        return typeof value === 'string' ? formsOf(new TextEncoder().encode(value)) : []
      })))
  } finally {
    database.close()
  }
}

/** Everything in a party's folder: rows of its databases, and whole files of any other kind. */
const rowsOf = (directory: string): Row[] => {
  const copy = mkdtempSync(join(tmpdir(), 'scelle-pairwise-'))
  try {
    cpSync(directory, copy, { recursive: true })
    const files = readdirSync(copy, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/-(wal|shm)$/.test(entry.name))
    return files.flatMap(({ parentPath, name }) => {
      const path = join(parentPath, name)
      const octets = readFileSync(path)
      return octets.subarray(0, 15).toString('latin1') === 'SQLite format 3' ? rowsOfDatabase(path) : [formsOf(octets)]
    })
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Fewer different octets in a window do not come from a key, a hash or a draw. */
const DIFFERENT = 11
const isDrawn = (window: Buffer): boolean =>
  new Set(window).size >= DIFFERENT && !/^[\x20-\x7e]+$/.test(window.toString('latin1'))

const windowsOf = (rows: readonly Row[], length = WINDOW): Set<string> => {
  const windows = new Set<string>()
  for (const value of rows.flat()) {
    for (let from = 0; from + length <= value.length; from++) {
      const window = value.subarray(from, from + length)
      if (length < WINDOW || isDrawn(window)) windows.add(window.toString('latin1'))
    }
  }
  return windows
}

const about = (rows: readonly Row[], { material }: At): Row[] => {
  const needles = Object.values(material).map((one) => Buffer.from(one.subarray(0, WINDOW)))
  return rows.filter((row) => row.some((value) => needles.some((needle) => value.includes(needle))))
}

/**
 * What two sets of rows share and a third, of somebody else under the same circumstances, does not. Of a window neither
 * half may be in the third: the end of what everybody has, and the same octet after it by chance, link nobody.
 */
const shared = (one: readonly Row[], two: readonly Row[], control: readonly Row[]): string[] => {
  const half = WINDOW / 2
  const [windows, everybodys] = [windowsOf(two), windowsOf(control, half)]
  return [...windowsOf(one)].filter((window) => windows.has(window) &&
    !everybodys.has(window.slice(0, half)) && !everybodys.has(window.slice(half)))
}

const at = (place: At | undefined): At => {
  if (place === undefined) throw new Error('nobody is enrolled there')
  return place
}

const hexOf = (windows: readonly string[]): string[] =>
  windows.map((window) => Buffer.from(window, 'latin1').toString('hex'))

describe('the same person at two houses', () => {
  test('is another principal with other keys, passkey, wraps and places: no 16 octets of them are the same', () => {
    const [one, two] = [north, south].map((place) =>
      [Object.values(at(place).material).map((value) => Buffer.from(value))])
    expect(hexOf(shared(one ?? [], two ?? [], []))).toEqual([])
  })

  test('is linked by nothing that the index stores', () => {
    const rows = rowsOf(constellation.index.directory)
    const [one, two, third] = [about(rows, at(north)), about(rows, at(south)), about(rows, at(elsewhere))]
    expect(Math.min(one.length, two.length, third.length)).toBeGreaterThan(2)
    expect(one.filter((row) => two.includes(row))).toEqual([])
    expect(hexOf(shared(one, two, third))).toEqual([])
  })

  test('is counted by the trustees as one person, and linked there by that meter id alone', () => {
    const meter = Buffer.from(constellation.register.meterOf(alice.number))
    const ofMeter = windowsOf([[meter]])
    const stores = constellation.trustees.map(({ directory }) => rowsOf(directory))
    // Two of the three release, whichever answer first: what everybody's rows have is in those of some trustee.
    const third = stores.flatMap((rows) => about(rows, at(elsewhere)))
    for (const rows of stores) {
      const found = shared(about(rows, at(north)), about(rows, at(south)), third)
      expect(hexOf(found.filter((window) => !ofMeter.has(window)))).toEqual([])
    }
    expect(stores.some((rows) => rows.flat().some((value) => value.includes(meter)))).toBe(true)
    // The index, which sees who writes to whom, does not know it.
    expect(rowsOf(constellation.index.directory).flat().some((value) => value.includes(meter))).toBe(false)
  })

  test('is linked by nothing that the two edges have on their disks', () => {
    const [one, two, third] = [north, south, elsewhere].map((place) => rowsOf(at(place).world.party.directory))
    expect(one?.length).toBeGreaterThan(5)
    expect(hexOf(shared(one ?? [], two ?? [], third ?? []))).toEqual([])
  })

  test('keeps the root to herself: nobody has it', () => {
    for (const { directory } of [constellation.index, ...constellation.trustees,
      ...[north, south].map((place) => at(place).world.party)]) {
      const values = rowsOf(directory).flat()
      expect(values.filter((value) => value.includes(Buffer.from(alice.root.subarray(0, WINDOW))))).toEqual([])
    }
  })

  test('who took one passkey to both would be linked by it: this test would see that', () => {
    const [one, two] = careless as [At, At]
    const rows = rowsOf(constellation.index.directory)
    const found = shared(about(rows, one), about(rows, two), about(rows, at(elsewhere)))
    const credential = Buffer.from(one.material['credential'] ?? []).subarray(0, WINDOW)
    expect(hexOf(found)).toContain(credential.toString('hex'))
  })
})

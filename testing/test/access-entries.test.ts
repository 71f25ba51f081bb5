/** What readers write into the patient's access log with every opening, and what happens where they cannot. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Client, noteOf, type Vault } from '@scelle/sdk'
import { Access, decode, decodeSigned, encode, toHex } from '@scelle/seal/verify'
import { CommitAnswers, CommitBatch } from '@scelle/wire/messages'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { askedOf, codeOf, DAY, item, namesOf } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))

let world: Constellation
let hospital: Client
let vault: Vault
beforeEach(async () => {
  world = await createConstellation({ seed: 'entries' })
  hospital = await world.client('organisation')
  vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item('a')])
})
afterEach(() => world.close())

interface Entry {
  readonly author: string
  readonly text: { readonly id: string; readonly entity: { detail: { type: string; valueString?: string }[] }[] }
  readonly access: Access
}

const entriesOf = async (of: Vault = vault): Promise<Entry[]> => {
  const chart = await of.open({ categories: ['access-log'] })
  return chart.opened().map(({ author, content }) => ({
    author,
    text: JSON.parse(new TextDecoder().decode(content)) as Entry['text'],
    access: decode(Access, decodeSigned('access', noteOf(content)!.signed).body),
  }))
}

const targets = async (work: () => Promise<unknown>): Promise<string[]> => {
  world.network.seen.length = 0
  world.network.recording = true
  await work()
  world.network.recording = false
  return askedOf(world).map(({ host, method, target }) => `${host.split('.')[0]} ${method} ${target}`)
}

it('each opening is written down once, with the access itself, and default openings leave that out', async () => {
  const doctor = await world.client('person')
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  const doctors = await doctor.vault(vault.id)
  expect(namesOf((await doctors.open()).opened())).toEqual(['a'])
  expect(namesOf((await vault.open()).opened())).toEqual(['a'])
  expect(await codeOf(doctors.open({ categories: ['access-log'] }))).toBe('no-grant')
  const entries = await entriesOf()
  expect(entries.map(({ author }) => author)).toEqual([doctor, hospital].map(({ identity }) => toHex(identity.id)))
  for (const { text, access, author } of entries) {
    expect(toHex(access.reader)).toBe(author)
    expect(text.id).toBe(toHex(access.access))
    expect(text.entity[0]?.detail.filter(({ type }) => type === 'category')).toEqual([
      { type: 'category', valueString: 'summary' },
    ])
  }
  expect(entries[0]?.access.chain).toHaveLength(1)
  // To read the log is an access as well.
  expect(await entriesOf()).toHaveLength(3)
  await vault.checkHistory()
})

it('takes no round trip of its own: after the access, together with the trustees', async () => {
  const reader = await world.client(hospital.identity)
  const readers = await reader.vault(vault.id)
  const first = await targets(() => readers.open())
  const step = (wanted: string): number => first.findIndex((target) => target.includes(wanted))
  expect(step('/commits?')).toBeLessThan(step('POST /v1/releases'))
  expect(first.filter((target) => target === 'index POST /v1/commits')).toHaveLength(1)
  await vault.write([item('b')])
  const again = await targets(() => readers.open())
  expect(again.filter((target) => target.startsWith('index')).map((target) => target.replace(/\/[0-9a-f]{64}.*/, '')))
    .toEqual(['index GET /v1/vaults', 'index POST /v1/accesses', 'index POST /v1/commits'])
})

it('one capsule a day for a reader, until somebody opens the log', async () => {
  const doctor = await world.client('person')
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + 3 * DAY })
  const doctors = await doctor.vault(vault.id)
  const opened = async (): Promise<number> => {
    let capsules = 0
    world.network.seen.length = 0
    world.network.recording = true
    await doctors.open()
    world.network.recording = false
    for (const { target, body } of world.network.seen) {
      if (target === '/v1/commits') capsules += decode(CommitBatch, body!)[0]!.capsules.length
    }
    return capsules
  }
  expect([await opened(), await opened(), await opened()]).toEqual([1, 0, 0])
  await entriesOf()
  expect([await opened(), await opened()]).toEqual([1, 0])
  await world.clock.advance(DAY)
  expect([await opened(), await opened()]).toEqual([1, 0])
})

it('nothing is shown where the index takes no entry, whatever the trustees answered', async () => {
  const doctor = await world.client('person')
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  const doctors = await doctor.vault(vault.id)
  const refusal = encode(CommitAnswers, { answers: [{ problem: 'not-permitted' }] })
  const stop = world.network.add({
    host: world.index.host, target: /\/v1\/commits$/,
    effect: {
      kind: 'replace',
      handle: async () => ({ status: 200, headers: { 'content-type': 'application/cbor' }, body: refusal }),
    },
  })
  await expect(doctors.open()).rejects.toMatchObject({ code: 'entry-refused', problem: 'not-permitted' })
  stop()
  const end = world.network.add({
    host: world.index.host, target: /\/v1\/commits$/, effect: { kind: 'drop-answer' }, times: 4,
  })
  expect(['network', 'timeout']).toContain(await codeOf(doctors.open()))
  end()
  // Whose answer was lost is there all the same, and what follows it is linked to it.
  expect(namesOf((await doctors.open()).opened())).toEqual(['a'])
  expect((await entriesOf()).map(({ author }) => author)).toEqual([
    toHex(doctor.identity.id), toHex(doctor.identity.id),
  ])
  await vault.checkHistory()
})

it('goes on through an epoch that the reader did not hear of', async () => {
  const doctor = await world.client('person')
  await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  const doctors = await doctor.vault(vault.id)
  await doctors.open()
  await vault.rotate([(await vault.categories()).get('access-log')!.id])
  await doctors.open()
  expect(await entriesOf()).toHaveLength(2)
})

it('the owner opens alone and leaves no entry; who was granted does, also in the owner\'s vault', async () => {
  const patient = await world.client('person')
  const own = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  await own.write([item('x')])
  const doctor = await world.client('person')
  await own.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  await (await doctor.vault(own.id)).open({ about: { person: 'p-17' } })
  await own.open()
  const entries = await entriesOf(own)
  expect(entries.map(({ author }) => author)).toEqual([toHex(doctor.identity.id)])
  expect(await entriesOf(own)).toHaveLength(1)
  await own.checkHistory()
})

it('an attachment is an access of its own, with an entry of its own', async () => {
  const octets = new Uint8Array(1_000).fill(7)
  const sealed = await vault.sealAttachment({
    category: 'notes', handle: new Uint8Array(16).fill(1), version: 1, length: octets.length,
    source: async function* () { yield octets },
  })
  await vault.write([
    { category: 'notes', handle: sealed.handle, version: 1, content: '', contentType: 'octets', sealed },
  ])
  const chart = await vault.open()
  await chart.attachment(toHex(hospital.identity.id), toHex(sealed.record))
  expect(await entriesOf()).toHaveLength(2)
})

it('what is not about an access cannot be mixed with entries, and stays where it was', async () => {
  expect(await codeOf(vault.write([item('b'), item('c', 1, 'access-log')]))).toBe('bad-input')
  await vault.write([item('c', 1, 'access-log')])
  expect(namesOf((await vault.open()).opened())).toEqual(['a'])
})

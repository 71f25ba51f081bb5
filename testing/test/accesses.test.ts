/** Who opened what, compared in the whole constellation: each party that lies about it is named. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccessFinding, Client, PartAccesses, Vault } from '@scelle/sdk'
import { decode, decodeSigned, encode, Release, toHex } from '@scelle/seal/verify'
import { AccessList, ReleasesAnswer } from '@scelle/wire/messages'
import { type Constellation, createConstellation, type PartyHandle } from '../src/constellation.ts'
import { codeOf, DAY, item, lie } from './scene.ts'

const CATEGORIES = ['summary', 'notes', 'access-log'].map((code) => ({ code, strict: code === 'notes' }))

let world: Constellation
let hospital: Client
let doctor: Client
let vault: Vault
let doctors: Vault
let grant: Uint8Array
beforeEach(async () => {
  world = await createConstellation({ seed: 'accesses' })
  hospital = await world.client('organisation')
  vault = await hospital.createVault({ mode: 'custody', categories: CATEGORIES })
  await vault.write([item('a'), item('n', 1, 'notes')])
  doctor = await world.client('person')
  ;({ grant } = await vault.share({
    basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY,
  }))
  doctors = await doctor.vault(vault.id)
})
afterEach(() => world.close())

/** Later, when every entry has had the time to arrive. */
const compared = async (of: Vault = vault): Promise<PartAccesses> => {
  await world.clock.advance(120_000)
  return of.accesses()
}

const idOf = (client: Client): string => toHex(client.identity.id)

const named = (findings: readonly AccessFinding[]): string[] => findings.map(({ code, who }) => `${code} ${who}`)

it('honest parties agree: who, when, why, what, released by whom, with a receipt', async () => {
  await doctors.open({ about: { person: 'p-17', organisation: 'Cabinet Dupont' } })
  const { accesses, findings } = await compared()
  expect(findings).toEqual([])
  const [access, ...more] = accesses.filter(({ reader }) => reader === idOf(doctor))
  expect(more).toEqual([])
  expect(access).toMatchObject({
    purpose: 'treatment', categories: ['summary'], chain: [toHex(grant)], refusals: [],
    note: { purpose: 'treatment', categories: ['summary'] },
  })
  expect(access?.releasedBy.length).toBeGreaterThanOrEqual(2)
  const quorum = await world.network.fetch(`${world.index.url}/v1/log/quorum`)
  expect(access?.receipt !== undefined, 'a receipt wherever a quorum cosigned').toBe(quorum.status === 200)
  // To read the entries was an access as well: the index tells it at once, the trustees next time.
  const again = (await compared()).accesses
  expect(again.map(({ reader }) => reader)).toEqual([idOf(doctor), idOf(hospital), idOf(hospital)])
  expect(again.map(({ releasedBy }) => releasedBy.length >= 2)).toEqual([true, true, false])
  expect(await codeOf(doctors.accesses())).toBe('not-custodian')
})

it('an owner compares without leaving an access', async () => {
  const patient = await world.client('person')
  const own = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  await own.write([item('x')])
  await own.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
  await (await doctor.vault(own.id)).open()
  for (let again = 0; again < 2; again++) {
    const { accesses, findings } = await compared(own)
    expect(findings).toEqual([])
    expect(accesses.map(({ reader }) => reader)).toEqual([idOf(doctor)])
  }
})

describe('named is', () => {
  it('a reader whose entry never reaches the index', async () => {
    const refused = world.network.add({
      host: world.index.host, target: /\/v1\/commits$/, effect: { kind: 'refuse' },
    })
    expect(await codeOf(doctors.open())).toBe('network')
    refused()
    const { findings } = await compared()
    expect(named(findings)).toEqual([`entry-missing ${idOf(doctor)}`])
    expect(findings[0]?.releasedBy?.length).toBeGreaterThanOrEqual(2)
  })

  it('a reader that writes something else', async () => {
    const liar = await world.client(doctor.identity, {
      entryText: ({ access, purpose }) => JSON.stringify({ resourceType: 'AuditEvent', id: access, purpose }),
    })
    await (await liar.vault(vault.id)).open()
    const { findings } = await compared()
    expect(named(findings)).toEqual([`entry-garbled ${idOf(doctor)}`, `entry-missing ${idOf(doctor)}`])
  })

  it('an index that leaves an access out', async () => {
    await doctors.open()
    const stop = lie(world, /\/accesses\?/, AccessList, () => [])
    const { findings } = await compared()
    stop()
    expect(named(findings)).toEqual([`access-dropped ${toHex(world.index.id)}`])
    expect((await compared()).findings).toEqual([])
  })

  it('a trustee whose words have no charge', async () => {
    const patient = await world.client('person')
    const own = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
    await own.write([item('x')])
    await own.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + DAY })
    const [away, second, third] = world.trustees as [PartyHandle, PartyHandle, PartyHandle]
    const reached = world.network.add({ host: away.host, target: /^\/v1\/releases$/, effect: { kind: 'refuse' } })
    await (await doctor.vault(own.id)).open()
    reached()
    // What it would have kept, had it a meter that counts nothing.
    const uncharged = async (row: ReleasesAnswer['releases'][number]) => {
      const { charge: _, ...word } = decode(Release, decodeSigned('release', row.word).body)
      return { ...row, word: await second.identity.sign('release', encode(Release, word)) }
    }
    const stop = world.network.add({
      host: second.host, target: /\/v1\/released$/,
      effect: {
        kind: 'replace',
        handle: async (request, server) => {
          const answer = await server(request)
          const { releases, more } = decode(ReleasesAnswer, answer.body)
          const body = encode(ReleasesAnswer, { releases: await Promise.all(releases.map(uncharged)), more })
          return { ...answer, body }
        },
      },
    })
    const { accesses, findings, alone } = await compared(own)
    stop()
    expect(named(findings)).toEqual([`charge-missing ${toHex(second.id)}`])
    expect(accesses[0]?.releasedBy.toSorted()).toEqual([toHex(second.id), toHex(third.id)].toSorted())
    expect(alone).toEqual([])
    expect((await compared(own)).findings).toEqual([])
  })

  it('a trustee that is down, one that lists less than the others changes nothing', async () => {
    await doctors.open()
    const [first, second] = world.trustees
    await first!.kill()
    expect(named((await compared()).findings)).toEqual([`trustee-silent ${toHex(first!.id)}`])
    await first!.restart()
    const stop = world.network.add({
      host: second!.host, target: /\/v1\/released$/,
      effect: {
        kind: 'tamper',
        change: (answer) => ({ ...answer, body: new Uint8Array(answer.body.map((byte, at) => (at > 300 ? 7 : byte))) }),
      },
    })
    expect(named((await compared()).findings)).toEqual([`trustee-silent ${toHex(second!.id)}`])
    stop()
    expect((await compared()).findings).toEqual([])
  })

  it('nobody, for what was refused: it is told with the rule', async () => {
    await doctors.open()
    await vault.write([item('b')])
    const stale = await doctor.vault(vault.id)
    await vault.revoke(grant)
    expect(await codeOf(stale.open())).not.toBe('nothing was thrown')
    const { findings } = await compared()
    expect(findings).toEqual([])
  })
})

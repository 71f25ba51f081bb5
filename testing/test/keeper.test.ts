/** The keeper's right through everything: the patient ends care, the author still opens what the law makes it keep. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAccess, signConfirmation } from '@scelle/seal/grants'
import { capsuleHeaderHash, decodeCapsule, decodeSigned, toHex } from '@scelle/seal/verify'
import type { Client, Shown, Vault } from '@scelle/sdk'
import { signRequest } from '@scelle/wire/http'
import { Feed } from '@scelle/wire/messages'
import { type Constellation, createConstellation } from '../src/constellation.ts'
import { codeOf, DAY, item, lie, namesOf } from './scene.ts'

const CATEGORIES = ['summary', 'access-log'].map((code) => ({ code, strict: false }))
const YEARS = 20 * 365 * DAY

let world: Constellation
let patient: Client
let hospital: Client
let laboratory: Client
let anne: Client
let boris: Client
let vault: Vault
let shown: Shown
/** Grants of the hospital: to care, and to keep. */
let care: Uint8Array
let keeps: Uint8Array
let drawn = 0

beforeEach(async () => {
  world = await createConstellation({ seed: 'keeper' })
  patient = await world.client('person')
  vault = await patient.createVault({ mode: 'owner', categories: CATEGORIES })
  hospital = await world.client('organisation')
  laboratory = await world.client('organisation')
  anne = await world.client('person', { standing: { show: () => shown } })
  boris = await world.client('person')
  const until = world.now() + 30 * DAY
  const given = { categories: ['summary'], until }
  care = (await vault.share({ ...given, to: hospital.identity.id, rights: ['read', 'write', 'shareOn'] })).grant
  keeps = (await vault.share({
    to: hospital.identity.id, categories: ['summary'], basis: 'legal-duty', until: world.now() + YEARS,
  })).grant
  await vault.share({ ...given, to: laboratory.identity.id, rights: ['write'] })
  await (await hospital.vault(vault.id)).write([item('by the hospital')])
  await (await laboratory.vault(vault.id)).write([item('by the laboratory')])
  await (await hospital.vault(vault.id)).share({
    to: anne.identity.id, categories: ['summary'], basis: 'legal-duty', until: world.now() + DAY,
  })
  const officer = { role: 'officer', organisation: hospital.identity.id } as const
  shown = {
    statuses: await Promise.all([
      world.register.enrol({ subject: hospital.identity.id, role: 'hospital' }),
      world.register.enrol({ subject: anne.identity.id, ...officer }),
      world.register.enrol({ subject: boris.identity.id, ...officer }),
    ]),
  }
})
afterEach(() => world.close())

const confirm = async (): Promise<void> => {
  shown = {
    ...shown,
    confirmations: [await signConfirmation(boris.identity, {
      type: 'officer', reader: anne.identity.id, organisation: hospital.identity.id, vault: vault.id,
      reason: 'plainte 2026-17', duty: 'litigation',
    }, { now: world.now, random: world.random(`confirmation ${drawn++}`) })],
  }
}

const opened = async (): Promise<string[]> =>
  namesOf((await (await anne.vault(vault.id)).open({ purpose: 'legal' })).latest())

describe('after the patient ended care', () => {
  beforeEach(async () => {
    await vault.revoke(care)
  })

  it('two officers of the author open what it wrote, and nothing of anybody else; the patient sees it', async () => {
    expect(await codeOf((await hospital.vault(vault.id)).open())).toBe('no-grant')
    expect(await codeOf((await hospital.vault(vault.id)).open({ purpose: 'legal' }))).toBe('release-insufficient')
    await confirm()
    expect(await opened()).toEqual(['by the hospital'])
    await world.clock.advance(120_000)
    const { accesses } = await vault.accesses()
    expect(accesses.map(({ reader, purpose }) => [reader, purpose])).toContainEqual([toHex(anne.identity.id), 'legal'])
  })

  it('an access by hand to what another wrote is not put on record', async () => {
    const headers = new Map<string, Uint8Array>()
    const stop = lie(world, /\/feed\?/, Feed, (feed) => {
      for (const { capsule } of feed.commits.flatMap(({ capsules }) => capsules)) {
        const { header, capsule: { header: bytes } } = decodeCapsule(capsule)
        headers.set(toHex(header.writer), capsuleHeaderHash(bytes))
      }
      return feed
    })
    await (await world.client(patient.identity)).vault(vault.id).then((own) => own.checkHistory())
    stop()
    const chain = (await anne.grants())[0]!
    const all = await (await hospital.vault(vault.id)).grantsGiven()
    const given = all.find(({ id }) => toHex(id) === toHex(chain.id))!
    const ask = async (writer: Client): Promise<number> => {
      const context = { now: world.now, random: world.random(`access ${drawn++}`) }
      const { signed: body } = await createAccess({
        vault: vault.id, custodian: patient.identity.id, reader: anne.identity, purpose: 'legal',
        capsules: [headers.get(toHex(writer.identity.id))!], chain: given.ids,
      }, context)
      const url = `${world.index.url}/v1/accesses`
      const signature = await signRequest({ method: 'POST', url, body, identity: anne.identity, ...context })
      const answer = await world.network.fetch(url, {
        method: 'POST', body: body as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'application/cbor', ...signature },
      })
      return answer.status
    }
    expect([await ask(hospital), await ask(laboratory)]).toEqual([200, 404])
  })

  it('one officer alone opens nothing', async () => {
    expect(await codeOf(opened())).toBe('release-insufficient')
  })

  it('an officer opens nothing for treatment', async () => {
    await confirm()
    expect(await codeOf((await anne.vault(vault.id)).open({ purpose: 'treatment' }))).toBe('no-grant')
  })

  it('what others write later, the author is not even told of; and no new key reaches it', async () => {
    await vault.write([item('later')])
    await (await laboratory.vault(vault.id)).write([item('later result')])
    await confirm()
    const authors = new Set<string>()
    const stop = lie(world, /\/feed\?/, Feed, (feed) => {
      for (const { commit } of feed.commits) authors.add(toHex(decodeSigned('commit', commit).signer))
      return feed
    })
    expect(await opened()).toEqual(['by the hospital'])
    stop()
    expect([...authors]).toEqual([toHex(hospital.identity.id)])
    const given = await vault.grantsGiven()
    const keysOf = (id: Uint8Array) => given.find((one) => toHex(one.id) === toHex(id))?.keys?.manifestVersion
    expect(keysOf(keeps)).toBe(1)
  })
})

it('the patient cannot take it back; the author can give it up, and then nothing opens', async () => {
  expect(await codeOf(vault.revoke(keeps))).toBe('not-custodian')
  await confirm()
  expect(await opened()).toEqual(['by the hospital'])
})

/**
 * A reader together with the index: the index signs whatever position is asked for. What trustees check by themselves
 * has to hold against both.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAccess } from '@scelle/seal/grants'
import { rotateIdentity } from '@scelle/seal/identity'
import type { Client, Identity, Vault } from '@scelle/sdk'
import {
  capsuleHeaderHash, decode, encode, statementId, toHex,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { ReleaseAnswer, ReleaseRequest } from '@scelle/wire/messages'
import { seededRandom } from '../src/constellation.ts'
import { logged } from './by-hand.ts'
import { codeOf, createScene, DAY, HOUR, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
let drawn = 0
beforeEach(async () => {
  scene = await createScene('attack-collusion')
})
afterEach(() => scene.world.close())

const reader = async (categories: string[], until = scene.world.now() + DAY): Promise<Client> => {
  const client = await scene.world.client('person')
  await scene.vault.share({ basis: 'consent', to: client.identity.id, categories, until })
  return client
}

/** The release request that a client honestly makes while it opens a vault: the material to start from. */
const honest = async (client: Client, vault: Vault = scene.vault, place = 0): Promise<ReleaseRequest> => {
  const { network, trustees } = scene.world
  network.recording = true
  network.seen.length = 0
  // Two trustees are asked at random: the one looked at must be among them.
  const stop = network.add({ host: trustees[(place + 1) % 3]!.host, effect: { kind: 'refuse' } })
  await (await client.vault(vault.id)).open()
  stop()
  network.recording = false
  const sent = network.seen.findLast(({ target, host }) => target === '/v1/releases' && host === trustees[place]!.host)
  return decode(ReleaseRequest, sent!.body!)
}

/**
 * An access that an honest index would refuse, logged all the same, and cosigned as whatever else is in the log. What
 * the index says about whom it is from and why is nobody's business but its own.
 */
const collude = async (
  client: Client, request: ReleaseRequest, change: Partial<Parameters<typeof createAccess>[0]> = {},
): Promise<ReleaseRequest> => {
  const { world, vault, hospital } = scene
  const context = { now: world.now, random: seededRandom(`collude ${drawn++}`) }
  const access = await createAccess({
    vault: vault.id,
    custodian: hospital.identity.id,
    reader: client.identity,
    purpose: 'treatment',
    capsules: request.capsules.map(({ header }) => capsuleHeaderHash(header)),
    chain: request.chain.map(statementId),
    ...change,
  }, context)
  return { ...request, access: access.signed, ...await logged(scene, access.signed) }
}

const ask = async (
  identity: Identity, request: ReleaseRequest, place = 0,
): Promise<{ status: number; code?: string; detail?: string; body: Uint8Array }> => {
  const { network, now, trustees } = scene.world
  const url = `${trustees[place]!.url}/v1/releases`
  const body = encode(ReleaseRequest, request)
  const random = seededRandom(`ask ${drawn++}`)
  const headers = await signRequest({ method: 'POST', url, body, identity, now, random })
  const response = await network.fetch(url, { method: 'POST', headers: { ...headers }, body })
  const answer = new Uint8Array(await response.arrayBuffer())
  return {
    status: response.status,
    body: answer,
    ...(response.status === 200 ? {} : (JSON.parse(new TextDecoder().decode(answer)) as { code: string })),
  }
}

describe('a reader that the index helps', () => {
  it('starts from a request that trustees answer', async () => {
    await scene.vault.write([item('a')])
    const doctor = await reader(['summary'])
    expect((await ask(doctor.identity, await collude(doctor, await honest(doctor)))).status).toBe(200)
  })

  it('gets nothing with an access that is not in the log, whatever the index signs about it', async () => {
    const { vault, hospital } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'])
    const request = await honest(doctor)
    const { access } = await collude(doctor, request)
    expect(await ask(doctor.identity, { ...request, access })).toMatchObject({ status: 403, code: 'receipt-invalid' })
    const { receipt } = await logged(scene, await hospital.identity.sign('access', new Uint8Array(8)))
    expect(await ask(doctor.identity, { ...request, access, receipt }))
      .toMatchObject({ status: 403, code: 'receipt-invalid' })
  })

  it('gets nothing of a category that it was not granted, nor of another vault', async () => {
    const { hospital, vault, world } = scene
    await vault.write([item('a'), item('n', 1, 'notes')])
    const doctor = await reader(['summary'])
    const mine = await honest(doctor)
    const notes = await honest(await reader(['notes']))
    const foreign = { ...mine, capsules: notes.capsules, encapsulations: notes.encapsulations }
    expect(await ask(doctor.identity, await collude(doctor, foreign)))
      .toMatchObject({ status: 403, code: 'not-permitted' })
    const other = await hospital.createVault({ mode: 'custody', categories: [{ code: 'summary', strict: false }] })
    await other.write([item('z')])
    const nurse = await world.client('person')
    await other.share({ basis: 'consent', to: nurse.identity.id, categories: ['summary'], until: world.now() + DAY })
    const theirs = await honest(nurse, other)
    const elsewhere = { ...mine, capsules: theirs.capsules, encapsulations: theirs.encapsulations }
    expect((await ask(doctor.identity, await collude(doctor, elsewhere))).detail).toMatch(/vault-mismatch/)
    const named = { ...theirs, chain: mine.chain, keys: mine.keys }
    expect((await ask(doctor.identity, await collude(doctor, named, { vault: other.id }))).detail)
      .toMatch(/grant-chain-broken/)
  })

  it('cannot use somebody else\'s chain, somebody else\'s access, or another purpose', async () => {
    await scene.vault.write([item('a')])
    const doctor = await reader(['summary'])
    const nurse = await reader(['summary'])
    const hers = await honest(nurse)
    const his = await honest(doctor)
    const borrowed = { ...hers, keys: [...hers.keys, ...his.keys.filter((chain) => !shows(hers, chain))] }
    expect(await ask(doctor.identity, await collude(doctor, borrowed)))
      .toMatchObject({ status: 403, code: 'not-permitted' })
    expect((await ask(doctor.identity, await collude(nurse, borrowed))).detail).toMatch(/principal-mismatch/)
    expect(await ask(doctor.identity, await collude(doctor, his, { purpose: 'research' })))
      .toMatchObject({ status: 403 })
    const cut = await collude(doctor, his, { chain: [] })
    expect((await ask(doctor.identity, cut)).detail).toMatch(/release-mismatch/)
    expect(await ask(doctor.identity, await collude(doctor, { ...his, chain: [] }))).toMatchObject({ status: 403 })
  })

  it('cannot go on after its grant expired, nor date its access', async () => {
    const { world, vault } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'], world.now() + HOUR)
    const request = await honest(doctor)
    const early = await collude(doctor, request)
    await world.clock.advance(301_000)
    expect(await ask(doctor.identity, early)).toMatchObject({ status: 403, code: 'access-expired' })
    await world.clock.advance(HOUR)
    expect(await ask(doctor.identity, await collude(doctor, request))).toMatchObject({ status: 403 })
  })

  it('gets nothing where the log alone told a trustee of the revocation', async () => {
    const { world, vault } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'])
    const requests = [await honest(doctor, vault, 0), await honest(doctor, vault, 1), await honest(doctor, vault, 2)]
    const [grant] = await doctor.grants()
    const stop = world.network.add({ host: world.trustees[2]!.host, effect: { kind: 'refuse' } })
    await vault.revoke(grant!.id, { rotate: false })
    stop()
    const codes = []
    for (const [place, request] of requests.entries()) {
      codes.push((await ask(doctor.identity, await collude(doctor, request), place)).code)
    }
    expect(codes).toEqual(['grant-revoked', 'grant-revoked', 'grant-revoked'])
  })

  it('does not get an old answer again once its grant is revoked', async () => {
    const { vault } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'])
    const request = await collude(doctor, await honest(doctor))
    const first = await ask(doctor.identity, request)
    expect((await ask(doctor.identity, request)).body).toEqual(first.body)
    const [grant] = await doctor.grants()
    await vault.revoke(grant!.id, { rotate: false })
    expect((await ask(doctor.identity, request)).code).toBe('grant-revoked')
  })
})

describe('a thief of keys that were replaced since', () => {
  it('is refused by a trustee that saw the newer ones', async () => {
    const { world, vault } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'])
    const old = await honest(doctor)
    const context = { now: world.now, random: seededRandom('rotated') }
    const rotated = await world.client(await rotateIdentity(doctor.identity, context))
    expect((await ask(rotated.identity, await collude(rotated, await honest(rotated)))).status).toBe(200)
    expect((await ask(doctor.identity, await collude(doctor, old))).detail).toMatch(/key-chain-broken/)
  })
})

describe('answers of trustees', () => {
  it('are of no use to anybody else, nor for another access of the same reader', async () => {
    const { world, vault } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'])
    const kept: Uint8Array[] = []
    const stop = world.network.add({
      target: /\/v1\/releases$/,
      effect: { kind: 'tamper', change: (answer) => (kept.push(answer.body), answer) },
    })
    expect(namesOf((await (await doctor.vault(vault.id)).open()).opened())).toEqual(['a'])
    stop()
    world.network.add({
      target: /\/v1\/releases$/,
      effect: {
        kind: 'tamper',
        change: (answer) => {
          const { trustee } = decode(ReleaseAnswer, answer.body)
          const old = kept.find((body) => toHex(decode(ReleaseAnswer, body).trustee) === toHex(trustee))
          return { ...answer, body: old ?? answer.body }
        },
      },
    })
    const again = await world.client(doctor.identity)
    expect(await codeOf((await again.vault(vault.id)).open())).toBe('release-insufficient')
  })

  it('are never sealed under one secret twice, also by a trustee that was killed in between', async () => {
    const { world, vault } = scene
    await vault.write([item('a')])
    const doctor = await reader(['summary'])
    const request = await collude(doctor, await honest(doctor))
    const first = decode(ReleaseAnswer, (await ask(doctor.identity, request)).body)
    await world.trustees[0]!.restart()
    const second = decode(ReleaseAnswer, (await ask(doctor.identity, request)).body)
    expect(second).toEqual(first)
    const third = decode(ReleaseAnswer, (await ask(doctor.identity, await collude(doctor, request))).body)
    expect(toHex(third.enc)).not.toBe(toHex(first.enc))
    expect(toHex(third.sealed[0]!)).not.toBe(toHex(first.sealed[0]!))
  })
})

const shows = (request: ReleaseRequest, chain: readonly Uint8Array[]): boolean =>
  request.keys.some(([genesis]) => toHex(genesis!) === toHex(chain[0]!))

/** Relay, write, read and share-on are four rights: whoever has one of them has none of the others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGrant } from '@scelle/seal/grants'
import { encode, type Grant, RIGHTS, toHex } from '@scelle/seal/verify'
import type { Client, Right, Vault } from '@scelle/sdk'
import { signRequest } from '@scelle/wire/http'
import { NewGrant } from '@scelle/wire/messages'
import { seededRandom } from '../src/constellation.ts'
import { accessTo, capsulesOf } from './by-hand.ts'
import { codeOf, createScene, DAY, HOUR, item, namesOf, type Scene } from './scene.ts'

let scene: Scene
let drawn = 0
beforeEach(async () => {
  scene = await createScene('rights apart')
  await scene.vault.write([item('a')])
})
afterEach(() => scene.world.close())

const holderOf = async (...rights: Right[]): Promise<{ who: Client; vault: Vault; grant: Uint8Array }> => {
  const who = await scene.world.client('person')
  const { grant } = await scene.vault.share({
    basis: 'consent', to: who.identity.id, categories: ['summary'], rights, until: scene.world.now() + DAY, depth: 1,
  })
  return { who, vault: await who.vault(scene.vault.id), grant }
}

/** What the index says of somebody's feed, asked by hand. */
const feedOf = async (who: Client): Promise<number> => {
  const { world, vault, hospital } = scene
  const url = `${world.index.url}/v1/vaults/${toHex(vault.id)}/feed?custodian=${toHex(hospital.identity.id)}`
  const random = seededRandom(`feed ${drawn++}`)
  const headers = await signRequest({ method: 'GET', url, identity: who.identity, now: world.now, random })
  return (await world.network.fetch(url, { headers })).status
}

/** A child grant by hand, whatever the client thinks of it; the index's answer. */
const sharesOn = async (who: Client, parent: Uint8Array): Promise<string> => {
  const { world, vault, hospital } = scene
  const other = await world.client('person')
  const category = (await vault.categories()).get('summary')!
  const now = Math.floor(world.now() / 1000)
  const grant: Omit<Grant, 'suite' | 'salt'> = {
    vault: vault.id, custodian: hospital.identity.id, grantee: other.identity.id, parent, categories: [category.id],
    rights: RIGHTS.read, purposes: ['treatment'], basis: 'consent', notBefore: now, expires: now + HOUR / 1000,
    depth: 0,
  }
  const context = { now: world.now, random: seededRandom(`child ${drawn++}`) }
  const secrets = [{ category: category.id, code: 'summary', epoch: category.epoch, secret: new Uint8Array(32) }]
  const made = await createGrant({
    signer: who.identity, grantee: other.identity.keys, secrets, manifestVersion: 1, grant,
  }, context)
  const body = encode(NewGrant, { grant: made.grantSigned, keys: made.keysSigned })
  const url = `${world.index.url}/v1/grants`
  const headers = await signRequest({ method: 'POST', url, body, identity: who.identity, ...context })
  const answer = await world.network.fetch(url, {
    method: 'POST', body, headers: { 'content-type': 'application/cbor', ...headers },
  })
  return answer.ok ? 'given' : ((await answer.json()) as { detail: string }).detail
}

/** What becomes of an attempt at each: by the client, then at the index, which believes no client. */
const tried = async ({ who, vault, grant }: Awaited<ReturnType<typeof holderOf>>) => ({
  sees: (await feedOf(who)) === 200,
  opens: (await vault.open().then((chart) => namesOf(chart.opened()), () => [])).length > 0,
  isLogged: (await accessTo(scene, who, await capsulesOf(scene))).status === 200,
  writes: (await vault.write([item(`by ${drawn++}`)]).then(() => true, () => false)),
  sharesOn: (await sharesOn(who, grant)) === 'given',
})

describe('alone', () => {
  it.each<[Right, Awaited<ReturnType<typeof tried>>]>([
    ['relay', { sees: true, opens: false, isLogged: false, writes: false, sharesOn: false }],
    ['write', { sees: false, opens: false, isLogged: false, writes: true, sharesOn: false }],
    ['read', { sees: true, opens: true, isLogged: true, writes: false, sharesOn: false }],
    // It has nothing that it could give on.
    ['shareOn', { sees: false, opens: false, isLogged: false, writes: false, sharesOn: false }],
  ])('%s gives that, and nothing else', async (right, expected) => {
    expect(await tried(await holderOf(right))).toEqual(expected)
  })

  it('relay delivers ciphertext and no key: its grant holds no secret', async () => {
    const { who, vault } = await holderOf('relay')
    expect([...(await vault.categories()).values()].map(({ readable }) => readable)).toEqual([false])
    expect(await codeOf(vault.open())).toBe('no-grant')
    expect(who.identity.id).toHaveLength(32)
  })
})

it('read and share-on together give reading on, and not writing', async () => {
  const { who, grant } = await holderOf('read', 'shareOn')
  expect(await sharesOn(who, grant)).toBe('given')
  const { who: reader, grant: closed } = await holderOf('read')
  expect(await sharesOn(reader, closed)).toContain('link 1 is wider than link 0: its parent may not be shared on')
})

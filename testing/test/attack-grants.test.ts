/** Grants as weapons: a broken one must not hide the others, and a broken grantee must not stop a revocation. */
import { describe, expect, it } from 'vitest'
import { encode, KeyRecord, statementId } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { GrantList } from '@scelle/wire/messages'
import { seededRandom } from '../src/constellation.ts'
import { createScene, HOUR, item, lie, namesOf } from './scene.ts'

describe('a grant whose keys are garbage', () => {
  it('does not hide the grants of others', async () => {
    const { world, vault } = await createScene('garbage')
    const stranger = await world.client('person')
    const hostile = await stranger.createVault({ mode: 'owner', categories: [{ code: 'summary', strict: false }] })
    const reader = await world.client('person')
    const until = world.now() + HOUR
    const { grant } = await vault.share({
      basis: 'consent', to: reader.identity.id, categories: ['summary'], rights: ['read'], until,
    })
    await hostile.share({ basis: 'consent', to: reader.identity.id, categories: ['summary'], rights: ['read'], until })
    expect(await reader.grants()).toHaveLength(2)
    const stop = lie(world, /\/v1\/grants$/, GrantList, (grants) => {
      const good = grants.find(({ chain }) => statementId(chain[0] as Uint8Array).join() === grant.join())
      return grants.map((one) => (one === good || good?.keys === undefined ? one : { ...one, keys: good.keys }))
    })
    expect((await reader.grants()).map(({ id }) => id.join())).toEqual([grant.join()])
    stop()
  })
})

describe('a grantee that registers a key nobody can seal to', () => {
  it('loses its own renewal and stops nobody else\'s', async () => {
    const { world, vault, hospital } = await createScene('malformed key')
    const until = world.now() + HOUR
    const share = async (to: Uint8Array) =>
      vault.share({ basis: 'consent', to, categories: ['summary'], rights: ['read'], until }).then(({ grant }) => grant)
    const broken = await world.client('person')
    const good = await world.client('person')
    const leaver = await world.client('person')
    await share(broken.identity.id)
    await share(good.identity.id)
    const revoked = await share(leaver.identity.id)

    const { identity } = broken
    const body = encode(KeyRecord, {
      ...identity.keys.current,
      version: 1,
      previous: statementId(identity.chain[0] as Uint8Array),
      sealingKey: new Uint8Array(1_216).fill(0xff),
    })
    const record = await identity.sign('key-record', body)
    const url = `${world.index.url}/v1/principals`
    const signature = await signRequest({
      method: 'POST', url, body: record, identity, now: world.now, random: seededRandom('malformed'),
    })
    const answer = await world.network.fetch(url, {
      method: 'POST',
      body: record as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': 'application/cbor', ...signature },
    })
    expect(answer.status).toBe(200)

    const custodian = await (await world.client(hospital.identity)).vault(vault.id)
    await custodian.revoke(revoked)
    await custodian.write([item('after')])
    expect(namesOf((await (await good.vault(vault.id)).open()).opened())).toEqual(['after'])
  })
})

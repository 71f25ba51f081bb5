/** Strangers and eavesdroppers at the doors of index and trustees: requests replayed, moved, changed, doubled. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rotateIdentity } from '@scelle/seal/identity'
import { createRevocation } from '@scelle/seal/grants'
import { encode, KeyRecord, sha256, Signed, signatureInput, statementId, toHex } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { CommitBatch } from '@scelle/wire/messages'
import type { Identity } from '@scelle/sdk'
import { type NetworkRequest, seededRandom } from '../src/constellation.ts'
import { createScene, HOUR, item, type Scene } from './scene.ts'

let scene: Scene
let drawn = 0
beforeEach(async () => {
  scene = await createScene('attack-requests')
})
afterEach(() => scene.world.close())

interface Refused {
  readonly status: number
  readonly code: string | undefined
}

const answerOf = async (response: Response): Promise<Refused> => {
  const text = response.status < 300 ? '{}' : await response.text()
  return { status: response.status, code: (JSON.parse(text) as { code?: string }).code }
}

const send = async (
  method: string, url: string, headers: Record<string, string>, body?: Uint8Array,
): Promise<Refused> =>
  answerOf(await scene.world.network.fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/cbor', ...headers },
    ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
  }))

const signed = async (identity: Identity, method: string, url: string, body?: Uint8Array): Promise<Refused> => {
  const random = seededRandom(`request ${drawn++}`)
  return send(method, url, await signRequest({ method, url, body, identity, now: scene.world.now, random }), body)
}

/** What somebody on the wire recorded of a write. */
const recordedCommit = async (): Promise<NetworkRequest> => {
  const { world, vault } = scene
  world.network.recording = true
  await vault.write([item('a')])
  world.network.recording = false
  return world.network.seen.findLast(({ target }) => target === '/v1/commits') as NetworkRequest
}

const again = (request: NetworkRequest, change: Partial<NetworkRequest> = {}): Promise<Refused> => {
  const { host, method, target, headers, body } = { ...request, ...change }
  return send(method, `http://${host}${target}`, { ...headers }, body)
}

describe('a recorded request', () => {
  it('is good once', async () => {
    expect(await again(await recordedCommit())).toEqual({ status: 401, code: 'signature-replayed' })
  })

  it('is good nowhere else, under no other method, target, body or name', async () => {
    const { world } = scene
    const request = await recordedCommit()
    const [trustee] = world.trustees
    expect(await again(request, { host: trustee!.host, target: '/v1/releases' }))
      .not.toMatchObject({ status: 200 })
    const body = request.body!.map((byte, i) => (i === request.body!.length - 1 ? byte ^ 1 : byte))
    expect(await again(request, { method: 'PUT', target: `/v1/blobs/${toHex(sha256(body))}` }))
      .toEqual({ status: 401, code: 'signature-invalid' })
    expect(await again(request, { target: '/v1/grants' })).toEqual({ status: 401, code: 'signature-invalid' })
    expect(await again(request, { target: '/v1/commits?' })).toEqual({ status: 401, code: 'signature-replayed' })
    expect(await again(request, { target: '/v1/commits?x=1' })).toEqual({ status: 401, code: 'signature-invalid' })
    expect(await again(request, { headers: { ...request.headers, 'x-forwarded-host': 'other.test' } }))
      .toEqual({ status: 401, code: 'signature-replayed' })
  })

  it('whose body was changed with its digest does not pass, fresh or not', async () => {
    const { world, hospital } = scene
    const url = `${world.index.url}/v1/commits`
    const body = encode(CommitBatch, [])
    const random = seededRandom('changed')
    const { identity } = hospital
    const headers = await signRequest({ method: 'POST', url, body, identity, now: world.now, random })
    const other = Uint8Array.of(0x80, 0x80)
    expect(await send('POST', url, { ...headers }, other)).toEqual({ status: 400, code: 'digest-mismatch' })
    const digest = `sha-256=:${Buffer.from(sha256(other)).toString('base64')}:`
    expect(await send('POST', url, { ...headers, 'content-digest': digest }, other))
      .toEqual({ status: 401, code: 'signature-invalid' })
  })

  it('is worth nothing after the server was started again', async () => {
    const { world } = scene
    const request = await recordedCommit()
    await world.clock.advance(5_000)
    await world.index.restart()
    expect(await again(request)).toEqual({ status: 401, code: 'signature-expired' })
  })
})

describe('a stranger', () => {
  it('gets nowhere without a signature, or with a doubled or a second one', async () => {
    const { world, hospital } = scene
    const url = `${world.index.url}/v1/grants`
    expect(await send('GET', url, {})).toEqual({ status: 401, code: 'signature-missing' })
    const sign = () => signRequest({
      method: 'GET', url, identity: hospital.identity, now: world.now, random: seededRandom(`double ${drawn++}`),
    })
    const one = await sign()
    const two = await sign()
    const joined = {
      'signature-input': `${one['signature-input']}, ${two['signature-input']}`,
      signature: `${one.signature}, ${two.signature}`,
    }
    expect(await send('GET', url, joined)).toEqual({ status: 401, code: 'signature-invalid' })
    const without = one['signature-input'].replace('"@authority" ', '')
    expect(await send('GET', url, { ...one, 'signature-input': without }))
      .toEqual({ status: 401, code: 'signature-invalid' })
    expect(await send('GET', url, one)).toMatchObject({ status: 200 })
  })

  it('learns of a vault only that it is not there for it, and changes nothing in it', async () => {
    const { world, vault, hospital } = scene
    await vault.write([item('a')])
    const doctor = await world.client('person')
    const { grant } = await vault.share({
      basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + HOUR,
    })
    const { identity } = await world.client('person')
    const at = `${world.index.url}/v1/vaults/${toHex(vault.id)}`
    const feed = `${at}/feed?custodian=${toHex(hospital.identity.id)}`
    const absent = `${world.index.url}/v1/vaults/${'00'.repeat(32)}`
    for (const url of [at, feed, `${at}/commits?custodian=${toHex(hospital.identity.id)}`, absent]) {
      expect(await signed(identity, 'GET', url)).toEqual({ status: 404, code: 'not-found' })
    }
    const context = { now: world.now, random: seededRandom('stranger') }
    const revocation = await createRevocation({ vault: vault.id, grant, signer: identity }, context)
    expect(await signed(identity, 'POST', `${world.index.url}/v1/revocations`, revocation.signed))
      .toMatchObject({ status: 403 })
    expect((await doctor.grants()).map(({ id }) => toHex(id))).toEqual([toHex(grant)])
  })

  it('cannot say a parameter twice, or one that the route does not know', async () => {
    const { world, vault, hospital } = scene
    const custodian = toHex(hospital.identity.id)
    const at = `${world.index.url}/v1/vaults/${toHex(vault.id)}/feed`
    for (const query of [
      `custodian=${custodian}&custodian=${'00'.repeat(32)}`, `custodian=${custodian}&custodian[]=${custodian}`,
      `custodian=${custodian.toUpperCase()}`, `custodian=${custodian}&limit=0x10`, `custodian=${custodian}&__proto__=1`,
    ]) {
      expect(await signed(hospital.identity, 'GET', `${at}?${query}`)).toEqual({ status: 400, code: 'bad-request' })
    }
  })

  it('cannot put its key into somebody else\'s chain', async () => {
    const { world, hospital } = scene
    const { identity: mallory } = await world.client('organisation')
    const context = { now: world.now, random: seededRandom('look-alike') }
    const url = `${world.index.url}/v1/principals`
    const own = await rotateIdentity(mallory, context)
    const record = own.chain[1] as Uint8Array
    const asHospital: Identity = { ...mallory, id: hospital.identity.id }
    // Mallory's own successor, sent under the hospital's name; then one that follows the hospital's genesis.
    expect(await signed(asHospital, 'POST', url, record)).toMatchObject({ status: 403, code: 'not-permitted' })
    const body = encode(KeyRecord, { ...own.keys.current, previous: statementId(hospital.identity.chain[0]!) })
    const signature = await mallory.signRaw(signatureInput('key-record', hospital.identity.id, 0, body))
    const signer = hospital.identity.id
    const forged = encode(Signed, { kind: 'key-record', body, signer, keyVersion: 0, signature })
    expect(await signed(asHospital, 'POST', url, forged)).toEqual({ status: 400, code: 'bad-statement' })
    expect((await (await world.client('person')).principal(signer)).records).toHaveLength(1)
  })
})

import { beforeAll, describe, expect, test } from 'vitest'
import { type OpenCapsule, openRelease, ownerRelease } from '@scelle/seal/envelope'
import type { MadeGrant } from '@scelle/seal/grants'
import { decode, encode, toHex } from '@scelle/seal/verify'
import { KeyChain, Self } from '@scelle/wire/messages'
import { askRelease, withReceipt } from './logged.ts'
import {
  answerIn, grantsToDoctor, grantTo, makeCapsule, makeWorld, post, prepare, type Prepared, startTrustee, type World,
} from './world.ts'

let world: World
let capsules: OpenCapsule[]
let chain: [MadeGrant, MadeGrant]

beforeAll(async () => {
  world = await makeWorld('release')
  capsules = [await makeCapsule(world), await makeCapsule(world, 1), await makeCapsule(world)]
  chain = await grantsToDoctor(world)
})

const opened = async (prepared: Prepared, which: readonly number[], to: readonly Prepared[]) => {
  const answers = []
  for (const [i, index] of which.entries()) {
    const outcome = await askRelease(world, startTrustee(world, index), (to[i] as Prepared).request)
    expect([outcome.status, outcome.detail]).toEqual([200, ''])
    answers.push(answerIn(outcome))
  }
  const { access } = prepared
  return openRelease({
    answers, accessId: access.id, oneTimeSecret: access.oneTimeSecret, genesis: world.vault.genesis,
    headers: capsules.map(({ headerBytes }) => headerBytes),
  })
}

describe('a release', () => {
  test.each([[0, 1], [2, 0], [1, 2]])('trustees %i and %i together give what the access names', async (a, b) => {
    const prepared = await prepare(world, { capsules, chain, to: a })
    const other = await prepare(world, { capsules, chain, to: b, access: prepared.access })
    const result = await opened(prepared, [a, b], [prepared, other])
    expect(result.refused).toEqual([])
    expect([...result.releases.keys()]).toEqual(capsules.map(({ headerHash }) => toHex(headerHash)))
  })

  test('the custodian itself needs no grant, a grantee without a child grant its own only', async () => {
    const own = await prepare(world, { capsules, reader: world.hospital })
    expect((await askRelease(world, startTrustee(world), own.request, world.hospital)).status).toBe(200)
    const direct = await prepare(world, { capsules, chain: [chain[0]], reader: world.practice })
    expect((await askRelease(world, startTrustee(world), direct.request, world.practice)).status).toBe(200)
  })

  test('one trustee alone gives nothing that opens', async () => {
    const prepared = await prepare(world, { capsules, chain })
    await expect(opened(prepared, [0], [prepared])).rejects.toMatchObject({ code: 'shares-insufficient' })
  })

  test('the answer opens under the one-time key of its access only', async () => {
    const prepared = await prepare(world, { capsules, chain })
    const another = await prepare(world, { capsules, chain })
    const answer = answerIn(await askRelease(world, startTrustee(world), prepared.request))
    const from = {
      answers: [answer], accessId: prepared.access.id, oneTimeSecret: another.access.oneTimeSecret,
      headers: capsules.map(({ headerBytes }) => headerBytes), genesis: world.vault.genesis,
    }
    await expect(openRelease(from)).rejects.toMatchObject({ code: 'share-invalid' })
  })

  test('in custody nobody opens beside the trustees', async () => {
    const [capsule] = capsules as [OpenCapsule]
    await expect(ownerRelease(capsule.capsuleBytes, world.hospital, (id) => world.courier.bytesOf(id)))
      .rejects.toMatchObject({ code: 'seal-invalid' })
  })
})

describe('repeats', () => {
  test('the same access gets the same bytes, in sequence and at once', async () => {
    const running = startTrustee(world)
    const request = await withReceipt(world, running, (await prepare(world, { capsules, chain })).request)
    const both = await Promise.all([askRelease(world, running, request), askRelease(world, running, request)])
    const third = await askRelease(world, running, request)
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    expect(toHex(both[1].bytes)).toBe(toHex(both[0].bytes))
    expect(toHex(third.bytes)).toBe(toHex(both[0].bytes))
  })

  test('another access under the same id is refused', async () => {
    const running = startTrustee(world)
    const first = await prepare(world, { capsules, chain })
    expect((await askRelease(world, running, first.request)).status).toBe(200)
    const random = world.clock.random
    const again = await prepare({ ...world, clock: {
      ...world.clock, random: (length) => (length === 16 ? first.access.access.access : random(length)),
    } }, { capsules: capsules.slice(0, 1), chain })
    const outcome = await askRelease(world, running, again.request)
    expect([outcome.status, outcome.code]).toEqual([409, 'already-exists'])
  })

  test('but not another reader\'s under it', async () => {
    const running = startTrustee(world)
    const first = await prepare(world, { capsules, chain })
    expect((await askRelease(world, running, first.request)).status).toBe(200)
    const other = await prepare({ ...world, clock: { ...world.clock, random: (length) =>
      (length === 16 ? first.access.access.access : world.clock.random(length)) } },
    { capsules, chain: [chain[0]], reader: world.practice })
    expect((await askRelease(world, running, other.request, world.practice)).status).toBe(200)
  })

  test('a repeat passes the same checks: not once the access is old', async () => {
    const local = await makeWorld('old-repeat')
    const running = startTrustee(local)
    const capsule = await makeCapsule(local)
    const { request } = await prepare(local, { capsules: [capsule], reader: local.hospital })
    expect((await askRelease(local, running, request, local.hospital)).status).toBe(200)
    local.clock.move(301)
    expect((await askRelease(local, running, request, local.hospital)).code).toBe('access-expired')
  })

  test('answers too old to be repeated are dropped, the record that they were given is not', async () => {
    const local = await makeWorld('dropped')
    const running = startTrustee(local)
    const capsule = await makeCapsule(local)
    const ask = async () => {
      const prepared = await prepare(local, { capsules: [capsule], reader: local.hospital })
      expect((await askRelease(local, running, prepared.request, local.hospital)).status).toBe(200)
      return { reader: local.hospital.id, access: prepared.access.access.access, statement: prepared.access.id }
    }
    const first = await ask()
    expect(running.store.answerTo(first)).toBeDefined()
    local.clock.move(400)
    const second = await ask()
    expect(running.store.answerTo(first)).toBeUndefined()
    expect(running.store.answerTo(second)).toBeDefined()
    expect(() => running.store.answerTo({ ...first, statement: second.statement })).toThrow(/another access/)
  })
})

describe('the server', () => {
  test('says who it is, and that it is ready', async () => {
    const { trustee, store } = startTrustee(world, 1)
    const self = decode(Self, new Uint8Array((await trustee.inject('/v1/self')).rawPayload))
    expect([self.role, self.keys]).toEqual(['trustee', [...(world.trustees[1] as World['index']).chain]])
    expect((await trustee.inject('/readyz')).statusCode).toBe(200)
    store.close()
    expect((await trustee.inject('/readyz')).statusCode).toBe(503)
  })

  test.each([
    ['no CBOR', Uint8Array.of(0xff, 0x00)], ['another message', encode(KeyChain, [])], ['nothing', new Uint8Array()],
  ])('malformed body: %s', async (_, body) => {
    const outcome = await post(world, startTrustee(world), '/v1/releases', body, world.doctor)
    expect([outcome.status, outcome.code]).toEqual([400, 'bad-encoding'])
  })

  test('an oversize body', async () => {
    const outcome = await post(world, startTrustee(world), '/v1/releases', new Uint8Array(4_194_305), world.doctor)
    expect([outcome.status, outcome.code]).toEqual([413, 'too-large'])
  })

  test('logs say nothing of whom or what', async () => {
    const running = startTrustee(world)
    const prepared = await prepare(world, { capsules, chain })
    const request = await withReceipt(world, running, prepared.request)
    running.lines.length = 0
    await askRelease(world, running, request)
    await askRelease(world, running, { ...request, genesis: Uint8Array.of(0) })
    const text = running.lines.join('')
    expect(running.lines).toHaveLength(2)
    const { id: access, access: { access: name } } = prepared.access
    for (const id of [world.doctor.id, world.vault.vault, access, name, chain[0].id]) {
      expect(text).not.toContain(toHex(id).slice(0, 12))
    }
    expect(JSON.parse(running.lines[1] as string)).toMatchObject({
      event: 'request', route: '/v1/releases', status: 400, code: 'bad-encoding',
    })
  })

  test('grants are checked at the time of use', async () => {
    const local = await makeWorld('expiry')
    const capsule = await makeCapsule(local)
    const grant = await grantTo(local, local.doctor, { expires: local.clock.now() / 1000 + 10 })
    const good = await prepare(local, { capsules: [capsule], chain: [grant] })
    expect((await askRelease(local, startTrustee(local), good.request)).status).toBe(200)
    local.clock.move(10)
    const late = await prepare(local, { capsules: [capsule], chain: [grant] })
    const outcome = await askRelease(local, startTrustee(local), late.request)
    expect([outcome.code, outcome.detail]).toEqual(['not-permitted', expect.stringContaining('grant-expired')])
  })
})

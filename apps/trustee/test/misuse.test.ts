/** Every check of a release, each broken by itself: by a reader, an index, a writer or somebody in between. */
import { beforeAll, describe, expect, test } from 'vitest'
import { Courier, type OpenCapsule } from '@scelle/seal/envelope'
import { createAccess, type MadeGrant } from '@scelle/seal/grants'
import { type Identity, rotateIdentity } from '@scelle/seal/identity'
import { createVault } from '@scelle/seal/keys'
import {
  CapsuleHeader, capsuleHeaderHash, type CategoryEntry, encode, RIGHTS, VaultGenesis,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { ReleaseRequest } from '@scelle/wire/messages'
import { askRelease, withReceipt } from './logged.ts'
import {
  grantsToDoctor, grantTo, makeCapsule, makeWorld, type Outcome, prepare, type Prepared, startTrustee, type World,
} from './world.ts'

let world: World
let capsule: OpenCapsule
let other: OpenCapsule
let chain: [MadeGrant, MadeGrant]
let good: Prepared

beforeAll(async () => {
  world = await makeWorld('misuse')
  capsule = await makeCapsule(world)
  other = await makeCapsule(world)
  chain = await grantsToDoctor(world)
  good = await prepare(world, { capsules: [capsule], chain })
})

const ask = (request: ReleaseRequest, signer = world.doctor, which = 0): Promise<Outcome> =>
  askRelease(world, startTrustee(world, which), request, signer)

/** The unbroken request is released, so that each refusal below is due to what was broken. */
const broken = async (
  change: Partial<ReleaseRequest>, { signer = world.doctor, which = 0 } = {},
): Promise<Outcome> => {
  expect((await ask(good.request)).status).toBe(200)
  return ask({ ...good.request, ...change }, signer, which)
}

const refusal = (code: string, detail: RegExp): unknown =>
  expect.objectContaining({ code, detail: expect.stringMatching(detail) })

const itemOf = (request: ReleaseRequest) => request.capsules[0] as ReleaseRequest['capsules'][number]

interface Recorded { grants?: readonly MadeGrant[]; reader?: Identity; custodian?: Identity; late?: number }

/** An access on record that names these capsules, whatever they are. */
const onRecord = async (
  capsules: readonly Uint8Array[],
  { grants, reader = world.doctor, custodian = world.hospital, late = 0 }: Recorded = {},
): Promise<{ access: Uint8Array }> => {
  const { signed } = await createAccess({
    vault: world.vault.vault, custodian: custodian.id, reader, purpose: 'treatment', capsules,
    chain: (grants ?? chain).map((grant) => grant.id),
  }, { ...world.clock, now: () => world.clock.now() + late * 1000 })
  return { access: signed }
}

describe('shares', () => {
  test('a share of another capsule does not open under this header', async () => {
    const { request } = await prepare(world, { capsules: [other], chain })
    const capsules = [{ ...itemOf(good.request), share: itemOf(request).share }]
    expect(await broken({ capsules })).toEqual(refusal('bad-statement', /^seal-invalid: capsule 0/))
  })

  test('a capsule moved to another vault, its share with it', async () => {
    const { request } = good
    const header = encode(CapsuleHeader, { ...capsule.header, vault: new Uint8Array(32).fill(7) })
    const outcome = await broken({ capsules: [{ ...itemOf(request), header }] })
    expect(outcome).toEqual(refusal('bad-statement', /^release-mismatch: capsule 0/))
    // Even when the access names the changed header, and the index puts that on record.
    const change = { ...await onRecord([capsuleHeaderHash(header)]), capsules: [{ ...itemOf(request), header }] }
    expect(await broken(change)).toEqual(refusal('bad-statement', /^vault-mismatch: capsule 0/))
  })

  test('a header whose category was changed to a granted one does not open the share', async () => {
    const notes = await makeCapsule(world, 1)
    const grant = await grantTo(world, world.doctor, { categories: [(world.categories[0] as CategoryEntry).category] })
    const { request } = await prepare(world, { capsules: [notes], chain: [grant] })
    const category = (world.categories[0] as CategoryEntry).category
    const header = encode(CapsuleHeader, { ...notes.header, category })
    const outcome = await ask({
      ...request, ...await onRecord([capsuleHeaderHash(header)], { grants: [grant] }),
      capsules: [{ header, share: itemOf(request).share }],
    })
    expect([outcome.code, outcome.detail]).toEqual(['bad-statement', expect.stringMatching(/^seal-invalid: capsule 0/)])
  })

  test('a share that the writer did not commit to', async () => {
    const headerBytes = encode(CapsuleHeader, {
      ...capsule.header, shareCommitments: [new Uint8Array(32), new Uint8Array(32), new Uint8Array(32)],
    })
    const headerHash = capsuleHeaderHash(headerBytes)
    const { keys } = world.trustees[0] as Identity
    const share = await world.courier.sealTo(keys, 'share', headerHash, new Uint8Array(33))
    const outcome = await broken({ ...await onRecord([headerHash]), capsules: [{ header: headerBytes, share }] })
    expect(outcome).toEqual(refusal('bad-statement', /^share-invalid: capsule 0/))
  })

  test('an encapsulation that is missing, or made to another trustee', async () => {
    expect(await broken({ encapsulations: [] })).toEqual(refusal('bad-statement', /^capsule-mismatch: capsule 0/))
    const { request } = await prepare(world, { capsules: [capsule], chain, to: 1 })
    const outcome = await broken({ capsules: request.capsules, encapsulations: request.encapsulations })
    expect(outcome).toEqual(refusal('bad-statement', /^principal-mismatch: capsule 0/))
  })

  test('an encapsulation by another writer than the capsule\'s', async () => {
    const courier = new Courier(world.stranger.id, world.clock)
    const { keys } = world.trustees[0] as Identity
    const share = await courier.sealTo(keys, 'share', capsule.headerHash, new Uint8Array(33))
    const outcome = await broken({
      capsules: [{ header: capsule.headerBytes, share }],
      encapsulations: [courier.bytesOf(share.encapsulation) as Uint8Array],
    })
    expect(outcome).toEqual(refusal('bad-statement', /^capsule-mismatch: capsule 0/))
  })
})

describe('what the access names', () => {
  test('a capsule beside the ones named, fewer, or in another order', async () => {
    const both = await prepare(world, { capsules: [capsule, other], chain })
    expect((await ask(both.request)).status).toBe(200)
    type Shown = ReleaseRequest['capsules'][number]
    const [first, second] = both.request.capsules as [Shown, Shown]
    expect(await broken({ capsules: [first, second] })).toEqual(refusal('bad-statement', /^release-mismatch/))
    expect(await broken({ capsules: [second] })).toEqual(refusal('bad-statement', /^release-mismatch: capsule 0/))
    const swapped = await ask({ ...both.request, capsules: [second, first] })
    expect(swapped.detail).toMatch(/^release-mismatch: capsule 0/)
    expect((await ask({ ...both.request, capsules: [first] })).detail).toMatch(/^release-mismatch: the request shows/)
  })

  test('an access that is too old, or from the future', async () => {
    for (const [offset, code] of [[-301, 'access-expired'], [-300, undefined], [61, 'access-expired']] as const) {
      const change = await onRecord([capsule.headerHash], { late: offset })
      expect((await ask({ ...good.request, ...change })).code).toBe(code)
    }
  })

  test('another chain than the one on record', async () => {
    const direct = await grantTo(world, world.doctor)
    expect(await broken({ chain: [direct.grantSigned] })).toEqual(refusal('bad-statement', /^release-mismatch/))
  })
})

describe('who asks', () => {
  test('somebody else, with the reader\'s whole request and its own keys', async () => {
    const keys = [...good.request.keys, [...world.stranger.chain]]
    const outcome = await broken({ keys }, { signer: world.stranger })
    expect(outcome).toEqual(refusal('bad-statement', /^principal-mismatch/))
    expect(await broken({}, { signer: world.stranger })).toEqual(refusal('principal-unknown', /signer's key chain/))
  })

  test('the same HTTP request again, as recorded on the way', async () => {
    const running = startTrustee(world)
    const body = encode(ReleaseRequest, await withReceipt(world, running, good.request))
    const url = 'http://localhost/v1/releases'
    const headers = await signRequest({
      method: 'POST', url, body, identity: world.doctor, now: world.clock.now, random: world.clock.random,
    })
    const send = async () => (await running.trustee.inject({
      method: 'POST', url: '/v1/releases', headers: { ...headers }, payload: Buffer.from(body),
    })).statusCode
    expect([await send(), await send()]).toEqual([200, 401])
  })

  test('with keys that were replaced since', async () => {
    const running = startTrustee(world)
    const doctor = await rotateIdentity(world.doctor, world.clock)
    const renewed = await prepare(world, { capsules: [capsule], chain, reader: doctor })
    expect((await askRelease(world, running, renewed.request, doctor)).status).toBe(200)
    const stolen = await askRelease(world, running, good.request)
    expect([stolen.code, stolen.detail]).toEqual(['bad-statement', expect.stringContaining('newer keys')])
    const thief = await rotateIdentity(world.doctor, world.clock)
    const forked = await prepare(world, { capsules: [capsule], chain, reader: thief })
    const outcome = await askRelease(world, running, forked.request, thief)
    expect([outcome.code, outcome.detail]).toEqual(['bad-statement', expect.stringContaining('forked')])
  })

  test('with one principal\'s keys twice', async () => {
    const twice = [...good.request.keys, good.request.keys[0] as Uint8Array[]]
    expect(await broken({ keys: twice })).toEqual(refusal('bad-statement', /shown twice/))
  })
})

describe('the vault', () => {
  test('a trustee at another index, or none of this vault\'s', async () => {
    expect(await broken({}, { which: 1 })).toEqual(refusal('bad-statement', /^principal-mismatch: capsule 0/))
    const elsewhere = await makeWorld('other-trustees')
    const others = startTrustee({ ...elsewhere, index: world.index, clock: world.clock })
    const outcome = await askRelease(world, others, good.request)
    expect([outcome.code, outcome.detail]).toEqual(['bad-statement', expect.stringMatching(/^vault-mismatch/)])
  })

  test('another vault\'s genesis, in which the same trustees stand in another order', async () => {
    const trustees = world.trustees.map(({ id }) => id).toReversed()
    const { hospital: controller, clock } = world
    const second = await createVault({ mode: 'custody', controller, trustees, categories: [] }, clock)
    expect(await broken({ genesis: second.genesisSigned })).toEqual(refusal('bad-statement', /^vault-mismatch/))
  })

  test('a genesis signed by somebody else than the controller it names', async () => {
    const genesis = await world.stranger.sign('vault-genesis', encode(VaultGenesis, world.vault.genesis))
    const keys = [...good.request.keys, [...world.stranger.chain]]
    expect(await broken({ genesis, keys })).toEqual(refusal('bad-statement', /^principal-mismatch/))
  })

  test('a custodian that the vault does not allow', async () => {
    const change = await onRecord([capsule.headerHash], { custodian: world.doctor, grants: [] })
    expect(await broken({ ...change, chain: [] })).toEqual(refusal('bad-statement', /^manifest-invalid/))
  })

  test('another custodian of the same vault, over the hospital\'s capsule', async () => {
    const { practice } = world
    const change = await onRecord([capsule.headerHash], { custodian: practice, reader: practice, grants: [] })
    const outcome = await broken({ ...change, chain: [] }, { signer: world.practice })
    expect(outcome).toEqual(refusal('bad-statement', /^vault-mismatch: capsule 0/))
  })
})

describe('the right', () => {
  const withChain = async (grants: readonly MadeGrant[], capsules = [capsule]): Promise<Outcome> =>
    ask((await prepare(world, { capsules, chain: grants })).request)
  const summary = (): Uint8Array[] => [(world.categories[0] as CategoryEntry).category]

  const time = (): number => world.clock.now() / 1000
  const grants: [string, () => Promise<MadeGrant | undefined>, RegExp][] = [
    ['no read', () => grantTo(world, world.doctor, { rights: RIGHTS.write }), /grant-insufficient/],
    ['another purpose', () => grantTo(world, world.doctor, { purposes: ['research'] }), /grant-insufficient/],
    ['expired', () => grantTo(world, world.doctor, { expires: time() }), /grant-expired/],
    ['not yet', () => grantTo(world, world.doctor, { notBefore: time() + 1 }), /grant-expired/],
    ['somebody else\'s', () => grantTo(world, world.practice), /grant-insufficient/],
    ['none', async () => undefined, /grant-insufficient/],
  ]
  test.each(grants)('%s', async (_, make, detail) => {
    const grant = await make()
    const outcome = await withChain(grant === undefined ? [] : [grant])
    expect([outcome.code, outcome.detail]).toEqual(['not-permitted', expect.stringMatching(detail)])
  })

  test('one category of several is not covered', async () => {
    const grant = await grantTo(world, world.doctor, { categories: summary() })
    const notes = await makeCapsule(world, 1)
    expect((await withChain([grant])).status).toBe(200)
    expect((await withChain([grant], [capsule, notes])).code).toBe('not-permitted')
  })

  test('a grant by somebody who is not the custodian', async () => {
    const forged = await grantTo(world, world.doctor, { signer: world.practice })
    expect((await withChain([forged])).detail).toMatch(/principal-mismatch/)
  })

  test('a child wider than its parent, or without the right to share on', async () => {
    const narrow = await grantTo(world, world.practice, { categories: summary() })
    const wide = await grantTo(world, world.doctor, { signer: world.practice, parent: narrow.id, depth: 0 })
    expect((await withChain([narrow, wide])).detail).toMatch(/grant-not-subset/)
    const closed = await grantTo(world, world.practice, { rights: RIGHTS.read })
    const child = await grantTo(world, world.doctor, {
      signer: world.practice, parent: closed.id, depth: 0, rights: RIGHTS.read,
    })
    expect((await withChain([closed, child])).detail).toMatch(/grant-not-subset/)
  })

  test.each([0, 1])('link %i was revoked', async (link) => {
    const running = startTrustee(world)
    running.store.keepRevocation((chain[link] as MadeGrant).id, new Uint8Array(32), 0, [])
    const outcome = await askRelease(world, running, good.request)
    expect([outcome.status, outcome.code]).toEqual([403, 'grant-revoked'])
  })

  test('revoked while the shares were being opened: nothing goes out, nothing is kept', () => {
    const { store } = startTrustee(world)
    const [root] = chain
    store.keepRevocation(root.id, new Uint8Array(32), 0, [])
    const release = {
      reader: world.doctor.id, access: new Uint8Array(16), statement: new Uint8Array(32), vault: world.vault.vault,
      time: 0, answer: () => Uint8Array.of(1), charge: undefined, entry: undefined,
      word: {
        vault: world.vault.vault, custodian: world.hospital.id, reader: world.doctor.id, kind: 'release' as const,
        time: 0, access: Uint8Array.of(1), word: Uint8Array.of(1),
      },
    }
    expect(() => store.keepRelease(release, { ids: [root.id], revocations: 0, lastSignOut: 0 }, [])).toThrow(/revoked/)
    expect(store.answerTo(release)).toBeUndefined()
    expect(store.words.due()).toBeUndefined()
  })
})

test('a capsule header whose shares are not three is refused', async () => {
  const header = encode(CapsuleHeader, { ...capsule.header, shareCommitments: [new Uint8Array(32)] })
  const change = { ...await onRecord([capsuleHeaderHash(header)]), capsules: [{ ...itemOf(good.request), header }] }
  const outcome = await broken(change)
  expect(outcome).toEqual(refusal('bad-statement', /^capsule-mismatch/))
})

import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRevocation, type MadeGrant } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { encode } from '@scelle/seal/verify'
import { RevocationNotice } from '@scelle/wire/messages'
import { askRelease } from './logged.ts'
import {
  grantsToDoctor, grantTo, makeCapsule, makeWorld, noticeOf, type Outcome, post, prepare, type Running, startTrustee,
  type World,
} from './world.ts'

let world: World
let chain: [MadeGrant, MadeGrant]
let running: Running

beforeAll(async () => {
  world = await makeWorld('revocation')
  chain = await grantsToDoctor(world)
})
beforeEach(() => { running = startTrustee(world) })

const revocationOf = async (grant: MadeGrant, signer: Identity): Promise<Uint8Array> =>
  (await createRevocation({ vault: world.vault.vault, grant: grant.id, signer }, world.clock)).signed

const send = (notice: RevocationNotice, signer: Identity, to = running): Promise<Outcome> =>
  post(world, to, '/v1/revocations', encode(RevocationNotice, notice), signer)

const shown = () => [world.practice, world.doctor]

const revoke = async (grants: readonly MadeGrant[], signer: Identity): Promise<Outcome> => {
  const last = grants.at(-1) as MadeGrant
  return send(noticeOf(world, await revocationOf(last, signer), grants, [...shown(), signer]), signer)
}

describe('who may', () => {
  test.each([
    ['the custodian', () => world.hospital, 2], ['the custodian, the root', () => world.hospital, 1],
    ['the signer of the grant', () => world.practice, 2],
  ] as const)('%s: kept, and honoured from then on', async (_, signer, length) => {
    const capsule = await makeCapsule(world)
    const release = async () => {
      const { request } = await prepare(world, { capsules: [capsule], chain })
      return askRelease(world, running, request)
    }
    expect((await release()).status).toBe(200)
    expect((await revoke(chain.slice(0, length), signer())).status).toBe(204)
    expect(running.store.isRevoked((chain[length - 1] as MadeGrant).id)).toBe(true)
    expect((await release()).code).toBe('grant-revoked')
  })

  test.each([
    ['the grantee', () => world.doctor, 2], ['a stranger', () => world.stranger, 2],
    ['the grantee of the root, the root itself', () => world.practice, 1],
  ] as const)('not %s', async (_, signer, length) => {
    const outcome = await revoke(chain.slice(0, length), signer())
    expect([outcome.status, outcome.code]).toEqual([403, 'not-permitted'])
    expect(running.store.isRevoked((chain[length - 1] as MadeGrant).id)).toBe(false)
  })
})

test('all below falls with a link: a grant untouched, and a child made of it afterwards', async () => {
  const root = await grantTo(world, world.practice, { depth: 3 })
  const from = { signer: world.practice, parent: root.id }
  const open = await grantTo(world, world.stranger, { ...from, depth: 2 })
  const grants = async () => [
    root, open, await grantTo(world, world.doctor, { signer: world.stranger, parent: open.id, depth: 1 }),
  ]
  const untouched = await grants()
  const capsule = await makeCapsule(world)
  const release = async (links: MadeGrant[]) => {
    const { request } = await prepare(world, { capsules: [capsule], chain: links })
    return askRelease(world, running, { ...request, keys: [...request.keys, [...world.stranger.chain]] })
  }
  expect((await release(untouched)).status).toBe(200)
  expect((await revoke([root], world.hospital)).status).toBe(204)
  expect((await release(untouched)).detail).toMatch(/link 0 was revoked/)
  expect((await release(await grants())).detail).toMatch(/link 0 was revoked/)
})

describe('what is checked', () => {
  test('twice is once', async () => {
    const notice = noticeOf(world, await revocationOf(chain[1], world.hospital), chain, shown())
    expect((await send(notice, world.hospital)).status).toBe(204)
    expect((await send(notice, world.hospital)).status).toBe(204)
  })

  test('somebody else cannot bring it', async () => {
    const notice = noticeOf(world, await revocationOf(chain[1], world.hospital), chain, shown())
    expect((await send(notice, world.practice)).detail).toMatch(/^principal-mismatch/)
  })

  test('the revocation must be of the grant shown, and the chain whole', async () => {
    const other = await grantTo(world, world.doctor)
    const foreign = noticeOf(world, await revocationOf(other, world.hospital), chain, shown())
    expect((await send(foreign, world.hospital)).detail).toMatch(/^grant-chain-broken/)
    const child = await revocationOf(chain[1], world.hospital)
    const rootless = noticeOf(world, child, [chain[1]], shown())
    expect((await send(rootless, world.hospital)).detail).toMatch(/^principal-mismatch/)
    expect((await send(noticeOf(world, child, [], shown()), world.hospital)).detail).toMatch(/^grant-chain-broken/)
    expect(running.store.isRevoked(chain[1].id)).toBe(false)
  })

  test('a vault of other trustees is not remembered here', async () => {
    const elsewhere = await makeWorld('elsewhere')
    const others = startTrustee({ ...elsewhere, clock: world.clock })
    const notice = noticeOf(world, await revocationOf(chain[1], world.hospital), chain, shown())
    expect((await send(notice, world.hospital, others)).detail).toMatch(/^vault-mismatch/)
  })

  test.each([
    ['before it begins', { notBefore: 4_000_000_000, expires: 4_000_000_001 }],
    ['after it ended', { notBefore: 1, expires: 2 }],
  ])('a grant can be revoked %s', async (_, times) => {
    const grant = await grantTo(world, world.doctor, times)
    expect((await revoke([grant], world.hospital)).status).toBe(204)
    expect(running.store.isRevoked(grant.id)).toBe(true)
  })

  test('malformed, oversize', async () => {
    const malformed = await post(world, running, '/v1/revocations', Uint8Array.of(0xa0), world.hospital)
    expect(malformed.code).toBe('bad-encoding')
    const oversize = await post(world, running, '/v1/revocations', new Uint8Array(1024 * 1024 + 1), world.hospital)
    expect(oversize.code).toBe('too-large')
  })
})

test('a revocation outlives a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-trustee-'))
  try {
    running = startTrustee(world, 0, join(folder, 'trustee.sqlite'))
    expect((await revoke(chain, world.hospital)).status).toBe(204)
    running.store.close()
    running = startTrustee(world, 0, join(folder, 'trustee.sqlite'))
    const capsule = await makeCapsule(world)
    const { request } = await prepare(world, { capsules: [capsule], chain })
    expect((await askRelease(world, running, request)).code).toBe('grant-revoked')
    running.store.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

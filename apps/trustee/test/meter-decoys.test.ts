/** Honey patients: one touch locks, and nobody can have another house's people locked. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { OpenCapsule } from '@scelle/seal/envelope'
import { type MadeGrant, signDecoy } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { encode } from '@scelle/seal/verify'
import { DecoyNotice } from '@scelle/wire/messages'
import { askRelease } from './logged.ts'
import {
  grantsToDoctor, makeCapsule, makeWorld, post, prepare, type Running, startTrustee, type World,
} from './world.ts'

let world: World
let running: Running
let capsule: OpenCapsule
let chain: [MadeGrant, MadeGrant]
beforeEach(async () => {
  world = await makeWorld('decoys')
  running = startTrustee(world)
  capsule = await makeCapsule(world)
  chain = await grantsToDoctor(world)
})

const tell = async (signer: Identity, sender = signer, vault = world.vault.vault) => {
  const decoy = await signDecoy(signer, vault, world.clock)
  const keys = [...new Set([world.hospital, signer])].map(({ chain: records }) => [...records])
  const body = encode(DecoyNotice, { decoy, genesis: world.vault.genesisSigned, keys })
  return post(world, running, '/v1/decoys', body, sender)
}

const open = async () =>
  askRelease(world, running, (await prepare(world, { capsules: [capsule], chain })).request)

describe('a decoy of a register', () => {
  test('locks whoever opens it, for good, and releases nothing', async () => {
    expect((await open()).status).toBe(200)
    expect((await tell(world.register)).status).toBe(204)
    expect((await open()).code).toBe('locked')
    // The chart that was nobody's is not the only one now.
    expect((await open()).code).toBe('locked')
    expect(running.store.meter.locks.all()).toMatchObject([{ scope: 'person', cause: 'honey' }])
  })

  test('locks in shadow mode, too: it is no matter of numbers', async () => {
    const { TrusteeStore } = await import('../src/trustee.ts')
    running = startTrustee(world, 0, ':memory:', { store: new TrusteeStore(':memory:', { shadow: true }) })
    await tell(world.register)
    expect((await open()).code).toBe('locked')
  })

  test('refused in another vault\'s name, and by another sender', async () => {
    expect((await tell(world.register, world.register, new Uint8Array(32).fill(7))).code).toBe('bad-statement')
    expect((await tell(world.register, world.hospital)).code).toBe('bad-statement')
    expect((await open()).status).toBe(200)
  })
})

describe('a decoy of a custodian', () => {
  test('catches its own people', async () => {
    expect((await tell(world.hospital)).status).toBe(204)
    const { request } = await prepare(world, { capsules: [capsule], reader: world.hospital })
    expect((await askRelease(world, running, request, world.hospital)).code).toBe('locked')
  })

  test('does not lock those of another house: a real patient may have been called a decoy', async () => {
    await tell(world.hospital)
    expect((await open()).status).toBe(200)
  })

  test('a stranger, who may be no custodian of a claimed vault, is not believed', async () => {
    expect((await tell(world.doctor)).code).toBe('bad-statement')
  })
})

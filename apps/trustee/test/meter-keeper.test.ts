/** The keeper's right at a trustee: two officers of the author, what it wrote, for a duty; metered as all is. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccess, createRevocation, type MadeGrant, signConfirmation } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { type Confirmation, encode, type Grant, RIGHTS, type Status } from '@scelle/seal/verify'
import { RevocationNotice } from '@scelle/wire/messages'
import { askRelease } from './logged.ts'
import {
  grantTo, makeCapsule, makeWorld, noticeOf, post, prepare, type Running, startTrustee, statusOf, type World,
} from './world.ts'

let world: World
let anne: Identity
let boris: Identity
let running: Running
beforeAll(async () => {
  world = await makeWorld('keeper')
  anne = await createIdentity('person', world.clock)
  boris = await createIdentity('person', world.clock)
})
beforeEach(() => { running = startTrustee(world) })

const seen = (): number =>
  running.store.meter.ledger.count(world.writer.id, 'seen', 'day', Math.floor(world.clock.now() / 1000))

const duty = { basis: 'legal-duty', purposes: ['legal'] } satisfies Partial<Grant>

/** Custodian → author → officer. */
const chainTo = async (officer: Identity, keeper: Identity = world.writer): Promise<MadeGrant[]> => {
  const root = await grantTo(world, keeper, { ...duty, rights: RIGHTS.read | RIGHTS.shareOn, depth: 1 })
  return [root, await grantTo(world, officer, {
    ...duty, rights: RIGHTS.read, signer: keeper, parent: root.id, depth: 0,
  })]
}

const confirmed = (
  by: Identity, change: Partial<Confirmation> = {}, left?: 'duty' | 'vault',
): Promise<Uint8Array> => {
  const said = {
    type: 'officer' as const, reader: anne.id, organisation: world.writer.id, vault: world.vault.vault,
    reason: 'plainte 2026-17', duty: 'litigation' as const, ...change,
  }
  if (left !== undefined) delete (said as Partial<typeof said>)[left]
  return signConfirmation(by, said, world.clock)
}

type Enrolled = Pick<Status, 'role'> & Partial<Status>

interface Asked {
  readonly chain?: readonly MadeGrant[]
  readonly confirmations?: readonly Uint8Array[]
  readonly anne?: Enrolled
  readonly boris?: Enrolled
  readonly purpose?: 'legal' | 'treatment'
}

const ask = async (asked: Asked = {}): Promise<string> => {
  const officer: Enrolled = { role: 'officer', organisation: world.writer.id }
  const chain = asked.chain ?? await chainTo(anne)
  const capsule = await makeCapsule(world)
  const access = await createAccess({
    vault: world.vault.vault, custodian: world.hospital.id, reader: anne, purpose: asked.purpose ?? 'legal',
    capsules: [capsule.headerHash], chain: chain.map(({ id }) => id),
  }, world.clock)
  const { request } = await prepare(world, { capsules: [capsule], chain, reader: anne, access })
  const statuses = await Promise.all([
    statusOf(world, world.hospital, { role: 'hospital' }), statusOf(world, world.writer, { role: 'hospital' }),
    statusOf(world, world.practice, { role: 'practice' }),
    statusOf(world, anne, asked.anne ?? officer), statusOf(world, boris, asked.boris ?? officer),
  ])
  const shown = [world.hospital, world.writer, world.practice, anne, boris, world.register, ...world.trustees]
  const outcome = await askRelease(world, running, {
    ...request, statuses, keys: shown.map((one) => [...one.chain]),
    confirmations: [...asked.confirmations ?? [await confirmed(boris)]],
  }, anne)
  return outcome.status === 200 ? 'released' : String(outcome.code)
}

test('an officer opens what the author wrote, once a second one confirmed, and is charged for it', async () => {
  expect(await ask()).toBe('released')
  expect(seen()).toBe(1)
})

describe('refused', () => {
  const hospitals = (): Enrolled => ({ role: 'officer', organisation: world.hospital.id })
  const cases: [string, string, () => Promise<Asked>][] = [
    ['alone', 'officers-required', async () => ({ confirmations: [] })],
    ['confirming oneself', 'officers-required', async () => ({ confirmations: [await confirmed(anne)] })],
    ['with a colleague\'s word, which is for the budget', 'officers-required', async () => ({
      confirmations: [await confirmed(boris, { type: 'colleague' })],
    })],
    ['for no named duty', 'officers-required', async () => ({
      confirmations: [await confirmed(boris, {}, 'duty')],
    })],
    ['for any patient', 'officers-required', async () => ({
      confirmations: [await confirmed(boris, {}, 'vault')],
    })],
    ['for another patient', 'officers-required', async () => ({
      confirmations: [await confirmed(boris, { vault: new Uint8Array(32) })],
    })],
    ['for another officer', 'officers-required', async () => ({
      confirmations: [await confirmed(boris, { reader: boris.id })],
    })],
    ['when the second is a doctor', 'officers-required', async () => ({
      boris: { role: 'gp', organisation: world.writer.id },
    })],
    ['when the second is another house\'s', 'officers-required', async () => ({ boris: hospitals() })],
    ['when the second is the first by another key', 'officers-required', async () => ({
      anne: { role: 'officer', organisation: world.writer.id, meter: new Uint8Array(32).fill(1) },
      boris: { role: 'officer', organisation: world.writer.id, meter: new Uint8Array(32).fill(1) },
    })],
    ['when the reader is a doctor', 'officers-required', async () => ({
      anne: { role: 'gp', organisation: world.writer.id },
    })],
    ['when the reader is another house\'s officer', 'officers-required', async () => ({ anne: hospitals() })],
    ['for treatment', 'not-permitted', async () => ({ purpose: 'treatment' })],
    ['by a keeper that did not write it', 'not-permitted', async () => ({
      chain: await chainTo(anne, world.practice),
      anne: { role: 'officer', organisation: world.practice.id },
      boris: { role: 'officer', organisation: world.practice.id },
      confirmations: [await confirmed(boris, { organisation: world.practice.id })],
    })],
  ]
  test.each(cases)('%s', async (_, code, make) => {
    expect(await ask(await make())).toBe(code)
    expect(seen()).toBe(0)
  })
})

describe('a revocation', () => {
  const revoke = async (grants: readonly MadeGrant[], signer: Identity): Promise<number> => {
    const { signed } = await createRevocation({
      vault: world.vault.vault, grant: grants.at(-1)!.id, signer,
    }, world.clock)
    const notice = noticeOf(world, signed, grants, [world.writer, anne, signer])
    return (await post(world, running, '/v1/revocations', encode(RevocationNotice, notice), signer)).status
  }

  test('by the custodian ends care, not this; the author\'s own ends it', async () => {
    const chain = await chainTo(anne)
    expect(await revoke(chain.slice(0, 1), world.hospital)).toBe(403)
    expect(await revoke(chain, world.hospital)).toBe(403)
    expect(await ask({ chain })).toBe('released')
    expect(await revoke(chain, world.writer)).toBe(204)
    expect(await ask({ chain })).toBe('grant-revoked')
  })
})

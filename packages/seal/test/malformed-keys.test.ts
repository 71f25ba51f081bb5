/** A principal chooses its own public key. One that is none must be its problem, and named as such. */
import { expect, test } from 'vitest'
import { Courier } from '../src/envelope.ts'
import { createGrant } from '../src/grants.ts'
import { sealRelease } from '../src/shares.ts'
import { type PrincipalKeys, RIGHTS } from '../src/verify.ts'
import { makeWorld, NOW } from './fixtures.ts'

const refusedWith = (code: string) => expect.objectContaining({ name: 'SealError', code })

const withKey = (keys: PrincipalKeys, sealingKey: Uint8Array): PrincipalKeys => ({
  ...keys,
  current: { ...keys.current, sealingKey },
})

/** ML-KEM coefficients over the modulus; too short; an X25519 point of low order. */
const malformed = (good: Uint8Array): Uint8Array[] => [
  new Uint8Array(1216).fill(0xff),
  good.slice(0, 1215),
  Uint8Array.from(good, (byte, i) => (i >= 1184 ? 0 : byte)),
]

test('nothing is sealed to a malformed key, and the error is one that callers know', async () => {
  const world = await makeWorld('malformed')
  const { manifest, vault } = world.vault
  const { keys } = world.reader
  const grant = {
    vault,
    custodian: world.owner.id,
    grantee: keys.id,
    categories: [manifest.manifest.categories[0]!.category],
    rights: RIGHTS.read,
    purposes: ['treatment' as const],
    basis: 'consent' as const,
    notBefore: 0,
    expires: NOW,
    depth: 0,
  }
  for (const bad of malformed(keys.current.sealingKey)) {
    const grantee = withKey(keys, bad)
    const from = { signer: world.owner, grantee, secrets: manifest.secrets, manifestVersion: 1, grant }
    await expect(createGrant(from, world.context)).rejects.toEqual(refusedWith('seal-invalid'))
    const courier = new Courier(world.writer.id, world.context)
    await expect(courier.sealTo(grantee, 'share', new Uint8Array(32), new Uint8Array(33))).rejects.toEqual(
      refusedWith('seal-invalid'),
    )
    const release = { accessId: new Uint8Array(32), trustee: world.trustees[0]!.id, oneTimeKey: bad, shares: [] }
    await expect(sealRelease(release)).rejects.toEqual(refusedWith('seal-invalid'))
  }
})

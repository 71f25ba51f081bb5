/** A key that was replaced, perhaps because it was stolen, signs nothing new. */
import { expect, test } from 'vitest'
import { rotateIdentity } from '../src/identity.ts'
import { rotateCategories } from '../src/keys.ts'
import { decodeSigned, requireCurrentKey, verifyGenesis, verifyManifests } from '../src/verify.ts'
import { makeWorld, type World } from './fixtures.ts'

const refusedWith = (code: string) => expect.objectContaining({ name: 'SealError', code })

const next = (world: World, custodian: World['owner'], from: World['vault']['manifest']) =>
  rotateCategories(
    {
      vault: world.vault.vault,
      custodian,
      previousSigned: from.signed,
      previous: from.manifest,
      secrets: from.secrets,
      rotate: [from.manifest.categories[0]!.category],
    },
    world.context,
  )

test('after a manifest under the new key, none under the replaced one is taken', async () => {
  const world = await makeWorld('replaced')
  const renewed = await rotateIdentity(world.owner, world.context)
  const first = world.vault.manifest
  const second = await next(world, renewed, first)
  const stolen = await next(world, world.owner, second)
  const own = await next(world, renewed, second)
  const expected = { ...(await verifyGenesis(world.vault.genesisSigned, renewed.keys)), custodian: renewed.keys }
  const { manifests } = await verifyManifests([first.signed, second.signed, own.signed], expected)
  expect(manifests.length).toBe(3)
  await expect(verifyManifests([first.signed, second.signed, stolen.signed], expected)).rejects.toEqual(
    refusedWith('manifest-invalid'),
  )
})

test('a server can tell the newest key from a replaced one, and from somebody else\'s', async () => {
  const world = await makeWorld('newest')
  const renewed = await rotateIdentity(world.owner, world.context)
  const old = decodeSigned('manifest', world.vault.manifest.signed)
  const fresh = decodeSigned('manifest', (await next(world, renewed, world.vault.manifest)).signed)
  expect(() => requireCurrentKey(old, world.owner.keys)).not.toThrow()
  expect(() => requireCurrentKey(fresh, renewed.keys)).not.toThrow()
  expect(() => requireCurrentKey(old, renewed.keys)).toThrow(refusedWith('signature-invalid'))
  expect(() => requireCurrentKey(fresh, world.owner.keys)).toThrow(refusedWith('signature-invalid'))
  expect(() => requireCurrentKey(fresh, world.writer.keys)).toThrow(refusedWith('principal-mismatch'))
})

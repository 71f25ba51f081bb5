/** The mark of the category that takes entries about accesses: public, at most one, never moved. */
import { expect, test } from 'vitest'
import { createManifest, createVault, rotateCategories } from '../src/keys.ts'
import { accessLogEntry, encode, Manifest, verifyManifests } from '../src/verify.ts'
import { makeWorld, type World } from './fixtures.ts'

const refused = expect.objectContaining({ code: 'manifest-invalid' })

const withLog = async (world: World) =>
  createVault(
    {
      mode: 'owner',
      controller: world.owner,
      trustees: world.trustees.map(({ id }) => id),
      categories: [{ code: 'summary', strict: false }, { code: 'access-log', strict: false }],
    },
    world.context,
  )

/** The manifest with other categories, signed by its own custodian: what a custodian's software may get wrong. */
const resigned = async (world: World, manifest: Manifest, fields: Partial<Manifest>): Promise<Uint8Array> =>
  world.owner.sign('manifest', encode(Manifest, { ...manifest, ...fields }))

test('the category called access-log is marked, the others are not, and a new epoch keeps it so', async () => {
  const world = await makeWorld('access-log')
  const made = await withLog(world)
  const { manifest, signed, secrets } = made.manifest
  expect(manifest.categories.map(({ accessLog }) => accessLog)).toEqual([undefined, true])
  const next = await rotateCategories({
    vault: made.vault, custodian: world.owner, previousSigned: signed, previous: manifest, secrets,
    rotate: manifest.categories.map(({ category }) => category), add: [{ code: 'notes', strict: true }],
  }, world.context)
  expect(next.manifest.categories.map(({ accessLog }) => accessLog)).toEqual([undefined, true, undefined])
  const expected = { vault: made.vault, genesis: made.genesis, custodian: world.owner.keys }
  const { manifests } = await verifyManifests([signed, next.signed], expected)
  expect(accessLogEntry(manifests[1]!)?.category).toEqual(manifest.categories[1]?.category)
  expect(accessLogEntry(world.vault.manifest.manifest)).toBeUndefined()
})

test('two of one name are not made', async () => {
  const world = await makeWorld('two logs')
  const categories = [{ code: 'access-log', strict: false }, { code: 'access-log', strict: true }]
  const making = createManifest({ vault: world.vault.vault, custodian: world.owner, categories }, world.context)
  await expect(making).rejects.toEqual(refused)
})

test('every verifier refuses two marks, a mark that says no, and one that comes, goes or moves', async () => {
  const world = await makeWorld('marks')
  const made = await withLog(world)
  const { manifest, signed, id } = made.manifest
  const expected = { vault: made.vault, genesis: made.genesis, custodian: world.owner.keys }
  const [summary, log] = manifest.categories as [Manifest['categories'][number], Manifest['categories'][number]]
  const { accessLog: _, ...unmarked } = log
  const first = (categories: Manifest['categories']) => resigned(world, manifest, { categories })
  const second = (categories: Manifest['categories']) =>
    resigned(world, manifest, { version: 2, previous: id, categories })
  const verify = (...versions: Uint8Array[]) => verifyManifests(versions, expected)
  await expect(verify(signed, await second([summary, log]))).resolves.toBeDefined()
  await expect(verify(await first([{ ...summary, accessLog: true }, log]))).rejects.toEqual(refused)
  await expect(verify(await first([{ ...summary, accessLog: false }, log]))).rejects.toEqual(refused)
  await expect(verify(signed, await second([summary, unmarked]))).rejects.toEqual(refused)
  await expect(verify(signed, await second([{ ...summary, accessLog: true }, unmarked]))).rejects.toEqual(refused)
})

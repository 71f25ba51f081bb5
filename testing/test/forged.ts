/** Statements that look right, made by whom they should not be. */
import { Courier, createCapsule, createCommit, sealRecord } from '@scelle/seal/envelope'
import type { Identity } from '@scelle/seal/identity'
import { categoryEntry, decode, decodeSigned, encode, Grant, Manifest } from '@scelle/seal/verify'
import { type FeedCommit, VaultView } from '@scelle/wire/messages'
import { seededRandom } from '../src/constellation.ts'
import { lie, type Scene, servedOf } from './scene.ts'

/** A grant of everything that a reader gave to itself. */
export const forgedGrant = async (scene: Scene, reader: Identity): Promise<Uint8Array> => {
  const manifest = await newestManifest(scene)
  const grant: Grant = {
    suite: manifest.suite,
    vault: scene.vault.id,
    custodian: manifest.custodian,
    grantee: reader.id,
    categories: manifest.categories.map(({ category }) => category),
    rights: 15,
    purposes: ['treatment'],
    basis: 'consent',
    notBefore: 0,
    expires: 2 ** 32,
    depth: 0,
    salt: new Uint8Array(16),
  }
  return reader.sign('grant', encode(Grant, grant))
}

/** The newest manifest of the scene's vault, as the index serves it. */
export const newestManifest = async (scene: Scene): Promise<Manifest> => {
  let found: Manifest | undefined
  const stop = lie(scene.world, /\/v1\/vaults\/[0-9a-f]+$/, VaultView, (view) => {
    found = decode(Manifest, decodeSigned('manifest', view.manifests[0]!.versions.at(-1)!).body)
    return view
  })
  await scene.vault.refresh()
  stop()
  return found as Manifest
}

/** Everything right, by a principal that is registered and was granted nothing. */
export const forgedCommit = async (
  scene: Scene,
): Promise<{ commit: FeedCommit; encapsulations: Uint8Array[] }> => {
  const { world, vault, hospital } = scene
  const { identity: mallory } = await world.client('person')
  const context = { now: world.now, random: seededRandom('mallory') }
  const courier = new Courier(mallory.id, context)
  const trustees = world.trustees.map(({ identity }) => identity.keys)
  const category = categoryEntry(await newestManifest(scene), (await vault.categories()).get('summary')!.id)
  const capsule = await createCapsule(
    {
      vault: vault.id,
      genesis: vault.genesis,
      custodian: hospital.identity.id,
      category,
      retention: 'care',
      trustees,
    },
    courier,
    context,
  )
  const record = await sealRecord(
    capsule,
    {
      handle: new Uint8Array(16),
      version: 1,
      time: 0,
      contentType: 'fhir+json',
      content: '{"id":"forged"}',
    },
    context,
  )
  const made = await createCommit(
    {
      vault: vault.id,
      custodian: hospital.identity.id,
      author: mallory,
      capsules: [capsule.capsuleBytes],
      records: [{ ...record, size: record.body.length }],
      linkRecipient: hospital.identity.keys,
    },
    courier,
    context,
  )
  return { commit: servedOf(made), encapsulations: made.encapsulations }
}

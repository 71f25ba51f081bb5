/** A small constellation of test identities over seeded randomness. */
import type { Context } from '../src/context.ts'
import { Courier, createCapsule, type OpenCapsule } from '../src/envelope.ts'
import { createIdentity, type Identity } from '../src/identity.ts'
import { createVault, earlierSecrets, type EpochSecrets, type MadeVault } from '../src/keys.ts'
import { sha256, u32 } from '../src/verify.ts'

export const NOW = Date.UTC(2026, 10, 23, 9)

/** Deterministic bytes: SHA-256 of seed and counter. For tests only. */
export const seededContext = (seed: string, now: () => number = () => NOW): Context => {
  const name = new TextEncoder().encode(seed)
  let counter = 0
  return {
    now,
    random: (length) => {
      const out = new Uint8Array(length)
      for (let offset = 0; offset < length; offset += 32) {
        out.set(sha256(name, u32(counter++)).subarray(0, length - offset), offset)
      }
      return out
    },
  }
}

export interface World {
  readonly context: Context
  readonly owner: Identity
  readonly writer: Identity
  readonly reader: Identity
  readonly trustees: Identity[]
  readonly vault: MadeVault
  readonly secrets: EpochSecrets
  readonly courier: Courier
}

export const CATEGORIES = [
  { code: 'summary', strict: false },
  { code: 'notes', strict: true },
]

export const makeWorld = async (seed: string, mode: 'owner' | 'custody' = 'owner'): Promise<World> => {
  const context = seededContext(seed)
  const owner = await createIdentity(mode === 'owner' ? 'person' : 'organisation', context)
  const writer = await createIdentity('organisation', context)
  const reader = await createIdentity('organisation', context)
  const trustees: Identity[] = []
  for (let i = 0; i < 3; i++) trustees.push(await createIdentity('trustee', context))
  const ids = trustees.map(({ id }) => id)
  const vault = await createVault({ mode, controller: owner, trustees: ids, categories: CATEGORIES }, context)
  const secrets = await earlierSecrets([vault.manifest.manifest], vault.manifest.secrets)
  return { context, owner, writer, reader, trustees, vault, secrets, courier: new Courier(writer.id, context) }
}

export const makeCapsule = (world: World, category = 0): Promise<OpenCapsule> =>
  createCapsule(
    {
      vault: world.vault.vault,
      genesis: world.vault.genesis,
      custodian: world.owner.id,
      category: world.vault.manifest.manifest.categories[
        category
      ] as (typeof world.vault.manifest.manifest.categories)[number],
      retention: 'care',
      trustees: world.trustees.map(({ keys }) => keys),
      owner: world.owner.keys,
    },
    world.courier,
    world.context,
  )

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

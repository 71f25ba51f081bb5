/** A vault without servers: what the rows about sealing and opening work on. */
import { randomBytes, randomFillSync } from 'node:crypto'
import { Courier, createCapsule, type OpenCapsule } from '@scelle/seal/envelope'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { createVault } from '@scelle/seal/keys'
import type { Context, PrincipalKeys } from '@scelle/seal/verify'
import { population } from '@scelle/testing/population'

/** Drawn in one piece: thousands of calls for 16 bytes each would be a third of what is measured. */
const pool = new Uint8Array(64 * 1024)
let used = pool.length

const pooled = (length: number): Uint8Array => {
  if (length > pool.length) return new Uint8Array(randomBytes(length))
  if (length > pool.length - used) {
    randomFillSync(pool)
    used = 0
  }
  used += length
  return pool.slice(used - length, used)
}

export const context: Context = { random: pooled, now: () => Date.now() }

/** Resources of the demonstration population, of at most `limit` characters of JSON: the size DESIGN speaks of. */
export const resourcesOf = (seed: string, count: number, limit = 4_000): object[] => {
  const resources: object[] = []
  for (const patient of population({ seed, patients: count })) {
    for (const resource of patient.resources) {
      if (JSON.stringify(resource).length <= limit) resources.push(resource)
      if (resources.length === count) return resources
    }
  }
  return resources
}

export interface Bench {
  readonly writer: Identity
  readonly courier: Courier
  /** A new capsule of the vault's first category. */
  capsule(): Promise<OpenCapsule>
}

export const newBench = async (): Promise<Bench> => {
  const writer = await createIdentity('organisation', context)
  const trustees: PrincipalKeys[] = []
  for (let i = 0; i < 3; i++) trustees.push((await createIdentity('trustee', context)).keys)
  const made = await createVault(
    {
      mode: 'custody',
      controller: writer,
      trustees: trustees.map(({ id }) => id),
      categories: [{ code: 'laboratory', strict: false }],
    },
    context,
  )
  const courier = new Courier(writer.id, context)
  const category = made.manifest.manifest.categories[0]
  if (category === undefined) throw new Error('the vault has no category')
  return {
    writer,
    courier,
    capsule: () =>
      createCapsule(
        {
          vault: made.vault,
          genesis: made.genesis,
          custodian: writer.id,
          category,
          retention: 'care',
          trustees,
        },
        courier,
        context,
      ),
  }
}

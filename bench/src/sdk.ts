/** Rows that go through the sdk without an edge: whoever writes with it directly is one of its users too. */
import type { Resource } from '@medplum/fhirtypes'
import { CATEGORIES, categorise } from '@scelle/fhir/categories'
import {
  ACCESS_LOG, type Client, connect, handleOf, type PreparedCommit, type Standing, type WriteItem,
} from '@scelle/sdk'
import type { Identity } from '@scelle/seal/identity'
import { fromHex, toHex } from '@scelle/seal/verify'
import { context } from './sealing.ts'

export interface Address {
  readonly index: string
  readonly trustees: readonly string[]
  /** What trustees are shown. */
  readonly standing?: Standing
}

export const newClient = (address: Address, identity: Identity): Promise<Client> =>
  connect({ ...address, identity, context })

/** A vault with all categories; its id in hex. */
export const newVault = async (client: Client): Promise<string> => {
  const vault = await client.createVault({
    mode: 'custody',
    categories: CATEGORIES.map(({ code, strict }) => ({ code, strict })),
  })
  return toHex(vault.id)
}

/** Those that records go to: the access log takes what readers write about their openings. */
export const RECORD_CATEGORIES = CATEGORIES.map(({ code }) => code as string).filter((code) => code !== ACCESS_LOG)

const handleKey = new Uint8Array(32)

/** A resource as an edge would have it sealed: its category by the rules, its version and time in `meta`. */
export const itemOf = (resource: Resource, category = categorise(resource).category as string): WriteItem => {
  const { resourceType, id = '', meta, ...rest } = resource as Resource & Record<string, unknown>
  const stamp = { versionId: '1', lastUpdated: new Date(context.now()).toISOString() }
  return {
    category,
    handle: handleOf(handleKey, resourceType, id),
    version: 1,
    content: JSON.stringify({ resourceType, id, meta: { ...meta, ...stamp }, ...rest }),
  }
}

/** One commit for each vault, submitted together. Throws where one is refused. */
export const writeAll = async (client: Client, batches: ReadonlyMap<string, readonly WriteItem[]>): Promise<void> => {
  const prepared: PreparedCommit[] = []
  for (const [vault, items] of batches) {
    if (items.length > 0) prepared.push(await (await client.vault(fromHex(vault) as Uint8Array)).prepare(items))
  }
  for (const result of await client.submit(prepared))
    if (!result.accepted) throw new Error(`refused: ${result.problem}`)
}

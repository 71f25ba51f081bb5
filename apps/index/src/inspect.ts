/** What the state sees of a vault, all of it: nothing that this page does not show is stored about it in clear. */
import {
  Access, Commit, decode, decodeCapsule, decodeSigned, RecordHeader, toHex, VaultGenesis,
} from '@scelle/seal/verify'
import type { FeedEntry, Store } from './store.ts'

export interface InspectedVault {
  readonly vault: string
  readonly mode: VaultGenesis['mode']
  readonly controller: string
  readonly trustees: readonly string[]
  /** Seconds since 1970 UTC, like every time here. */
  readonly created: number
  readonly parts: readonly InspectedPart[]
}

export interface InspectedPart {
  readonly custodian: string
  readonly manifests: number
  readonly categories: readonly { category: string; epoch: number; strict: boolean }[]
  readonly grants: readonly InspectedGrant[]
  readonly commits: readonly { commit: number; author: string; time: number; leaves: number }[]
  readonly capsules: readonly InspectedCapsule[]
  readonly records: readonly InspectedRecord[]
  readonly accesses: readonly { reader: string; time: number; purpose: string; capsules: number }[]
}

export interface InspectedGrant {
  readonly grantee: string
  readonly signer: string
  readonly categories: number
  readonly rights: number
  readonly purposes: readonly string[]
  readonly notBefore: number
  readonly expires: number
  readonly revoked: boolean
}

export interface InspectedCapsule {
  readonly capsule: string
  readonly category: string
  readonly writer: string
  readonly opened: number
  readonly retention: string
}

export interface InspectedRecord {
  readonly record: string
  readonly capsule: string
  readonly handle: string
  readonly version: number
  readonly time: number
  readonly contentType: string
  /** Octets of the sealed body, padding included. */
  readonly size: number
  readonly inBlob: boolean
}

/** The part of a store that looking takes. */
export type InspectedStore = Pick<
  Store, 'genesis' | 'custodians' | 'manifests' | 'categories' | 'grants' | 'feed' | 'accesses'
>

const ALL = -1
const STEP = 256

const entriesOf = async (store: InspectedStore, vault: Uint8Array, custodian: Uint8Array): Promise<FeedEntry[]> => {
  const entries: FeedEntry[] = []
  for (let after = 0, more = true; more;) {
    const page = await store.feed({ vault, custodian, mask: ALL, after, limit: STEP, maxBytes: 16 * 1024 * 1024 })
    // Without bodies: a large vault's would not fit.
    entries.push(...page.commits.map((entry) => ({
      ...entry,
      records: entry.records.map((record) => ({ ...record, body: record.body?.subarray(0, 0) })),
    })))
    after = page.last
    more = page.more
  }
  return entries
}

const commitOf = (entry: FeedEntry): InspectedPart['commits'][number] => {
  const { author, time, depth } = decode(Commit, decodeSigned('commit', entry.statement).body)
  return { commit: entry.sequence, author: toHex(author), time, leaves: 2 ** depth }
}

const capsuleOf = (bytes: Uint8Array): InspectedCapsule => {
  const { header } = decodeCapsule(bytes)
  return {
    capsule: toHex(header.capsule), category: toHex(header.category), writer: toHex(header.writer),
    opened: header.opened, retention: header.retention,
  }
}

const recordOf = (record: FeedEntry['records'][number]): InspectedRecord => {
  const header = decode(RecordHeader, record.header)
  return {
    record: toHex(header.record), capsule: toHex(header.capsule), handle: toHex(header.handle), version: header.version,
    time: header.time, contentType: header.contentType, size: record.size, inBlob: record.body === undefined,
  }
}

const accessOf = (signed: Uint8Array): InspectedPart['accesses'][number] => {
  const { reader, time, purpose, capsules } = decode(Access, decodeSigned('access', signed).body)
  return { reader: toHex(reader), time, purpose, capsules: capsules.length }
}

const bitsOf = (mask: number): number =>
  Array.from({ length: 32 }, (_, place) => (mask >>> place) & 1).filter((bit) => bit === 1).length

const inspectPart = async (store: InspectedStore, vault: Uint8Array, custodian: Uint8Array): Promise<InspectedPart> => {
  const entries = await entriesOf(store, vault, custodian)
  return {
    custodian: toHex(custodian),
    manifests: (await store.manifests(vault, custodian)).length,
    categories: (await store.categories(vault, custodian)).map(({ category, epoch, strict }) => ({
      category: toHex(category), epoch, strict,
    })),
    grants: (await store.grants(vault, { custodian })).map((grant) => ({
      grantee: toHex(grant.grantee), signer: toHex(grant.signer), categories: bitsOf(grant.mask), rights: grant.rights,
      purposes: grant.purposes, notBefore: grant.notBefore, expires: grant.expires, revoked: grant.revoked,
    })),
    commits: entries.map(commitOf),
    capsules: entries.flatMap((entry) => entry.capsules.map(({ bytes }) => capsuleOf(bytes))),
    records: entries.flatMap((entry) => entry.records.map(recordOf)),
    accesses: (await store.accesses(vault, custodian)).map(accessOf),
  }
}

/** Exactly what the state holds of one vault beside ciphertext; undefined where it does not know it. */
export const inspectVault = async (store: InspectedStore, vault: Uint8Array): Promise<InspectedVault | undefined> => {
  const signed = await store.genesis(vault)
  if (signed === undefined) return undefined
  const genesis = decode(VaultGenesis, decodeSigned('vault-genesis', signed).body)
  const parts: InspectedPart[] = []
  for (const custodian of await store.custodians(vault)) parts.push(await inspectPart(store, vault, custodian))
  return {
    vault: toHex(vault), mode: genesis.mode, controller: toHex(genesis.controller),
    trustees: genesis.trustees.map(toHex), created: genesis.time, parts,
  }
}

/** Seals a batch into capsules: open ones first, new ones where none is open. Takes public keys only. */
import { type Courier, createCapsule, type OpenCapsule, type RecordToCommit, sealRecords } from '@scelle/seal/envelope'
import {
  type CapsuleHeader, type Context, FORMAT_LIMITS, type PrincipalKeys, type RecordHeader, toHex,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { SdkError } from './errors.ts'
import { categoryOf, type Keyring } from './keyring.ts'
import { isLog } from './reach.ts'
import type { CapsuleShelf } from './shelf.ts'
import { partName, type VaultView } from './vault-view.ts'

export interface WriteItem {
  /** Code of the category. */
  readonly category: string
  /** 16 bytes that name the resource and say nothing about it: see `handleOf`. */
  readonly handle: Uint8Array
  /** 1 for a new resource, then one more for each change. */
  readonly version: number
  /** UTF-8; empty for a tombstone. */
  readonly content: Uint8Array | string
  /** `fhir+json` where absent. */
  readonly contentType?: RecordHeader['contentType']
  /** 16 bytes, random; drawn where absent. */
  readonly record?: Uint8Array
  /** Octets that `Vault.sealAttachment` sealed already, instead of `content`. */
  readonly sealed?: SealedAttachment
  /** How long it must be kept at least: `care` where absent. */
  readonly retention?: CapsuleHeader['retention']
  /** Seconds since 1970; now where absent. Rounded down to the hour: the index sees it. */
  readonly time?: number
}

/**
 * Octets sealed in a capsule of their own, and uploaded where they are large. Plain data without secrets: it may be
 * kept, and is committed as a {@link WriteItem}.
 */
export interface SealedAttachment {
  /** Code of the category. */
  readonly category: string
  readonly handle: Uint8Array
  readonly version: number
  /** 16 bytes: by this a reader asks for it. */
  readonly record: Uint8Array
  readonly headerBytes: Uint8Array
  readonly digest: Uint8Array
  /** Bytes of the sealed body. */
  readonly size: number
  /** Absent where the body went ahead as a blob. */
  readonly body?: Uint8Array
  /** As stored. */
  readonly capsule: Uint8Array
}

export interface SealInto {
  readonly view: VaultView
  readonly keyring: Keyring
  /** Verified keys of the vault's trustees, in the genesis's order. */
  readonly trustees: readonly PrincipalKeys[]
  readonly shelf: CapsuleShelf
  readonly courier: Courier
  readonly context: Context
}

export interface SealedBatch {
  /** One for each item, in their order; the body is kept apart where it goes as a blob. */
  readonly records: (RecordToCommit & { readonly record: Uint8Array })[]
  readonly blobs: { readonly digest: Uint8Array; readonly bytes: Uint8Array }[]
  /** New capsules, by the place on the shelf where the last of each will go on. */
  readonly opened: { readonly place: string; readonly capsule: OpenCapsule }[]
  /** Capsules of attachments, as stored: nothing more goes into these. */
  readonly apart: Uint8Array[]
  /** Hex ids of all capsules used. */
  readonly used: Set<string>
}

/** Refusals after which the same items are accepted once sealed again. */
export const SEAL_AGAIN: ReadonlySet<string> = new Set(['capsule-closed', 'epoch-stale', 'blob-missing'])

const HOUR = 3_600

const isSealedAs = (sealed: SealedAttachment, item: WriteItem): boolean =>
  sealed.category === item.category && sealed.version === item.version &&
  toHex(sealed.handle) === toHex(item.handle) && item.contentType === 'octets' && item.content.length === 0

/** Throws `bad-input` or `category-unknown`. */
export const checkItems = (keyring: Keyring, items: readonly WriteItem[]): void => {
  if (items.length === 0) throw new SdkError('bad-input', 'there is nothing to write')
  const versions = new Map<string, number>()
  const codes = new Set(items.map(({ category }) => category))
  if (codes.size > 1 && [...codes].some((code) => isLog(keyring, categoryOf(keyring, code).id))) {
    throw new SdkError('bad-input', 'what is written to the access log is written by itself')
  }
  for (const [place, item] of items.entries()) {
    categoryOf(keyring, item.category)
    if (item.sealed !== undefined && !isSealedAs(item.sealed, item)) {
      throw new SdkError('bad-input', 'an attachment is committed as what it was sealed as', { items: [place] })
    }
    if (item.handle.length !== 16 || !Number.isInteger(item.version) || item.version < 1) {
      throw new SdkError('bad-input', 'a handle is 16 bytes, a version a whole number from 1', { items: [place] })
    }
    const name = `${item.category}/${toHex(item.handle)}/${item.version}`
    const other = versions.get(name)
    if (other !== undefined) {
      throw new SdkError('bad-input', 'two items are the same version of the same resource', { items: [other, place] })
    }
    versions.set(name, place)
  }
}

/** A capsule for some of `left` items, and how many it takes. */
const capsuleFor = async (
  into: SealInto, place: string, code: string, retention: CapsuleHeader['retention'], batch: SealedBatch,
): Promise<OpenCapsule> => {
  const open = into.shelf.get(place, categoryOf(into.keyring, code).epoch)
  if (open !== undefined && !batch.used.has(toHex(open.header.capsule))) return open
  const capsule = await newCapsule(into, code, retention)
  batch.opened.push({ place, capsule })
  return capsule
}

/** A capsule that nobody knows of yet. */
export const newCapsule = async (
  into: Omit<SealInto, 'shelf'>, code: string, retention: CapsuleHeader['retention'],
): Promise<OpenCapsule> => {
  const { view, keyring, trustees, courier, context } = into
  const category = categoryOf(keyring, code)
  const entry = keyring.part.newest.categories.find((one) => toHex(one.category) === toHex(category.id))
  if (entry === undefined) throw new SdkError('category-unknown', `the category "${code}" is gone`)
  return createCapsule({
    vault: view.vault,
    genesis: view.genesis,
    custodian: keyring.part.custodian.keys.id,
    category: entry,
    retention,
    trustees,
    owner: view.controller.keys,
  }, courier, context)
}

const sealGroup = async (
  into: SealInto, place: string, group: readonly { item: WriteItem; at: number }[], batch: SealedBatch,
): Promise<void> => {
  const now = into.context.now()
  const first = (group[0] as { item: WriteItem }).item
  for (let done = 0; done < group.length;) {
    const capsule = await capsuleFor(into, place, first.category, first.retention ?? 'care', batch)
    const some = group.slice(done, done + FORMAT_LIMITS.capsuleRecords - capsule.count)
    const sealed = await sealRecords(capsule, some.map(({ item }) => ({
      handle: item.handle,
      version: item.version,
      time: Math.floor((item.time ?? now / 1000) / HOUR) * HOUR,
      contentType: item.contentType ?? 'fhir+json',
      content: item.content,
      ...(item.record === undefined ? {} : { record: item.record }),
    })), into.context)
    batch.used.add(toHex(capsule.header.capsule))
    for (const [i, { header, headerBytes, digest, body }] of sealed.entries()) {
      const { at } = some[i] as { at: number }
      const inline = body.length <= WIRE_LIMITS.inlineBody
      if (!inline) batch.blobs.push({ digest, bytes: body })
      batch.records[at] = { record: header.record, headerBytes, digest, size: body.length, ...(inline ? { body } : {}) }
    }
    done += some.length
  }
}

/** Seals items of any categories. The shelf is read, not changed: what is new goes there once it is committed. */
export const sealBatch = async (into: SealInto, items: readonly WriteItem[]): Promise<SealedBatch> => {
  const batch: SealedBatch = { records: new Array(items.length), blobs: [], opened: [], apart: [], used: new Set() }
  for (const [at, { sealed }] of items.entries()) {
    if (sealed === undefined) continue
    const { record, headerBytes, digest, size, body, capsule } = sealed
    batch.records[at] = { record, headerBytes, digest, size, ...(body === undefined ? {} : { body }) }
    batch.apart.push(capsule)
  }
  const name = partName(into.view.vault, into.keyring.part.custodian.keys.id)
  const unsealed = items.map((item, at) => ({ item, at })).filter(({ item }) => item.sealed === undefined)
  // By its id: a code may come to name another category.
  const idOf = (code: string): string => toHex(categoryOf(into.keyring, code).id)
  const groups = Map.groupBy(unsealed, ({ item }) => `${name}/${idOf(item.category)}/${item.retention ?? 'care'}`)
  for (const [place, group] of groups) await sealGroup(into, place, group, batch)
  return batch
}

/** Turns stored commits into what one reader is served: visible items, and what proves them under the signed root. */
import { decodeCapsule, merkleSiblings, sha256, siblingPlaces } from '@scelle/seal/verify'
import type { FeedCommit } from '@scelle/wire/messages'
import { INDEX_LIMITS } from './limits.ts'
import { nameOf } from './names.ts'
import type { FeedEntry, FeedPage } from './store.ts'

const leavesOf = (leaves: Uint8Array): Uint8Array[] =>
  Array.from({ length: leaves.length / 32 }, (_, place) => leaves.subarray(place * 32, place * 32 + 32))

const placesOf = (...items: (readonly { readonly place: number }[])[]): number[] =>
  items.flat().map(({ place }) => place)

export const feedCommit = ({ statement, leaves, capsules, records }: FeedEntry): FeedCommit => ({
  commit: statement,
  capsules: capsules.map(({ place, bytes }) => ({ place, capsule: bytes })),
  records: records.map(({ place, header, digest, size, body }) => ({
    place,
    header,
    digest: digest ?? sha256(body ?? new Uint8Array()),
    size,
    ...(body === undefined ? {} : { body }),
  })),
  siblings: merkleSiblings(leavesOf(leaves), placesOf(capsules, records)),
})

/** Encapsulations that the seals of these capsules name, each once. */
export const namedEncapsulations = (entries: readonly FeedEntry[]): Uint8Array[] => {
  const named = new Map<string, Uint8Array>()
  for (const { capsules } of entries) {
    for (const { bytes } of capsules) {
      const { shares, owner } = decodeCapsule(bytes).capsule
      for (const { encapsulation } of owner === undefined ? shares : [...shares, owner]) {
        named.set(nameOf(encapsulation), encapsulation)
      }
    }
  }
  return [...named.values()]
}

/** Octets that a commit takes in a page, without the encapsulations that its seals name: many commits share those. */
export const servedSize = ({ statement, leaves, capsules, records }: FeedEntry): number => {
  const siblings = siblingPlaces(leaves.length / 32, placesOf(capsules, records)).length
  const proof = siblings * INDEX_LIMITS.feedSibling
  return capsules.reduce((sum, { bytes }) => sum + INDEX_LIMITS.feedItem + bytes.length, statement.length + proof) +
    records.reduce((sum, { header, body }) => sum + INDEX_LIMITS.feedItem + header.length + (body?.length ?? 0), 0)
}

/** The first commits of a page that fit it together with what their seals name; one at least. */
export const fitting = (page: FeedPage, maxBytes: number): FeedPage => {
  const named = new Set<string>()
  let size = 0
  for (const [place, entry] of page.commits.entries()) {
    for (const id of namedEncapsulations([entry])) named.add(nameOf(id))
    size += servedSize(entry)
    const { sequence: last } = entry
    const isFull = size + named.size * INDEX_LIMITS.feedEncapsulation >= maxBytes
    if (isFull && place + 1 < page.commits.length) {
      return { commits: page.commits.slice(0, place + 1), last, more: true }
    }
  }
  return page
}

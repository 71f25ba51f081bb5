/** Turns stored commits into what one reader is served: visible items, each with its path to the signed root. */
import { decodeCapsule, merkleLevels, merklePath, sha256 } from '@scelle/seal/verify'
import type { FeedCommit } from '@scelle/wire/messages'
import { INDEX_LIMITS } from './limits.ts'
import { nameOf } from './names.ts'
import type { FeedEntry, FeedPage } from './store.ts'

const levelsOf = (leaves: Uint8Array): Uint8Array[][] =>
  merkleLevels(Array.from({ length: leaves.length / 32 }, (_, place) => leaves.subarray(place * 32, place * 32 + 32)))

export const feedCommit = (entry: FeedEntry): FeedCommit => {
  const levels = levelsOf(entry.leaves)
  return {
    commit: entry.statement,
    capsules: entry.capsules.map(({ place, bytes }) => ({ place, path: merklePath(levels, place), capsule: bytes })),
    records: entry.records.map(({ place, header, digest, size, body }) => ({
      place,
      path: merklePath(levels, place),
      header,
      digest: digest ?? sha256(body ?? new Uint8Array()),
      size,
      ...(body === undefined ? {} : { body }),
    })),
  }
}

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
  const depth = Math.ceil(Math.log2(Math.max(2, leaves.length / 32)))
  const item = INDEX_LIMITS.feedItem + INDEX_LIMITS.feedPathLevel * depth
  return capsules.reduce((sum, { bytes }) => sum + item + bytes.length, statement.length) +
    records.reduce((sum, { header, body }) => sum + item + header.length + (body?.length ?? 0), 0)
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

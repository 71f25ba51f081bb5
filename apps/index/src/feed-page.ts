/** Turns stored commits into what one reader is served: visible items, each with its path to the signed root. */
import { decodeCapsule, merkleLevels, merklePath, sha256 } from '@scelle/seal/verify'
import type { FeedCommit } from '@scelle/wire/messages'
import { nameOf } from './names.ts'
import type { FeedEntry } from './store.ts'

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

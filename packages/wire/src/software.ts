/**
 * A release as an origin shows it beside what it serves: the publisher's keys, its statement, and the proof that the
 * log holds it. Whoever checks needs nothing else but the pinned keys of the log, and who the publisher must be.
 */
import type { LogPolicy } from '@scelle/log'
import {
  bytes, decode, encode, equalBytes, field, FORMAT_LIMITS, SealError, sha256, type Software, struct, type Value,
  verifyKeyChain, verifySoftware,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'
import { KeyChain } from './messages.ts'
import { Proven, verifyProven } from './proven.ts'

/** Path of the file at the origin. */
export const RELEASE_PATH = '/scelle-release'

export const Release = struct({
  /** The publisher's key records. */
  publisher: field(0, KeyChain),
  /** An encoded `Proven`. */
  proven: field(1, bytes(1, FORMAT_LIMITS.statement + WIRE_LIMITS.logProof)),
})
export type Release = Value<typeof Release>

export const encodeRelease = (release: Release): Uint8Array => encode(Release, release)

export interface VerifiedRelease {
  readonly software: Software
  readonly leaf: number
}

/**
 * Verifies a release, by the one publisher whose word counts there. Throws LogError, SealError (`principal-mismatch`
 * where somebody else published it).
 */
export const verifyRelease = async (
  file: Uint8Array, { publisher, policy }: { readonly publisher: Uint8Array; readonly policy: LogPolicy },
): Promise<VerifiedRelease> => {
  const { publisher: chain, proven } = decode(Release, file)
  const keys = await verifyKeyChain(chain)
  if (!equalBytes(keys.id, publisher)) {
    throw new SealError('principal-mismatch', 'this is published by somebody else than expected')
  }
  const { leaf } = await verifyProven(proven, policy)
  const { software } = await verifySoftware(decode(Proven, proven).statement, keys)
  return { software, leaf }
}

/** Paths of a release whose octets differ from what was released, or are not there. */
export const changedFiles = async (
  { files }: Pick<Software, 'files'>, read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<string[]> => {
  const changed: string[] = []
  for (const { path, sha256: released } of files) {
    const octets = await read(path)
    if (octets === undefined || !equalBytes(sha256(octets), released)) changed.push(path)
  }
  return changed
}

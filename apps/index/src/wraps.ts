/** Why a wrap is not stored, whichever engine found another one in its place. */
import { equalBytes } from '@scelle/seal/verify'
import type { Refusal, StoredWrap } from './store.ts'

/** Undefined where the same is there already: whoever lost the answer asks again. */
export const wrapRefusal = (there: StoredWrap | undefined, wanted: StoredWrap): Refusal | undefined => {
  if (there === undefined || !equalBytes(there.writer, wanted.writer)) return { problem: 'not-permitted' }
  const same = there.version === wanted.version && equalBytes(there.bytes, wanted.bytes)
  return same ? undefined : { problem: 'already-exists', detail: 'The wrap does not come next.' }
}

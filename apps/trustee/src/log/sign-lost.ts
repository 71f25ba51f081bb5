/**
 * A trustee's operator agrees that statements of the log are lost. The leaves stay, in the same log: only what they
 * committed to is gone. What the index says is held against this trustee's own mirror before it is signed.
 */
import type { Identity } from '@scelle/seal/identity'
import { decode, encode, equalBytes, Signed } from '@scelle/seal/verify'
import { LossAgreement, requireLoss } from '@scelle/wire/log'
import type { MirrorStore } from './mirror-store.ts'

/** The list is not to be signed. `message` says why. */
export class NotSigned extends Error {
  override readonly name = 'NotSigned'
}

/** `1, 4 to 9`. */
const inWords = (leaves: readonly number[]): string => {
  const runs: [number, number][] = []
  for (const leaf of leaves) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] + 1 === leaf) last[1] = leaf
    else runs.push([leaf, leaf])
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from} to ${to}`)).join(', ')
}

const kindOf = (statement: Uint8Array): string => decode(Signed, statement).kind

/**
 * Checks the list and signs it. Throws NotSigned where it is about another tree than the one that this trustee cosigned
 * last, or names a key record: every trustee has those, so that an index that calls one lost wants to be rid of it.
 */
export const signLost = async (
  body: Uint8Array, { identity, index, store }: { identity: Identity; index: Uint8Array; store: MirrorStore },
): Promise<{ signed: Uint8Array; words: string }> => {
  const { size, root, missing } = requireLoss(body, index)
  const cosigned = store.cosigned()
  if (cosigned?.size !== size || !equalBytes(cosigned.root, root)) {
    throw new NotSigned(`this trustee cosigned ${cosigned?.size ?? 0} leaves last, and the list is about ${size}, or`
      + ' about others of the same number')
  }
  const listed = new Set(missing)
  let known = 0
  for (let at = 0; at < size;) {
    const leaves = store.known(at, size, KNOWN_AT_ONCE)
    for (const { leaf, statement } of leaves) {
      if (!listed.has(leaf)) continue
      if (kindOf(statement) === 'key-record') throw new NotSigned(`leaf ${leaf} is a key record, and not lost`)
      known++
    }
    at = leaves.length < KNOWN_AT_ONCE ? size : (leaves.at(-1)?.leaf ?? size) + 1
  }
  const statement = await identity.sign('successor', body)
  return {
    signed: encode(LossAgreement, { statement, keys: [...identity.chain] }),
    words: `The index lost the statements of ${missing.length} of ${size} leaves: ${inWords(missing)}. Whatever they`
      + ' said, records written, grants given, accesses, has no effect any more, and the patients concerned are not'
      + ` known. ${known} of them this trustee has: they rest on others that are lost. The log itself goes on, with all`
      + ' its leaves.',
  }
}

const KNOWN_AT_ONCE = 1_024

/** Refusals are kept as signed words, so that whoever the part is of learns who tried; few enough to be no burden. */
import type { Identity } from '@scelle/seal/identity'
import { type Access, type Context, Denial, encode, SUITE } from '@scelle/seal/verify'
import { problemOf } from '@scelle/wire/server'
import { PROBLEMS } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { WordStore } from './word-store.ts'

export interface Refused {
  readonly access: Pick<Access, 'reader' | 'vault' | 'custodian'>
  /** The signed access, verified, and its statement id. */
  readonly signed: Uint8Array
  readonly id: Uint8Array
  /** What was thrown. */
  readonly why: unknown
}

/** Keeps a denial where a rule refused: not where this trustee could not serve at all, which is nobody's doing. */
export const keepDenial = async (
  { access, signed, id, why }: Refused, identity: Identity, words: WordStore, { now, random }: Context,
): Promise<void> => {
  const { code } = problemOf(why)
  if (PROBLEMS[code][0] >= 500) return
  const { reader, vault, custodian } = access
  const time = Math.floor(now() / 1000)
  const { own, all } = words.denials(reader, time - TRUSTEE_LIMITS.denialWindow)
  if (own >= TRUSTEE_LIMITS.denialsOfReader || all >= TRUSTEE_LIMITS.denials) return
  const word = await identity.sign('denial', encode(Denial, {
    suite: SUITE, server: identity.id, vault, reader, access: id, problem: code, time, salt: random(16),
  }))
  words.add({ vault, custodian, reader, kind: 'denial', time, access: signed, word })
}

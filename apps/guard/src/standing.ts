/**
 * What trustees know and a guard cannot: that no newer key record, sign-out, withdrawal or lock is in the log, of which
 * they apply every control leaf before they cosign it. Two who say the same are believed. One trustee's word ends
 * nobody's session, or it could stop a hospital, and begins none.
 */
import { decode, encode } from '@scelle/seal/verify'
import { Problem, type ProblemCode } from '@scelle/wire/errors'
import { QUORUM } from '@scelle/wire/log'
import { type SessionShown, StandingQuery, StandingTold } from '@scelle/wire/messages'
import { type Address, type Asking, askParty, isSilence } from './asking.ts'

/** What a trustee said: nothing, where all is well. */
type Word = ProblemCode | undefined

const CODES: Readonly<Record<string, ProblemCode>> = { 'signed-out': 'session-ended', 'withdrawn': 'status-withdrawn' }

const wordOf = async (asking: Asking, trustee: Address, body: Uint8Array): Promise<Word> => {
  try {
    const { over } = decode(StandingTold, await askParty(asking, trustee, 'POST', '/v1/standing', body))
    return over === undefined ? undefined : CODES[over] ?? 'locked'
  } catch (error) {
    // It does not take what it is shown: a key chain that is not the newest, a status that nobody listed signed.
    if (error instanceof Problem && !isSilence(error)) return error.code
    throw error
  }
}

/** Resolves as soon as two of them answered alike, so that one who is slow keeps nobody waiting. */
const agreed = (words: readonly Promise<Word>[]): Promise<Word> => new Promise((resolve, reject) => {
  const said: Word[] = []
  let left = words.length
  const settled = (): void => {
    left--
    const good = said.filter((word) => word === undefined).length
    const bad = said.filter((word) => word !== undefined)
    if (good >= QUORUM.release) resolve(undefined)
    else if (bad.length >= QUORUM.release) resolve(bad[0])
    else if (left === 0) reject(new Problem('view-stale'))
  }
  const hear = async (word: Promise<Word>): Promise<void> => {
    try {
      said.push(await word)
    } catch {
      // Silent, or lying: it says nothing that counts.
    }
    settled()
  }
  for (const word of words) void hear(word)
})

export interface Question {
  /** Newest key chains of whoever asks, of the person, its house, and the signers of the statuses; each once. */
  readonly keys: readonly (readonly Uint8Array[])[]
  readonly shown?: SessionShown
}

/** Throws what two trustees refuse it with; `view-stale` where no two of them answer alike. */
export const requireStanding = async (
  asking: Asking, trustees: readonly Address[], { keys, shown }: Question,
): Promise<void> => {
  const body = encode(StandingQuery, {
    keys: keys.map((chain) => [...chain]), ...(shown === undefined ? {} : { shown }),
  })
  const refused = await agreed(trustees.map((trustee) => wordOf(asking, trustee, body)))
  if (refused !== undefined) throw new Problem(refused)
}

/**
 * A house passes on what its people's pages make, which have no network: guardians' words for the log, an owner's
 * objection, and a new device's requests to the trustees. It holds no share, and opens nothing of what comes back.
 */
import {
  decode, decodeSigned, encode, equalBytes, GuardianAnswer, readRecoverySet, recoveryCase, SealError,
} from '@scelle/seal/verify'
import { PartAnswer, RecoveryShown } from '@scelle/wire/messages'
import type { CallAnswer, PageCall, TrusteeAt } from '@scelle/wire/passkey-page'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { logNotice } from '../log/notices.ts'
import { peopleOf } from '../people.ts'
import { loggedAbout, sendObjection } from './objecting.ts'

/** Where recoveries of a house's people stand, as trustees say. */
export interface PartsHeard {
  /** Parts that were given: two of them are enough. */
  readonly parts: readonly CallAnswer[]
  /** Milliseconds since 1970: nothing is given before. Undefined where nobody says so. */
  readonly until: number | undefined
  /** The owner objected, or another recovery took its place, by the word of so many. */
  readonly ended: number
}

export interface RelayedRecoveries {
  /** Key records of the trustees and where they are, for the page to hold against those that it knows. */
  readonly trustees: () => Promise<TrusteeAt[]>
  /** What names the recovery that a guardian's answer is about; nothing in it is verified. Throws SealError. */
  readonly caseOf: (answer: Uint8Array) => { readonly id: Uint8Array; readonly guardian: Uint8Array }
  /**
   * Puts a recovery on record, for two guardians' answers and their key records: from then on it is seen, and the time
   * runs. `set`: encoded, as the owner's page dealt it.
   */
  readonly begin: (
    answers: readonly Uint8Array[], set: Uint8Array, chains: readonly (readonly Uint8Array[])[],
  ) => Promise<void>
  /** An owner's word, signed by passkey, with the owner's key records. Answers at how many it came in time. */
  readonly object: (objection: Uint8Array, owner: readonly Uint8Array[]) => Promise<number>
  /** Requests that a page signed, each to the trustee that it is to. */
  readonly parts: (calls: readonly PageCall[]) => Promise<PartsHeard>
  /** A PIN's blinded point, to the trustees. `locked`: of how many, its tries are spent. */
  readonly evaluations: (calls: readonly PageCall[]) => Promise<{
    readonly answers: readonly CallAnswer[]; readonly locked: number
  }>
  /** Whoever knows a PIN has its tries forgotten. A trustee that is away keeps them: nobody is locked out by that. */
  readonly pinKnown: (calls: readonly PageCall[]) => Promise<void>
  /** Leaves of the log that are labelled with this person, from one on; `next` is where to go on. */
  readonly logged: (
    owner: Uint8Array, from?: number,
  ) => Promise<{ readonly leaves: number[]; readonly next: number }>
}

const passOn = async (
  connection: Connection, { trustee, path, body, input, signature, digest }: PageCall,
): Promise<CallAnswer> => {
  const { target } = await connection.trustee(trustee)
  return {
    trustee,
    body: await connection.transport.ask(target, {
      method: 'POST', path, body, attempts: 1,
      signed: { 'signature-input': input, signature, 'content-digest': digest },
    }),
  }
}

interface Heard {
  readonly answers: readonly CallAnswer[]
  /** Codes of those that refused. */
  readonly refusals: readonly (string | undefined)[]
}

/** One page asks each trustee once, for one thing: whoever poses as it has no second try here, and no other path. */
const passedOn = async (
  connection: Connection, calls: readonly PageCall[], path: PageCall['path'],
): Promise<Heard> => {
  const once = calls.filter((call, at) =>
    call.path === path && calls.findIndex(({ trustee }) => equalBytes(trustee, call.trustee)) === at)
  const answers: CallAnswer[] = []
  const refusals: (string | undefined)[] = []
  await Promise.all(once.map(async (call) => {
    try {
      answers.push(await passOn(connection, call))
    } catch (error) {
      if (!(error instanceof SdkError || error instanceof SealError)) throw error
      refusals.push(error instanceof SdkError ? error.problem : undefined)
      connection.log('trustee-failed', { code: error.code })
    }
  }))
  return { answers, refusals }
}

const partsHeard = async (connection: Connection, calls: readonly PageCall[]): Promise<PartsHeard> => {
  const { answers, refusals } = await passedOn(connection, calls, '/v1/recoveries/parts')
  const parts: CallAnswer[] = []
  const dues: number[] = []
  for (const answer of answers) {
    const { part, due } = decode(PartAnswer, answer.body)
    if (part === undefined) dues.push((due ?? 0) * 1000)
    else parts.push(answer)
  }
  return {
    parts, until: dues.length === 0 ? undefined : Math.max(...dues),
    ended: refusals.filter((problem) => problem === 'recovery-ended').length,
  }
}

export const relayedRecoveries = (connection: Connection): RelayedRecoveries => ({
  trustees: async () =>
    (await connection.metTrustees()).map(({ chain, target }) => ({ url: target.url, chain: [...chain] })),
  caseOf: (answer) => {
    const { guardian, recovery } = decode(GuardianAnswer, answer)
    return { guardian, id: recoveryCase(decodeSigned('recovery', recovery).body) }
  },
  begin: async (answers, set, chains) => {
    // Their own principals: the index has to know them, and whoever looks up who guarded.
    for (const chain of chains) await peopleOf(connection).register(chain)
    const recoveries = answers.map((answer) => decode(GuardianAnswer, answer).recovery)
    const { owner } = readRecoverySet(set)
    const content = encode(RecoveryShown, { keys: chains.map((chain) => [...chain]), recoveries, set })
    await logNotice(connection, { about: 'recovery', target: owner, content })
  },
  object: (objection, owner) => sendObjection(connection, objection, owner),
  parts: (calls) => partsHeard(connection, calls),
  evaluations: async (calls) => {
    const { answers, refusals } = await passedOn(connection, calls, '/v1/pins/evaluations')
    return { answers, locked: refusals.filter((problem) => problem === 'pin-locked').length }
  },
  pinKnown: async (calls) => {
    await passedOn(connection, calls, '/v1/pins/known')
  },
  logged: (owner, from) => loggedAbout(connection, from, owner),
})

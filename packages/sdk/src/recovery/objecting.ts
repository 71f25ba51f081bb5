/** The owner's word against a recovery, or against guardians for good; and what it is told of. */
import {
  decode, encode, leafSubject, noticeLabel, Objection, SealError, SUITE, toHex, verifyKeyChain,
} from '@scelle/seal/verify'
import { ObjectionAnswer, ObjectionShown, Recoveries, RecoveriesRequest } from '@scelle/wire/messages'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { logNotice } from '../log/notices.ts'

/** A recovery of one's own root, by what trustees say. */
export interface OwnRecovery {
  readonly recovery: Uint8Array
  readonly set: Uint8Array
  /** Principal id of the device that it is for. */
  readonly device: Uint8Array
  /** Milliseconds since 1970: nothing is given before. */
  readonly due: number
  /** How many of the trustees say that it is over, and that they gave their part. Two of those are a root. */
  readonly ended: number
  readonly released: number
}

/** What the trustees say; one that is enough, since whoever hides a recovery is no friend. */
export const ownRecoveries = async (connection: Connection): Promise<OwnRecovery[]> => {
  const { identity, transport } = connection
  const body = encode(RecoveriesRequest, { keys: [[...identity.chain]] })
  const found = new Map<string, OwnRecovery>()
  let heard = 0
  for (const { target } of await connection.metTrustees()) {
    try {
      const told = decode(Recoveries, await transport.ask(target, {
        method: 'POST', path: '/v1/recoveries/own', body, attempts: 2,
      }))
      heard++
      for (const one of told) {
        const name = toHex(one.recovery)
        const before = found.get(name)
        found.set(name, {
          ...one, due: Math.min(one.due * 1000, before?.due ?? Number.MAX_SAFE_INTEGER),
          ended: (before?.ended ?? 0) + Number(one.ended), released: (before?.released ?? 0) + Number(one.released),
        })
      }
    } catch (error) {
      if (!(error instanceof SdkError || error instanceof SealError)) throw error
      connection.log('trustee-failed', { code: error.code })
    }
  }
  if (heard < 2) throw new SdkError('recovery-insufficient', 'too few trustees say what they know; ask again')
  return [...found.values()]
}

/**
 * Leaves of the log that are labelled with this person, from one on: a recovery that trustees and index kept quiet
 * about would stand there. `next` is where to go on.
 */
export const loggedAbout = async (
  { logClient, identity }: Connection, from = 0, person = identity.id,
): Promise<{ readonly leaves: number[]; readonly next: number }> => {
  const seen = await logClient.labelled(noticeLabel(leafSubject(person)), from)
  return { leaves: seen.leaves.map(({ leaf }) => leaf), next: seen.size }
}

/** The body of an objection, for the root or a passkey to sign. Without `recovery` it ends the set for good. */
export const objectionBody = (
  { identity, context }: Connection, set: Uint8Array, recovery?: Uint8Array,
): Uint8Array => encode(Objection, {
  suite: SUITE, owner: identity.id, set, ...(recovery === undefined ? {} : { recovery }),
  time: Math.floor(context.now() / 1000), nonce: context.random(16),
})

/**
 * Tells each trustee, and has it logged for those that are away. Answers at how many it came in time: two of three keep
 * the root. Throws `recovery-insufficient` where fewer than two trustees have it yet.
 */
export const sendObjection = async (
  connection: Connection, objection: Uint8Array, owner: readonly Uint8Array[] = connection.identity.chain,
): Promise<number> => {
  const { identity, transport } = connection
  // Whoever passes somebody else's word on shows who it is that asks.
  const sender = owner === identity.chain ? [] : [[...identity.chain]]
  const content = encode(ObjectionShown, { keys: [...sender, [...owner]], objection })
  let [heard, inTime] = [0, 0]
  await Promise.all((await connection.metTrustees()).map(async ({ target }) => {
    try {
      const answer = await transport.ask(target, {
        method: 'POST', path: '/v1/recoveries/objections', body: content, attempts: 2,
      })
      heard++
      if (decode(ObjectionAnswer, answer).inTime) inTime++
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      connection.log('trustee-failed', { code: error.code })
    }
  }))
  await logNotice(connection, { about: 'objection', target: (await verifyKeyChain(owner)).id, content })
  if (heard < 2) throw new SdkError('recovery-insufficient', 'too few trustees have heard of it yet; send it again')
  return inTime
}

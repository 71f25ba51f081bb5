/**
 * In whose session somebody reads. A stolen file holds no passkey: what a person opens takes their gesture, made for
 * this house, this key and these hours, and what a house opens by itself takes a word of the register or is its own.
 */
import {
  type Access, decode, decodeSigned, endsSession, equalBytes, type KnownSession, type PrincipalKeys, requireLive,
  type Signed, SignOut, type Status,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from './limits.ts'

export interface SessionNeed {
  readonly reader: PrincipalKeys
  /** The reader's, by a listed issuer. */
  readonly status: Status | undefined
  readonly access: Pick<Access, 'purpose'>
  /** Principal id of the index: sessions are of its network. */
  readonly index: Uint8Array
  /** Signed sign-outs of the reader that the log holds. */
  readonly signOuts: readonly Uint8Array[]
  /** Seconds. */
  readonly now: number
}

/**
 * Whether the session was ended. Who signed the sign-out was checked by the index, which is believed here: it can keep
 * anybody from reading in any case.
 */
export const isSignedOut = (session: KnownSession, signOuts: readonly Uint8Array[]): boolean =>
  signOuts.some((signed) => endsSession(decode(SignOut, decodeSigned('sign-out', signed).body), session))

/**
 * Whether a statement is its person's own word: by a passkey that cannot leave its device or, where the register says
 * that their key does, by that. A key that rests on a disk would otherwise stand for a person who is not there.
 */
export const isOwnWord = (
  { current: { passkeys = [] } }: PrincipalKeys, { assertion }: Pick<Signed, 'assertion'>, status: Status | undefined,
): boolean => (assertion === undefined
  ? passkeys.length === 0 && status?.ownKey === true
  : passkeys.every(({ deviceBound }) => deviceBound))

/**
 * What a metered reader must show: a person a live session of a device-bound passkey at the house of its status, unless
 * the register says that its key does alone; a house that it never said to open by its people alone. Throws
 * `session-required`, `session-ended`, SealError `session-invalid`, `session-expired`.
 */
export const requireSession = ({ reader, status, access, index, signOuts, now }: SessionNeed): void => {
  const { session } = reader
  if (session === undefined) {
    const alone = reader.kind === 'person' ? status?.ownKey === true : reader.current.flowOnly !== true
    if (!alone) throw new Problem('session-required')
    return
  }
  requireLive(session, { audience: index, now, skew: TRUSTEE_LIMITS.accessAhead })
  if (isSignedOut(session, signOuts)) throw new Problem('session-ended')
  const house = status?.organisation
  const fits = session.deviceBound && session.purposes.includes(access.purpose) &&
    house !== undefined && equalBytes(session.house, house)
  if (!fits) throw new Problem('session-required')
}

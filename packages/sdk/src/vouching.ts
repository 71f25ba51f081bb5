/**
 * Standing for somebody's opening: facts and confirmations, made and checked, and where a reader stands. For servers
 * that keep what people sign and show it when it is needed.
 */
import { signConfirmation, signFact } from '@scelle/seal/grants'
import {
  actingKeys, type Codec, Confirmation, type Context, decode, decodeSigned, encode, Fact, Order, type PrincipalKeys,
  requireCurrentKey, requireSuite, Status, SUITE, toHex,
  verifySigned,
} from '@scelle/seal/verify'
import { type Counter, MeterAnswer, MeterRequest } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { type Id, idBytes } from './ids.ts'
import { chainsOf, inSession, renewChains } from './signers.ts'

/** Times in milliseconds since 1970, ids in hex: as whoever asks reads them. */
export interface KnownFact {
  readonly type: Fact['type']
  readonly vault: string
  readonly organisation: string
  /** One reader alone; undefined for all of the organisation. */
  readonly reader: string | undefined
  readonly signer: string
  readonly from: number
  readonly until: number
}

export interface KnownConfirmation {
  readonly type: Confirmation['type']
  readonly reader: string
  readonly organisation: string
  /** One patient alone; undefined for any. */
  readonly vault: string | undefined
  readonly signer: string
  readonly reason: string
  readonly time: number
}

export interface KnownStatus {
  readonly subject: string
  readonly issuer: string
  readonly role: Status['role']
  readonly organisation: string | undefined
  /** The second key. */
  readonly stepUp: string | undefined
  readonly from: number
  readonly until: number
}

export interface KnownOrder {
  readonly action: Order['action']
  readonly scope: Order['scope']
  readonly target: string
  /** Of a lost key: the principal that stands in its place. */
  readonly replacement: string | undefined
  readonly signer: string
  /** What was signed: of two officers the same bytes. */
  readonly body: Uint8Array
  readonly until: number
}

/** Where a reader stands at one trustee. */
export interface StandingAt {
  readonly trustee: string
  readonly counter: Counter
  /** Why nothing is released to it; undefined where it is not locked. */
  readonly locked: string | undefined
}

export interface NewFact {
  readonly type: Fact['type']
  readonly vault: Id
  readonly organisation: Id
  readonly reader?: Id
  /** Milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

export interface NewConfirmation {
  readonly type: Confirmation['type']
  readonly reader: Id
  readonly organisation: Id
  readonly vault?: Id
  readonly reason: string
}

const seconds = (ms: number): number => Math.floor(ms / 1000)

export const makeFact = ({ identity, context }: Connection, fact: NewFact): Promise<Uint8Array> => {
  const { type, vault, organisation, reader, from, until } = fact
  if (!(until > from)) throw new SdkError('bad-input', 'a fact ends after it begins')
  return signFact(identity, {
    type, vault: idBytes(vault), organisation: idBytes(organisation),
    ...(reader === undefined ? {} : { reader: idBytes(reader) }), notBefore: seconds(from), expires: seconds(until),
  }, context)
}

export const makeConfirmation = (
  { identity, context }: Connection, { type, reader, organisation, vault, reason }: NewConfirmation,
): Promise<Uint8Array> => {
  if (reason.trim() === '') throw new SdkError('bad-input', 'a confirmation says why')
  return signConfirmation(identity, {
    type, reader: idBytes(reader), organisation: idBytes(organisation), reason,
    ...(vault === undefined ? {} : { vault: idBytes(vault) }),
  }, context)
}

/** The body of one, for its signer's passkey. Throws `bad-input` without a reason. */
export const confirmationBody = (
  { type, reader, organisation, vault, reason }: NewConfirmation, context: Context,
): Uint8Array => {
  if (reason.trim() === '') throw new SdkError('bad-input', 'a confirmation says why')
  return encode(Confirmation, {
    suite: SUITE, type, reader: idBytes(reader), organisation: idBytes(organisation), reason,
    time: seconds(context.now()), nonce: context.random(16),
    ...(vault === undefined ? {} : { vault: idBytes(vault) }),
  })
}

/** What a statement says and who signed it (hex), once it holds under the signer's newest key. Throws SealError. */
const verified = async <T extends { readonly suite: number }>(
  connection: Connection, kind: 'fact' | 'confirmation' | 'status' | 'order', codec: Codec<T>,
  signed: Uint8Array,
): Promise<{ readonly said: T; readonly signer: string; readonly body: Uint8Array }> => {
  const find = async (id: Uint8Array): Promise<PrincipalKeys> => (await connection.directory.of(id)).keys
  const keys = await actingKeys(decodeSigned(kind, signed), find)
  const { body, signed: statement } = await verifySigned(kind, signed, keys)
  requireCurrentKey(statement, keys)
  const said = decode(codec, body)
  requireSuite(said)
  return { said, signer: toHex(keys.id), body }
}

const hexIn = (id: Uint8Array | undefined): string | undefined => (id === undefined ? undefined : toHex(id))

/** What a fact says, its signature verified. Whether it explains anything, trustees decide. Throws SealError. */
export const knownFact = async (connection: Connection, signed: Uint8Array): Promise<KnownFact> => {
  const { said: { type, vault, organisation, reader, notBefore, expires }, signer } =
    await verified(connection, 'fact', Fact, signed)
  return {
    type, vault: toHex(vault), organisation: toHex(organisation), reader: hexIn(reader), signer,
    from: notBefore * 1000, until: expires * 1000,
  }
}

/** As {@link knownFact}, of a confirmation. */
export const knownConfirmation = async (connection: Connection, signed: Uint8Array): Promise<KnownConfirmation> => {
  const { said: { type, reader, organisation, vault, reason, time }, signer } =
    await verified(connection, 'confirmation', Confirmation, signed)
  return {
    type, reader: toHex(reader), organisation: toHex(organisation), vault: hexIn(vault), signer, reason,
    time: time * 1000,
  }
}

/** As {@link knownFact}, of a status. Whether its issuer is to be believed, the caller decides. */
export const knownStatus = async (connection: Connection, signed: Uint8Array): Promise<KnownStatus> => {
  const { said: { subject, role, organisation, stepUp, notBefore, expires }, signer } =
    await verified(connection, 'status', Status, signed)
  return {
    subject: toHex(subject), issuer: signer, role, organisation: hexIn(organisation), stepUp: hexIn(stepUp),
    from: notBefore * 1000, until: expires * 1000,
  }
}

/** As {@link knownFact}, of an order. Whether whoever signed it may order anything, trustees decide. */
export const knownOrder = async (connection: Connection, signed: Uint8Array): Promise<KnownOrder> => {
  const { said: { action, scope, target, replacement, expires }, signer, body } =
    await verified(connection, 'order', Order, signed)
  return {
    action, scope, target: toHex(target), replacement: hexIn(replacement), signer, body, until: expires * 1000,
  }
}

const isBadStatement = ({ reason }: PromiseRejectedResult): boolean =>
  reason instanceof SdkError && reason.problem === 'bad-statement'

/**
 * Where this reader stands, by each trustee that answers. Where keys were replaced since, newer ones are shown: whoever
 * is locked or signed out would otherwise not hear of it for the rest of the session.
 */
export const standingNow = async (
  connection: Connection, statuses: readonly Uint8Array[],
): Promise<StandingAt[]> => {
  const ask = async (): Promise<PromiseSettledResult<StandingAt>[]> => {
    const body = encode(MeterRequest, {
      statuses: [...statuses], keys: await chainsOf(connection, statuses), ...inSession(connection),
    })
    return Promise.allSettled(connection.trusteeIds.map(async (id): Promise<StandingAt> => {
      const { target } = await connection.trustee(id)
      const answer = await connection.transport.ask(target, { method: 'POST', path: '/v1/meter', body, attempts: 1 })
      const { counter, locked } = decode(MeterAnswer, answer)
      return { trustee: toHex(id), counter, locked }
    }))
  }
  let said = await ask()
  if (said.some((one) => one.status === 'rejected' && isBadStatement(one))) {
    await renewChains(connection, statuses)
    said = await ask()
  }
  return said.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

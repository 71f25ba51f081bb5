/**
 * Guardians without a screen: a root is dealt to three people, and comes back through two of them. House and trustees
 * only ever hold what is sealed to somebody else, or to the new passkey.
 */
import {
  answerAsGuardian, askGuardians, contentOf, guardianCode, hearGuardian, type HeardGuardian, openGivenPart, openPacket,
  openWrap, ownIdentity, recoveryDevice, rehearsalOf, rootByGuardians, sealWrap, spokenCode, wrapByGuardians, wrapPlace,
} from '@scelle/seal/recovery'
import {
  type Context, decode, encode, equalBytes, FORMAT_LIMITS, type Passkey, type PrincipalKeys, readRecoverySet,
  recoverySetId, SealError, toHex, type Wrap,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { PartAnswer, PartRequest } from '@scelle/wire/messages'
import type { BegunRecovery, CallAnswer, GuardingAnswered, KeptWrap, PageCall } from '@scelle/wire/passkey-page'
import type { TrusteeAsked } from './asked-guardians.ts'
import { isOwn } from './root.ts'

type Own = Awaited<ReturnType<typeof ownIdentity>>

/**
 * The principal as which somebody guards: their own, which no house has a sealing key of. As a house's person they
 * could be opened to by that house.
 */
export const guardianIn = async (
  root: Uint8Array, person: PrincipalKeys, chain: readonly Uint8Array[],
): Promise<Own> => ownIdentity(root, (await isOwn(root, person)) ? chain : [])

/** With or without spaces, as digits are typed while somebody reads them. */
export const sameDigits = (typed: string, code: string): boolean =>
  typed.replaceAll(/\D/g, '') === code.replaceAll(' ', '')

export const digitsOfGuardian = (id: Uint8Array): string => guardianCode(id)

export const digitsOfAsk = (ask: Uint8Array): string => spokenCode(ask)

export interface ToDeal {
  readonly root: Uint8Array
  /** Who may object: with a passkey that is left, at any house's page. */
  readonly owner: Uint8Array
  readonly guardians: readonly PrincipalKeys[]
  readonly trustees: readonly PrincipalKeys[]
  /** Whom it is about, as guardians read it. */
  readonly name: string
}

export const deal = async (
  from: ToDeal, context: Context,
): Promise<{ readonly wrap: KeptWrap } & Required<Pick<GuardingAnswered, 'set' | 'packets'>>> => {
  const place = wrapPlace(context.random(32))
  const { wrap, set, packets } = await wrapByGuardians({ ...from, place, rehearsedBy: from.root }, context)
  return { wrap: { sealed: await sealWrap(wrap, place, context), set: recoverySetId(set) }, set, packets }
}

/** Each of the three opened its packet: nobody else can say these codes, the house that hands them on least of all. */
export const allOpened = (root: Uint8Array, set: Uint8Array, codes: readonly Uint8Array[]): boolean =>
  readRecoverySet(set).guardians.every((guardian) => {
    const code = rehearsalOf(root, set, guardian)
    return codes.some((one) => equalBytes(one, code))
  })

/** Whom a packet is about, and what its guardian answers. Throws SealError. */
export const packetOpened = openPacket

/** What a guardian gives to whoever said these digits. Throws SealError. */
export const released = async (packet: Uint8Array, ask: Uint8Array, guardian: Own): Promise<Uint8Array> =>
  answerAsGuardian(ask, await openPacket(packet, guardian), guardian)

/** `prf`: of the new passkey. */
export const begin = async (
  prf: Uint8Array, passkey: Passkey, context: Context,
): Promise<BegunRecovery> => {
  const nonce = context.random(16)
  const device = await recoveryDevice(prf, passkey, nonce)
  return { passkey, nonce, ask: askGuardians(device, context) }
}

export interface ToFinish {
  /** Of the passkey that began it. */
  readonly prf: Uint8Array
  readonly begun: BegunRecovery
  readonly answers: readonly Uint8Array[]
  readonly wraps: readonly KeptWrap[]
}

interface Agreed {
  readonly device: Own
  /** Guardians who signed for one and the same recovery, two at least. */
  readonly heard: readonly HeardGuardian[]
  readonly wrap: Wrap
}

const insufficient = (): SealError =>
  new SealError('shares-insufficient', 'two guardians of one owner have to answer; ask the third one')

/** What a house adds that is no answer to this device is passed over. */
const heardOf = async (answers: readonly Uint8Array[], device: Own): Promise<HeardGuardian[]> => {
  const all = await Promise.allSettled(answers.map((answer) => hearGuardian(answer, device)))
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

const guardedIn = async (wraps: readonly KeptWrap[], heard: readonly HeardGuardian[]): Promise<Wrap> => {
  for (const { place, set } of heard) {
    for (const kept of wraps.filter((one) => one.set !== undefined && equalBytes(one.set, recoverySetId(set)))) {
      const wrap = await openWrap(kept.sealed, place).catch(() => undefined)
      if (wrap !== undefined && equalBytes(contentOf(wrap, 'guardians', 'guardians').set, set)) return wrap
    }
  }
  throw new SealError('wrap-invalid', 'what was kept is not of these guardians; use another way back')
}

const agreedIn = async ({ prf, begun, answers, wraps }: ToFinish): Promise<Agreed> => {
  const device = await recoveryDevice(prf, begun.passkey, begun.nonce)
  const heard = [...Map.groupBy(await heardOf(answers, device), ({ id, set }) => `${toHex(id)}/${toHex(set)}`).values()]
    .find((same) => new Set(same.map(({ by }) => toHex(by))).size >= FORMAT_LIMITS.guardiansNeeded)
  if (heard === undefined) throw insufficient()
  return { device, heard, wrap: await guardedIn(wraps, heard) }
}

/**
 * Requests to the trustees for their parts, signed by the new device, for the house to pass on within the minute. A
 * part is sealed to that device: whoever carries it reads nothing. Throws SealError.
 */
export const partCalls = async (
  from: ToFinish, trustees: readonly TrusteeAsked[], { now, random }: Context,
): Promise<PageCall[]> => {
  const { device, heard: [first], wrap } = await agreedIn(from)
  if (first === undefined) throw insufficient()
  const { set, parts } = contentOf(wrap, 'guardians', 'guardians')
  const places = readRecoverySet(set).trustees
  const path = '/v1/recoveries/parts'
  return Promise.all(trustees.flatMap(({ url, keys: { id } }) => {
    const part = parts[places.findIndex((one) => equalBytes(one, id))]
    if (part === undefined) return []
    const body = encode(PartRequest, { keys: [[...device.chain]], recovery: first.id, set, part })
    const to = `${url.replace(/\/+$/, '')}${path}`
    return [signRequest({ method: 'POST', url: to, body, identity: device, now, random }).then((fields): PageCall => ({
      trustee: id, path, body, input: fields['signature-input'], signature: fields.signature,
      digest: fields['content-digest'] ?? '',
    }))]
  }))
}

/** The root, of two guardians' shares and two trustees' parts. Throws SealError. */
export const rootThrough = async (from: ToFinish, heard: readonly CallAnswer[]): Promise<Uint8Array> => {
  const { device, heard: agreed, wrap } = await agreedIn(from)
  const [first] = agreed
  if (first === undefined) throw insufficient()
  const seeds = device.secrets.map(({ sealing }) => sealing)
  // A trustee that answers what does not open is passed over, as one that does not answer.
  const opened = await Promise.allSettled(heard.map(async ({ trustee, body }) => {
    const { part } = decode(PartAnswer, body)
    if (part === undefined) throw new SealError('shares-insufficient', 'this trustee gives its part later')
    return openGivenPart(part, first.id, trustee, seeds)
  }))
  return rootByGuardians(wrap, agreed, opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))
}

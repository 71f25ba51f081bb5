/**
 * A PIN by the trustees, without a network and without a screen: a blinded point goes out with the house, evaluations
 * come back with it. Their proofs are held against the public shares in the wrap, so a house that answers itself, or
 * has others answer, is found out; the trustees count, so a house that guesses has as few tries as anybody.
 */
import {
  contentOf, openWrap, pinInput, pinKnower, rootByPin, sealWrap, wrapByPin, wrapPlace, wrapWriter,
} from '@scelle/seal/recovery'
import {
  bytes, type Context, decode, encode, equalBytes, field, type PinSet, type PrincipalKeys, readPinSet, SealError,
  struct, type Wrap,
} from '@scelle/seal/verify'
import { blindInput, finishEvaluation, type PartialEvaluation, requireEvaluation } from '@scelle/seal/voprf'
import { signRequest } from '@scelle/wire/http'
import { PinEvaluation, PinKnown, PinTry } from '@scelle/wire/messages'
import type { CallAnswer, KeptWrap, PageCall, PinAnswered } from '@scelle/wire/passkey-page'
import type { TrusteeAsked } from './asked-guardians.ts'
import type { Device } from './device.ts'

/** What has to be known again when the answers are there: it never leaves in clear. */
const Blinded = struct({ input: field(0, bytes(1, 256)), blind: field(1, bytes(32)), blinded: field(2, bytes(32)) })

/** Throws SealError `pin-invalid` where the PIN is too short. */
export const wrapUnderPin = async (
  { root, pin, secret, trustees }: {
    readonly root: Uint8Array; readonly pin: string; readonly secret: Uint8Array
    readonly trustees: readonly PrincipalKeys[]
  }, context: Context,
): Promise<KeptWrap> => {
  const wrap = await wrapByPin({ root, pin, device: secret, trustees }, context)
  return { device: true, sealed: await sealWrap(wrap, wrapPlace(secret), context) }
}

interface OfDevice {
  readonly wrap: Wrap
  readonly pin: PinSet
  readonly set: Uint8Array
}

/** This browser's among the wraps. Throws `wrap-invalid` where it has none. */
const ofDevice = async (wraps: readonly KeptWrap[], secret: Uint8Array): Promise<OfDevice> => {
  const place = wrapPlace(secret)
  for (const { device, sealed } of wraps) {
    const wrap = device === true ? await openWrap(sealed, place).catch(() => undefined) : undefined
    if (wrap !== undefined) {
      const { set } = contentOf(wrap, 'device', 'pin')
      return { wrap, set, pin: readPinSet(set) }
    }
  }
  throw new SealError('wrap-invalid', 'this browser has no key of this person; use another one, or the sheet')
}

type Signer = Parameters<typeof signRequest>[0]['identity']

const callsTo = async (
  trustees: readonly TrusteeAsked[], { wrap, pin }: OfDevice,
  { path, signer, bodyOf }: {
    readonly path: PageCall['path']; readonly signer: Signer
    readonly bodyOf: (share: NonNullable<Wrap['pin']>['shares'][number]) => Uint8Array
  },
  { now, random }: Context,
): Promise<PageCall[]> => Promise.all(trustees.flatMap(({ url, keys: { id } }) => {
  const share = contentOf(wrap, 'device', 'pin').shares[pin.trustees.findIndex((one) => equalBytes(one, id))]
  if (share === undefined) return []
  const body = bodyOf(share)
  const to = `${url.replace(/\/+$/, '')}${path}`
  return [signRequest({ method: 'POST', url: to, body, identity: signer, now, random }).then((fields): PageCall => ({
    trustee: id, path, body, input: fields['signature-input'], signature: fields.signature,
    digest: fields['content-digest'] ?? '',
  }))]
}))

export interface PinVisit {
  readonly wraps: readonly KeptWrap[]
  readonly device: Device
  readonly trustees: readonly TrusteeAsked[]
}

/** First visit. Throws SealError `pin-invalid` where the PIN is too short, `wrap-invalid`. */
export const askPin = async (
  { wraps, device, trustees }: PinVisit, typed: string, context: Context,
): Promise<PinAnswered> => {
  const secret = await device.secret()
  const known = await ofDevice(wraps, secret)
  const { input, blind, blinded } = blindInput(pinInput(typed, known.pin.salt), context)
  const asker = await wrapWriter(wrapPlace(secret))
  const calls = await callsTo(trustees, known, {
    path: '/v1/pins/evaluations', signer: asker,
    bodyOf: (share) => encode(PinTry, { keys: [[...asker.chain]], set: known.set, share, blinded }),
  }, context)
  return { state: await device.seal(encode(Blinded, { input, blind, blinded })), calls }
}

export type PinOutcome =
  | { readonly state: 'opened'; readonly root: Uint8Array; readonly known: readonly PageCall[] }
  /** `left`: tries that the trustee with fewest of them still gives. */
  | { readonly state: 'wrong-pin'; readonly left: number }

/** Whoever's evaluation is not its own is passed over: two others are enough. */
const evaluationsIn = (
  heard: readonly CallAnswer[], blinded: Uint8Array, pin: PinSet,
): { partials: PartialEvaluation[]; left: number } => {
  const partials: PartialEvaluation[] = []
  let left = Number.MAX_SAFE_INTEGER
  for (const { trustee, body } of heard) {
    try {
      const { evaluated, proof, left: rest } = decode(PinEvaluation, body)
      requireEvaluation({ trustee, evaluated, proof }, blinded, pin)
      partials.push({ trustee, evaluated, proof })
      left = Math.min(left, rest)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
    }
  }
  return { partials, left }
}

/** Second visit. Throws SealError `wrap-invalid`, `shares-insufficient`. */
export const pinAnswered = async (
  { wraps, device, trustees }: PinVisit,
  { state, heard }: { readonly state: Uint8Array; readonly heard: readonly CallAnswer[] }, context: Context,
): Promise<PinOutcome> => {
  const secret = await device.secret()
  const known = await ofDevice(wraps, secret)
  const blinding = decode(Blinded, await device.open(state))
  const { partials, left } = evaluationsIn(heard, blinding.blinded, known.pin)
  if (partials.length < 2) {
    throw new SealError('shares-insufficient', 'two trustees have to answer for a PIN; type it again')
  }
  const output = finishEvaluation(blinding, partials, known.pin)
  try {
    const root = await rootByPin(known.wrap, output, secret)
    const knower = await pinKnower(output, known.pin.salt)
    return {
      state: 'opened', root,
      known: await callsTo(trustees, known, {
        path: '/v1/pins/known', signer: knower,
        bodyOf: (share) => encode(PinKnown, { keys: [[...knower.chain]], set: known.set, share }),
      }, context),
    }
  } catch (error) {
    if (error instanceof SealError && error.code === 'pin-invalid') return { state: 'wrong-pin', left }
    throw error
  }
}

/**
 * A wrap as it is stored: under a locator, by a writer and sealed under a key that all follow from its own secret. So
 * whoever stores wraps links none to a person, to another wrap, or to its kind; all are of one length.
 */
import { hkdfSha256 } from '#hash'
import { oneText, openBody, sealBody } from '../body/cobblestone.ts'
import type { Context } from '../context.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { type Identity, identityFrom } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { SUITE } from '../statements.ts'
import { concatBytes, hashOf, u32, ZERO32 } from '../verify/bytes.ts'
import { requireSuite } from '../verify/identity.ts'
import { Wrap, type WrapEntry, type WrapMethod } from '../wraps.ts'
import { listSecret, requireRoot, rootCheck } from './root.ts'

/** What a passkey's PRF is evaluated over (WebAuthn Level 3, section 10.1.4), 32 bytes: the same for everybody. */
export const prfInput = (): Uint8Array => hashOf('wrapInput')

/** What a browser's own key makes its MAC over: the same bytes, since what comes out plays the same part. */
export const deviceInput = prfInput

export interface WrapPlace {
  /** 32 bytes: where it is stored. */
  readonly locator: Uint8Array
  /** Seals it. */
  readonly key: Uint8Array
  /** Of whoever signs for what is stored there: see {@link wrapWriter}. */
  readonly writer: Uint8Array
}

/** `secret`: 32 bytes that nobody guesses, such as a PRF's output. None of the three leads back to it. */
export const wrapPlace = (secret: Uint8Array): WrapPlace => {
  const made = hkdfSha256(secret, ZERO32, labelBytes('wrapSecrets'), 96)
  return { locator: made.slice(0, 32), key: made.slice(32, 64), writer: made.slice(64) }
}

/** The principal of one wrap alone. It may write over the wrap, and cannot open it. */
export const wrapWriter = ({ writer }: Pick<WrapPlace, 'writer'>): Promise<Identity> => {
  const made = hkdfSha256(writer, ZERO32, labelBytes('wrapWriter'), 80)
  const secrets = { signing: made.slice(0, 32), sealing: made.slice(32, 64) }
  return identityFrom('person', secrets, { time: 0, salt: made.slice(64) })
}

const contextOf = ({ locator }: Pick<WrapPlace, 'locator'>): Uint8Array =>
  concatBytes(labelBytes('wrapBody'), locator)

/** Bytes of every sealed wrap: Cobblestone-256 of one chunk. */
export const SEALED_WRAP: number = LIMITS.wrap + 72

/** Throws `encoding-out-of-range` where the wrap is too long. */
export const sealWrap = async (
  wrap: Wrap, place: Pick<WrapPlace, 'locator' | 'key'>, { random }: Context,
): Promise<Uint8Array> => {
  const encoded = encode(Wrap, wrap)
  if (encoded.length > LIMITS.wrap - 4) throw new SealError('encoding-out-of-range', 'there are too many wraps to list')
  const padded = new Uint8Array(LIMITS.wrap)
  padded.set(u32(encoded.length))
  padded.set(encoded, 4)
  return await sealBody(place.key, random(24), contextOf(place), oneText(padded))
}

const wrapIn = (padded: Uint8Array): Wrap => {
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  const rest = padded.subarray(4 + Math.min(length, LIMITS.wrap))
  if (4 + length > padded.length || rest.some((byte) => byte !== 0)) {
    throw new SealError('wrap-invalid', 'a wrap is padded otherwise than it has to be')
  }
  const wrap = decode(Wrap, padded.slice(4, 4 + length))
  requireSuite(wrap)
  return wrap
}

/** Throws `wrap-invalid` where it is another secret's, was emptied, or was changed on the way. */
export const openWrap = async (
  stored: Uint8Array, place: Pick<WrapPlace, 'locator' | 'key'>,
): Promise<Wrap> => {
  if (stored.length !== SEALED_WRAP) throw new SealError('wrap-invalid', 'a wrap is longer or shorter than wraps are')
  let padded: Uint8Array
  try {
    padded = await openBody(place.key, contextOf(place), stored)
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    const what = 'a wrap does not open: it was emptied, or changed by whoever stores it. Use another one'
    throw new SealError('wrap-invalid', what, { cause })
  }
  return wrapIn(padded)
}

/** The fields that all wraps have. */
export const wrapOf = (
  method: WrapMethod, root: Uint8Array, { now, random }: Context,
): Pick<Wrap, 'suite' | 'method' | 'time' | 'salt' | 'check'> => {
  const salt = random(16)
  return { suite: SUITE, method, time: Math.floor(now() / 1000), salt, check: rootCheck(root, salt) }
}

/** The field of a wrap that its method has. Throws `wrap-invalid`. */
export const contentOf = <Name extends 'root' | 'file' | 'guardians' | 'pin' | 'entries'>(
  wrap: Wrap, method: WrapMethod, name: Name,
): NonNullable<Wrap[Name]> => {
  const content = wrap[name]
  if (wrap.method !== method || content === undefined || content === null) {
    throw new SealError('wrap-invalid', `this is no wrap of method ${method}`)
  }
  return content
}

/** Of a passkey: its PRF output guards the root by itself. */
export const wrapByPasskey = (root: Uint8Array, context: Context): Wrap =>
  ({ ...wrapOf('passkey', root, context), root })

/** Throws `wrap-invalid`, `root-mismatch`. */
export const rootByPasskey = (wrap: Wrap): Uint8Array => requireRoot(contentOf(wrap, 'passkey', 'root'), wrap)

/** What wraps there are, under the root itself. */
export const wrapList = (root: Uint8Array, entries: readonly WrapEntry[], context: Context): Wrap =>
  ({ ...wrapOf('list', root, context), entries: [...entries] })

export const listPlace = (root: Uint8Array): WrapPlace => wrapPlace(listSecret(root))

/** Throws `wrap-invalid`, `root-mismatch`. */
export const listedWraps = (wrap: Wrap, root: Uint8Array): WrapEntry[] => {
  const entries = contentOf(wrap, 'list', 'entries')
  requireRoot(root, wrap)
  return entries
}

/**
 * Whether an enrolment may end: two wraps that are not lost together. Two of one place, such as two passkeys of one
 * authenticator, or of one account that copies them, are one.
 */
export const enrolmentHolds = (wraps: readonly Pick<WrapEntry, 'method' | 'place'>[]): boolean => {
  const places = wraps.filter(({ method }) => method !== 'list').map(({ place }) => place.join())
  return new Set(places).size >= 2
}

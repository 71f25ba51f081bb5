/**
 * Passkeys' signatures (WebAuthn level 3, section 7.2), as far as a server without a session needs them: the challenge
 * is not a number that it remembers but the hash of what the person agrees to.
 */
import { sha256 } from '#hash'
import { ed25519Verify, es256Verify } from '#signature'
import { SealError } from '../errors.ts'
import type { Assertion, Kind, Passkey, Signed } from '../statements.ts'
import { concatBytes, equalBytes, hashOf } from './bytes.ts'

/** What a passkey may sign: a person's own gestures, and nothing that machines pass on. */
export const ASSERTED_KINDS: ReadonlySet<Kind> = new Set([
  'session', 'confirmation', 'order', 'sign-out', 'objection', 'ticket',
])

/** The challenge: 32 bytes over `signatureInput`, so over kind, signer, key version and body. */
export const assertionChallenge = (input: Uint8Array): Uint8Array => hashOf('assertion', input)

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Without padding, as browsers write a challenge. */
const base64url = (bytes: Uint8Array): string => {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3)
    const bits = (a << 16) | (b << 8) | c
    for (let place = 0; place < Math.min(4, bytes.length - i + 1); place++) {
      text += BASE64URL[(bits >> (18 - 6 * place)) & 63]
    }
  }
  return text
}

const refuse = (what: string): never => {
  throw new SealError('assertion-invalid', `a passkey's signature does not count: ${what}`)
}

/** Only these members are looked at; browsers add others now and then, by design of the standard. */
interface ClientData {
  readonly type?: unknown
  readonly challenge?: unknown
  readonly origin?: unknown
  readonly crossOrigin?: unknown
  readonly topOrigin?: unknown
}

const clientDataOf = (bytes: Uint8Array): ClientData => {
  try {
    const read: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    if (typeof read === 'object' && read !== null) return read
  } catch {
    // What is wrong with it is of no use to whoever made it.
  }
  return refuse('the browser\'s part is no JSON object')
}

const requireClientData = ({ clientData }: Assertion, passkey: Passkey, challenge: Uint8Array): void => {
  const { type, challenge: signed, origin, crossOrigin, topOrigin } = clientDataOf(clientData)
  if (type !== 'webauthn.get') refuse('it is not an assertion')
  if (signed !== base64url(challenge)) refuse('it was given for something else')
  // Exactly: a page on a neighbouring name, or within another page's frame, shows people what it likes.
  if (origin !== passkey.origin) refuse('it was given to another page')
  if (crossOrigin !== false && crossOrigin !== undefined) refuse('it was given within another page')
  if (topOrigin !== undefined) refuse('it was given within another page')
}

const FLAGS = { userPresent: 1, userVerified: 4, backupEligible: 8, backedUp: 16, attested: 64, extended: 128 } as const
const RP_ID_HASH = 32

const requireAuthenticatorData = ({ authenticatorData }: Assertion, passkey: Passkey): void => {
  if (!equalBytes(authenticatorData.subarray(0, RP_ID_HASH), sha256(new TextEncoder().encode(passkey.rpId)))) {
    refuse('it is of another relying party')
  }
  const flags = authenticatorData[RP_ID_HASH] ?? 0
  if ((flags & FLAGS.userPresent) === 0 || (flags & FLAGS.userVerified) === 0) {
    refuse('nobody touched the device and showed who they are')
  }
  if ((flags & (FLAGS.attested | FLAGS.extended)) !== 0) refuse('it holds more than was asked for')
  if ((flags & FLAGS.backupEligible) === 0 && (flags & FLAGS.backedUp) !== 0) refuse('its flags contradict each other')
  if (((flags & FLAGS.backupEligible) === 0) !== passkey.deviceBound) {
    refuse('whether it can leave its device is not what the key record says')
  }
}

/** The algorithm is the key record's; neither browser nor authenticator is asked for one. */
const holds = async ({ algorithm, publicKey }: Passkey, message: Uint8Array, signature: Uint8Array): Promise<boolean> =>
  algorithm === 'ES256'
    ? es256Verify(publicKey, message, signature)
    : ed25519Verify(publicKey, message, signature)

/**
 * Checks a statement that a passkey signed; `input` is its `signatureInput`. The counter is not looked at: it would
 * have to be remembered by every verifier, and platform authenticators leave it at zero. Throws `assertion-invalid`.
 */
export const verifyAssertion = async (
  signed: Signed & { readonly assertion: Assertion }, passkeys: readonly Passkey[], input: Uint8Array,
): Promise<Passkey> => {
  const { assertion } = signed
  if (!ASSERTED_KINDS.has(signed.kind)) refuse(`no ${signed.kind} is signed by one`)
  const passkey = passkeys.find(({ credential }) => equalBytes(credential, assertion.credential))
  if (passkey === undefined) return refuse('the signer\'s key record has no such passkey')
  requireClientData(assertion, passkey, assertionChallenge(input))
  requireAuthenticatorData(assertion, passkey)
  const message = concatBytes(assertion.authenticatorData, sha256(assertion.clientData))
  if (!(await holds(passkey, message, signed.signature))) refuse('it is not by that passkey')
  return passkey
}

/** What a passkey page gets from a browser, before it is a statement. */
export interface GivenAssertion extends Assertion {
  /** ES256: a DER sequence, as authenticators make it. EdDSA: 64 bytes. */
  readonly signature: Uint8Array
}

/** DER (X.690) of an ECDSA signature to `r ‖ s`, 64 bytes, `s` the smaller of the two that hold. */
const rawOf = (der: Uint8Array): Uint8Array => {
  const numbers: bigint[] = []
  let at = 2
  if (der[0] !== 0x30 || der[1] !== der.length - 2) refuse('it is no ECDSA signature')
  for (let i = 0; i < 2; i++) {
    const length = der[at + 1] ?? 0
    const value = der.subarray(at + 2, at + 2 + length)
    if (der[at] !== 2 || length === 0 || length > 33 || value.length !== length) refuse('it is no ECDSA signature')
    numbers.push(value.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n))
    at += 2 + length
  }
  const [r = 0n, s = 0n] = numbers
  if (at !== der.length || r >= P256_ORDER || s >= P256_ORDER) refuse('it is no ECDSA signature')
  return concatBytes(bytes32(r), bytes32(s > P256_HALF ? P256_ORDER - s : s))
}

export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const P256_HALF = P256_ORDER >> 1n

const bytes32 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(32)
  for (let i = 31, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}

/** The statement that a passkey has signed. Checks nothing but its form; throws `assertion-invalid` for that. */
export const assertedStatement = (
  unsigned: Pick<Signed, 'kind' | 'body' | 'signer' | 'keyVersion'>, passkey: Passkey, given: GivenAssertion,
): Signed => {
  const { credential, authenticatorData, clientData, signature } = given
  return {
    ...unsigned,
    signature: passkey.algorithm === 'ES256' ? rawOf(signature) : signature,
    assertion: { credential, authenticatorData, clientData },
  }
}


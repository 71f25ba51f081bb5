/** A security key from a seed, for making vectors again bit for bit: ECDSA with the nonce of RFC 6979. Never for anything else. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { challengeOf, signedByPasskey, type Unsigned } from '../../packages/seal/src/persons.ts'
import { concatBytes, type GivenAssertion, type Passkey, sha256, u32 } from '../../packages/seal/src/verify.ts'

export interface Gesture {
  /** Members of the browser's part that are not as they should be; `undefined` leaves one out. */
  readonly said?: Readonly<Record<string, unknown>>
  /** The browser's part from its text as it should be. */
  readonly written?: (text: string) => string | Uint8Array
  readonly challenge?: Uint8Array
  readonly rpId?: string
  readonly flags?: number
  readonly counter?: number
  readonly credential?: Uint8Array
}

const encoder = new TextEncoder()

export const PRESENT_AND_VERIFIED = 5
export const ELIGIBLE = 8

export class SeededAuthenticator {
  readonly passkey: Passkey
  readonly #secret: Uint8Array

  constructor(seed: Uint8Array, given: Partial<Pick<Passkey, 'algorithm' | 'deviceBound'>> = {}) {
    const { algorithm = 'ES256', deviceBound = true } = given
    this.#secret = sha256(seed)
    this.passkey = {
      credential: sha256(this.#secret), algorithm, deviceBound, origin: 'https://passkey.example', rpId: 'passkey.example',
      publicKey: algorithm === 'ES256' ? p256.getPublicKey(this.#secret, false).slice(1) : ed25519.getPublicKey(this.#secret),
    }
  }

  /** What a page gets for this challenge. */
  get(challenge: Uint8Array, gesture: Gesture = {}): GivenAssertion {
    const { algorithm, deviceBound, origin, rpId, credential } = this.passkey
    const text = JSON.stringify({
      type: 'webauthn.get', challenge: Buffer.from(gesture.challenge ?? challenge).toString('base64url'), origin, crossOrigin: false, ...gesture.said,
    })
    const written = gesture.written?.(text) ?? text
    const clientData = typeof written === 'string' ? encoder.encode(written) : written
    const flags = gesture.flags ?? PRESENT_AND_VERIFIED + (deviceBound ? 0 : ELIGIBLE)
    const authenticatorData = concatBytes(sha256(encoder.encode(gesture.rpId ?? rpId)), Uint8Array.of(flags), u32(gesture.counter ?? 0))
    const message = concatBytes(authenticatorData, sha256(clientData))
    const signature = algorithm === 'ES256'
      ? p256.sign(message, this.#secret, { lowS: true, format: 'der' })
      : ed25519.sign(message, this.#secret)
    return { credential: gesture.credential ?? credential, authenticatorData, clientData, signature }
  }

  /** The statement, signed by this passkey. */
  sign(unsigned: Unsigned, gesture: Gesture = {}): Uint8Array {
    return signedByPasskey(unsigned, this.passkey, this.get(challengeOf(unsigned), gesture))
  }
}

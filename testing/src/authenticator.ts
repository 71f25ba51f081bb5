/**
 * A security key in software, for tests: it makes what a browser and an authenticator would make, and, where a test
 * asks for it, what they never would. Real ones are in the tests with a real browser.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { challengeOf, signedByPasskey, type Unsigned } from '@scelle/seal/persons'
import { type GivenAssertion, type Passkey, u32 } from '@scelle/seal/verify'

export interface Gesture {
  readonly origin?: string
  readonly type?: string
  readonly crossOrigin?: boolean | undefined
  readonly topOrigin?: string
  readonly challenge?: Uint8Array
  readonly rpId?: string
  /** Bits of WebAuthn level 3, section 6.1. UP and UV where absent, and BE of a passkey that can leave its device. */
  readonly flags?: number
  readonly counter?: number
  /** The browser's part in place of the one that it should be, whose text it gets. */
  readonly written?: (text: string) => Uint8Array
}

export interface NewAuthenticator {
  readonly algorithm?: Passkey['algorithm']
  readonly origin?: string
  readonly rpId?: string
  readonly deviceBound?: boolean
  readonly random: (length: number) => Uint8Array
}

const USER_PRESENT_AND_VERIFIED = 5
const BACKUP_ELIGIBLE = 8

const sha256 = (bytes: Uint8Array | string): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

/** Bytes of a public key as a key record has them. */
const rawKey = (key: KeyObject): Uint8Array => {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return new Uint8Array(Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]))
}

export class SoftwareAuthenticator {
  readonly passkey: Passkey
  readonly #key: KeyObject

  constructor(made: NewAuthenticator) {
    const { algorithm = 'ES256', origin = 'https://passkey.test', rpId = 'passkey.test', deviceBound = true } = made
    const pair = algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519')
    this.#key = pair.privateKey
    this.passkey = {
      credential: made.random(32), algorithm, publicKey: rawKey(pair.publicKey), origin, rpId, deviceBound,
    }
  }

  /** What a page gets for this challenge. */
  get(challenge: Uint8Array, gesture: Gesture = {}): GivenAssertion {
    const { credential, algorithm, origin, rpId, deviceBound } = this.passkey
    const flags = gesture.flags ?? USER_PRESENT_AND_VERIFIED | (deviceBound ? 0 : BACKUP_ELIGIBLE)
    const text = JSON.stringify({
      type: gesture.type ?? 'webauthn.get',
      challenge: Buffer.from(gesture.challenge ?? challenge).toString('base64url'),
      origin: gesture.origin ?? origin,
      crossOrigin: 'crossOrigin' in gesture ? gesture.crossOrigin : false,
      ...(gesture.topOrigin === undefined ? {} : { topOrigin: gesture.topOrigin }),
    })
    const clientData = gesture.written?.(text) ?? new Uint8Array(Buffer.from(text))
    const counter = u32(gesture.counter ?? 0)
    const authenticatorData = new Uint8Array([...sha256(gesture.rpId ?? rpId), flags, ...counter])
    const message = Buffer.concat([authenticatorData, sha256(clientData)])
    const signature = new Uint8Array(sign(algorithm === 'ES256' ? 'sha256' : null, message, this.#key))
    return { credential, authenticatorData, clientData, signature }
  }

  /** The statement, signed by this passkey. */
  sign(unsigned: Unsigned, gesture: Gesture = {}): Uint8Array {
    return signedByPasskey(unsigned, this.passkey, this.get(challengeOf(unsigned), gesture))
  }
}

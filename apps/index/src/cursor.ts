/**
 * Feed cursors. What they hold would count commits that a reader may not see, so they are sealed under a secret of the
 * index, each pair of reader and part under a key of its own: it is good for the one that got it, where it got it.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { concatBytes, hmacSha256 } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'

const NONCE = 12
const TAG = 16
const PLAIN = 12

export interface CursorPlace {
  readonly principal: Uint8Array
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
}

export interface Progress {
  /** Commits up to this sequence were looked at. */
  readonly sequence: number
  /** Categories that the reader could see then, as bits. */
  readonly mask: number
}

export class Cursors {
  readonly #secret: Uint8Array
  readonly #random: (length: number) => Uint8Array

  /** `secret`: 32 bytes, the same after a restart. */
  constructor(secret: Uint8Array, random: (length: number) => Uint8Array) {
    this.#secret = secret
    this.#random = random
  }

  #key(place: CursorPlace): Uint8Array {
    return hmacSha256(this.#secret, place.principal, place.vault, place.custodian)
  }

  seal(progress: Progress, place: CursorPlace): Uint8Array {
    const plain = Buffer.alloc(PLAIN)
    plain.writeBigUInt64BE(BigInt(progress.sequence))
    plain.writeInt32BE(progress.mask | 0, 8)
    const nonce = this.#random(NONCE)
    const cipher = createCipheriv('aes-256-gcm', this.#key(place), nonce)
    return concatBytes(nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag())
  }

  /** Throws `bad-request` where the cursor was not made here for this reader and part. */
  open(cursor: Uint8Array, place: CursorPlace): Progress {
    if (cursor.length !== NONCE + PLAIN + TAG) throw refused()
    const nonce = cursor.subarray(0, NONCE)
    const decipher = createDecipheriv('aes-256-gcm', this.#key(place), nonce, { authTagLength: TAG })
    decipher.setAuthTag(cursor.subarray(NONCE + PLAIN))
    try {
      const plain = Buffer.concat([decipher.update(cursor.subarray(NONCE, NONCE + PLAIN)), decipher.final()])
      return { sequence: Number(plain.readBigUInt64BE()), mask: plain.readInt32BE(8) }
    } catch (cause) {
      throw refused(cause)
    }
  }
}

const refused = (cause?: unknown): Problem =>
  new Problem('bad-request', 'This cursor is of another reader or feed. Start without one.', { cause })

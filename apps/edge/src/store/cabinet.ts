/**
 * Seals what the edge keeps on its disk. Whoever copies the data folder, a backup of it or a crash dump of the
 * database finds HMACs and AES-256-GCM: without the identity file neither a type, an id, a category nor a count per
 * patient. What this cannot show: that a row was rolled back or removed by somebody who may write to the disk.
 */
import {
  createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject,
} from 'node:crypto'
import { EDGE_LABELS } from '../labels.ts'

const NONCE = 12
const TAG = 16

const derive = (secret: Uint8Array, label: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), label, 32)))

export class Cabinet {
  readonly #directory: KeyObject
  readonly #lookup: KeyObject
  readonly #digest: KeyObject
  readonly #random: (length: number) => Uint8Array
  /** The key under which resource handles are made: stable for as long as the organisation's identity is. */
  readonly handleKey: Uint8Array
  readonly cursorKey: KeyObject

  /** `secret`: 32 bytes that only this identity has and that outlive a rotation of its keys. */
  constructor(secret: Uint8Array, random: (length: number) => Uint8Array) {
    this.#directory = derive(secret, EDGE_LABELS.directory)
    this.#lookup = derive(secret, EDGE_LABELS.lookup)
    this.#digest = derive(secret, EDGE_LABELS.digest)
    this.handleKey = new Uint8Array(derive(secret, EDGE_LABELS.handle).export())
    this.cursorKey = derive(secret, EDGE_LABELS.cursor)
    this.#random = random
  }

  /** The 16 bytes under which a key stands in a table. The same key has unrelated lookups in two tables. */
  lookup(table: string, key: string): Buffer {
    return createHmac('sha256', this.#lookup).update(`${table}\0${key}`).digest().subarray(0, 16)
  }

  /** A keyed fingerprint of a resource's text, to tell whether an update changes anything. */
  digest(text: string | Uint8Array): string {
    return createHmac('sha256', this.#digest).update(text).digest('base64url')
  }

  /** nonce ‖ tag ‖ ciphertext, bound to its table and row, so that rows cannot be exchanged on disk. */
  seal(table: string, row: Uint8Array, plain: Uint8Array): Buffer {
    const nonce = this.#random(NONCE)
    const cipher = createCipheriv('aes-256-gcm', this.#directory, nonce)
    cipher.setAAD(aad(table, row))
    const body = cipher.update(plain)
    cipher.final()
    return Buffer.concat([nonce, cipher.getAuthTag(), body])
  }

  /** Throws where the row was changed, moved, or sealed under another identity. */
  open(table: string, row: Uint8Array, sealed: Uint8Array): Buffer {
    if (sealed.length < NONCE + TAG) throw new Error('directory row is too short')
    const decipher = createDecipheriv('aes-256-gcm', this.#directory, sealed.subarray(0, NONCE), { authTagLength: TAG })
    decipher.setAAD(aad(table, row))
    decipher.setAuthTag(sealed.subarray(NONCE, NONCE + TAG))
    const body = decipher.update(sealed.subarray(NONCE + TAG))
    return Buffer.concat([body, decipher.final()])
  }
}

const aad = (table: string, row: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${table}\0`), row])

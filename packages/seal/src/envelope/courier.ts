/** The writing side of a courier: one encapsulation per recipient and day, then a small seal for each secret. */
import { aeadKey, aeadSeal } from '#aead'
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import { sendExport } from '../hpke/export.ts'
import { courierInfo, type CourierRole, courierSealKey, ZERO_NONCE } from '../shares/courier.ts'
import { type CourierSeal, Encapsulation, SUITE } from '../statements.ts'
import { toHex } from '../verify/bytes.ts'
import { encapsulationId } from '../verify/commit.ts'
import type { PrincipalKeys } from '../verify/identity.ts'

const DAY = 86_400_000

interface Sent {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
  readonly secret: Uint8Array
}

/**
 * Seals secrets of one writer to others' current keys. Secrets of a day are dropped at the first seal or `expire` of
 * another one; the encapsulations' bytes, which are public, are kept until `forget`.
 */
export class Courier {
  readonly writer: Uint8Array
  readonly #context: Context
  #day = -1
  readonly #sent = new Map<string, Promise<Sent>>()
  readonly #bytes = new Map<string, Uint8Array>()
  #fresh: Uint8Array[] = []

  /** `writer` is the writer's principal id. */
  constructor(writer: Uint8Array, context: Context) {
    this.writer = writer
    this.#context = context
  }

  async #send(recipient: PrincipalKeys, day: number): Promise<Sent> {
    const { enc, secret } = await sendExport(recipient.current.sealingKey, courierInfo(this.writer, recipient.id, day))
    const bytes = encode(Encapsulation, {
      suite: SUITE,
      writer: this.writer,
      recipient: recipient.id,
      recipientKeyVersion: recipient.current.version,
      day,
      enc,
    })
    const id = encapsulationId(bytes)
    this.#bytes.set(toHex(id), bytes)
    this.#fresh.push(bytes)
    return { id, bytes, secret }
  }

  /**
   * Forgets the secrets of a day that is over, and answers whether any are held. For a timer of the caller's: this room
   * has none, and would otherwise forget only when it next seals.
   */
  expire(): boolean {
    const day = Math.floor(this.#context.now() / DAY)
    if (day !== this.#day) {
      this.#day = day
      this.#sent.clear()
    }
    return this.#sent.size > 0
  }

  #today(recipient: PrincipalKeys): Promise<Sent> {
    this.expire()
    const day = this.#day
    const name = `${toHex(recipient.id)}/${recipient.current.version}`
    const known = this.#sent.get(name)
    if (known !== undefined) return known
    const sent = this.#send(recipient, day)
    this.#sent.set(name, sent)
    sent.catch(() => this.#sent.delete(name))
    return sent
  }

  /**
   * Seals up to 112 bytes. `binding` is a 32-byte hash of one object: never two secrets of one role to one recipient
   * under it.
   */
  async sealTo(
    recipient: PrincipalKeys, role: CourierRole, binding: Uint8Array, secret: Uint8Array,
  ): Promise<CourierSeal> {
    const sent = await this.#today(recipient)
    const key = await aeadKey(courierSealKey(sent.secret, recipient.id, role, binding))
    return { encapsulation: sent.id, sealed: await aeadSeal(key, ZERO_NONCE, secret, binding) }
  }

  /** Encapsulations made since this was last asked. */
  takeNew(): Uint8Array[] {
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }

  /** The bytes of an encapsulation that this courier made. */
  bytesOf(id: Uint8Array): Uint8Array | undefined {
    return this.#bytes.get(toHex(id))
  }

  /** Drops the bytes of an encapsulation once the index has it and no unsent commit names it. */
  forget(id: Uint8Array): void {
    this.#bytes.delete(toHex(id))
  }
}

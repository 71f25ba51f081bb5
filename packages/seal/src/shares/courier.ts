/**
 * The receiving side of a courier: one key encapsulation of a writer, opened once, then many small secrets under it.
 */
import { aeadKey, aeadOpen } from '#aead'
import { hkdfSha256 } from '#hash'
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { receiveExport } from '../hpke/export.ts'
import { labelBytes } from '../labels.ts'
import type { Identity } from '../identity.ts'
import { Encapsulation } from '../statements.ts'
import { concatBytes, equalBytes, toHex, u32, u8 } from '../verify/bytes.ts'
import { encapsulationId } from '../verify/commit.ts'
import { requireSuite } from '../verify/identity.ts'

export const ZERO_NONCE: Uint8Array = new Uint8Array(12)

/** What an encapsulation to a recipient's key is bound to: spec/format.md, Courier. */
export const courierInfo = (writer: Uint8Array, recipient: Uint8Array, day: number): Uint8Array =>
  concatBytes(labelBytes('courierSecret'), writer, recipient, u32(day))

/** What a sealed secret is to its recipient, who may be trustee and owner in one: spec/format.md, Courier. */
export const COURIER_ROLES = { share: 0, owner: 1, link: 2 } as const
export type CourierRole = keyof typeof COURIER_ROLES

/** The single-use key of one secret: `binding` is unique to one object, and an object has one secret of each role. */
export const courierSealKey = (
  secret: Uint8Array, recipient: Uint8Array, role: CourierRole, binding: Uint8Array,
): Uint8Array =>
  hkdfSha256(secret, binding, concatBytes(labelBytes('courierSeal'), recipient, u8(COURIER_ROLES[role])), 32)

/** An opened encapsulation. The secret in it is not reachable from outside this module. */
export class CourierKey {
  readonly id: Uint8Array
  readonly encapsulation: Encapsulation
  readonly #secret: Uint8Array

  constructor(id: Uint8Array, encapsulation: Encapsulation, secret: Uint8Array) {
    this.id = id
    this.encapsulation = encapsulation
    this.#secret = secret
  }

  /** Opens a secret that was sealed under this encapsulation in `role` for `binding`. Throws `seal-invalid`. */
  async open(role: CourierRole, binding: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
    const key = await aeadKey(courierSealKey(this.#secret, this.encapsulation.recipient, role, binding))
    const opened = await aeadOpen(key, ZERO_NONCE, sealed, binding)
    if (opened === undefined) {
      throw new SealError('seal-invalid', 'a sealed secret was made for another object, role, recipient or writer')
    }
    return opened
  }
}

/**
 * Opens an encapsulation made to this identity, under whichever of its key versions it names.
 * Throws `principal-mismatch`, `suite-unknown` or `seal-invalid`. Costs a decapsulation: keep the result by its id.
 */
export const openCourier = async (encapsulationBytes: Uint8Array, identity: Identity): Promise<CourierKey> => {
  const encapsulation = decode(Encapsulation, encapsulationBytes)
  requireSuite(encapsulation)
  if (!equalBytes(encapsulation.recipient, identity.id)) {
    throw new SealError('principal-mismatch', 'this encapsulation was made to somebody else')
  }
  const secrets = identity.secrets[encapsulation.recipientKeyVersion]
  if (secrets === undefined)
    throw new SealError('seal-invalid', 'this encapsulation names a key version that is not held')
  const info = courierInfo(encapsulation.writer, identity.id, encapsulation.day)
  const secret = await receiveExport(secrets.sealing, encapsulation.enc, info)
  return new CourierKey(encapsulationId(encapsulationBytes), encapsulation, secret)
}

/** The function form of {@link CourierKey.open}. */
export const courierOpen = (
  key: CourierKey, role: CourierRole, binding: Uint8Array, sealed: Uint8Array,
): Promise<Uint8Array> => key.open(role, binding, sealed)

/** Opened encapsulations of one identity by their id, the least recently opened dropped over `limit`. */
export class CourierKeys {
  readonly #identity: Identity
  readonly #limit: number
  readonly #opened = new Map<string, Promise<CourierKey>>()

  constructor(identity: Identity, limit = 4_096) {
    this.#identity = identity
    this.#limit = limit
  }

  of(encapsulationBytes: Uint8Array): Promise<CourierKey> {
    const name = toHex(encapsulationId(encapsulationBytes))
    const known = this.#opened.get(name)
    this.#opened.delete(name)
    const key = known ?? openCourier(encapsulationBytes, this.#identity)
    this.#opened.set(name, key)
    key.catch(() => this.#opened.delete(name))
    if (this.#opened.size > this.#limit) this.#opened.delete(this.#opened.keys().next().value as string)
    return key
  }
}

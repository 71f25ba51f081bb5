/**
 * A register of professionals for demonstrations and tests: it issues statuses under meter ids that name nobody. The
 * real ones are the state's; what it says is believed by trustees that list it, and by nobody else.
 */
import { createHmac } from 'node:crypto'
import { signIdentityProof, signStatus } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import {
  type Context, type IdentityProof, ORGANISATION_ROLES, type Role, type Status, toHex,
} from '@scelle/seal/verify'

export interface Enrolled extends Partial<Omit<Status, 'suite' | 'salt' | 'subject' | 'role' | 'meter'>> {
  /** Principal id: one device's keys. */
  readonly subject: Uint8Array
  readonly role: Role
  /**
   * The number in the register: the same person has the same one at every employer and on every device. One of the
   * subject's own where absent.
   */
  readonly number?: string
}

/** Who somebody is, as the register has seen it. */
export type Proven = Pick<IdentityProof, 'subject' | 'pseudonym' | 'inPerson'> &
  Partial<Pick<IdentityProof, 'vault' | 'notBefore' | 'expires'>>

const DAYS = 24 * 3600

export class Register {
  readonly identity: Identity
  readonly #key: Uint8Array
  readonly #context: Context

  constructor(identity: Identity, key: Uint8Array, context: Context) {
    this.identity = identity
    this.#key = key
    this.#context = context
  }

  static async create(context: Context): Promise<Register> {
    return new Register(await createIdentity('organisation', context), context.random(32), context)
  }

  get id(): Uint8Array {
    return this.identity.id
  }

  /** For whoever plays its desk: meter ids are made with it. */
  get meterKey(): Uint8Array {
    return this.#key
  }

  /** Whom a number is counted as: 32 bytes, the same each time, and useless without the register's key. */
  meterOf(number: string): Uint8Array {
    return new Uint8Array(createHmac('sha256', this.#key).update(number).digest())
  }

  /** A signed proof of identity, valid from now for four days unless said otherwise. */
  prove({ subject, pseudonym, inPerson, ...more }: Proven): Promise<Uint8Array> {
    const now = Math.floor(this.#context.now() / 1000)
    return signIdentityProof(this.identity, {
      subject, pseudonym, inPerson, notBefore: now - 60, expires: now + 4 * DAYS, ...more,
    }, this.#context)
  }

  /**
   * A signed status, valid from now for a month unless said otherwise. Of a house, the meter is its principal id.
   * People open by their own key, which `ownKey: false` takes from them: then they need passkeys, as people have.
   */
  enrol({ subject, role, number, ownKey, ...more }: Enrolled): Promise<Uint8Array> {
    const isHouse = ORGANISATION_ROLES.some((one) => one === role)
    const now = Math.floor(this.#context.now() / 1000)
    return signStatus(this.identity, {
      subject, role, meter: this.meterOf(number ?? `subject/${toHex(subject)}`),
      ...(isHouse || ownKey === false ? {} : { ownKey: true }),
      notBefore: now - DAYS, expires: now + 30 * DAYS, ...more,
    }, this.#context)
  }
}

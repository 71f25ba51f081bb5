/**
 * Who of this house guards for whom, and recoveries under way: packets that their guardians alone open, and answers
 * that the new device alone does. Sealed, like everything here, since it says who trusts whom.
 */
import type { BegunRecovery } from '@scelle/wire/passkey-page'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'

/** Three people of this house, by their hex ids, for one of them. */
export interface GuardedSet {
  /** An encoded `RecoverySet`, with its id. */
  readonly set: Uint8Array
  readonly id: Uint8Array
  readonly guardians: readonly string[]
  /** For each guardian. */
  readonly packets: readonly Uint8Array[]
  /** What guardians read in their packets, by hex id: the owner's page knows whether that is so. */
  readonly codes: Readonly<Record<string, Uint8Array>>
  /** The owner's page found that all three did. */
  readonly held: boolean
}

export interface RecoveryUnderWay {
  readonly begun: BegunRecovery
  /** Of guardians, by hex id of the person. */
  readonly answers: Readonly<Record<string, Uint8Array>>
  /** Since it is on record: what names it, and milliseconds since 1970. */
  readonly id?: Uint8Array
  readonly since?: number
}

export interface Guarded {
  /** Key records of the principal as which this person guards for others. */
  readonly key?: readonly Uint8Array[]
  readonly by?: GuardedSet
  readonly recovery?: RecoveryUnderWay
}

const OCTETS = 'octets:'

const toText = (value: unknown): string => JSON.stringify(value, (_, one: unknown) =>
  (one instanceof Uint8Array ? `${OCTETS}${Buffer.from(one).toString('base64')}` : one))

/** Nothing else that is kept here begins so: the rest are hex ids, numbers and addresses. */
const fromText = (text: string): unknown => JSON.parse(text, (_, one: unknown) =>
  (typeof one === 'string' && one.startsWith(OCTETS)
    ? new Uint8Array(Buffer.from(one.slice(OCTETS.length), 'base64')) : one))

export class GuardedShelf {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #known = new Map<string, Guarded>()

  constructor(db: Database, cabinet: Cabinet) {
    this.#db = db
    this.#cabinet = cabinet
    for (const { row, sealed } of db.all('guarded')) {
      const { person, guarded } = fromText(cabinet.open('guarded', row, sealed).toString()) as {
        person: string; guarded: Guarded
      }
      this.#known.set(person, guarded)
    }
  }

  /** Of a person, hex id. */
  of(person: string): Guarded {
    return this.#known.get(person) ?? {}
  }

  /** On the disk before it returns: a packet that is lost is a guardian less. */
  keep(person: string, guarded: Guarded): void {
    const row = this.#cabinet.lookup('guarded', person)
    const sealed = this.#cabinet.seal('guarded', row, Buffer.from(toText({ person, guarded })))
    this.#db.write(true, () => this.#db.put('guarded', row, sealed))
    this.#known.set(person, guarded)
  }

  endRecovery(person: string): void {
    const { recovery, ...rest } = this.of(person)
    if (recovery !== undefined) this.keep(person, rest)
  }
}

/**
 * People who enrolled at this house: their key records as the passkey page made them, the sealing seeds that the house
 * made for them, the wraps of their root (which open nothing without their passkey or their sheet), and what registers
 * say of them. Sealed, like everything here.
 */
import type { KeptWrap } from '@scelle/wire/passkey-page'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'

export interface Enrolled {
  readonly name: string
  readonly chain: readonly Uint8Array[]
  readonly sealing: readonly Uint8Array[]
  readonly wraps: readonly KeptWrap[]
  readonly statuses: readonly Uint8Array[]
  /** Whose lost key this one stands for, by two officers' order. */
  readonly standsFor?: StandsFor
}

export interface StandsFor {
  /** Hex id of who lost it. */
  readonly person: string
  /** Milliseconds since 1970. */
  readonly until: number
}

interface Row {
  readonly id: string
  readonly name: string
  readonly chain: readonly string[]
  readonly sealing: readonly string[]
  readonly wraps: readonly {
    readonly credential?: string; readonly sealed: string; readonly set?: string; readonly device?: true
  }[]
  readonly statuses: readonly string[]
  readonly standsFor?: StandsFor
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const octets = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))

export class EnrolledShelf {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #known = new Map<string, Enrolled>()

  constructor(db: Database, cabinet: Cabinet) {
    this.#db = db
    this.#cabinet = cabinet
    for (const { row, sealed } of db.all('enrolled')) {
      const { id, ...rest } = JSON.parse(cabinet.open('enrolled', row, sealed).toString()) as Row
      this.#known.set(id, {
        name: rest.name, chain: rest.chain.map(octets), sealing: rest.sealing.map(octets),
        wraps: rest.wraps.map(({ credential, sealed: wrap, set, device }) => ({
          sealed: octets(wrap), ...(credential === undefined ? {} : { credential: octets(credential) }),
          ...(set === undefined ? {} : { set: octets(set) }), ...(device === true ? { device } : {}),
        })),
        statuses: rest.statuses.map(octets),
        ...(rest.standsFor === undefined ? {} : { standsFor: rest.standsFor }),
      })
    }
  }

  get ids(): readonly string[] {
    return [...this.#known.keys()]
  }

  get(id: string): Enrolled | undefined {
    return this.#known.get(id)
  }

  /** On the disk before it returns: a person whose sealing seed is lost would have to enrol again. */
  keep(id: string, enrolled: Enrolled): void {
    const { name, chain, sealing, wraps, statuses, standsFor } = enrolled
    const stored: Row = {
      id, name, chain: chain.map(text), sealing: sealing.map(text), statuses: statuses.map(text),
      wraps: wraps.map(({ credential, sealed, set, device }) => ({
        sealed: text(sealed), ...(credential === undefined ? {} : { credential: text(credential) }),
        ...(set === undefined ? {} : { set: text(set) }), ...(device === true ? { device } : {}),
      })),
      ...(standsFor === undefined ? {} : { standsFor }),
    }
    const row = this.#cabinet.lookup('enrolled', id)
    const sealed = this.#cabinet.seal('enrolled', row, Buffer.from(JSON.stringify(stored)))
    this.#db.write(true, () => this.#db.put('enrolled', row, sealed))
    this.#known.set(id, enrolled)
  }
}

/**
 * From octets on the disk to a Binary in a vault: read twice from the spool, sealed as they are read, on record in one
 * commit with the Binary that names them. What fails on the way leaves nothing but the spool.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { toHex } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Directory } from '../store/directory.ts'
import type { VaultShelf } from '../vaults.ts'
import { faultOf } from '../writes/faults.ts'
import type { NewOctets } from '../writes/octets-rules.ts'
import type { PlannedChange } from '../writes/planner.ts'
import type { Writer } from '../writes/writer.ts'
import { binaryOf, type Octets } from './octets.ts'
import type { Spool, Spooled } from './spool.ts'

/** The Binary that octets shall become. */
export interface Wanted {
  readonly id: string
  readonly contentType: string
  /** Whose they are: a reference, as `X-Security-Context` gave it. */
  readonly context: string
  /** Hex SHA-256 that the sender says they have. */
  readonly digest?: string
  readonly ifMatch?: number
  readonly ifAbsent?: boolean
}

/** Octets that have arrived. */
export interface Arrived extends Spooled {
  readonly name: string
  readonly key: KeyObject
}

export interface KeeperOptions {
  readonly spool: Spool
  readonly writer: Writer
  readonly vaults: VaultShelf
  readonly directory: Directory
  readonly random: (length: number) => Uint8Array
  /** Told of octets as they are read. */
  readonly passed: (octets: number) => void
}

export class Keeper {
  readonly #options: KeeperOptions

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Throws where octets wanted so could not be kept, before any of them is received. */
  check(wanted: Wanted, bases: readonly string[]): void {
    this.#options.writer.requirePlace(bare(wanted), bases)
    const current = this.#options.directory.locator(`Binary/${wanted.id}`)
    if (wanted.ifMatch !== undefined && current?.version !== wanted.ifMatch) throw new EdgeError('precondition-failed')
    if (wanted.ifAbsent === true && current?.deleted === false) throw new EdgeError('precondition-failed')
  }

  /** The version of the Binary, where its octets are one of these records, hex. */
  versionKept(id: string, records: readonly string[]): number | undefined {
    const locator = this.#options.directory.locator(`Binary/${id}`)
    const record = locator?.octets?.record
    return record !== undefined && records.includes(record) ? locator?.version : undefined
  }

  /**
   * Seals and commits. `sealed` is told, hex, of the record that holds the octets, before it is on record.
   * Throws EdgeError `digest-mismatch`, `index-unavailable` and as the writer does.
   */
  async keep(
    arrived: Arrived, wanted: Wanted, bases: readonly string[], sealed: (record: string) => void,
  ): Promise<PlannedChange> {
    const { vault, category } = await this.#options.writer.place(bare(wanted), bases)
    const octets = arrived.octets <= EDGE_LIMITS.octetsInline
      ? await this.#inline(arrived, wanted, category)
      : await this.#streamed(arrived, wanted, vault, category)
    sealed(octets.facts.record)
    const { id, contentType, context, ifMatch, ifAbsent } = wanted
    return this.#options.writer.change({
      type: 'Binary', id, resource: binaryOf(id, contentType, context, octets.facts), octets,
      ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifAbsent === undefined ? {} : { ifAbsent }),
    }, bases)
  }

  async #inline(arrived: Arrived, wanted: Wanted, category: string): Promise<NewOctets> {
    const { random } = this.#options
    const measure = new Measure(wanted.digest)
    const pieces: Uint8Array[] = []
    for await (const piece of measure.through(this.#read(arrived))) pieces.push(Buffer.from(piece))
    const facts = { record: toHex(random(16)), ...measure.facts }
    return { facts, category, handle: toHex(random(16)), content: new Uint8Array(Buffer.concat(pieces)) }
  }

  async #streamed(arrived: Arrived, wanted: Wanted, vault: string, category: string): Promise<NewOctets> {
    const { vaults, random } = this.#options
    const handle = random(16)
    let measure: Measure | undefined
    // Measured in the first pass, so that octets which are not what they should be are never uploaded.
    const source = (): AsyncIterable<Uint8Array> => {
      if (measure !== undefined) return this.#read(arrived)
      measure = new Measure(wanted.digest)
      return measure.through(this.#read(arrived))
    }
    try {
      const target = await vaults.get(vault)
      const sealed = await target.sealAttachment({ category, handle, version: 1, length: arrived.octets, source })
      const facts = { record: toHex(sealed.record), ...(measure as unknown as Measure).facts }
      return { facts, category, handle: toHex(handle), content: new Uint8Array(0), sealed }
    } catch (error) {
      throw faultOf(error)
    }
  }

  async *#read({ name, key, octets, bytes }: Arrived): AsyncGenerator<Uint8Array> {
    const { passed, spool } = this.#options
    for await (const piece of spool.read(name, key, { octets, bytes })) {
      passed(piece.length)
      yield piece
    }
  }
}

/** Decides whose it is and where it goes: the octets say nothing of either. */
const bare = ({ id, contentType, context }: Wanted) =>
  ({ resourceType: 'Binary' as const, id, contentType, securityContext: { reference: context } })

/** Length and digests of what passes through. Throws `digest-mismatch` at its end, before anybody relies on it. */
class Measure {
  readonly #expected: string | undefined
  readonly #sha256 = createHash('sha256')
  readonly #sha1 = createHash('sha1')
  #length = 0
  #facts: Octets | undefined

  constructor(expected: string | undefined) {
    this.#expected = expected
  }

  get facts(): Octets {
    if (this.#facts === undefined) throw new Error('octets were not read to their end')
    return this.#facts
  }

  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      this.#sha256.update(piece)
      this.#sha1.update(piece)
      this.#length += piece.length
      yield piece
    }
    const sha256 = this.#sha256.digest('hex')
    if (this.#expected !== undefined && this.#expected !== sha256) throw new EdgeError('digest-mismatch')
    this.#facts = { length: this.#length, sha256, sha1: this.#sha1.digest('hex') }
  }
}

/** Wraps at the index: fetched unsigned, written by principals of their own. */
import {
  listedWraps, listPlace, openWrap, SEALED_WRAP, sealWrap, wrapList, type WrapPlace, wrapWriter,
} from '@scelle/seal/recovery'
import { decode, encode, SealError, toHex, type Wrap, type WrapEntry } from '@scelle/seal/verify'
import { StoredWrap, WrapToStore } from '@scelle/wire/messages'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'

const pathOf = ({ locator }: Pick<WrapPlace, 'locator'>): string => `/v1/wraps/${toHex(locator)}`

export class WrapStorage {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Undefined where there is none. Throws SealError `wrap-invalid` where it does not open. */
  async read(place: Pick<WrapPlace, 'locator' | 'key'>): Promise<Wrap | undefined> {
    const stored = await this.#stored(place)
    return stored === undefined ? undefined : openWrap(stored.wrap, place)
  }

  /** As `read`; throws `wrap-absent`. */
  async need(place: Pick<WrapPlace, 'locator' | 'key'>): Promise<Wrap> {
    const wrap = await this.read(place)
    if (wrap === undefined) {
      throw new SdkError('wrap-absent', 'the index has nothing under this key, sheet or device; use another one')
    }
    return wrap
  }

  async write(wrap: Wrap, place: WrapPlace): Promise<void> {
    await this.#put(place, await sealWrap(wrap, place, this.#connection.context))
  }

  /** Writes over it what opens nothing: it looks as before, and is worth nothing from then on. */
  async empty(place: Pick<WrapPlace, 'locator' | 'writer'>): Promise<void> {
    await this.#put(place, this.#connection.context.random(SEALED_WRAP))
  }

  async list(root: Uint8Array): Promise<WrapEntry[]> {
    const wrap = await this.read(listPlace(root))
    return wrap === undefined ? [] : listedWraps(wrap, root)
  }

  async writeList(root: Uint8Array, entries: readonly WrapEntry[]): Promise<void> {
    await this.write(wrapList(root, entries, this.#connection.context), listPlace(root))
  }

  async #stored(place: Pick<WrapPlace, 'locator'>): Promise<StoredWrap | undefined> {
    try {
      // Nobody signs: who asks is nobody's business, and may have lost every key.
      return decode(StoredWrap, await this.#connection.askIndex({ method: 'GET', path: pathOf(place), as: false }))
    } catch (error) {
      if (error instanceof SdkError && error.problem === 'not-found') return undefined
      throw error
    }
  }

  async #put(place: Pick<WrapPlace, 'locator' | 'writer'>, wrap: Uint8Array): Promise<void> {
    const before = await this.#stored(place)
    const writer = await wrapWriter(place)
    const [record] = writer.chain
    if (record === undefined) throw new SealError('key-chain-broken', 'a writer has a genesis record')
    const version = before === undefined ? 0 : before.version + 1
    const body = encode(WrapToStore, { writer: record, version, wrap })
    await this.#connection.askIndex({ method: 'PUT', path: pathOf(place), body, as: writer })
  }
}

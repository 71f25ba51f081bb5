/** One wrap gives the root back: a passkey, a sheet, a device with its PIN. Nobody hears of it. */
import { printedSecret, readPrinted, rootByPasskey, rootByPrinted, wrapPlace } from '@scelle/seal/recovery'
import { createIdentity } from '@scelle/seal/identity'
import { Connection } from '../connection.ts'
import type { RecoveryOptions } from './own.ts'
import { type PinResult, tryPin } from './pin.ts'
import { WrapStorage } from './storage.ts'

/** A root and where its wrap is. */
export interface Opened {
  readonly root: Uint8Array
  readonly locator: Uint8Array
}

/** Each throws `wrap-absent`, and SealError where what is stored does not open. */
export class WrapOpener {
  readonly #connection: Connection
  readonly #storage: WrapStorage

  constructor(connection: Connection) {
    this.#connection = connection
    this.#storage = new WrapStorage(connection)
  }

  /** For whoever has nothing but a wrap: as a principal of no name. */
  static async connect(options: RecoveryOptions): Promise<WrapOpener> {
    const connection = new Connection({ ...options, identity: await createIdentity('person', options.context) })
    await connection.meet()
    return new WrapOpener(connection)
  }

  /** `prf`: the passkey's output over `prfInput()`. */
  async passkey(prf: Uint8Array): Promise<Opened> {
    const place = this.#placeOf(prf)
    return this.#opened(rootByPasskey(await this.#storage.need(place)), place)
  }

  /** What stands on the sheet, typed or scanned. Throws SealError `printed-invalid` where a letter is wrong. */
  async printed(typed: string): Promise<Opened> {
    const identity = await readPrinted(typed)
    const place = this.#placeOf(printedSecret(identity))
    return this.#opened(await rootByPrinted(await this.#storage.need(place), identity), place)
  }

  /** `device`: see `deviceSecret`. A wrong PIN is one try less. */
  async device(device: Uint8Array, pin: string): Promise<
    ({ readonly state: 'opened' } & Opened) | Extract<PinResult, { state: 'wrong-pin' }>
  > {
    const place = this.#placeOf(device)
    const result = await tryPin(this.#connection, await this.#storage.need(place), device, pin)
    return result.state === 'opened' ? { state: 'opened', ...this.#opened(result.root, place) } : result
  }

  #placeOf(secret: Uint8Array) {
    this.#connection.transport.unsendable.add(secret)
    return wrapPlace(secret)
  }

  #opened(root: Uint8Array, { locator }: Pick<Opened, 'locator'>): Opened {
    this.#connection.transport.unsendable.add(root)
    return { root, locator }
  }
}

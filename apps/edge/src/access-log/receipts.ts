/** Proofs that accesses are in the log, as far as this organisation may list them: to what it is custodian of. */
import { type Client, type ListedAccess, noteOf } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import { Recent } from '../recent.ts'
import type { VaultShelf } from '../vaults.ts'

type Listed = ReadonlyMap<string, ListedAccess>

export interface ReceiptsOptions {
  readonly client: Pick<Client, 'log'>
  readonly vaults: VaultShelf
  /** Hex id of this organisation. */
  readonly self: string
  readonly now: () => number
  readonly log: Log
}

export class Receipts {
  readonly #options: ReceiptsOptions
  /** By vault, and when it was asked for. */
  readonly #lists = new Recent<{ readonly at: number; readonly listed: Promise<Listed> }>(EDGE_LIMITS.accessLists)

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  /**
   * The proof, base64, of the access that an event of this vault (hex id) holds; undefined where there is none to be
   * had. An event without its proof is shown all the same: that it cannot be proven now does not make it untrue.
   */
  async of(event: unknown, vault: string): Promise<string | undefined> {
    const note = noteOf(new TextEncoder().encode(JSON.stringify(event)))
    if (note === undefined) return undefined
    const { client, log } = this.#options
    try {
      const place = (await this.#listed(vault)).get(note.statement)?.place
      if (place === undefined) return undefined
      return Buffer.from(await client.log.receiptOf(place, 'quorum')).toString('base64')
    } catch (error) {
      log('receipt-not-made', faultFields(error))
      return undefined
    }
  }

  async #listed(vault: string): Promise<Listed> {
    const now = this.#options.now()
    const known = this.#lists.get(vault)
    if (known !== undefined && now - known.at < EDGE_LIMITS.chartRefresh) return known.listed
    const listed = this.#list(vault)
    this.#lists.set(vault, { at: now, listed })
    listed.catch(() => this.#lists.delete(vault))
    return listed
  }

  async #list(vault: string): Promise<Listed> {
    const { self, vaults } = this.#options
    const handle = await vaults.get(vault)
    if (!handle.custodians.includes(self)) return new Map()
    const accesses = await handle.listedAccesses({ custodian: self })
    return new Map(accesses.filter(({ refused }) => refused === undefined).map((one) => [one.statement, one]))
  }
}

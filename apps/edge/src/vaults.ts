/** The vaults this organisation writes to: opened once, kept ready, made when a patient is first seen. */
import { type CategoryKey, type Client, type NewCategory, toHex, type Vault } from '@scelle/sdk'
import { CATEGORIES } from '@scelle/fhir/categories'
import { EDGE_LIMITS } from './limits.ts'
import { Locks } from './locks.ts'
import { Recent } from './recent.ts'
import type { Directory, VaultRow } from './store/directory.ts'
import { faultOf } from './writes/faults.ts'

/** Every vault starts with all categories: which one a record is in must not show by a manifest that grew. */
const ALL = CATEGORIES.map(({ code, strict }) => ({ code, strict }))

/** Stands for the organisation's own vault where a patient's reference stands otherwise. */
export const ORGANISATION = ''

/** Category keys of one vault that were drawn ahead; undefined where there are none. */
export type KeysAhead = (count: number) => readonly CategoryKey[] | undefined

export class VaultShelf {
  readonly #client: Pick<Client, 'vault' | 'createVault'>
  readonly #directory: Directory
  readonly #keysAhead: KeysAhead
  readonly #ready = new Recent<Promise<Vault>>(EDGE_LIMITS.vaultHandles)
  readonly #stale = new Set<string>()
  readonly #locks = new Locks()
  /** Told of each vault that is not what it was. */
  staled: (id: string) => void = () => undefined

  constructor(
    client: Pick<Client, 'vault' | 'createVault'>, directory: Directory, keysAhead: KeysAhead = () => undefined,
  ) {
    this.#client = client
    this.#directory = directory
    this.#keysAhead = keysAhead
  }

  /** The vault, its genesis and manifests verified. Rejects as the sdk does where it cannot be had. */
  async get(id: string): Promise<Vault> {
    const known = this.#ready.get(id)
    if (known !== undefined) {
      const vault = await known
      if (this.#stale.delete(id)) await vault.refresh()
      return vault
    }
    const opening = this.#client.vault(id)
    this.#ready.set(id, opening)
    opening.catch(() => this.#ready.delete(id))
    return opening
  }

  /** Its manifest or capsules are not what they were: read again before the next use. */
  stale(id: string): void {
    this.#stale.add(id)
    this.staled(id)
  }

  /** The vault of whom records refer to as `reference`, made now if there is none, for a write that follows. */
  async of(reference: string): Promise<VaultRow> {
    const known = this.#row(reference)
    if (known !== undefined) return known
    return this.#locks.with([reference], async () => {
      const meanwhile = this.#row(reference)
      if (meanwhile !== undefined) return meanwhile
      const vault = await this.#made(reference === ORGANISATION)
      const id = toHex(vault.id)
      this.#ready.set(id, Promise.resolve(vault))
      const row: VaultRow = { vault: id, origin: 'own', ...(reference === ORGANISATION ? {} : { patient: reference }) }
      this.#directory.addNewVault(row, reference)
      return row
    })
  }

  #categories(): NewCategory[] {
    const keys = this.#keysAhead(ALL.length)
    return ALL.map((category, place) => {
      const key = keys?.[place]
      return key === undefined ? category : { ...category, key }
    })
  }

  /** What is the organisation's own is no patient's: it opens that by its own key, as every owner, unmetered. */
  async #made(isOwn: boolean): Promise<Vault> {
    try {
      return await this.#client.createVault({ mode: isOwn ? 'owner' : 'custody', categories: this.#categories() })
    } catch (error) {
      throw faultOf(error)
    }
  }

  #row(reference: string): VaultRow | undefined {
    const id = this.#directory.vaultOf(reference)
    return id === undefined ? undefined : this.#directory.vault(id)
  }
}

/** Tiles of the log as the index serves them: nothing of them is believed before a `TileReader` led it to a root. */
import { LOG_LIMITS, type ReadTile, type Tile, tilePath } from '@scelle/log'
import { SdkError } from '../errors.ts'
import { SDK_LIMITS } from '../limits.ts'
import { Recent } from '../lru.ts'

/** Fetches from a public route of the index. Throws SdkError. */
export type FetchPublic = (path: string) => Promise<Uint8Array>

const isMissing = (error: unknown): boolean => error instanceof SdkError && error.problem === 'not-found'

/** A full tile never changes, so the trees of two checkpoints share it. */
export class Tiles {
  readonly #full = new Recent<Promise<Uint8Array>>(SDK_LIMITS.logTiles)
  readonly #fetch: FetchPublic

  constructor(fetch: FetchPublic) {
    this.#fetch = fetch
  }

  readonly read: ReadTile = async (tile) => {
    if (tile.level === 'entries') return this.#fetch(`/${tilePath(tile)}`)
    if (tile.width === LOG_LIMITS.tileWidth) return this.#fullTile(tile)
    try {
      return await this.#fetch(`/${tilePath(tile)}`)
    } catch (error) {
      // c2sp.org/tlog-tiles: a partial tile may be gone once the full one is there.
      if (!isMissing(error)) throw error
      return (await this.#fullTile({ ...tile, width: LOG_LIMITS.tileWidth })).subarray(0, tile.width * 32)
    }
  }

  /** Forgets everything: after something did not fit, so that the next answer is heard. */
  forget(): void {
    this.#full.sweep(() => true)
  }

  #fullTile(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile)
    const known = this.#full.get(path)
    if (known !== undefined) return known
    const fetched = this.#fetch(`/${path}`)
    this.#full.set(path, fetched)
    fetched.catch(() => this.#full.delete(path))
    return fetched
  }
}

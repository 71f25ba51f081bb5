/** Many positions held against one checkpoint: a tile of 256 leaves at a time. */
import { equalBytes } from '@scelle/seal/verify'
import {
  formatNote, formatProof, inclusionProof, LOG_LIMITS, type SignedCheckpoint, type TileReader,
} from '@scelle/log'
import { SdkError } from '../errors.ts'
import { SDK_LIMITS } from '../limits.ts'
import { droppedEvidence, lateEvidence, type Parties } from './evidence.ts'
import { leafAt, type Place, type Word } from './places.ts'

/** What became of one word under a checkpoint: `held` where every leaf of it is there. */
export type WordState = 'held' | 'waiting'

/** A proof without its salt: whoever looks at it needs no statement. */
export const proofOf = async (
  index: number, checkpoint: SignedCheckpoint, reader: TileReader, extra?: Uint8Array,
): Promise<Uint8Array> =>
  formatProof({
    index,
    hashes: await inclusionProof(index, checkpoint.size, reader.nodes),
    checkpoint: formatNote(checkpoint.note),
    ...(extra === undefined ? {} : { extra }),
  })

/** Words held against a checkpoint, whose tree `reader` reads. */
export interface Audit {
  readonly checkpoint: SignedCheckpoint
  readonly reader: TileReader
  readonly parties: () => Promise<Parties>
}

const dropped = async ({ checkpoint, reader, parties }: Audit, word: Word, place: Place, leaf: Uint8Array) => {
  const proof = await proofOf(place.sequence - 1, checkpoint, reader)
  return new SdkError('leaf-dropped', 'the log holds something else where the index acknowledged a statement', {
    evidence: await droppedEvidence(await parties(), word, place, { leaf, proof, reader }),
  })
}

/** Throws `leaf-late` where two trustees saw the log, long after the word, without the leaf. */
const requireInTime = async ({ checkpoint, parties }: Audit, word: Word, place: Place): Promise<void> => {
  const latest = [...checkpoint.cosigned.values()].toSorted((a, b) => b - a)
  if ((latest[1] ?? 0) <= place.time + SDK_LIMITS.leafDelay) return
  throw new SdkError('leaf-late', 'the index acknowledged a statement and did not log it, or dated it back', {
    evidence: await lateEvidence(await parties(), word, place, formatNote(checkpoint.note)),
  })
}

/** Whether a place holds the leaf that the statement must have. */
export const leafState = async (
  place: Omit<Place, 'time'>, { size }: SignedCheckpoint, reader: TileReader,
): Promise<'held' | 'waiting' | 'other'> => {
  if (place.sequence > size) return 'waiting'
  const index = place.sequence - 1
  const leaves = await reader.leaves(Math.floor(index / LOG_LIMITS.tileWidth))
  return equalBytes(leaves[index % LOG_LIMITS.tileWidth] as Uint8Array, leafAt(place)) ? 'held' : 'other'
}

/**
 * Looks every place up in the checkpoint's tree; the state of each word. Throws `leaf-dropped`, `leaf-late`, with
 * evidence, for the first that does not hold, and LogError where the tiles do not hold.
 */
export const wordStates = async (words: readonly Word[], audit: Audit): Promise<WordState[]> => {
  const { checkpoint, reader } = audit
  const tiles = new Map<number, Promise<readonly Uint8Array[]>>()
  const leafOf = async (index: number): Promise<Uint8Array> => {
    const tile = Math.floor(index / LOG_LIMITS.tileWidth)
    const known = tiles.get(tile) ?? reader.leaves(tile)
    tiles.set(tile, known)
    return (await known)[index % LOG_LIMITS.tileWidth] as Uint8Array
  }
  const states: WordState[] = []
  for (const word of words) {
    let state: WordState = 'held'
    for (const place of word.places) {
      if (place.sequence > checkpoint.size) {
        await requireInTime(audit, word, place)
        state = 'waiting'
        continue
      }
      const leaf = await leafOf(place.sequence - 1)
      if (!equalBytes(leaf, leafAt(place))) throw await dropped(audit, word, place, leaf)
    }
    states.push(state)
  }
  return states
}


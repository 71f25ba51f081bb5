/**
 * Files that show a third party, offline, that the index lied about its log: see `@scelle/wire/evidence`. What does not
 * show it to a stranger is no evidence, and none is given out.
 */
import { LOG_LIMITS, LogError, type TileReader } from '@scelle/log'
import { checkEvidence, encodeEvidence, type Evidence, EvidenceError, proveFork } from '@scelle/wire/evidence'
import type { KnownPrincipal } from '../directory.ts'
import { SdkError } from '../errors.ts'
import type { Noted, Place, Word } from './places.ts'

/** Who is accused, and whose clocks are believed. */
export interface Parties {
  readonly index: KnownPrincipal
  readonly trustees: readonly KnownPrincipal[]
}

type Claim = Evidence extends infer E ? (E extends Evidence ? Omit<E, 'accused'> : never) : never

const chains = (principals: readonly KnownPrincipal[]): Uint8Array[][] => principals.map(({ chain }) => [...chain])

/** The file, where a stranger who pins the same trustees would be convinced by it. */
const fileOf = async ({ index, trustees }: Parties, claim: Claim): Promise<Uint8Array | undefined> => {
  try {
    const file = encodeEvidence({ ...claim, accused: [...index.chain] })
    await checkEvidence(file, { trustees: trustees.map(({ keys }) => keys.id) })
    return file
  } catch (error) {
    if (error instanceof EvidenceError) return undefined
    throw error
  }
}

/** Two checkpoints of which neither begins with the other. `reader` reads the larger one's tree. */
export const forkEvidence = async (
  parties: Parties, older: Noted, newer: Noted, reader: TileReader,
): Promise<Uint8Array | undefined> => {
  const fork = older.size === newer.size ? {} : await proveFork(older, newer, reader.nodes)
  return fork === undefined
    ? undefined
    : fileOf(parties, { kind: 'fork', first: older.note, second: newer.note, ...fork })
}

const saidOf = ({ signed, places }: Word, place: Place): { word: Uint8Array; place: number } =>
  ({ word: signed, place: places.indexOf(place) })

/** `entry` of the leaf from its bundle; undefined where the index does not serve it. */
const entryAt = async (index: number, reader: TileReader): Promise<Uint8Array | undefined> => {
  try {
    return (await reader.entries(Math.floor(index / LOG_LIMITS.tileWidth)))[index % LOG_LIMITS.tileWidth]
  } catch (error) {
    if (error instanceof SdkError || error instanceof LogError) return undefined
    throw error
  }
}

/** The leaf that stands where the word promised another one, with its proof. */
export const droppedEvidence = async (
  parties: Parties,
  word: Word,
  place: Place,
  there: { readonly leaf: Uint8Array; readonly proof: Uint8Array; readonly reader: TileReader },
): Promise<Uint8Array | undefined> => {
  const entry = await entryAt(place.sequence - 1, there.reader)
  // The statement itself shows it as well, but then whoever has the evidence can read it.
  const shown = entry !== undefined ? { entry } : place.signed === undefined ? {} : { statement: place.signed }
  const leaf = Uint8Array.from(there.leaf)
  return fileOf(parties, { kind: 'leaf-dropped', said: saidOf(word, place), proof: there.proof, leaf, ...shown })
}

/** A checkpoint that does not reach the leaf, cosigned long after the word about it. */
export const lateEvidence = (
  parties: Parties, word: Word, place: Place, checkpoint: Uint8Array,
): Promise<Uint8Array | undefined> =>
  fileOf(parties, {
    kind: 'leaf-late', said: saidOf(word, place), seen: { checkpoint, witnesses: chains(parties.trustees) },
  })

/** A signed head that is older than a checkpoint that was cosigned before it. */
export const staleHeadEvidence = (
  parties: Parties, head: Uint8Array, checkpoint: Uint8Array,
): Promise<Uint8Array | undefined> =>
  fileOf(parties, { kind: 'head-stale', head, seen: { checkpoint, witnesses: chains(parties.trustees) } })

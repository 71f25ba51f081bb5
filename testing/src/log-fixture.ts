/**
 * A log in memory with everybody's keys, for tests of those who read logs: honest as long as nobody forks it. No
 * sockets, no clock: times are what the caller says.
 */
import {
  cosignNote, checkpointText, consistencyProof, EMPTY_ROOT, formatBundle, formatNote, formatProof, inclusionProof,
  leafHash, newTiles, type Note, parseNote, type ReadNodes, type ReadTile, rootOfLeaves, signNote,
  type Tile, tilePath, type Tree,
} from '@scelle/log'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import {
  type Context, encode, Head, Position, Positions, statementId, SUITE,
} from '@scelle/seal/verify'
import { entryOf, logKeys, logOrigin, logPolicy, type PolicyParties, witnessKeys } from '@scelle/wire/log'

export interface FixtureParties {
  readonly index: Identity
  readonly trustees: readonly Identity[]
}

/** A statement that the log took. */
export interface FixtureLeaf {
  readonly statement: Uint8Array
  readonly salt: Uint8Array
  readonly entry: Uint8Array
  /** Leaf index plus one. */
  readonly sequence: number
}

export const logParties = async (context: Context): Promise<FixtureParties> => ({
  index: await createIdentity('index', context),
  trustees: [
    await createIdentity('trustee', context),
    await createIdentity('trustee', context),
    await createIdentity('trustee', context),
  ],
})

export class LogFixture {
  readonly parties: FixtureParties
  readonly generation: number
  readonly #leaves: FixtureLeaf[]
  readonly #random: Context['random']

  constructor(parties: FixtureParties, random: Context['random'], leaves: readonly FixtureLeaf[] = [], generation = 1) {
    this.parties = parties
    this.generation = generation
    this.#random = random
    this.#leaves = [...leaves]
  }

  /** Another history under the same keys, which shares the first `at` leaves. */
  fork(at: number): LogFixture {
    return new LogFixture(this.parties, this.#random, this.#leaves.slice(0, at), this.generation)
  }

  get size(): number {
    return this.#leaves.length
  }

  get leaves(): readonly FixtureLeaf[] {
    return this.#leaves
  }

  append(statement: Uint8Array): FixtureLeaf {
    const salt = this.#random(16)
    const leaf = { statement, salt, entry: entryOf(statement, salt), sequence: this.#leaves.length + 1 }
    this.#leaves.push(leaf)
    return leaf
  }

  /** Appends statements that nobody else has: any signed ones do. */
  async fill(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.append(await this.parties.index.sign('commit', this.#random(32)))
    }
  }

  tree(size = this.size): Tree {
    const hashes = this.#leaves.slice(0, size).map(({ entry }) => leafHash(entry))
    return { size, root: size === 0 ? EMPTY_ROOT : rootOfLeaves(hashes) }
  }

  readonly nodes: ReadNodes = async (nodes) => nodes.map(({ level, index }) => {
    const from = index * 2 ** level
    return rootOfLeaves(this.#leaves.slice(from, from + 2 ** level).map(({ entry }) => leafHash(entry)))
  })

  /** A tile, as the log serves it. */
  readonly tile: ReadTile = async ({ level, index, width }) => {
    if (level === 'entries') {
      return formatBundle(this.#leaves.slice(index * 256, index * 256 + width).map(({ entry }) => entry))
    }
    const hashes = await this.nodes(Array.from({ length: width }, (_, i) => ({
      level: level * 8, index: index * 256 + i,
    })))
    return Buffer.concat(hashes)
  }

  /** Everything that a mirror of the tree holds, by path. */
  async files(size = this.size): Promise<Map<string, Uint8Array>> {
    const tiles: Tile[] = newTiles(0, size)
    const bundles = tiles.filter(({ level }) => level === 0).map((tile): Tile => ({ ...tile, level: 'entries' }))
    return new Map(await Promise.all([...tiles, ...bundles].map(async (tile) =>
      [tilePath(tile), await this.tile(tile)] as const)))
  }

  /** A checkpoint that the index signed, cosigned by these trustees at these times (seconds since 1970 UTC). */
  async checkpoint(size = this.size, times: readonly (number | undefined)[] = []): Promise<Uint8Array> {
    const { index, trustees } = this.parties
    const text = checkpointText({ origin: logOrigin(index.id, this.generation), ...this.tree(size) })
    const key = logKeys(index.keys, this.generation).at(-1)
    if (key === undefined) throw new Error('an index has keys')
    const note: Note = { text, signatures: [await signNote(text, key, index.signRaw)] }
    return cosigned(note, trustees, times)
  }

  async receipt(leaf: FixtureLeaf, checkpoint: Uint8Array): Promise<Uint8Array> {
    const size = Number(parseNote(checkpoint).text.split('\n')[1])
    const index = leaf.sequence - 1
    const hashes = await inclusionProof(index, size, this.nodes)
    return formatProof({ index, hashes, checkpoint, extra: leaf.salt })
  }

  consistency(from: number, to: number): Promise<Uint8Array[]> {
    return consistencyProof(from, to, this.nodes)
  }

  /** The index's word about a leaf, at a time. */
  position(leaf: Pick<FixtureLeaf, 'statement' | 'sequence' | 'salt'>, time: number): Promise<Uint8Array> {
    return this.parties.index.sign('position', encode(Position, {
      suite: SUITE, index: this.parties.index.id, statement: statementId(leaf.statement), sequence: leaf.sequence, time,
      salt: leaf.salt, ...this.#named(),
    }))
  }

  positions(leaves: readonly FixtureLeaf[], time: number): Promise<Uint8Array> {
    return this.parties.index.sign('positions', encode(Positions, {
      suite: SUITE, index: this.parties.index.id, ...this.#named(),
      held: leaves.map(({ statement, sequence, salt }) =>
        ({ statement: statementId(statement), sequence, time, salt })),
    }))
  }

  head(checkpoint: Uint8Array, time: number): Promise<Uint8Array> {
    return this.parties.index.sign('head', encode(Head, {
      suite: SUITE, index: this.parties.index.id, checkpoint, time,
    }))
  }

  policy(quorum: PolicyParties['quorum']): ReturnType<typeof logPolicy> {
    const { index, trustees } = this.parties
    return logPolicy({
      index: index.keys, trustees: trustees.map(({ keys }) => keys), quorum, generation: this.generation,
    })
  }

  #named(): { generation?: number } {
    return this.generation === 1 ? {} : { generation: this.generation }
  }
}

const cosigned = async (
  note: Note, trustees: readonly Identity[], times: readonly (number | undefined)[],
): Promise<Uint8Array> => {
  const signatures = [...note.signatures]
  for (const [i, trustee] of trustees.entries()) {
    const time = times[i]
    const key = witnessKeys(trustee.keys).at(-1)
    if (time !== undefined && key !== undefined) {
      signatures.push(await cosignNote(note.text, time, key, trustee.signRaw))
    }
  }
  return formatNote({ text: note.text, signatures })
}

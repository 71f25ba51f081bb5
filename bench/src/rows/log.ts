/** Proofs of the log, by the size of its tree: how many bytes, and what making and checking one takes. */
import {
  checkpointText, CompactRange, consistencyProof, cosignNote, formatNote, formatProof, inclusionProof, leafHash,
  type LogPolicy, type NoteKey, parseProof, perfectNodes, type ReadNodes, signNote, type TreeNode, treeRoot,
  verifyConsistency, verifyInclusion, verifyProof,
} from '@scelle/log'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { logKeys, logOrigin, verifyEd25519, witnessKeys } from '@scelle/wire/log'
import { rate, type Row } from '../measure.ts'
import { context } from '../sealing.ts'

const PROOFS = 500
const RECEIPTS = 50
const ROUNDS = 3

/** The entry of a leaf without a label has this many bytes: spec/format.md, The log. */
const ENTRY = 36

const entryOf = (place: number): Uint8Array => {
  const entry = new Uint8Array(ENTRY)
  new DataView(entry.buffer).setFloat64(ENTRY - 8, place)
  return entry
}

/**
 * Every node of a tree that grows to `most` leaves, in one array: 64 bytes a leaf. A smaller tree's nodes are among
 * those of a larger one, so one array serves all sizes.
 */
class Nodes {
  readonly #bytes: Uint8Array
  readonly #starts: number[] = []
  readonly #range = new CompactRange()

  constructor(most: number) {
    let start = 0
    for (let width = 1; width <= most; width *= 2) {
      this.#starts.push(start)
      start += Math.floor(most / width)
    }
    this.#bytes = new Uint8Array(start * 32)
  }

  growTo(size: number): void {
    while (this.#range.size < size) {
      this.#range.append(leafHash(entryOf(this.#range.size)), (node, hash) => this.#bytes.set(hash, this.#place(node)))
    }
  }

  #place({ level, index }: TreeNode): number {
    return ((this.#starts[level] as number) + index) * 32
  }

  readonly read: ReadNodes = async (nodes) =>
    nodes.map((node) => this.#bytes.subarray(this.#place(node), this.#place(node) + 32))
}

interface Parties {
  readonly index: Identity
  readonly trustees: readonly Identity[]
  readonly policy: LogPolicy
}

const newestKey = (keys: readonly NoteKey[]): NoteKey => keys.at(-1) as NoteKey

const newParties = async (): Promise<Parties> => {
  const index = await createIdentity('index', context)
  const trustees = await Promise.all([1, 2, 3].map(() => createIdentity('trustee', context)))
  const witnesses = trustees.map(({ keys }, i) => ({ name: `trustee ${i}`, keys: witnessKeys(keys) }))
  return { index, trustees, policy: { origin: logOrigin(index.id), log: logKeys(index.keys), witnesses, quorum: 3 } }
}

const signedBy = async ({ index, trustees }: Parties, size: number, root: Uint8Array): Promise<Uint8Array> => {
  const text = checkpointText({ origin: logOrigin(index.id), size, root })
  const own = await signNote(text, newestKey(logKeys(index.keys)), index.signRaw)
  const others = trustees.map((one) => cosignNote(text, 1_768_000_000, newestKey(witnessKeys(one.keys)), one.signRaw))
  return formatNote({ text, signatures: [own, ...(await Promise.all(others))] })
}

/** Microseconds that one of `count` calls takes. */
const each = async (count: number, work: (call: number) => unknown): Promise<number> => {
  const all = async (): Promise<void> => {
    for (let call = 0; call < count; call++) await work(call)
  }
  return 1e6 / (await rate(count, all, ROUNDS))
}

const us = (value: number): string => `${value < 100 ? value.toFixed(1) : Math.round(value)} µs`

const rowOf = async (parties: Parties, nodes: Nodes, size: number): Promise<Row> => {
  const { read } = nodes
  const root = await treeRoot(size, read)
  // Places and older sizes spread over the whole tree, the same in every run.
  const spread = (call: number): number => Math.floor(((call * 0.618_033_988_749_895) % 1) * size)
  const make = await each(PROOFS, (call) => inclusionProof(spread(call), size, read))
  const places = Array.from({ length: PROOFS }, (_, call) => spread(call))
  const proofs = await Promise.all(places.map((place) => inclusionProof(place, size, read)))
  const leaves = places.map((place) => leafHash(entryOf(place)))
  const verify = await each(PROOFS, (call) => verifyInclusion(
    leaves[call] as Uint8Array, { index: spread(call), size, root }, proofs[call] as Uint8Array[],
  ))

  const older = (call: number): number => Math.max(1, spread(call))
  const makeOlder = await each(PROOFS, (call) => consistencyProof(older(call), size, read))
  const pairs = await Promise.all(proofs.map(async (_, call) => ({
    from: { size: older(call), root: await treeRoot(older(call), read) },
    proof: await consistencyProof(older(call), size, read),
  })))
  const verifyOlder = await each(PROOFS, (call) => {
    const { from, proof } = pairs[call] as (typeof pairs)[number]
    verifyConsistency(from, { size, root }, proof)
  })

  const checkpoint = await signedBy(parties, size, root)
  const receipts = proofs.map((hashes, call) =>
    formatProof({ index: spread(call), hashes, checkpoint, extra: new Uint8Array(16) }))
  const check = await each(RECEIPTS, (call) =>
    verifyProof(parseProof(receipts[call] as Uint8Array), entryOf(spread(call)), parties.policy, verifyEd25519))

  const most = (lengths: readonly number[]): number => Math.max(...lengths)
  const hashes = most(proofs.map(({ length }) => length))
  const olderHashes = most(pairs.map(({ proof }) => proof.length))
  return {
    what: `log of 10^${Math.round(Math.log10(size))} leaves: inclusion`,
    perCapsule: '',
    reached: `${hashes} hashes, ${hashes * 32} B; made in ${us(make)}, checked in ${us(verify)}`,
    target: 'O(log n)',
    beside:
      `consistency ${olderHashes} hashes, ${olderHashes * 32} B, ${us(makeOlder)}, ${us(verifyOlder)}; ` +
      `receipt ${most(receipts.map(({ length }) => length))} B, with its 4 signatures ${us(check)}; ` +
      `${perfectNodes(0, size).length} hashes to go on from`,
  }
}

/** Sizes ascending. The largest takes 64 bytes of memory a leaf. */
export const logRows = async (sizes: readonly number[]): Promise<Row[]> => {
  const parties = await newParties()
  const nodes = new Nodes(sizes.at(-1) ?? 1)
  const rows: Row[] = []
  for (const size of sizes) {
    nodes.growTo(size)
    rows.push(await rowOf(parties, nodes, size))
  }
  return rows
}

/** The file format of evidence, deterministic CBOR: see `evidence.ts`. */
import { consistencyProof, type ReadNodes, type Tree, treeRoot } from '@scelle/log'
import {
  bytes, choice, decode, encode, field, FORMAT_LIMITS, list, optional, SealError, struct, SUITE, uint, type Value,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'
import { KeyChain } from './messages.ts'

export const EVIDENCE_KINDS = [
  /** Two checkpoints that the log signed and of which neither begins with the other. */
  'fork',
  /** The index put a statement at a leaf, and the log holds something else there. */
  'leaf-dropped',
  /** The index put a statement on record, and over a minute later its log still had not got it. */
  'leaf-late',
  /** Of two words of the index the later place has the earlier time, by over a minute. */
  'back-dated',
  /** The index called a checkpoint its newest, over a minute after a larger one was out. */
  'head-stale',
  /** A trustee cosigned two checkpoints of which neither begins with the other. */
  'cosigned-fork',
] as const
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number]

/**
 * Why a file is not taken as evidence. `evidence-malformed`: it is none. `evidence-unproven`: it does not show what it
 * says. `evidence-unpinned`: it rests on the clocks of trustees, and too few of them are among those that are pinned.
 */
export type EvidenceErrorCode = 'evidence-malformed' | 'evidence-unproven' | 'evidence-unpinned'

export class EvidenceError extends Error {
  readonly code: EvidenceErrorCode
  constructor(code: EvidenceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EvidenceError'
    this.code = code
  }
}

const note = bytes(1, FORMAT_LIMITS.note)
const statement = bytes(1, FORMAT_LIMITS.statement)
const hash32 = bytes(32)
const witnesses = list(KeyChain, 3)

/**
 * Two checkpoints, `first` of the smaller size. Where sizes differ, `proof` is a consistency proof that leads from
 * `other`, which is not the root of `first`, to the root of `second`: so `second` does not begin with `first`.
 */
const TwoHistories = struct({
  first: field(0, note), second: field(1, note),
  other: optional(2, hash32), proof: optional(3, list(hash32, 63)),
})
export type TwoHistories = Value<typeof TwoHistories>

/** A signed position, or one of the places that signed `positions` name. */
const Said = struct({ word: field(0, statement), place: field(1, uint(FORMAT_LIMITS.positions)) })
export type Said = Value<typeof Said>

/**
 * `proof` is a tlog-proof of the leaf's hash. Either `entry` is that leaf, or `statement` is what the position is
 * about, from which follows what the leaf would have to be (its content becomes known to whoever has the evidence).
 */
const LeafDropped = struct({
  said: field(0, Said), proof: field(1, bytes(1, WIRE_LIMITS.logProof)), leaf: field(2, hash32),
  entry: optional(3, bytes(0, 65_535)), statement: optional(4, statement),
})
export type LeafDropped = Value<typeof LeafDropped>

/** The state of the log at a time: as trustees cosigned it, or as the index itself said in a signed `head`. */
const Seen = struct({ checkpoint: optional(0, note), head: optional(1, statement), witnesses: field(2, witnesses) })
export type Seen = Value<typeof Seen>

const LeafLate = struct({ said: field(0, Said), seen: field(1, Seen) })
export type LeafLate = Value<typeof LeafLate>

/** `late` has the larger sequence and the earlier time. */
const BackDated = struct({ late: field(0, Said), before: field(1, Said) })
export type BackDated = Value<typeof BackDated>

const HeadStale = struct({ head: field(0, statement), seen: field(1, Seen) })
export type HeadStale = Value<typeof HeadStale>

const BODIES = {
  fork: TwoHistories,
  'leaf-dropped': LeafDropped,
  'leaf-late': LeafLate,
  'back-dated': BackDated,
  'head-stale': HeadStale,
  'cosigned-fork': TwoHistories,
} as const

const File = struct({
  suite: field(0, uint(0xffff)),
  kind: field(1, choice(EVIDENCE_KINDS)),
  accused: field(2, KeyChain),
  generation: optional(3, uint()),
  body: field(4, bytes(0, WIRE_LIMITS.evidence)),
})

interface About {
  /** Key records of the index; of the trustee for `cosigned-fork`. */
  readonly accused: readonly Uint8Array[]
  /** Which of the index's logs; 1 where it is left out. Of no meaning for `cosigned-fork`. */
  readonly generation?: number | undefined
}

export type Evidence = {
  [K in EvidenceKind]: About & { readonly kind: K } & Value<(typeof BODIES)[K]>
}[EvidenceKind]

/** The one encoding. Nothing is checked but that it fits. */
export const encodeEvidence = (evidence: Evidence): Uint8Array => {
  const { kind, accused, generation, ...body } = evidence
  return encode(File, {
    suite: SUITE,
    kind,
    accused: [...accused],
    ...(generation === undefined || generation === 1 ? {} : { generation }),
    // The type of the body follows from the kind, which the compiler does not see through the rest above.
    body: encode(BODIES[kind] as typeof TwoHistories, body as TwoHistories),
  })
}

/** Reads a file of evidence; nothing of it is believed yet. Throws EvidenceError `evidence-malformed`. */
export const decodeEvidence = (file: Uint8Array): Evidence => {
  const malformed = (cause?: unknown): EvidenceError =>
    new EvidenceError('evidence-malformed', 'this is not a file of evidence of this version', { cause })
  if (file.length > WIRE_LIMITS.evidence) throw malformed()
  try {
    const { suite, kind, accused, generation, body } = decode(File, file)
    if (suite !== SUITE || (generation !== undefined && generation < 2)) throw malformed()
    const shown = decode(BODIES[kind] as typeof TwoHistories, body)
    return { kind, accused, ...(generation === undefined ? {} : { generation }), ...shown } as Evidence
  } catch (error) {
    if (error instanceof SealError) throw malformed(error)
    throw error
  }
}

/**
 * What shows that `newer` does not begin with `older`: the root that it begins with, and the proof. `nodes` reads the
 * newer tree, authenticated (`TileReader`). Undefined where it does begin with it. For sizes that differ, 0 aside.
 */
export const proveFork = async (
  older: Tree, newer: Tree, nodes: ReadNodes,
): Promise<Required<Pick<TwoHistories, 'other' | 'proof'>> | undefined> => {
  const other = await treeRoot(older.size, nodes)
  if (other.every((byte, i) => byte === older.root[i])) return undefined
  return { other: Uint8Array.from(other), proof: await consistencyProof(older.size, newer.size, nodes) }
}

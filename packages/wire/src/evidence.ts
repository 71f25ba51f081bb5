/**
 * Evidence that a party lied about the log: one file that a stranger checks offline, long after. It holds the words
 * that contradict each other as they were signed, and the key chain of whoever signed them, whose genesis is its id.
 * What cannot be shown from signed words is no evidence: {@link checkEvidence} throws, so that nobody can be slandered.
 */
import {
  type Checkpoint, type HeldSignature, heldSignatures, leafHash, LogError, parseCheckpoint, parseNote, parseProof,
  rootsFromConsistency, type SignedCheckpoint, verifyCheckpoint, verifyInclusion,
} from '@scelle/log'
import {
  decode, ed25519Verify, equalBytes, Head, type KeyRecord, leafCommitment, LogEntry, Position, Positions,
  type PrincipalKeys, requireSuite, SealError, Signed, statementId, toHex, verifyKeyChain, verifySigned,
} from '@scelle/seal/verify'
import {
  decodeEvidence, type Evidence, EvidenceError, type EvidenceKind, type Said, type Seen, type TwoHistories,
} from './evidence-format.ts'
import { WIRE_LIMITS } from './limits.ts'
import { entryOf, logOrigin, logPolicy, QUORUM, witnessKeys } from './log.ts'

export {
  decodeEvidence, encodeEvidence, type Evidence, EVIDENCE_KINDS, EvidenceError, type EvidenceErrorCode,
  type EvidenceKind, proveFork, type Said, type Seen, type TwoHistories,
} from './evidence-format.ts'

/** What holds without the file saying so. */
export interface EvidencePins {
  /**
   * Principal ids of the trustees whose clocks are believed, two of them together: anybody can name principals of
   * their own "trustee". Without them `leaf-late` and `head-stale` count only by the index's own words.
   */
  readonly trustees?: readonly Uint8Array[]
}

export interface Verdict {
  readonly kind: EvidenceKind
  /** Whose signatures contradict each other. That this is the index in question is for the caller to compare. */
  readonly liar: { readonly id: Uint8Array; readonly role: 'index' | 'trustee' }
  /** `delay`: an outage just then would look the same, so it is a broken promise rather than a lie. */
  readonly shows: 'lie' | 'delay'
  /** Origin of the log. */
  readonly origin: string
  /** Tree sizes of the checkpoints shown, ascending where there are two. */
  readonly sizes: readonly number[]
  /** The leaf in question. */
  readonly leaf?: number
  /** Seconds since 1970 UTC: what the word was dated, then what stands against it. Empty where no time matters. */
  readonly times: readonly number[]
  /** Hex ids of the trustees whose clocks it rests on. */
  readonly restsOn: readonly string[]
  /** One sentence for people. */
  readonly says: string
}

const unproven = (message: string): EvidenceError => new EvidenceError('evidence-unproven', message)

const date = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', ' UTC').replace('T', ' ')

interface Case {
  readonly accused: PrincipalKeys
  readonly generation: number
  readonly pins: EvidencePins
}

/** A checkpoint as the accused index signed it; with witnesses, also who of them cosigned it and when. */
const ofLog = (
  { accused, generation }: Case, note: Uint8Array, trustees: readonly PrincipalKeys[] = [],
): Promise<SignedCheckpoint> =>
  verifyCheckpoint(note, logPolicy({ index: accused, trustees, quorum: 0, generation }), ed25519Verify)

interface SaidPlace {
  readonly statement: Uint8Array
  readonly sequence: number
  readonly time: number
  readonly salt: Uint8Array | undefined
}

/** A place that the index signed, in the log that the evidence is about. */
const placeOf = async ({ accused, generation }: Case, { word, place }: Said): Promise<SaidPlace> => {
  const { kind } = decode(Signed, word)
  if (kind !== 'position' && kind !== 'positions') throw unproven('the word shown is no position')
  const { body } = await verifySigned(kind, word, accused)
  const said = kind === 'position' ? decode(Position, body) : decode(Positions, body)
  requireSuite(said)
  const held = 'held' in said ? said.held[place] : place === 0 ? said : undefined
  const own = equalBytes(said.index, accused.id) && (said.generation ?? 1) === generation
  if (held === undefined || !own || held.sequence < 1) throw unproven('the word shown is about another log')
  return { statement: held.statement, sequence: held.sequence, time: held.time, salt: held.salt }
}

const headOf = async (at: Case, signed: Uint8Array): Promise<{ checkpoint: SignedCheckpoint; time: number }> => {
  const head = decode(Head, (await verifySigned('head', signed, at.accused)).body)
  requireSuite(head)
  if (!equalBytes(head.index, at.accused.id)) throw unproven('the head shown is of another index')
  return { checkpoint: await ofLog(at, head.checkpoint), time: head.time }
}

interface SeenLog {
  readonly size: number
  /** Seconds since 1970 UTC, of each whose word it is: the index alone, or the pinned trustees that cosigned. */
  readonly times: readonly number[]
  readonly restsOn: readonly string[]
}

/** The log as its index, or pinned trustees, saw it at a time. One trustee alone is not believed its clock. */
const seenOf = async (at: Case, { checkpoint, head, witnesses }: Seen): Promise<SeenLog> => {
  if (head !== undefined) {
    if (checkpoint !== undefined || witnesses.length > 0) throw unproven('what was seen is one thing, not two')
    const { checkpoint: { size }, time } = await headOf(at, head)
    return { size, times: [time], restsOn: [] }
  }
  if (checkpoint === undefined) throw unproven('nothing of the log is shown')
  const pinned = (at.pins.trustees ?? []).map(toHex)
  const known = (await Promise.all(witnesses.map(verifyKeyChain))).filter(({ id }) => pinned.includes(toHex(id)))
  const distinct = [...new Map(known.map((keys) => [toHex(keys.id), keys])).values()]
  const { size, note } = await ofLog(at, checkpoint, distinct)
  const cosigned: { id: string; time: number }[] = []
  for (const keys of distinct) {
    const held = await heldSignatures(note, witnessKeys(keys), ed25519Verify)
    cosigned.push(...held.slice(0, 1).map(({ time }) => ({ id: toHex(keys.id), time: time ?? 0 })))
  }
  return { size, times: cosigned.map(({ time }) => time), restsOn: cosigned.map(({ id }) => id) }
}

/** Those of whom the times hold, enough of them. */
const believed = ({ times, restsOn }: SeenLog, holds: (time: number) => boolean): SeenLog['restsOn'] => {
  const good = times.filter(holds).length
  if (restsOn.length === 0 && times.length === 1) {
    if (good === 0) throw unproven('the times shown do not contradict each other')
    return []
  }
  if (restsOn.length < QUORUM.release) {
    throw new EvidenceError('evidence-unpinned', 'this rests on clocks of trustees: it takes two that you pin')
  }
  if (good < QUORUM.release) throw unproven('the times shown do not contradict each other')
  return restsOn.filter((_, i) => holds(times[i] as number))
}

/** Throws unless no tree has both roots at its sizes. `first` is the smaller one. */
const requireTwoHistories = (first: Checkpoint, second: Checkpoint, { other, proof }: TwoHistories): void => {
  if (first.origin !== second.origin) throw unproven('these are checkpoints of two logs')
  if (first.size === second.size) {
    if (other !== undefined || proof !== undefined || equalBytes(first.root, second.root)) {
      throw unproven('both checkpoints are of one tree')
    }
    return
  }
  if (other === undefined || proof === undefined || first.size > second.size) {
    throw unproven('it takes the proof what the larger tree begins with')
  }
  // The proof leads to the root of `second`, so its hashes are nodes of that tree, and `other` is what it begins with.
  const roots = rootsFromConsistency({ from: first.size, to: second.size }, other, proof)
  const leads = equalBytes(roots.to, second.root) && equalBytes(roots.from, other)
  if (!leads || equalBytes(other, first.root)) throw unproven('the larger tree may begin with the smaller one')
}

type Finding = Pick<Verdict, 'sizes' | 'says'> & Partial<Verdict>

const fork = async (at: Case, evidence: TwoHistories): Promise<Finding> => {
  const first = await ofLog(at, evidence.first)
  const second = await ofLog(at, evidence.second)
  requireTwoHistories(first, second, evidence)
  return {
    sizes: [first.size, second.size],
    says: `The index signed two histories of its log: one of ${first.size} and one of ${second.size} entries, `
      + 'and neither begins with the other.',
  }
}

const leafDropped = async (at: Case, evidence: Evidence & { kind: 'leaf-dropped' }): Promise<Finding> => {
  const said = await placeOf(at, evidence.said)
  if (said.salt === undefined) throw unproven('the position is older than the log and cannot be held against it')
  const proof = parseProof(evidence.proof)
  const { size, root } = await ofLog(at, proof.checkpoint)
  verifyInclusion(evidence.leaf, { index: proof.index, size, root }, proof.hashes)
  if (proof.index !== said.sequence - 1) throw unproven('the proof is of another leaf than the position names')
  if (!isAnother(evidence, said.statement, said.salt)) throw unproven('the leaf is what the index said it is')
  return {
    sizes: [size], leaf: proof.index, times: [said.time],
    says: `The index acknowledged a statement as entry ${proof.index} of its log on ${date(said.time)}, `
      + 'and its log holds something else there.',
  }
}

/** Whether the proven leaf cannot be the one of that statement. */
const isAnother = (
  evidence: Evidence & { kind: 'leaf-dropped' }, statement: Uint8Array, salt: Uint8Array,
): boolean => {
  if (evidence.statement !== undefined) {
    if (!equalBytes(statementId(evidence.statement), statement)) throw unproven('the position is of another statement')
    return !equalBytes(leafHash(entryOf(evidence.statement, salt)), evidence.leaf)
  }
  if (evidence.entry === undefined || !equalBytes(leafHash(evidence.entry), evidence.leaf)) {
    throw unproven('the entry shown is not the leaf that is proven')
  }
  try {
    return !equalBytes(decode(LogEntry, evidence.entry).commitment, leafCommitment(salt, statement))
  } catch (error) {
    // Bytes that are no entry at all are not this statement's either.
    if (error instanceof SealError) return true
    throw error
  }
}

const leafLate = async (at: Case, evidence: Evidence & { kind: 'leaf-late' }): Promise<Finding> => {
  const said = await placeOf(at, evidence.said)
  const seen = await seenOf(at, evidence.seen)
  if (seen.size >= said.sequence) throw unproven('the log that was seen may have the leaf')
  const restsOn = believed(seen, (time) => time > said.time + WIRE_LIMITS.evidenceTolerance)
  const last = Math.max(...seen.times)
  return {
    sizes: [seen.size], leaf: said.sequence - 1, times: [said.time, last], shows: 'delay', restsOn,
    says: `The index acknowledged entry ${said.sequence - 1} of its log on ${date(said.time)}, and on ${date(last)} `
      + `its log still had ${seen.size} entries: the word is dated back, or the entry was held back over a minute.`,
  }
}

const backDated = async (at: Case, evidence: Evidence & { kind: 'back-dated' }): Promise<Finding> => {
  const late = await placeOf(at, evidence.late)
  const before = await placeOf(at, evidence.before)
  const back = late.sequence > before.sequence && late.time + WIRE_LIMITS.evidenceTolerance < before.time
  if (!back) throw unproven('the two positions do not contradict each other')
  return {
    sizes: [], leaf: late.sequence - 1, times: [late.time, before.time],
    says: `The index dated entry ${late.sequence - 1} of its log ${date(late.time)}, though entry `
      + `${before.sequence - 1}, which stands before it, is of ${date(before.time)}: the word is dated back.`,
  }
}

const headStale = async (at: Case, evidence: Evidence & { kind: 'head-stale' }): Promise<Finding> => {
  const { checkpoint, time } = await headOf(at, evidence.head)
  const seen = await seenOf(at, evidence.seen)
  if (seen.size <= checkpoint.size) throw unproven('no larger tree than the head is shown')
  const restsOn = believed(seen, (other) => other + WIRE_LIMITS.evidenceTolerance < time)
  const first = Math.min(...seen.times)
  return {
    sizes: [checkpoint.size, seen.size], times: [time, first], restsOn,
    says: `On ${date(time)} the index called ${checkpoint.size} entries its whole log, though it had `
      + `${seen.size} entries on ${date(first)} already: it served an old checkpoint.`,
  }
}

const cosignedFork = async ({ accused }: Case, evidence: TwoHistories): Promise<Finding> => {
  const read = async (bytes: Uint8Array): Promise<Checkpoint & { held: HeldSignature[] }> => {
    const note = parseNote(bytes)
    const held = await heldSignatures(note, witnessKeys(accused), ed25519Verify)
    if (held.length === 0) throw unproven('the trustee did not cosign both checkpoints')
    return { ...parseCheckpoint(note.text), held }
  }
  const first = await read(evidence.first)
  const second = await read(evidence.second)
  requireTwoHistories(first, second, evidence)
  return {
    sizes: [first.size, second.size], origin: first.origin,
    says: `The trustee cosigned two histories of one log: one of ${first.size} and one of ${second.size} entries, `
      + 'and neither begins with the other.',
  }
}

const find = (at: Case, evidence: Evidence): Promise<Finding> => {
  if (evidence.kind === 'fork') return fork(at, evidence)
  if (evidence.kind === 'leaf-dropped') return leafDropped(at, evidence)
  if (evidence.kind === 'leaf-late') return leafLate(at, evidence)
  if (evidence.kind === 'back-dated') return backDated(at, evidence)
  if (evidence.kind === 'head-stale') return headStale(at, evidence)
  return cosignedFork(at, evidence)
}

const requireKind = (kind: KeyRecord['kind'], wanted: Verdict['liar']['role']): void => {
  if (kind !== wanted) throw unproven(`the accused is no ${wanted}`)
}

/**
 * Who lied, and how: from the file alone, and from the trustees that the caller pins. Throws EvidenceError where it
 * does not show what it says: a signature that does not hold, a proof that leads nowhere, words that may all be true.
 */
export const checkEvidence = async (file: Uint8Array, pins: EvidencePins = {}): Promise<Verdict> => {
  const evidence = decodeEvidence(file)
  const role = evidence.kind === 'cosigned-fork' ? 'trustee' : 'index'
  try {
    const accused = await verifyKeyChain(evidence.accused)
    requireKind(accused.kind, role)
    const at: Case = { accused, generation: evidence.generation ?? 1, pins }
    const origin = logOrigin(accused.id, at.generation)
    const finding = await find(at, evidence)
    const liar = { id: accused.id, role } as const
    return { origin, shows: 'lie', restsOn: [], times: [], ...finding, kind: evidence.kind, liar }
  } catch (error) {
    if (!(error instanceof SealError || error instanceof LogError)) throw error
    throw new EvidenceError('evidence-unproven', `the evidence does not hold: ${error.message}`, { cause: error })
  }
}

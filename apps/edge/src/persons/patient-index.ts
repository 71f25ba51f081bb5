/**
 * The sealed index of patients: who has which number, who may be whom. It follows every version of a Patient in the
 * transaction that enters it, so it is never behind and never ahead. It holds references and keyed names only: without
 * the identity file the disk tells neither a number nor that two rows are of one patient.
 */
import type { Patient } from '@medplum/fhirtypes'
import {
  blockingKeys, type Comparison, comparePatients, type Features, featuresOf, identifierKey, identifierKeys,
  isSamePersonOutside, MANY_NUMBERS, outsideKeys, outsideNameOf,
} from '@scelle/fhir/persons'
import { type Entry, keyOf, textOf } from '../entry.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import { Merges, type Merge } from './merges.ts'
import { SealedRows } from './sealed-rows.ts'
import { type Pair, type PairKind, WorkList } from './work-list.ts'

/** What is indexed of one patient: what must go when they change. */
interface Indexed {
  readonly keys: readonly string[]
  /** References of those it has a pair with, whatever its state. */
  readonly pairs: readonly string[]
}

/** Raised when what is indexed changes: then everything is indexed anew. */
const VERSION = '2'

/** The index itself, among the rows of what is indexed; no reference is empty. */
const ITSELF = ''

type Found = Pick<Pair, 'kind' | 'score' | 'reasons'>

/** Nearly every key has one patient or two: rows of two lengths do not say which, and are most of the index. */
const BLOCK_STEP = 128

const NOTHING: Indexed = { keys: [], pairs: [] }

export interface PatientIndexOptions {
  readonly db: Database
  readonly cabinet: Cabinet
  /** Hex id of this organisation. */
  readonly self: string
  readonly person: (key: string) => Entry | undefined
}

export class PatientIndex {
  readonly #options: PatientIndexOptions
  readonly #blocks: SealedRows<readonly string[]>
  readonly #indexed: SealedRows<Indexed>
  /** Identifier systems met before. */
  readonly #systems = new Set<string>()
  readonly workList: WorkList
  readonly merges: Merges

  constructor(options: PatientIndexOptions) {
    const { db, cabinet } = options
    this.#options = options
    this.#blocks = new SealedRows(db, cabinet, 'block', BLOCK_STEP)
    this.#indexed = new SealedRows(db, cabinet, 'compared')
    this.workList = new WorkList(db, cabinet)
    this.merges = new Merges(db, cabinet)
  }

  /** True where an edge wrote the directory that did not index so: {@link follow} every person, then say so. */
  get isBehind(): boolean {
    return this.#indexed.get(ITSELF)?.keys[0] !== VERSION
  }

  /** Part of a transaction of the caller. */
  isWhole(): void {
    this.#indexed.put(ITSELF, { keys: [VERSION], pairs: [] })
  }

  /**
   * References of all who can have an identifier, own and received, former numbers too; the caller compares. Undefined
   * where they are too many to be kept under one key.
   */
  mayHave(system: string, value: string): string[] | undefined {
    const blocks = [identifierKey(system, value), MANY_NUMBERS].map((key) => this.#blocks.get(key) ?? [])
    return blocks.some(({ length }) => length >= EDGE_LIMITS.personBlock) ? undefined : [...new Set(blocks.flat())]
  }

  /** Whether any patient here has, or had, an identifier of this system. */
  knowsSystem(system: string): boolean {
    if (!this.#systems.has(system) && this.#indexed.get(systemKey(system)) !== undefined) this.#systems.add(system)
    return this.#systems.has(system)
  }

  /** Part of a transaction of the caller: a merge begins or ends with the version of its source entered next. */
  merged(source: string, merge: Merge | undefined): void {
    const former = this.merges.of(source)
    if (merge === undefined) this.merges.end(source)
    else this.merges.begin(merge)
    const other = (merge ?? former)?.target
    if (other === undefined) return
    if (merge !== undefined) this.workList.answer(source, other, 'merged')
    else this.workList.forget(source, other)
    const state = this.#indexed.get(source) ?? NOTHING
    this.#indexed.put(source, { ...state, pairs: [...new Set([...state.pairs, other])] })
  }

  /**
   * Part of a transaction of the caller: a patient is now this, or no longer listed. Compares them with those who share
   * a key.
   */
  follow(reference: string, entry: Entry | undefined): void {
    const was = this.#indexed.get(reference) ?? NOTHING
    const patient = entry === undefined ? undefined : (JSON.parse(textOf(entry)) as Patient)
    const keys = entry === undefined || patient === undefined ? [] : this.#keysOf(reference, entry, patient)
    const met = new Set<string>()
    for (const key of was.keys) if (!keys.includes(key)) this.#leave(key, reference)
    for (const key of keys) for (const other of this.#join(key, reference)) met.add(other)
    const found = entry === undefined || patient === undefined ? new Map() : this.#compare({ entry, patient }, met)
    this.#enter(reference, keys, was, found)
    for (const { system } of patient?.identifier ?? []) {
      if (system !== undefined && !this.knowsSystem(system)) this.#indexed.put(systemKey(system), NOTHING)
    }
  }

  #keysOf(reference: string, entry: Entry, patient: Patient): string[] {
    // Who was merged away is found by number, and is nobody's duplicate any more.
    if (this.merges.targetOf(reference) !== undefined) return identifierKeys(patient)
    const own = entry.author === this.#options.self ? blockingKeys(patient) : []
    return [...new Set([...own, ...identifierKeys(patient), ...outsideKeys(patient)])]
  }

  #leave(key: string, reference: string): void {
    this.#blocks.update(key, (block) => {
      const left = (block ?? []).filter((each) => each !== reference)
      return left.length === 0 ? undefined : left
    })
  }

  /** Enters a patient under a key; the others who are there. A key that too many share tells nothing. */
  #join(key: string, reference: string): readonly string[] {
    let others: readonly string[] = []
    this.#blocks.update(key, (block = []) => {
      others = block.filter((each) => each !== reference)
      return others.length === block.length && block.length < EDGE_LIMITS.personBlock ? [...block, reference] : block
    })
    return others
  }

  #compare(
    { entry, patient }: { entry: Entry; patient: Patient }, met: ReadonlySet<string>,
  ): Map<string, Found> {
    const { person, self } = this.#options
    const found = new Map<string, Found>()
    if (this.merges.targetOf(keyOf(entry)) !== undefined) return found
    const features = featuresOf(patient)
    for (const reference of met) {
      const other = person(reference)
      if (other === undefined || this.merges.targetOf(reference) !== undefined) continue
      const theirs = JSON.parse(textOf(other)) as Patient
      const pair = entry.author === self && other.author === self
        ? duplicate(features, featuresOf(theirs))
        : acrossOrganisations(patient, theirs)
      if (pair !== undefined) found.set(reference, pair)
    }
    return found
  }

  #enter(
    reference: string, keys: readonly string[], was: Indexed,
    found: ReadonlyMap<string, Found>,
  ): void {
    const { workList } = this
    for (const other of was.pairs) if (!found.has(other)) workList.gone(reference, other)
    for (const [other, pair] of found) {
      workList.found(reference, other, pair)
      const theirs = this.#indexed.get(other) ?? NOTHING
      if (theirs.pairs.includes(reference)) continue
      this.#indexed.put(other, { ...theirs, pairs: [...theirs.pairs, reference] })
    }
    const pairs = [...new Set([...was.pairs, ...found.keys()])]
      .filter((other) => workList.of(reference, other) !== undefined)
    if (keys.length + pairs.length === 0) this.#indexed.drop(reference)
    else this.#indexed.put(reference, { keys, pairs })
  }
}

/** Among the rows of what is indexed: no reference begins so. */
const systemKey = (system: string): string => `system ${system}`

const duplicate = (left: Features, right: Features): Found | undefined => {
  const { listed, score, reasons } = comparePatients(left, right)
  return listed ? { kind: kindOf(reasons), score, reasons } : undefined
}

const kindOf = (reasons: Comparison['reasons']): PairKind => {
  const has = (field: string): boolean => reasons.some((each) => each.field === field && each.finding === 'same')
  return has('number') ? 'same-number' : has('ins') ? 'same-ins' : 'duplicate'
}

/**
 * Another organisation wrote one of the two: it may claim any name, date and number. Only the same qualified INS with
 * the same strict traits on both sides makes a question of it, and never more than a question.
 */
const acrossOrganisations = (
  left: Patient, right: Patient,
): Found | undefined => {
  if (!isSamePersonOutside(outsideNameOf(left), outsideNameOf(right))) return undefined
  return { kind: 'link', score: 100, reasons: [{ field: 'ins', finding: 'same', points: 100 }] }
}

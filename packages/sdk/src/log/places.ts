/** Where the index says that statements stand in its log, and the leaves that must be there. */
import { leafHash, type Tree } from '@scelle/log'
import { controlSubject, decode, decodeSigned, logEntry, Position, Positions, Signed } from '@scelle/seal/verify'
import { SdkError } from '../errors.ts'
import type { KeptWord } from '../state.ts'

/** One statement's place, by the index's signed word. */
export interface Place {
  /** Statement id. */
  readonly statement: Uint8Array
  /** Leaf `sequence - 1`. */
  readonly sequence: number
  /** Seconds since 1970 UTC, of the index's clock. */
  readonly time: number
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** Label of a control leaf. */
  readonly subject?: Uint8Array | undefined
  /** The statement itself, where it is at hand. */
  readonly signed?: Uint8Array | undefined
}

/** A tree with the note that says so. */
export interface Noted extends Tree {
  readonly note: Uint8Array
}

/** A signed word and every place that it tells. */
export interface Word {
  readonly signed: Uint8Array
  readonly places: readonly Place[]
}

type Held = Positions['held'][number]

/** Throws `answer-invalid` where the word cannot be held against the log. */
export const placeOf = (held: Held, subject?: Uint8Array): Place => {
  const { salt, sequence } = held
  if (salt === undefined || sequence < 1) {
    throw new SdkError('answer-invalid', 'the index tells a position that nobody could look up in its log')
  }
  return { statement: held.statement, sequence, time: held.time, salt, ...(subject === undefined ? {} : { subject }) }
}

/** Reads a word whose signature was verified before. Throws SealError `encoding-…`, `answer-invalid`. */
export const wordOf = ({ signed, subject }: KeptWord): Word => {
  const { kind, body } = decode(Signed, signed)
  const held = kind === 'position'
    ? [decode(Position, body)]
    : decode(Positions, decodeSigned('positions', signed).body).held
  return { signed, places: held.map((one) => placeOf(one, subject)) }
}

/** What is kept of the word about one statement. */
export const keptWord = (signed: Uint8Array, statementSigned: Uint8Array): KeptWord => {
  const subject = controlSubject(statementSigned)
  return { signed, ...(subject === undefined ? {} : { subject }) }
}

/** Hash of the leaf that must stand at a place. */
export const leafAt = (place: Omit<Place, 'time'>): Uint8Array => leafHash(logEntry(place))

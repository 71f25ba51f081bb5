/**
 * An index that was restored from a backup says which leaves of its log lack their statements. Whoever gave it some of
 * those gives them again, with the index's own word; where they go, the log says.
 */
import {
  decode, decodeSigned, encode, equalBytes, Position, Positions, SealError, Signed, statementId, toHex,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { CommitSubmission, LogMissing, LogRestore, LogRestored } from '@scelle/wire/messages'
import type { PreparedCommit } from '../committer.ts'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import type { GivenItem } from '../state.ts'
import type { Given } from './given.ts'

/** Commits that the index accepted, and its words about them, as somebody else keeps them. */
export interface AcceptedCommits {
  readonly commits: readonly PreparedCommit[]
  readonly words: readonly Uint8Array[]
}

export interface Returned {
  /** Statements that the index took back. */
  readonly returned: number
  /** Leaves for which the index still has nothing. */
  readonly missing: number
}

interface Candidate extends GivenItem {
  readonly blobs: PreparedCommit['blobs']
}

type Item = LogRestore['items'][number]

/** Leaf of a statement by the index's word; undefined where the word is about another one. */
const leafIn = (word: Uint8Array, id: Uint8Array): number | undefined => {
  const { kind, body } = decode(Signed, word)
  const held = kind === 'position'
    ? [decode(Position, body)]
    : decode(Positions, decodeSigned('positions', word).body).held
  const found = held.find(({ statement }) => equalBytes(statement, id))
  return found === undefined ? undefined : found.sequence - 1
}

const idOf = ({ statement, submission }: GivenItem): Uint8Array =>
  statementId(statement ?? decode(CommitSubmission, submission as Uint8Array).commit)

/** Whether a leaf is missing; those behind a list that was cut off may be. */
const isMissing = ({ ranges, count }: LogMissing, leaf: number): boolean => {
  const listed = ranges.reduce((sum, { from, to }) => sum + to - from, 0)
  if (listed < count && leaf >= (ranges.at(-1)?.to ?? 0)) return true
  return ranges.some(({ from, to }) => leaf >= from && leaf < to)
}

function* ofCommits({ commits, words }: AcceptedCommits): Generator<Candidate> {
  for (const { id, submission, blobs } of commits) {
    const word = words.find((one) => leafIn(one, id) !== undefined)
    if (word !== undefined) yield { word, submission, blobs }
  }
}

const itemOf = ({ word, statement, submission, along }: Candidate): Item => ({
  word,
  ...(statement === undefined ? {} : { statement }),
  ...(submission === undefined ? {} : { submission: decode(CommitSubmission, submission) }),
  ...(along === undefined ? {} : { along }),
})

export class Returning {
  readonly #connection: Connection
  readonly #given: Given | undefined

  constructor(connection: Connection, given: Given | undefined) {
    this.#connection = connection
    this.#given = given
  }

  /** Gives back what of all this is missing. Cheap where nothing is: one question. */
  async run(kept: Iterable<AcceptedCommits>): Promise<Returned> {
    const answer = await this.#connection.askIndex({ method: 'GET', path: '/v1/log/missing', as: false, attempts: 2 })
    const missing = decode(LogMissing, answer)
    let [returned, left] = [0, missing.count]
    if (left === 0) return { returned, missing: left }
    let batch: Candidate[] = []
    const flush = async (): Promise<void> => {
      if (batch.length === 0) return
      const sent = await this.#send(batch)
      returned += sent.returned
      left = sent.missing
      batch = []
    }
    let bytes = 0
    for await (const candidate of this.#candidates(kept)) {
      if (!this.#isAsked(candidate, missing)) continue
      const size = candidate.word.length + (candidate.submission?.length ?? candidate.statement?.length ?? 0)
      if (bytes + size > WIRE_LIMITS.requestBody / 2 || batch.length === WIRE_LIMITS.commitsPerRequest) {
        await flush()
        bytes = 0
      }
      batch.push(candidate)
      bytes += size
    }
    await flush()
    return { returned, missing: left }
  }

  async *#candidates(kept: Iterable<AcceptedCommits>): AsyncGenerator<Candidate> {
    for await (const item of this.#given?.all() ?? []) yield { ...item, blobs: [] }
    for (const one of kept) yield* ofCommits(one)
  }

  #isAsked(candidate: Candidate, missing: LogMissing): boolean {
    try {
      const leaf = leafIn(candidate.word, idOf(candidate))
      return leaf !== undefined && isMissing(missing, leaf)
    } catch (error) {
      if (error instanceof SealError) return false
      throw error
    }
  }

  async #send(batch: readonly Candidate[]): Promise<Returned> {
    const first = await this.#post(batch)
    const bodies = batch.filter((_, i) => first.answers[i]?.problem === 'blob-missing')
    if (bodies.length === 0) return { returned: countOf(first), missing: first.count }
    for (const { digest, bytes } of bodies.flatMap(({ blobs }) => blobs)) {
      const path = `/v1/blobs/${toHex(digest)}`
      await this.#connection.askIndex({ method: 'PUT', path, body: bytes, octets: true })
    }
    const second = await this.#post(bodies)
    return { returned: countOf(first) + countOf(second), missing: second.count }
  }

  async #post(batch: readonly Candidate[]): Promise<LogRestored> {
    const { identity } = this.#connection
    const body = encode(LogRestore, { keys: [...identity.chain], items: batch.map(itemOf) })
    const answer = await this.#connection.askIndex({ method: 'POST', path: '/v1/log/restore', body })
    const restored = decode(LogRestored, answer)
    if (restored.answers.length !== batch.length) {
      throw new SdkError('answer-invalid', 'the index answered another number of items than it was sent')
    }
    return restored
  }
}

const countOf = ({ answers }: LogRestored): number => answers.filter(({ problem }) => problem === undefined).length

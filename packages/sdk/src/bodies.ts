/**
 * Bodies, opened. Their writers chose every byte and their sizes, so one writer's records must not cost the others
 * their place: what is too large is named and left out.
 */
import { type CapsuleKey, openRecords } from '@scelle/seal/envelope'
import { type CapsuleHeader, equalBytes, FORMAT_LIMITS, SealError, sha256, toHex } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { FeedRecord } from './feed.ts'
import { SDK_LIMITS } from './limits.ts'
import type { OpeningContext } from './opening.ts'
import type { ChartProblem } from './release.ts'
import { inParallel } from './timers.ts'

/** One version of a resource, opened. Ids are lower-case hex. */
export interface OpenedRecord {
  /** Code of the category. */
  readonly category: string
  /** 16 bytes: the resource, as its author names it. */
  readonly handle: string
  readonly version: number
  readonly record: string
  /** Principal that signed it. Who that is, your directory of organisations says. */
  readonly author: string
  /** Seconds since 1970, coarse, by the author's word. */
  readonly time: number
  readonly contentType: 'fhir+json' | 'tombstone' | 'octets'
  readonly content: Uint8Array
  /** How long its author has to keep it. */
  readonly retention?: CapsuleHeader['retention']
}

export interface OpenedAll {
  readonly opened: OpenedRecord[]
  readonly problems: ChartProblem[]
}

const problemWith = ({ header, capsule }: FeedRecord, code: string): ChartProblem => ({
  what: 'record',
  who: toHex(capsule.header.writer),
  which: toHex(header.record),
  code,
})

/** The body of a record: as served, or fetched by its digest; or why it cannot be had. */
const bodyOf = async (
  connection: Connection,
  record: FeedRecord,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | string> => {
  if (record.body !== undefined) return record.body
  if (record.size > SDK_LIMITS.bodyBytes) return 'record-too-large'
  try {
    const body = await connection.askIndex({
      method: 'GET',
      path: `/v1/blobs/${toHex(record.digest)}`,
      octets: true,
      signal,
      timeout: SDK_LIMITS.transferTimeout,
    })
    // The index's doing, or its disk's; either way this record is not to be had, and the others are.
    return body.length === record.size && equalBytes(sha256(body), record.digest) ? body : 'record-tampered'
  } catch (error) {
    if (error instanceof SdkError && error.problem === 'not-found') return 'blob-missing'
    throw error
  }
}

/** The most that a body can become once opened. */
const worstOf = ({ size }: FeedRecord): number =>
  Math.min(FORMAT_LIMITS.recordPlaintext, size * FORMAT_LIMITS.inflateFactor)

/**
 * Records in slices whose contents together cannot become more than a bounded amount, whatever their writers sealed.
 */
const slicesOf = (records: readonly FeedRecord[]): FeedRecord[][] => {
  const slices: FeedRecord[][] = []
  let worst = Infinity
  for (const record of records) {
    worst += worstOf(record)
    const current = slices.at(-1)
    if (current !== undefined && worst <= SDK_LIMITS.sliceBytes) current.push(record)
    else {
      slices.push([record])
      worst = worstOf(record)
    }
  }
  return slices
}

const openedOf = (record: FeedRecord, content: Uint8Array, codes: ReadonlyMap<string, string>): OpenedRecord => ({
  category: codes.get(record.capsule.category) as string,
  handle: toHex(record.header.handle),
  version: record.header.version,
  record: toHex(record.header.record),
  author: toHex(record.capsule.header.writer),
  time: record.header.time,
  contentType: record.header.contentType,
  content,
  retention: record.capsule.header.retention,
})

const openSlice = async (
  connection: Connection,
  from: OpeningContext,
  key: CapsuleKey,
  slice: readonly FeedRecord[],
): Promise<{ opened: Map<FeedRecord, OpenedRecord>; problems: ChartProblem[] }> => {
  const bodies = await inParallel(slice, SDK_LIMITS.blobsAtOnce, (record) => bodyOf(connection, record, from.signal))
  const problems = slice.flatMap((record, i) =>
    typeof bodies[i] === 'string' ? [problemWith(record, bodies[i])] : [],
  )
  const there = slice.flatMap((record, i) =>
    typeof bodies[i] === 'string' ? [] : [{ record, body: bodies[i] as Uint8Array }],
  )
  const results = await openRecords(
    key,
    there.map(({ record, body }) => ({ headerBytes: record.headerBytes, body })),
  )
  const opened = new Map<FeedRecord, OpenedRecord>()
  for (const [i, result] of results.entries()) {
    const { record } = there[i] as (typeof there)[number]
    if (result instanceof SealError) problems.push(problemWith(record, result.code))
    else if (result.content.length > from.room.left) problems.push(problemWith(record, 'chart-too-large'))
    else {
      from.room.left -= result.content.length
      opened.set(record, openedOf(record, result.content, from.keyring.codes))
    }
  }
  return { opened, problems }
}

/** Opens records whose capsules' keys are there. What cannot be opened is named, and hides nothing else. */
export const openAll = async (
  connection: Connection,
  from: OpeningContext,
  keys: ReadonlyMap<string, CapsuleKey>,
  records: readonly FeedRecord[],
): Promise<OpenedAll> => {
  const opened = new Map<FeedRecord, OpenedRecord>()
  const problems: ChartProblem[] = []
  for (const [id, group] of Map.groupBy(records, ({ capsule }) => capsule.id)) {
    const key = keys.get(id)
    if (key === undefined) continue
    for (const slice of slicesOf(group)) {
      const done = await openSlice(connection, from, key, slice)
      for (const [record, one] of done.opened) opened.set(record, one)
      for (const problem of done.problems) problems.push(problem)
    }
  }
  // In the feed's order again, whatever capsules they came in.
  return { opened: records.flatMap((record) => opened.get(record) ?? []), problems }
}

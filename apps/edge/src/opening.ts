/**
 * From what the sdk opened to entries: what this organisation wrote is taken as it is, what others wrote is checked.
 */
import type { Resource } from '@medplum/fhirtypes'
import type { OpenedRecord } from '@scelle/sdk'
import { findingsOf, isId, parseJson } from '@scelle/fhir/validate'
import { exactJson, withDecimals } from './decimals.ts'
import { bytesOf, type Entry, keyOf, type Locator } from './entry.ts'
import type { Records } from './records.ts'

export interface OpenedEntries {
  /** Entries by other authors, current or not, for the directory. */
  readonly foreign: readonly Entry[]
  /** Records that are no resource, or claim a name that another one has. */
  readonly refused: number
  /** Of these, those with content: somebody wrote them, and whoever reads the chart does not see them. */
  readonly hidden: number
}

export interface Around {
  /** Hex id of the vault the records are of. */
  readonly vault: string
  /** Hex id of this organisation. */
  readonly self: string
  /** Hex ids of those whose categories these are. */
  readonly custodians: readonly string[]
  /** What the directory knows of `Type/id`. */
  readonly known: (key: string) => Locator | undefined
}

const decoder = new TextDecoder()

/** Enters records, each line of versions from its lowest, so that a tombstone finds the name of what it ends. */
export const opened = (news: Iterable<OpenedRecord>, into: Records, around: Around): OpenedEntries => {
  const foreign: Entry[] = []
  let refused = 0
  let hidden = 0
  for (const record of inOrder(news, around)) {
    const own = record.author === around.self
    const read = isTombstone(record) ? tombstone(record, into, around) : content(record, own)
    if (read === undefined || (!own && isElsewhere(read.entry, around)) || !into.put(read.entry, read.resource)) {
      refused++
      if (!isTombstone(record)) hidden++
      continue
    }
    if (!own) foreign.push(read.entry)
  }
  return { foreign, refused, hidden }
}

/**
 * A name stands for one resource at this edge. Shown here, another one's record would lead whoever follows its link, to
 * read or to delete, into another patient's chart.
 */
const isElsewhere = (entry: Entry, { vault, known }: Around): boolean => {
  const there = known(keyOf(entry))?.vault
  return there !== undefined && there !== vault
}

/**
 * A name stays with whoever is entered under it first: this organisation, then the custodians, then others as they
 * came. So nobody who was granted writing takes a name that he read, by a version however low or high.
 */
const inOrder = (news: Iterable<OpenedRecord>, { self, custodians }: Around): OpenedRecord[] => {
  const resources = [...news].filter(({ contentType }) => contentType !== 'octets')
  const lines = new Map<string, number>()
  for (const record of resources) if (!lines.has(lineOf(record))) lines.set(lineOf(record), lines.size)
  const rank = ({ author }: OpenedRecord): number => (author === self ? 0 : custodians.includes(author) ? 1 : 2)
  const place = (record: OpenedRecord): number => lines.get(lineOf(record)) ?? 0
  return resources.toSorted((left, right) => rank(left) - rank(right) || place(left) - place(right)
    || left.version - right.version || Number(isTombstone(left)) - Number(isTombstone(right)))
}

const lineOf = ({ author, handle }: OpenedRecord): string => `${author}/${handle}`

const isTombstone = (record: OpenedRecord): boolean => record.contentType === 'tombstone'

interface Read {
  readonly entry: Entry
  readonly resource?: Resource
}

/** A tombstone says neither what it ends nor, to the hour, when: the record before it and the directory do. */
const tombstone = (record: OpenedRecord, into: Records, { known }: Around): Read | undefined => {
  const key = into.keyOfHandle(record.author, record.handle)
  if (key === undefined) return undefined
  const [type = '', id = ''] = key.split('/')
  const { author, version, category, handle } = record
  const locator = known(key)
  const isIt = locator?.deleted === true && locator.author === author && locator.version === version
  const exact = isIt ? locator.updated : undefined
  const updated = exact ?? Math.max(record.time * 1000, (into.latest(key)?.updated ?? 0) + 1)
  return { entry: { type, id, version, category, author, handle, updated, deleted: true, bytes: new Uint8Array(0) } }
}

const content = (record: OpenedRecord, own: boolean): Read | undefined => {
  const resource = own ? (JSON.parse(decoder.decode(record.content)) as Resource) : parsedSafely(record.content)
  if (resource === undefined || !isId(resource.id)) return undefined
  const told = Date.parse(resource.meta?.lastUpdated ?? '')
  const updated = Number.isNaN(told) ? record.time * 1000 : told
  const { author, version, category, handle } = record
  const { resourceType: type, id } = resource
  const head = { type, id, version, category, author, handle, updated, deleted: false }
  if (resource.meta?.versionId === String(version) && !Number.isNaN(told)) {
    return { entry: { ...head, bytes: record.content }, resource }
  }
  // Another writer's software may not set these two: the record's own header knows better anyway.
  const meta = { ...resource.meta, versionId: String(version), lastUpdated: new Date(updated).toISOString() }
  const restated = { ...resource, meta }
  return { entry: { ...head, bytes: bytesOf(exactJson(restated)) }, resource: restated }
}

/** Whoever was granted writing may be careless or hostile: only what would be accepted here is served here. */
const parsedSafely = (bytes: Uint8Array): Resource | undefined => {
  try {
    const text = decoder.decode(bytes)
    const value = withDecimals(text, parseJson(text))
    return findingsOf(value).length === 0 ? (value as Resource) : undefined
  } catch {
    return undefined
  }
}

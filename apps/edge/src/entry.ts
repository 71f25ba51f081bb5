import type { Octets } from './attachments/octets.ts'

/** One version of one resource, in memory. `bytes` is the JSON text as it was sealed, and as it is served. */
export interface Entry {
  readonly type: string
  readonly id: string
  readonly version: number
  /** `meta.lastUpdated`, milliseconds since 1970. */
  readonly updated: number
  readonly category: string
  /** Principal id, hex. A handle is its author's own name for the resource: nobody else's record continues it. */
  readonly author: string
  /** Lower-case hex. */
  readonly handle: string
  readonly deleted: boolean
  /** Empty where `deleted`. */
  readonly bytes: Uint8Array
}

export const keyOf = (entry: { readonly type: string; readonly id: string }): string => `${entry.type}/${entry.id}`

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export const textOf = (entry: Entry): string => decoder.decode(entry.bytes)

/** The content to answer with: a chart overwrites its own once it is closed, and an answer may still be on its way. */
export const copyOf = (entry: Entry): Uint8Array => passing(entry.bytes.slice())

/** Bodies made for one answer: nobody else reads them, so they are overwritten once it has left. */
const PASSING = Symbol('passing')

interface Passing { [PASSING]?: true }

/** Marked on the bytes themselves: a set of them would cost the collector more than they do. */
export const passing = <T extends Uint8Array>(body: T): T => {
  (body as Passing)[PASSING] = true
  return body
}

export const isPassing = (body: Uint8Array): boolean => (body as Passing)[PASSING] === true

export const bytesOf = (text: string): Uint8Array => encoder.encode(text)

/** Where a resource is, without its content: what the directory knows of it. */
export interface Locator {
  readonly type: string
  readonly id: string
  /** Vault id, lower-case hex. */
  readonly vault: string
  readonly category: string
  /** Principal id, hex: whose record it is, and who alone changes it. */
  readonly author: string
  readonly handle: string
  readonly version: number
  readonly deleted: boolean
  readonly updated: number
  /** Of a Binary that this organisation wrote: what its octets are. */
  readonly octets?: Octets
  /** Keyed fingerprint of the current content apart from `meta.versionId` and `meta.lastUpdated`; empty if deleted. */
  readonly digest: string
}

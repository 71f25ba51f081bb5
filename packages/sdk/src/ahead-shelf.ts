/**
 * What the index answered once, to be answered again without it: the same code then verifies and opens the same bytes,
 * and believes what lies on a disk as little as it believes an index.
 */
import { encode, FORMAT_LIMITS, fromHex } from '@scelle/seal/verify'
import { Feed, KeyChain } from '@scelle/wire/messages'
import { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import { Memory, memoryState } from './state.ts'
import type { Fetch } from './transport.ts'

/** Answers by path and query. */
export type Shelf = Map<string, Uint8Array>

/** Nobody answers there: requests are answered from the shelf, or by the connection that knows where. */
const NOWHERE = 'http://ahead.invalid'
const PRINCIPAL = /^\/v1\/principals\/([0-9a-f]{64})$/

const answered = (bytes: Uint8Array): Response => new Response(bytes as Uint8Array<ArrayBuffer>)

type Asked = (at: URL, signal: AbortSignal | undefined) => Promise<Uint8Array>

const fetchBy = (ask: Asked): Fetch => async (url, { method, signal }) => {
  // Nothing is written by way of a shelf.
  if (method !== 'GET') throw new SdkError('ahead-invalid', 'what is kept for an outage answers questions alone')
  return answered(await ask(new URL(url), signal ?? undefined))
}

/** What another connection of the same client is asked and answers, put on the shelf on the way. */
export const recording = (online: Connection, shelf: Shelf): Connection => {
  let size = 0
  const versions = new Map<string, number>()
  const keysOf = async (id: string): Promise<Uint8Array> => {
    // Asked again means that somebody signed with newer keys than those.
    const { keys, chain } = await online.directory.of(fromHex(id) as Uint8Array, (versions.get(id) ?? -1) + 1)
    versions.set(id, keys.current.version)
    return encode(KeyChain, [...chain])
  }
  const ask = (at: URL, signal: AbortSignal | undefined): Promise<Uint8Array> => online.askIndex({
    method: 'GET', path: at.pathname, query: Object.fromEntries(at.searchParams), signal, attempts: 1,
    octets: at.pathname.startsWith('/v1/blobs/'), timeout: SDK_LIMITS.transferTimeout,
  })
  const fetch = fetchBy(async (at, signal) => {
    const id = PRINCIPAL.exec(at.pathname)?.[1]
    const bytes = await (id === undefined ? ask(at, signal) : keysOf(id))
    size += bytes.length
    if (size > FORMAT_LIMITS.ahead || shelf.size >= SDK_LIMITS.aheadAnswers) {
      throw new SdkError('chart-too-large', 'this is more than may be kept ahead of time; take fewer categories')
    }
    shelf.set(at.pathname + at.search, bytes)
    return bytes
  })
  const { identity, context, timers, log, memory } = online
  return new Connection({ index: NOWHERE, trustees: [], identity, context, timers, log, fetch }, { memory })
}

/** A connection that reaches nobody. What it was shown before is forgotten: the shelf may be older, and says so. */
export const replaying = (
  { identity, context, timers, log }: Pick<Connection, 'identity' | 'context' | 'timers' | 'log'>, shelf: Shelf,
): Connection => {
  const fetch = fetchBy(async (at) => {
    const there = shelf.get(at.pathname + at.search)
    if (there !== undefined) return there
    // There is nothing new, and nobody to ask for it.
    const cursor = fromHex(at.searchParams.get('cursor') ?? '')
    if (at.pathname.endsWith('/feed') && cursor !== undefined && at.searchParams.has('cursor')) {
      return encode(Feed, { commits: [], encapsulations: [], cursor, more: false })
    }
    throw new SdkError('ahead-invalid', 'this was not kept for an outage; it opens once the network is back')
  })
  const options = { index: NOWHERE, trustees: [], identity, context, timers, log, fetch }
  return new Connection(options, { memory: new Memory(memoryState(), identity.id) })
}

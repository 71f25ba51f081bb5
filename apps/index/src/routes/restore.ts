/**
 * What a restored index lacks, for anybody to see, and to bring back. Leaf numbers tell nothing about anybody; what is
 * brought back counts only where the log says so (`log/found.ts`), whoever brings it.
 */
import { decode, encode, equalBytes, type PrincipalKeys, verifyKeyChain } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { LogLosses, LogMissing, LogRestore, LogRestored } from '@scelle/wire/messages'
import { type Answer, problemOf, type Server } from '@scelle/wire/server'
import { foundIn } from '../log/found.ts'
import type { FoundLeaf } from '../lost-leaves.ts'
import { requireQuery, type Services } from '../services.ts'

type Item = LogRestore['items'][number]
type Answered = LogRestored['answers'][number]

/** Whoever sends it may have been registered in what was lost: it shows its keys itself. */
const certify = async (body: Uint8Array, signer: Uint8Array): Promise<{ keys: PrincipalKeys; value: LogRestore }> => {
  const value = decode(LogRestore, body)
  const keys = await verifyKeyChain(value.keys)
  if (!equalBytes(keys.id, signer)) throw new Problem('principal-unknown', 'Show your own key chain.')
  return { keys, value }
}

const missingBlobs = async ({ blobs }: Services, { submission }: Item): Promise<number[]> => {
  const missing: number[] = []
  for (const { body, digest, size, place } of submission?.records ?? []) {
    if (body === undefined && (await blobs.size(digest)) !== size) missing.push(place)
  }
  return missing
}

const bring = async (services: Services, item: Item): Promise<{ answer: Answered; found: readonly FoundLeaf[] }> => {
  const { identity, lost } = services
  if (lost === undefined) return { answer: {}, found: [] }
  try {
    const found = await foundIn(item, { identity, lost })
    const places = found.length === 0 ? [] : await missingBlobs(services, item)
    return places.length === 0 ? { answer: {}, found } : { answer: { problem: 'blob-missing', places }, found: [] }
  } catch (error) {
    const { code } = problemOf(error)
    if (code === 'internal' || code === 'overloaded') throw error
    return { answer: { problem: code }, found: [] }
  }
}

const restore = async (services: Services, { items }: LogRestore): Promise<Answer> => {
  const brought = []
  for (const item of items) brought.push(await bring(services, item))
  await services.log.recovery.bring(brought.flatMap(({ found }) => found))
  const { count } = await services.log.recovery.missing()
  return { body: encode(LogRestored, { count, answers: brought.map(({ answer }) => answer) }) }
}

export const addRestoreRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'GET',
    url: '/v1/log/missing',
    policy: 'public',
    handler: async (request) => {
      requireQuery(request)
      return { body: encode(LogMissing, await services.log.recovery.missing()) }
    },
  })
  server.route({
    method: 'GET',
    url: '/v1/log/losses',
    policy: 'public',
    handler: async (request) => {
      requireQuery(request)
      return { body: encode(LogLosses, [...((await services.lost?.losses()) ?? [])]) }
    },
  })
  server.route<LogRestore>({
    method: 'POST',
    url: '/v1/log/restore',
    policy: 'self-certifying',
    maxBody: WIRE_LIMITS.requestBody,
    certify,
    handler: ({ certified }) => restore(services, certified),
  })
}

/** The log at a trustee's door: leaves from the index, checkpoints from anybody, and the mirror for all to read. */
import {
  formatBundle, LogError, LOG_LIMITS, parseAddCheckpoint, parseTilePath, tileWidthIn, WITNESS_STATUS,
} from '@scelle/log'
import { decode, encode, equalBytes, fromHex, type PrincipalKeys, verifyKeyChain } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { LogPush, LogPushed, LogStatements, LogStatementsRequest } from '@scelle/wire/messages'
import type { Answer, Server } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { MirrorStore } from './mirror-store.ts'
import type { SeenNotes } from './seen.ts'
import type { Cosigning, Witness } from './witness.ts'

export interface LogDoor {
  readonly witness: Witness
  readonly store: MirrorStore
  readonly seen: SeenNotes
  /** Principal id of the index whose log this is. */
  readonly indexId: Uint8Array
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'access-control-allow-origin': '*' }
const OCTETS = { 'content-type': 'application/octet-stream', 'access-control-allow-origin': '*' }

/**
 * The index's keys, as it shows them: by its id, which is configured, and never another or shorter chain than before,
 * since whoever stole a key that it replaced has that. Throws `bad-statement` or what `verifyKeyChain` throws.
 */
const verifyIndex = async (chain: readonly Uint8Array[], { store, indexId }: LogDoor): Promise<PrincipalKeys> => {
  const keys = await verifyKeyChain(chain)
  if (!equalBytes(keys.id, indexId)) throw new Problem('not-permitted', 'This trustee follows another index\'s log.')
  const known = store.signerChain()
  if (known.length > chain.length || !known.every((record, i) => equalBytes(record, chain[i] as Uint8Array))) {
    throw new Problem('bad-statement', 'key-chain-broken: the index has newer or other keys than those shown')
  }
  return keys
}

/** c2sp.org/tlog-witness, add-checkpoint: a refusal is a status. */
const witnessAnswer = (cosigning: Cosigning, cosigned: number): Answer => {
  if ('cosignature' in cosigning) return { headers: TEXT, body: cosigning.cosignature }
  const { refused } = cosigning
  // What the mirror has not, or has otherwise, is not cosigned: the size says from where to go on.
  const status = refused === 'unlike-mirror' ? WITNESS_STATUS.stale : WITNESS_STATUS[refused]
  return status === WITNESS_STATUS.stale
    ? { status, headers: { ...TEXT, 'content-type': 'text/x.tlog.size' }, body: `${cosigned}\n` }
    : { status, headers: TEXT, body: `${refused}\n` }
}

const addCheckpoint = async (door: LogDoor, body: Uint8Array): Promise<Answer> => {
  const { witness } = door
  const index = await witness.index()
  if (index === undefined) return { status: WITNESS_STATUS['unknown-log'], headers: TEXT, body: 'unknown-log\n' }
  try {
    const cosigning = await witness.addCheckpoint(parseAddCheckpoint(body), index)
    return witnessAnswer(cosigning, witness.cosigned?.size ?? 0)
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    return { status: WITNESS_STATUS.malformed, headers: TEXT, body: `${error.code}\n` }
  }
}

/** Tiles of the tree that was cosigned: what lies beyond may not be the log's. */
const tile = ({ witness }: LogDoor, path: string): Answer => {
  const size = witness.cosigned?.size ?? 0
  try {
    const asked = parseTilePath(`tile/${path}`)
    if (asked.width > tileWidthIn(asked, size)) throw new Problem('not-found')
    const read = witness.mirror.read(asked)
    return {
      headers: { ...OCTETS, ...(asked.width === LOG_LIMITS.tileWidth ? { 'cache-control': FOREVER } : {}) },
      body: read instanceof Uint8Array ? read : formatBundle(read),
    }
  } catch (error) {
    if (error instanceof LogError) throw new Problem('not-found', undefined, { cause: error })
    throw error
  }
}

const FOREVER = 'public, max-age=31536000, immutable'

const noteAnswer = (note: Uint8Array | undefined): Answer => {
  if (note === undefined) throw new Problem('not-found')
  return { headers: TEXT, body: note }
}

/** What is known of leaves that were cosigned: for the index, which may have lost it. */
const statements = ({ witness, store }: LogDoor, { from, to }: LogStatementsRequest): LogStatements => {
  const end = Math.min(to, witness.cosigned?.size ?? 0)
  const known = store.known(from, end, WIRE_LIMITS.logStatements)
  let bytes = 0
  const over = known.findIndex(({ statement, access }) => {
    bytes += statement.length + (access?.length ?? 0)
    return bytes > TRUSTEE_LIMITS.statementsAnswer
  })
  const fits = over < 0 ? known : known.slice(0, Math.max(1, over))
  const cut = fits.length < known.length || known.length === WIRE_LIMITS.logStatements
  return {
    leaves: fits.map(({ access, ...leaf }) => (access === null ? leaf : { ...leaf, access })),
    next: cut ? (fits.at(-1)?.leaf ?? 0) + 1 : to,
  }
}

export const addLogRoutes = (server: Pick<Server, 'route'>, door: LogDoor): void => {
  const { witness, seen, indexId } = door
  server.route({
    method: 'POST',
    url: '/v1/log/push',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.pushBody,
    certify: async (body, signer) => {
      if (!equalBytes(signer, indexId)) throw new Problem('not-permitted', 'Only the index hands over leaves.')
      const value = decode(LogPush, body)
      return { keys: await verifyIndex(value.keys, door), value }
    },
    handler: async ({ certified, principal }) => ({
      body: encode(LogPushed, await witness.push(certified, principal)),
    }),
  })
  server.route({
    method: 'POST',
    url: '/v1/log/statements',
    policy: 'self-certifying',
    maxBody: TRUSTEE_LIMITS.statementsBody,
    certify: async (body, signer) => {
      if (!equalBytes(signer, indexId)) throw new Problem('not-permitted', 'Only the index asks for statements.')
      const value = decode(LogStatementsRequest, body)
      return { keys: await verifyIndex(value.keys, door), value }
    },
    handler: ({ certified }) => ({ body: encode(LogStatements, statements(door, certified)) }),
  })
  server.route({
    method: 'POST',
    url: '/add-checkpoint',
    policy: 'public',
    maxBody: TRUSTEE_LIMITS.addCheckpointBody,
    handler: ({ body }) => addCheckpoint(door, body),
  })
  server.route({
    method: 'GET',
    url: '/v1/log/evidence',
    policy: 'public',
    handler: () => {
      const { evidence } = witness.forks
      if (evidence === undefined) throw new Problem('not-found')
      return { headers: { ...OCTETS, 'content-type': 'application/cbor' }, body: evidence }
    },
  })
  server.route({
    method: 'GET', url: '/v1/log/checkpoint', policy: 'public', handler: () => noteAnswer(witness.cosigned?.note),
  })
  server.route({
    method: 'GET',
    url: '/v1/log/seen/:trustee',
    policy: 'public',
    handler: ({ params }) => {
      const trustee = fromHex(params['trustee'] ?? '')
      return noteAnswer(trustee === undefined ? undefined : seen.of(trustee)?.note)
    },
  })
  server.route({
    method: 'GET', url: '/tile/*', policy: 'public', handler: ({ params }) => tile(door, params['*'] ?? ''),
  })
}

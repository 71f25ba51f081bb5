/** Releases where an index logs whatever it is given, and another trustee cosigns all of it. */
import { cosignNote, formatNote, type NoteKey, parseNote, parseSignatures } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { encode } from '@scelle/seal/verify'
import { witnessKeys } from '@scelle/wire/log'
import { ReleaseRequest } from '@scelle/wire/messages'
import { follow, receiptUnder, TestLog } from './log-world.ts'
import { ANY_RECEIPT, type Outcome, post, type Running, type World } from './world.ts'

const logs = new WeakMap<World, TestLog>()

const logOf = (world: World): TestLog => {
  const known = logs.get(world) ?? new TestLog(world)
  logs.set(world, known)
  return known
}

/**
 * The log's newest checkpoint, under the cosignatures of the trustee that is asked and of others. `late`: by how many
 * seconds each of them dates its own later than the clock says; one, on time, unless said otherwise.
 */
const cosigned = async (
  world: World, running: Running, log: TestLog, late: readonly number[] = [0],
): Promise<Uint8Array> => {
  const { cosignature } = await follow(world, running, log)
  const { text, signatures } = parseNote(await log.note())
  const [own] = parseSignatures(cosignature ?? '')
  const others = world.trustees.filter(({ keys }) => witnessKeys(keys)[0]?.name !== own?.name)
  const theirs = await Promise.all(late.map((seconds, i) => {
    const { keys, signRaw } = others[i] as Identity
    const time = Math.floor(world.clock.now() / 1000) + seconds
    return cosignNote(text, time, witnessKeys(keys).at(-1) as NoteKey, signRaw)
  }))
  return formatNote({ text, signatures: [...signatures, ...own === undefined ? [] : [own], ...theirs] })
}

/** A receipt that this trustee takes, unless it is cosigned too late. */
export const receiptOf = async (
  world: World, running: Running, access: Uint8Array, late?: readonly number[],
): Promise<Uint8Array> => {
  const log = logOf(world)
  const place = log.add(access)
  return receiptUnder(log, place, await cosigned(world, running, log, late))
}

/** Requests with receipts of one checkpoint that holds all their accesses. */
export const withReceipts = async (
  world: World, running: Running, requests: readonly ReleaseRequest[],
): Promise<ReleaseRequest[]> => {
  const log = logOf(world)
  const places = requests.map(({ access }) => log.add(access))
  const note = await cosigned(world, running, log)
  return Promise.all(requests.map(async (request, i) => ({
    ...request, receipt: await receiptUnder(log, places[i] as (typeof places)[number], note),
  })))
}

/** The request with a receipt that this trustee takes, where it has `ANY_RECEIPT`. */
export const withReceipt = async (
  world: World, running: Running, request: ReleaseRequest,
): Promise<ReleaseRequest> => request.receipt === ANY_RECEIPT
  ? { ...request, receipt: await receiptOf(world, running, request.access) }
  : request

/** Sends a release request, made with {@link withReceipt}. */
export const askRelease = async (
  world: World, running: Running, request: ReleaseRequest, signer = world.doctor,
): Promise<Outcome> => {
  const body = encode(ReleaseRequest, await withReceipt(world, running, request))
  return post(world, running, '/v1/releases', body, signer)
}

/**
 * An index in an attacker's hands: its real identity, all leaves that it stored, and whatever is told to whom. What it
 * keeps as its log is a fixture that the attacker continues, forks or forgets; trustees are the constellation's own.
 */
import { formatAddCheckpoint, formatNote, type NoteSignature, parseNote, parseTilePath } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { decode, encode, Position, Positions, SUITE } from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { LogPush, LogPushed } from '@scelle/wire/messages'
import type { Constellation, PartyHandle } from './constellation.ts'
import { type FixtureLeaf, LogFixture } from './log-fixture.ts'
import { type Random, seededRandom } from './random.ts'

/** A party's answer. `code`: of a refusal. */
export interface Told {
  readonly status: number
  readonly code: string | undefined
  readonly body: Uint8Array
}

/** A stored control leaf as a trustee is handed it. */
type Pushed = LogPush['leaves'][number]

const NONE = new Uint8Array(0)

export class LyingIndex {
  readonly identity: Identity
  /** The log as far as it was honest. */
  readonly honest: LogFixture
  readonly #world: Constellation
  readonly #pushed: readonly Pushed[]
  readonly #random: Random

  private constructor(world: Constellation, leaves: readonly FixtureLeaf[], pushed: readonly Pushed[]) {
    this.#world = world
    this.identity = world.index.identity
    this.#random = seededRandom('lying index')
    this.#pushed = pushed
    const trustees = world.trustees.map(({ identity }) => identity)
    this.honest = new LogFixture({ index: this.identity, trustees }, this.#random, leaves)
  }

  /** Ends the honest process and goes on from what it stored. */
  static async takeOver(world: Constellation): Promise<LyingIndex> {
    const index = await LyingIndex.beside(world)
    await world.index.kill()
    return index
  }

  /** Goes on from what the honest process has stored by now, which serves whoever is not lied to. */
  static async beside(world: Constellation): Promise<LyingIndex> {
    const { log } = world.indexStore
    const size = await log.size()
    const stored = await log.leaves(0, size)
    return new LyingIndex(
      world,
      stored.map(({ entry }, i) => ({ statement: NONE, salt: NONE, entry, sequence: i + 1 })),
      stored.map(({ entry, control, denial }) => ({ entry, ...control, ...denial })),
    )
  }

  /** Signs a request as the index and sends it. */
  async post(to: PartyHandle, path: string, body: Uint8Array, as = this.identity): Promise<Told> {
    const { now, network } = this.#world
    const url = `${to.url}${path}`
    const signed = await signRequest({ method: 'POST', url, body, identity: as, now, random: this.#random })
    const headers = { 'content-type': 'application/cbor', ...signed }
    return toldBy(await network.fetch(url, { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers }))
  }

  /** Asks anybody's public route. */
  async get(from: PartyHandle, path: string): Promise<Told> {
    return toldBy(await this.#world.network.fetch(`${from.url}${path}`))
  }

  /** What a trustee has by its own word. */
  async standing(trustee: PartyHandle): Promise<LogPushed> {
    const body = encode(LogPush, { from: 0, leaves: [], keys: [...this.identity.chain] })
    return decode(LogPushed, (await this.post(trustee, '/v1/log/push', body)).body)
  }

  /** Hands a trustee all leaves of a log that it lacks, and asks it to cosign a checkpoint: of that log, or any. */
  async push(trustee: PartyHandle, log: LogFixture, note?: Uint8Array): Promise<Told> {
    const { mirrored, cosigned } = await this.standing(trustee)
    const leaves = log.leaves.slice(mirrored).map(({ entry, sequence }) => this.#pushed[sequence - 1] ?? { entry })
    const checkpoint = note ?? (await log.checkpoint())
    const size = Number(parseNote(checkpoint).text.split('\n')[1])
    const request = formatAddCheckpoint({ old: cosigned, proof: await log.consistency(cosigned, size), checkpoint })
    const body = { from: mirrored, leaves, request, keys: [...this.identity.chain] }
    return this.post(trustee, '/v1/log/push', encode(LogPush, body))
  }

  /** The cosignature in a trustee's answer, where it gave one. */
  cosignatureOf({ status, body }: Told): string | undefined {
    return status === 200 ? decode(LogPushed, body).cosignature : undefined
  }

  /** Its word about statements, as it would be had they been put there then. */
  positions(statements: readonly Uint8Array[], first: number, time: number): Promise<Uint8Array> {
    const held = statements.map((statement, i) => ({ statement, sequence: first + i, time, salt: this.#random(16) }))
    return this.identity.sign('positions', encode(Positions, { suite: SUITE, index: this.identity.id, held }))
  }

  /** The same about a single one. */
  position(statement: Uint8Array, sequence: number, time: number): Promise<Uint8Array> {
    const salt = this.#random(16)
    const position = { suite: SUITE, index: this.identity.id, statement, sequence, time, salt }
    return this.identity.sign('position', encode(Position, position))
  }
}

/** What a client is told instead of what the honest index answers; undefined where it is told the truth. */
export type Lie = (path: string, body: Uint8Array | undefined) => Promise<Uint8Array | undefined> | undefined

/** The index's door as one client finds it. */
export class Door {
  lie: Lie | undefined
  readonly #world: Constellation

  constructor(world: Constellation) {
    this.#world = world
  }

  readonly fetch: Constellation['network']['fetch'] = async (url, init) => {
    const { host, pathname, search } = new URL(url)
    const told = host === this.#world.index.host
      ? await this.lie?.(`${pathname}${search}`, init?.body as Uint8Array | undefined)
      : undefined
    return told === undefined ? this.#world.network.fetch(url, init) : new Response(told as Uint8Array<ArrayBuffer>)
  }
}

/** A log's public routes, with the same checkpoint as the newest of each kind. */
export const serving = (log: LogFixture, checkpoint: Uint8Array): Lie => async (path) => {
  if (['/checkpoint', '/v1/log/quorum', '/v1/log/final'].includes(path)) return checkpoint
  return path.startsWith('/tile/') ? log.tile(parseTilePath(path.slice(1))) : undefined
}

/** A note with these signatures added. */
export const withSignatures = (note: Uint8Array, signatures: readonly NoteSignature[]): Uint8Array => {
  const { text, signatures: before } = parseNote(note)
  return formatNote({ text, signatures: [...before, ...signatures] })
}

const toldBy = async (response: Response): Promise<Told> => {
  const body = new Uint8Array(await response.arrayBuffer())
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  const code = isProblem ? (JSON.parse(new TextDecoder().decode(body)) as { code: string }).code : undefined
  return { status: response.status, code, body }
}

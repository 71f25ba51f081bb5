/** An index that serves nothing but itself and a log in memory, which a test makes lie; three trustees that are met. */
import { parseTilePath } from '@scelle/log'
import {
  type Client, type ClientState, connect, createIdentity, type Identity, memoryState, type Word, wordOf,
} from '@scelle/sdk'
import { encode } from '@scelle/seal/verify'
import { problemDocument } from '@scelle/wire/errors'
import { Receipt, Self } from '@scelle/wire/messages'
import { checkEvidence, type Verdict } from '@scelle/wire/evidence'
import { TestClock } from '../src/clock.ts'
import { LogFixture, type FixtureLeaf, logParties } from '../src/log-fixture.ts'
import { seededRandom } from '../src/random.ts'

export const NOW = Date.UTC(2026, 0, 15, 8)
/** Seconds. */
export const SECOND = NOW / 1000

/** What is served, by path; tiles and checkpoints as `log` has them where nothing else is said. */
export class LyingIndex {
  log: LogFixture
  readonly clock = new TestClock(NOW, 0)
  /** Answers to these paths instead. */
  readonly served = new Map<string, Uint8Array>()
  /** Public paths that were asked for, in their order. */
  readonly asked: string[] = []

  constructor(log: LogFixture) {
    this.log = log
  }

  /** Serves a checkpoint of this size, cosigned at these times, as the newest of every kind. */
  async publish(size = this.log.size, times: readonly (number | undefined)[] = [SECOND, SECOND, SECOND]) {
    const checkpoint = await this.log.checkpoint(size, times)
    for (const path of ['/checkpoint', '/v1/log/quorum', '/v1/log/final']) this.served.set(path, checkpoint)
    return checkpoint
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { hostname, pathname } = new URL(url)
    const { index, trustees } = this.log.parties
    if (pathname === '/v1/self') {
      const who = hostname === 'index' ? index : trustees[Number(hostname.slice(1))]
      return answer(encode(Self, { role: who?.keys.kind ?? '', keys: [...who?.chain ?? []] }))
    }
    if (pathname.startsWith('/v1/principals') && !this.served.has(pathname)) {
      return init.method === 'POST' ? this.#take(init) : refusal('principal-unknown')
    }
    this.asked.push(pathname)
    const served = this.served.get(pathname)
    if (served !== undefined) return answer(served)
    if (!pathname.startsWith('/tile/')) return refusal('not-found')
    return answer(await this.log.tile(parseTilePath(pathname.slice(1))))
  }

  async #take(init: RequestInit): Promise<Response> {
    const leaf = this.log.append(init.body as Uint8Array)
    return answer(encode(Receipt, { position: await this.log.position(leaf, SECOND) }))
  }

  /** A client that met everybody. */
  async client(state: ClientState = memoryState(), who?: Identity): Promise<Client> {
    const context = { now: this.clock.now, random: seededRandom('lying log, client') }
    return connect({
      index: 'http://index', trustees: ['http://t0', 'http://t1', 'http://t2'], state, context,
      identity: who ?? await createIdentity('person', { ...context, random: seededRandom('lying log, person') }),
      fetch: (url, init) => this.fetch(url, init), timers: this.clock.timers,
      pins: { index: this.log.parties.index.id, trustees: this.log.parties.trustees.map(({ id }) => id) },
    })
  }

  /** The index's word about some leaves. */
  async word(leaves: readonly FixtureLeaf[], time = SECOND): Promise<Word> {
    return wordOf({ signed: await this.log.positions(leaves, time) })
  }
}

const answer = (body: Uint8Array): Response => new Response(body as Uint8Array<ArrayBuffer>)
const refusal = (code: 'not-found' | 'principal-unknown'): Response => {
  const document = problemDocument(code)
  return new Response(JSON.stringify(document), { status: document.status })
}

export const createLyingIndex = async (leaves: number): Promise<LyingIndex> => {
  const random = seededRandom('lying log')
  const log = new LogFixture(await logParties({ now: () => NOW, random }), random)
  await log.fill(leaves)
  return new LyingIndex(log)
}

/** What a stranger who pins the same parties makes of the evidence that came with an error. */
export const verdictOf = async (index: LyingIndex, error: unknown): Promise<Verdict> => {
  const { evidence } = error as { evidence?: Uint8Array }
  if (evidence === undefined) throw new Error('there is no evidence')
  return checkEvidence(evidence, { trustees: index.log.parties.trustees.map(({ id }) => id) })
}

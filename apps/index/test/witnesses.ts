/** Trustees as far as the index's log needs them: each mirrors leaves and cosigns what `decideCosignature` permits. */
import {
  CompactRange, cosignNote, decideCosignature, formatBundle, formatNote, formatSignature, leafHash, parseAddCheckpoint,
  parseNote, parseTilePath, rootOfLeaves, type Tile, type Tree,
} from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { decode, encode, equalBytes, type PrincipalKeys, toHex } from '@scelle/seal/verify'
import { logKeys, logOrigin, verifyEd25519, witnessKeys } from '@scelle/wire/log'
import { LogPush, LogPushed, LogStatements, LogStatementsRequest, Self } from '@scelle/wire/messages'
import type { Timers } from '@scelle/wire/timers'
import type { Fetch } from '@scelle/wire/ask'

/** What is due within a second is due now; longer waits are the system's. */
export const quickTimers: Timers = {
  after: (ms, then) => {
    if (ms < 1_000) {
      const soon = setImmediate(then)
      return () => clearImmediate(soon)
    }
    const timer = setTimeout(then, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** As `quickTimers`, but longer waits end when the test says so. */
export const heldTimers = (): { timers: Timers; run: () => void } => {
  const held = new Set<() => void>()
  return {
    timers: {
      after: (ms, then) => {
        if (ms < 1_000) return quickTimers.after(ms, then)
        held.add(then)
        return () => held.delete(then)
      },
    },
    run: () => {
      for (const then of held) {
        held.delete(then)
        then()
      }
    },
  }
}

/** For who waits in vain: what is due within a second is due now, and everything else after some turns. */
export const impatientTimers: Timers = {
  after: (ms, then) => {
    let left = ms < 1_000 ? 1 : 200
    let soon: NodeJS.Immediate
    const turn = (): void => {
      left -= 1
      if (left > 0) soon = setImmediate(turn)
      else then()
    }
    soon = setImmediate(turn)
    return () => clearImmediate(soon)
  },
}

export class Witness {
  readonly identity: Identity
  readonly entries: Uint8Array[] = []
  readonly statements: Uint8Array[] = []
  /** What it knows of leaves, for a restored index. */
  readonly known: LogStatements['leaves'] = []
  last: Tree | undefined
  /** The note that it cosigned last. */
  note: Uint8Array | undefined
  pushes = 0
  readonly #range = new CompactRange()
  readonly #index: PrincipalKeys
  readonly #now: () => number

  constructor(identity: Identity, index: PrincipalKeys, now: () => number) {
    this.identity = identity
    this.#index = index
    this.#now = now
  }

  get standing(): LogPushed {
    return { mirrored: this.entries.length, cosigned: this.last?.size ?? 0 }
  }

  async push(body: Uint8Array): Promise<LogPushed> {
    this.pushes++
    const { from, leaves, request } = decode(LogPush, body)
    if (from !== this.entries.length) return this.standing
    for (const { entry, statement, salt, access } of leaves) {
      if (statement !== undefined && salt !== undefined) {
        this.statements.push(statement)
        const leaf = this.entries.length
        this.known.push({ leaf, statement, salt, ...(access === undefined ? {} : { access }) })
      }
      this.entries.push(entry)
    }
    return request === undefined ? this.standing : this.#cosign(request)
  }

  async #cosign(bytes: Uint8Array): Promise<LogPushed> {
    const policy = { origin: logOrigin(this.#index.id), log: logKeys(this.#index) }
    const decision = await decideCosignature(parseAddCheckpoint(bytes), this.last, policy, verifyEd25519)
    if (!('cosign' in decision)) return this.standing
    const { size, root } = decision.cosign
    if (this.entries.length < size || !equalBytes(this.#rootAt(size), root)) return this.standing
    this.last = { size, root }
    const key = witnessKeys(this.identity.keys).at(-1)!
    const signature = await cosignNote(decision.text, Math.floor(this.#now() / 1000), key, this.identity.signRaw)
    const { text, signatures } = parseNote(parseAddCheckpoint(bytes).checkpoint)
    this.note = formatNote({ text, signatures: [...signatures, signature] })
    return { ...this.standing, cosignature: formatSignature(signature) }
  }

  #tile({ level, index, width }: Tile): Uint8Array {
    const step = level === 'entries' ? 1 : 256 ** level
    const first = index * 256 * step
    const entries = this.entries.slice(first, first + width * step)
    if (level === 'entries') return formatBundle(entries)
    const hashes = Array.from({ length: width }, (_, i) =>
      rootOfLeaves(entries.slice(i * step, (i + 1) * step).map(leafHash)))
    return new Uint8Array(Buffer.concat(hashes))
  }

  #rootAt(size: number): Uint8Array {
    for (const entry of this.entries.slice(this.#range.size)) this.#range.append(leafHash(entry))
    return size === this.#range.size ? this.#range.root() : rootOfLeaves(this.entries.slice(0, size).map(leafHash))
  }

  async answer(path: string, body: Uint8Array): Promise<Uint8Array> {
    if (path.startsWith('/tile/')) return this.#tile(parseTilePath(path.slice(1)))
    if (path === '/v1/log/statements') {
      const { from, to } = decode(LogStatementsRequest, body)
      return encode(LogStatements, { leaves: this.known.filter(({ leaf }) => leaf >= from && leaf < to), next: to })
    }
    if (path === '/v1/log/checkpoint') return this.note ?? notFound()
    if (path === '/v1/self') return encode(Self, { role: 'trustee', keys: [...this.identity.chain] })
    return encode(LogPushed, await this.push(body))
  }
}

/** What a trustee does not have. */
export class NotFound extends Error {}

const notFound = (): never => {
  throw new NotFound('not found')
}

export class Witnesses {
  readonly all: readonly Witness[]
  readonly addresses: readonly { id: string; url: string }[]
  /** What happens instead of a trustee's answer, by its place. */
  readonly faults = new Map<number, (path: string, body: Uint8Array) => Promise<Uint8Array>>()

  constructor(index: PrincipalKeys, identities: readonly Identity[], now: () => number) {
    this.all = identities.map((identity) => new Witness(identity, index, now))
    this.addresses = identities.map(({ id }, place) => ({ id: toHex(id), url: `http://trustee-${place}` }))
  }

  readonly fetch: Fetch = async (url, init) => {
    const { host, pathname } = new URL(url)
    const place = Number(host.slice('trustee-'.length))
    const body = (init.body ?? new Uint8Array()) as Uint8Array
    const answer = this.faults.get(place) ?? ((path, sent) => (this.all[place] as Witness).answer(path, sent))
    const aborted = new Promise<never>((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    })
    try {
      return new Response(await Promise.race([answer(pathname, body), aborted]) as Uint8Array<ArrayBuffer>)
    } catch (error) {
      if (error instanceof NotFound) return Response.json({ code: 'not-found' }, { status: 404 })
      throw error
    }
  }
}

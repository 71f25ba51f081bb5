/** Who this client talks to: index and trustees, known by their keys, not by their addresses. */
import { exportIdentity, type Identity, importIdentity } from '@scelle/seal/identity'
import { CourierKeys } from '@scelle/seal/shares'
import {
  actingKeys,
  type Context,
  decode,
  equalBytes,
  type PrincipalKeys,
  SealError,
  type Signed,
  statementId,
  toHex,
  verifyPosition,
} from '@scelle/seal/verify'
import { KeyChain, Receipt, Self } from '@scelle/wire/messages'
import { Directory, type KnownPrincipal, verifyPrincipal } from './directory.ts'
import { type EntryText, plainEntry } from './entry-text.ts'
import { SdkError } from './errors.ts'
import { Given } from './log/given.ts'
import { OwnKeys, requireLogged } from './log/key-leaves.ts'
import { LogClient } from './log/log-client.ts'
import { placeOf } from './log/places.ts'
import { type Id, idBytes } from './ids.ts'
import type { Standing } from './standing.ts'
import { type ClientState, Memory, memoryState } from './state.ts'
import { systemTimers, type Timers } from './timers.ts'
import { Visits } from './visits.ts'
import { type Ask, type Fetch, type Log, type Target, Transport } from './transport.ts'

export interface Pins {
  readonly index?: Id
  /** In any order. */
  readonly trustees?: readonly Id[]
}

export interface Options {
  /** Base URL of the index. */
  readonly index: string
  /** Base URLs of the trustees, in any order: they are told apart by their keys. */
  readonly trustees: readonly string[]
  readonly identity: Identity
  readonly context: Context
  readonly fetch?: Fetch
  /** Forgets with the process where absent; then rollbacks are noticed only while it runs. */
  readonly state?: ClientState
  /** Receives names of events and numbers; never content, keys or ids of people. */
  readonly log?: Log
  readonly timers?: Timers
  /** Ids that the servers must have. Without them, the first ones met are remembered in `state`. */
  readonly pins?: Pins
  /** Words the entries about this client's accesses, which patients read. A plain AuditEvent where absent. */
  readonly entryText?: EntryText
  /** Who this reader is and why it opens what it does; an organisation that shows nothing is one nobody knows. */
  readonly standing?: Standing
  /** Registers whose word this client takes about who an organisation is. */
  readonly registers?: readonly Id[]
}

export interface Party extends KnownPrincipal {
  readonly target: Target
}

const baseOf = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '') {
    throw new SdkError('bad-input', 'an address of a server is an http or https URL without query')
  }
  return url.replace(/\/+$/, '')
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof SdkError &&
  (error.code === 'network' || error.code === 'timeout' || error.problem === 'overloaded')

interface RecordOptions {
  readonly signed?: Uint8Array
  readonly along?: Uint8Array
  readonly as?: Identity
}

/** Everything that the calls of one client share. */
export class Connection {
  readonly identity: Identity
  readonly context: Context
  readonly transport: Transport
  readonly directory: Directory
  readonly memory: Memory
  readonly timers: Timers
  readonly log: Log
  /** The index's log, as this client saw it so far. */
  readonly logClient: LogClient
  readonly entryText: EntryText
  readonly standing: Standing | undefined
  /** Hex ids. */
  readonly registers: ReadonlySet<string>
  /** What was opened under vendors' tickets. */
  readonly visits = new Visits()
  /** What was given to the index, where the client's memory outlives it. */
  readonly given: Given | undefined
  /** Key records that somebody else made for this client's principal. */
  readonly ownKeys: OwnKeys
  /** Encapsulations made to this client, opened. */
  readonly couriers: CourierKeys
  readonly #index: Target
  #indexKeys: PrincipalKeys | undefined
  readonly #trustees: { readonly target: Target; party: Party | undefined }[]
  readonly #pins: { readonly index: string | undefined; readonly trustees: readonly string[] | undefined }

  /** `over`: another connection of the same client, whose memory and knowledge of logged keys this one shares. */
  constructor(options: Options, over?: { readonly memory: Memory }) {
    this.identity = options.identity
    this.context = options.context
    this.timers = options.timers ?? systemTimers
    this.log = options.log ?? (() => {})
    this.entryText = options.entryText ?? plainEntry
    this.standing = options.standing
    this.registers = new Set((options.registers ?? []).map((id) => toHex(idBytes(id))))
    this.memory = over?.memory ?? new Memory(options.state ?? memoryState(), options.identity.id)
    this.given = options.state === undefined ? undefined : new Given(this.memory)
    const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init))
    const { identity, context, timers, log } = this
    this.transport = new Transport({ identity, context, timers, log, fetch })
    this.#index = { role: 'index', url: baseOf(options.index) }
    this.#trustees = options.trustees.map((url) => ({
      target: { role: 'trustee', url: baseOf(url) },
      party: undefined,
    }))
    this.directory = new Directory(
      this.transport, this.#index, this.memory,
      // Whoever hands keys on by another connection had them checked there.
      over === undefined ? (id, chain, known) => requireLogged(this, id, chain, known) : () => Promise.resolve(),
    )
    this.directory.put({ keys: options.identity.keys, chain: options.identity.chain })
    this.logClient = new LogClient({
      memory: this.memory,
      now: () => this.context.now(),
      log: this.log,
      get: (path) => this.askIndex({ method: 'GET', path, as: false, octets: true, attempts: 2 }),
      index: () => this.directory.of(this.index.id),
      trustees: () => this.metTrustees(),
      meet: () => this.meet(),
    })
    this.ownKeys = new OwnKeys(this)
    this.couriers = new CourierKeys(options.identity)
    const { index, trustees } = options.pins ?? {}
    this.#pins = {
      index: index === undefined ? undefined : toHex(idBytes(index)),
      trustees: trustees?.map((id) => toHex(idBytes(id))),
    }
  }

  /** Verified keys of the index: its positions are believed under these alone. */
  get index(): PrincipalKeys {
    if (this.#indexKeys === undefined) throw new SdkError('network', 'the index was never met; connect first')
    return this.#indexKeys
  }

  /** Principal ids of the trustees, in the order of their addresses. Throws `network` where one was never met. */
  get trusteeIds(): Uint8Array[] {
    return this.#trustees.map(({ party }) => {
      if (party === undefined)
        throw new SdkError('network', 'a trustee was never met; it has to be up the first time')
      return party.keys.id
    })
  }

  /**
   * Keys as the signer of a listed statement acted with them: its session's, where it signed in one. Throws SealError,
   * and what looking principals up throws.
   */
  acting(signed: Pick<Signed, 'signer' | 'session' | 'keyVersion'>): Promise<PrincipalKeys> {
    const find = async (id: Uint8Array): Promise<PrincipalKeys> =>
      (await this.directory.of(id, equalBytes(id, signed.signer) ? signed.keyVersion : 0)).keys
    return actingKeys(signed, find, 'listed')
  }

  /** The trustees that were met, the others asked once more. */
  async metTrustees(): Promise<Party[]> {
    await Promise.all(this.#trustees.map(async (entry) => {
      if (entry.party === undefined) await this.#meetTrustee(entry).catch(() => {})
    }))
    return this.#trustees.flatMap(({ party }) => party ?? [])
  }

  askIndex(ask: Ask): Promise<Uint8Array<ArrayBuffer>> {
    return this.transport.ask(this.#index, ask)
  }

  /**
   * Asks the index to keep a statement, and remembers its word until the log holds the leaf. `signed` is the statement
   * where the body holds more: `along` then is the rest. Throws `release-mismatch` where the word is about another one.
   */
  async record(
    path: string, body: Uint8Array, { signed = body, along, as }: RecordOptions = {},
  ): Promise<Uint8Array> {
    const answer = await this.askIndex({ method: 'POST', path, body, ...(as === undefined ? {} : { as }) })
    const { position } = decode(Receipt, answer)
    placeOf(await verifyPosition(position, this.index, statementId(signed)))
    await this.logClient.keep(position, signed)
    await this.given?.keep({ word: position, statement: signed, ...(along === undefined ? {} : { along }) })
    this.logClient.lookSometimes()
    return position
  }

  /** Meets index and trustees. A trustee that is down is met later; an index that is down must have been met before. */
  async meet(): Promise<void> {
    const index = this.#meetParty(
      this.#index,
      'index',
      this.#pins.index === undefined ? undefined : [this.#pins.index],
    )
    const trustees = this.#trustees.map((entry) =>
      this.#meetTrustee(entry).catch((error: unknown) => {
        if (!isUnreachable(error)) throw error
        this.log('trustee-unreachable', { url: entry.target.url })
      }),
    )
    await Promise.all([index.then(({ keys }) => (this.#indexKeys = keys)), ...trustees])
    if (
      new Set(this.#trustees.map(({ party }, place) => (party ? toHex(party.keys.id) : String(place)))).size !==
      this.#trustees.length
    ) {
      throw new SdkError('pin-mismatch', 'two trustees have the same keys; they must be different bodies')
    }
  }

  /** The trustee of that id, wherever it answers. Throws `trustee-unknown`. */
  async trustee(id: Uint8Array): Promise<Party> {
    for (const entry of this.#trustees) {
      if (entry.party === undefined) await this.#meetTrustee(entry).catch(() => {})
      if (entry.party !== undefined && equalBytes(entry.party.keys.id, id)) return entry.party
    }
    throw new SdkError(
      'trustee-unknown',
      'a trustee of this vault is none of those configured, or is down and was never met',
      {
        parties: [toHex(id)],
      },
    )
  }

  async #meetTrustee(entry: { readonly target: Target; party: Party | undefined }): Promise<void> {
    entry.party = await this.#meetParty(entry.target, 'trustee', this.#pins.trustees)
  }

  async #meetParty(target: Target, kind: 'index' | 'trustee', pinned: readonly string[] | undefined): Promise<Party> {
    const remembered = await this.memory.party(target.url)
    const before = remembered === undefined ? undefined : await verifyPrincipal(remembered)
    const met = await this.#self(target, kind, before)
    const name = toHex(met.keys.id)
    if (
      (before !== undefined && toHex(before.keys.id) !== name) ||
      (pinned !== undefined && !pinned.includes(name))
    ) {
      throw new SdkError(
        'pin-mismatch',
        `the ${kind} at this address is not the one it was; check its id with its operator`,
        {
          parties: [name],
        },
      )
    }
    if (met !== before) await this.memory.metParty(target.url, [...met.chain])
    this.directory.put(met)
    return { ...met, target }
  }

  /** Its own word about its keys, or what is remembered of them where it is down. */
  async #self(
    target: Target,
    kind: 'index' | 'trustee',
    before: KnownPrincipal | undefined,
  ): Promise<KnownPrincipal> {
    let answer: Uint8Array
    try {
      answer = await this.transport.ask(target, {
        method: 'GET',
        path: '/v1/self',
        as: false,
        ...(kind === 'trustee' ? { attempts: 1 } : {}),
      })
    } catch (error) {
      if (before !== undefined && isUnreachable(error)) return before
      throw error
    }
    const met = await verifyPrincipal(decode(Self, answer).keys)
    if (met.keys.kind !== kind)
      throw new SdkError('pin-mismatch', `the ${kind} at this address calls itself a ${met.keys.kind}`)
    if (
      before !== undefined &&
      toHex(before.keys.id) === toHex(met.keys.id) &&
      before.chain.length > met.chain.length
    ) {
      throw new SealError('key-chain-broken', `the ${kind} serves an older key chain than before`)
    }
    return met
  }

  /** Registers this client's own key records with the index, where it has not got them. */
  async register(): Promise<void> {
    const { identity } = this
    // In somebody's session: their key records are registered by whoever enrolled them.
    if (identity.session !== undefined) return
    if ((await this.memory.registered()) === identity.chain.length) return
    const known = await this.#registeredChain()
    const same = known.every((record, version) => equalBytes(record, identity.chain[version] ?? new Uint8Array(0)))
    if (!same)
      throw new SealError(
        'key-chain-broken',
        'the index knows other keys of this identity; they are newer, or forged',
      )
    for (let version = known.length; version < identity.chain.length; version++) {
      const record = identity.chain[version] as Uint8Array
      await this.record('/v1/principals', record, { as: await identityAt(identity, version) })
    }
    await this.memory.nowRegistered(identity.chain.length)
  }

  async #registeredChain(): Promise<KeyChain> {
    const path = `/v1/principals/${toHex(this.identity.id)}`
    // The index checks requests under the newest key it knows, which may be an older one than ours.
    for (let version = this.identity.keys.current.version; ; version--) {
      try {
        return decode(
          KeyChain,
          await this.askIndex({ method: 'GET', path, as: await identityAt(this.identity, version) }),
        )
      } catch (error) {
        if (!(error instanceof SdkError)) throw error
        if (error.problem === 'principal-unknown') return []
        if (error.problem !== 'signature-invalid' || version === 0) throw error
      }
    }
  }
}

/** The identity as it was at a version of its keys. */
const identityAt = async (identity: Identity, version: number): Promise<Identity> =>
  version === identity.keys.current.version
    ? identity
    : importIdentity(
        exportIdentity({
          ...identity,
          chain: identity.chain.slice(0, version + 1),
          secrets: identity.secrets.slice(0, version + 1),
        }),
      )

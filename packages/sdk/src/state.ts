/** What a client remembers between runs: no secrets, only what it was shown, so that showing it less is noticed. */
import { LOG_LIMITS } from '@scelle/log'
import {
  bytes,
  type Codec,
  decode,
  encode,
  field,
  FORMAT_LIMITS,
  list,
  optional,
  struct,
  toHex,
  uint,
  type Value,
  bool,
} from '@scelle/seal/verify'
import { KeyChain, NewVault } from '@scelle/wire/messages'
import { SDK_LIMITS } from './limits.ts'

/** A small durable map. Losing it loses the memory of rollbacks, nothing else. */
export interface ClientState {
  get(key: string): Promise<Uint8Array | undefined>
  set(key: string, value: Uint8Array): Promise<void>
}

/** Forgets everything with the process. */
export const memoryState = (): ClientState => {
  const entries = new Map<string, Uint8Array>()
  return {
    get: async (key) => entries.get(key),
    set: async (key, value) => {
      entries.set(key, value)
    },
  }
}

const hash32 = bytes(32)

/** The newest version seen of something versioned, and its id. */
const VersionSeen = struct({ version: field(0, uint()), id: field(1, hash32) })
export type VersionSeen = Value<typeof VersionSeen>

/** How much of a feed was seen: `head` is ordered, `sum` is not, so that a change of order can be told from a loss. */
const HeadSeen = struct({ count: field(0, uint()), head: field(1, hash32), sum: field(2, hash32) })
export type HeadSeen = Value<typeof HeadSeen>

/** How far the log was read for key records of this principal, and those that are not its own. Times in seconds. */
const OwnKeysSeen = struct({
  scanned: field(0, uint()),
  time: field(1, uint()),
  foreign: field(2, list(
    struct({ leaf: field(0, uint()), from: field(1, uint()), to: field(2, uint()) }), SDK_LIMITS.wordsPerEntry,
  )),
})
export type OwnKeysSeen = Value<typeof OwnKeysSeen>

/** A revocation that is not finished. */
const PendingRevocation = struct({
  notice: field(0, bytes(1, 4 * 1024 * 1024)),
  grant: field(1, hash32),
  custodian: field(2, hash32),
  indexKnows: field(3, bool),
  trustees: field(4, list(hash32, 3)),
  rotate: field(5, list(bytes(16), 32)),
  /** The index's word about it, and whether a final checkpoint holds the leaf. */
  position: optional(6, bytes(1, FORMAT_LIMITS.statement)),
  isFinal: optional(7, bool),
})
export type PendingRevocation = Value<typeof PendingRevocation>
/** The newest checkpoint of one kind that was verified, with the note itself: half of the evidence of a fork. */
const CheckpointSeen = struct({
  size: field(0, uint()), root: field(1, hash32), note: field(2, bytes(1, LOG_LIMITS.note)),
})
export type CheckpointSeen = Value<typeof CheckpointSeen>

/** The index's signed word about single statements; `subject` is the label of a control leaf. */
const KeptWord = struct({ signed: field(0, bytes(1, FORMAT_LIMITS.statement)), subject: optional(1, hash32) })
export type KeptWord = Value<typeof KeptWord>
const KeptWords = list(KeptWord, SDK_LIMITS.wordsPerEntry)

/** A statement or commit that the index acknowledged, with its word, and what was sent along with it. */
const GivenItem = struct({
  word: field(0, bytes(1, FORMAT_LIMITS.statement)),
  statement: optional(1, bytes(1, FORMAT_LIMITS.statement)),
  submission: optional(2, bytes(1, SDK_LIMITS.givenBytes)),
  along: optional(3, bytes(1, FORMAT_LIMITS.statement)),
})
export type GivenItem = Value<typeof GivenItem>

const GrantIds = list(hash32, 65_536)

/** A part that was handed over: the grants that get no newer keys, and the epochs that were to end with it. */
const HandedOver = struct({
  grants: field(0, GrantIds),
  epochs: field(1, list(struct({ category: field(0, bytes(16)), epoch: field(1, uint()) }), FORMAT_LIMITS.categories)),
})
export type HandedOver = Value<typeof HandedOver>

const PendingRevocations = list(PendingRevocation, SDK_LIMITS.pendingRevocations)

/** The entries of one principal in a {@link ClientState}, typed. */
export class Memory {
  readonly #state: ClientState
  readonly #owner: string

  constructor(state: ClientState, owner: Uint8Array) {
    this.#state = state
    this.#owner = toHex(owner)
  }

  async #read<T>(codec: Codec<T>, key: string): Promise<T | undefined> {
    const stored = await this.#state.get(`${this.#owner}/${key}`)
    return stored === undefined ? undefined : decode(codec, stored)
  }

  #write<T>(codec: Codec<T>, key: string, value: T): Promise<void> {
    return this.#state.set(`${this.#owner}/${key}`, encode(codec, value))
  }

  keysSeen = (principal: string): Promise<VersionSeen | undefined> => this.#read(VersionSeen, `keys/${principal}`)
  sawKeys = (principal: string, seen: VersionSeen): Promise<void> =>
    this.#write(VersionSeen, `keys/${principal}`, seen)

  manifestSeen = (part: string): Promise<VersionSeen | undefined> => this.#read(VersionSeen, `manifest/${part}`)
  sawManifest = (part: string, seen: VersionSeen): Promise<void> => this.#write(VersionSeen, `manifest/${part}`, seen)

  headSeen = (feed: string): Promise<HeadSeen | undefined> => this.#read(HeadSeen, `feed/${feed}`)
  sawHead = (feed: string, seen: HeadSeen): Promise<void> => this.#write(HeadSeen, `feed/${feed}`, seen)

  lastCommit = (part: string): Promise<Uint8Array | undefined> => this.#read(hash32, `commit/${part}`)
  committed = (part: string, id: Uint8Array): Promise<void> => this.#write(hash32, `commit/${part}`, id)

  party = (url: string): Promise<KeyChain | undefined> => this.#read(KeyChain, `party/${url}`)
  metParty = (url: string, chain: KeyChain): Promise<void> => this.#write(KeyChain, `party/${url}`, chain)

  checkpointSeen = (kind: string): Promise<CheckpointSeen | undefined> => this.#read(CheckpointSeen, `log/${kind}`)
  sawCheckpoint = (kind: string, seen: CheckpointSeen): Promise<void> =>
    this.#write(CheckpointSeen, `log/${kind}`, seen)

  keptWords = (entry: number): Promise<KeptWord[] | undefined> => this.#read(KeptWords, `log/words/${entry}`)
  keepWords = (entry: number, words: KeptWord[]): Promise<void> => this.#write(KeptWords, `log/words/${entry}`, words)

  given = (entry: number): Promise<GivenItem | undefined> => this.#read(GivenItem, `given/${entry}`)
  keepGiven = (entry: number, item: GivenItem): Promise<void> => this.#write(GivenItem, `given/${entry}`, item)
  givenNext = async (): Promise<number> => (await this.#read(uint(), 'given')) ?? 0
  nowGivenNext = (next: number): Promise<void> => this.#write(uint(), 'given', next)

  ownKeysSeen = (): Promise<OwnKeysSeen | undefined> => this.#read(OwnKeysSeen, 'own-keys')
  sawOwnKeys = (seen: OwnKeysSeen): Promise<void> => this.#write(OwnKeysSeen, 'own-keys', seen)

  /** Whether patient and officers were told of an opening without a network; by the hex id of its note. */
  cardReported = async (note: string): Promise<boolean> => (await this.#read(bool, `card/${note}`)) ?? false
  nowCardReported = (note: string): Promise<void> => this.#write(bool, `card/${note}`, true)

  registered = (): Promise<number | undefined> => this.#read(uint(), 'registered')
  nowRegistered = (records: number): Promise<void> => this.#write(uint(), 'registered', records)

  revokedGrants = async (vault: string): Promise<Uint8Array[]> =>
    (await this.#read(GrantIds, `revoked/${vault}`)) ?? []
  keepRevoked = (vault: string, grants: Uint8Array[]): Promise<void> =>
    this.#write(GrantIds, `revoked/${vault}`, grants)

  handedOver = (vault: string): Promise<HandedOver | undefined> => this.#read(HandedOver, `handed-over/${vault}`)
  keepHandedOver = (vault: string, kept: HandedOver): Promise<void> =>
    this.#write(HandedOver, `handed-over/${vault}`, kept)

  /** The vault made for a claim, by the hex of the pseudonym: public bytes, kept before the index has them. */
  claiming = (pseudonym: string): Promise<NewVault | undefined> => this.#read(NewVault, `claiming/${pseudonym}`)
  keepClaiming = (pseudonym: string, made: NewVault): Promise<void> =>
    this.#write(NewVault, `claiming/${pseudonym}`, made)

  pendingRevocations = async (vault: string): Promise<PendingRevocation[]> =>
    (await this.#read(PendingRevocations, `revocations/${vault}`)) ?? []
  keepRevocations = (vault: string, pending: PendingRevocation[]): Promise<void> =>
    this.#write(PendingRevocations, `revocations/${vault}`, pending)
}

/**
 * What every engine under the index does, and nothing that only one engine can: `test/store-conformance.ts` is run
 * against each. The vault leads every key and no operation touches two vaults, so an engine may spread vaults over
 * nodes; only the log's sequence is common to all.
 *
 * The caller has verified signatures, encodings and hashes. The store decides what depends on what is stored
 * (`decisions.ts`), in the same transaction that stores the effect and its leaf. Number of the leaf and signed position
 * are stored with them or after, in any case before `apply` resolves: then all of it survives a power cut. If it
 * rejects, a retry of the same operation is safe, whether it took effect or not.
 */
import type { Access, Grant, KnownSession, SignOut, VaultGenesis } from '@scelle/seal/verify'
import type { ProblemCode } from '@scelle/wire/errors'
import type { LogStore } from './log-store.ts'

/** A signed statement as received, and its id. */
export interface StoredStatement {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
  /** Of statements that become control leaves of the log: `controlSubject` of the bytes, 32 bytes. */
  readonly subject?: Uint8Array | undefined
}

/** Where a statement is held, and since when. */
export interface Place {
  /** In the log of all vaults: of leaf `sequence - 1`. */
  readonly sequence: number
  /** Seconds since 1970 UTC. */
  readonly time: number
}

/**
 * The part of a position that is not the same for all: `positions.ts` makes the signed statement from it. Of a commit
 * the signature is empty: the index signs one word about all commits of a request, when it answers.
 */
export interface StoredPosition extends Place {
  /** 16 random bytes, drawn when the place was given: of the statement's leaf. */
  readonly salt: Uint8Array
  readonly keyVersion: number
  readonly signature: Uint8Array
}

/** Signs the position of a statement at a sequence number, with its leaf's salt. */
export type PositionSigner = (statement: Uint8Array, sequence: number, salt: Uint8Array) => Promise<StoredPosition>

export interface CategoryIn {
  readonly category: Uint8Array
  readonly epoch: number
  readonly strict: boolean
  /** It takes what readers write about their own accesses: one of a part at most, and never another one. */
  readonly accessLog: boolean
}

export interface KeyRecordOperation {
  readonly kind: 'key-record'
  readonly statement: StoredStatement
  readonly principal: Uint8Array
  readonly version: number
}

export interface ManifestOperation {
  readonly kind: 'manifest'
  readonly statement: StoredStatement
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly version: number
  /** Id of the manifest before, absent for the first. */
  readonly previous?: Uint8Array | undefined
  readonly categories: readonly CategoryIn[]
}

export interface VaultOperation {
  readonly kind: 'vault'
  /** The genesis: its id is the vault's. */
  readonly statement: StoredStatement
  readonly controller: Uint8Array
  readonly mode: VaultGenesis['mode']
  readonly manifest: ManifestOperation
}

export interface GrantKeysOperation {
  readonly kind: 'grant-keys'
  readonly statement: StoredStatement
  readonly vault: Uint8Array
  readonly grant: Uint8Array
  readonly manifestVersion: number
}

export interface GrantOperation {
  readonly kind: 'grant'
  readonly statement: StoredStatement
  readonly signer: Uint8Array
  readonly grant: Grant
  readonly keys: GrantKeysOperation
  /** Seconds since 1970 UTC at which it is given. */
  readonly at: number
  /** Which grants by this signer to this grantee are counted against the limit. */
  readonly counted: 'in-vault' | 'in-all-vaults'
}

export interface RevocationOperation {
  readonly kind: 'revocation'
  readonly statement: StoredStatement
  readonly vault: Uint8Array
  readonly grant: Uint8Array
}

export interface CapsuleIn {
  readonly place: number
  readonly bytes: Uint8Array
  readonly capsule: Uint8Array
  readonly headerHash: Uint8Array
  readonly category: Uint8Array
  readonly epoch: number
  /** Seconds since 1970 UTC. */
  readonly opened: number
}

export interface RecordIn {
  readonly place: number
  readonly header: Uint8Array
  readonly capsule: Uint8Array
  readonly handle: Uint8Array
  readonly version: number
  readonly size: number
  /** Absent where the body is a blob. */
  readonly body?: Uint8Array | undefined
  readonly digest: Uint8Array
}

export interface CommitOperation {
  readonly kind: 'commit'
  readonly statement: StoredStatement
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly author: Uint8Array
  /** Seconds since 1970 UTC at which grants and capsules must be good. */
  readonly at: number
  /** All leaves in their places, 32 bytes each. */
  readonly leaves: Uint8Array
  readonly capsules: readonly CapsuleIn[]
  readonly records: readonly RecordIn[]
  /** New encapsulations. Named by their content, so they may be stored before the rest and outside its transaction. */
  readonly encapsulations: readonly StoredStatement[]
}

export interface AccessOperation {
  readonly kind: 'access'
  readonly statement: StoredStatement
  readonly access: Access
  /** Seconds since 1970 UTC at which the grants must be good. */
  readonly at: number
}

/** The word of a server that it refused an access. */
export interface DenialOperation {
  readonly kind: 'denial'
  readonly statement: StoredStatement
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly reader: Uint8Array
  /** The signed access that was refused. */
  readonly access: Uint8Array
}

/** A trustee's word that it released. */
export interface ReleaseOperation {
  readonly kind: 'release'
  readonly statement: StoredStatement
  readonly vault: Uint8Array
  readonly trustee: Uint8Array
}

/** What trustees must know: of no vault, and read by nobody here. */
export interface NoticeOperation {
  readonly kind: 'notice'
  readonly statement: StoredStatement
  readonly signer: Uint8Array
}

/** A trustee's agreement that statements of the log are lost. */
export interface LossOperation {
  readonly kind: 'loss'
  readonly statement: StoredStatement
  /** The index's own id: it is of no vault. */
  readonly vault: Uint8Array
}

export type Operation =
  | KeyRecordOperation
  | VaultOperation
  | ManifestOperation
  | GrantOperation
  | GrantKeysOperation
  | RevocationOperation
  | CommitOperation
  | AccessOperation
  | DenialOperation
  | ReleaseOperation
  | NoticeOperation
  | LossOperation

/** Why an operation had no effect. `places` are leaves of the caller's own commit. */
export interface Refusal {
  readonly problem: ProblemCode
  readonly detail?: string
  readonly places?: readonly number[]
}

export type Outcome = { readonly position: StoredPosition } | Refusal

/** A category's public state. Its place in a part's list never changes: masks are bits by that place. */
export interface CategoryState {
  readonly category: Uint8Array
  readonly epoch: number
  readonly strict: boolean
  readonly accessLog: boolean
  /** Capsules of this category whose `sequence` is not above this take no more records. */
  readonly closed: number
}

/** A grant as the index holds it. `mask` has bit i for the category at place i of its part. */
export interface GrantState {
  readonly id: Uint8Array
  readonly parent: Uint8Array | undefined
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly signer: Uint8Array
  readonly grantee: Uint8Array
  readonly mask: number
  readonly rights: number
  readonly purposes: readonly Access['purpose'][]
  readonly notBefore: number
  readonly expires: number
  /** It or an ancestor was revoked. */
  readonly revoked: boolean
  /** Seconds since 1970 UTC; beyond any time where the revocation is of the open transaction. Absent: not revoked. */
  readonly revokedAt: number | undefined
}

/** A grant with the statements that its parties fetch. */
export interface GrantEntry extends GrantState {
  readonly statement: Uint8Array
  /** The newest key delivery. */
  readonly keys: Uint8Array
}

export interface CapsuleState {
  readonly capsule: Uint8Array
  readonly custodian: Uint8Array
  readonly writer: Uint8Array
  /** Place of its category in the part. */
  readonly category: number
  readonly epoch: number
  readonly opened: number
  /** Of its commit, as the feed orders commits. */
  readonly sequence: number
  /** An access named it. */
  readonly closed: boolean
  readonly records: number
}

export interface FeedQuery {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  /** Categories that may be seen, as bits. */
  readonly mask: number
  /** Commits with a larger `FeedEntry.sequence`; 0 for all. */
  readonly after: number
  readonly limit: number
  /** The page ends with the commit that reaches this many octets as served, encapsulations apart. */
  readonly maxBytes: number
}

export interface FeedRecord {
  readonly place: number
  readonly category: number
  readonly header: Uint8Array
  readonly size: number
  /** One of the two: small bodies stand here, others in the blobs under their digest. */
  readonly body: Uint8Array | undefined
  readonly digest: Uint8Array | undefined
}

export interface FeedCapsule {
  readonly place: number
  readonly category: number
  readonly bytes: Uint8Array
}

export interface FeedEntry {
  /** Orders the commits of a part, from 1. It is the engine's own, so it need not be the log's. */
  readonly sequence: number
  readonly statement: Uint8Array
  readonly leaves: Uint8Array
  readonly capsules: readonly FeedCapsule[]
  readonly records: readonly FeedRecord[]
}

export interface FeedPage {
  readonly commits: readonly FeedEntry[]
  /** Everything up to this sequence has been looked at. */
  readonly last: number
  readonly more: boolean
}

export interface GrantsToQuery {
  readonly grantee: Uint8Array
  /** Seconds since 1970 UTC. */
  readonly at: number
  readonly revokedSince: number
  readonly limit: number
}

export interface AccessQuery {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly after: number
  readonly limit: number
}

export interface AccessEntry {
  readonly access: Uint8Array
  /** The signed denial, where it was refused; the position is then the denial's. */
  readonly denial: Uint8Array | undefined
  readonly position: StoredPosition
}

/** A signed commit, and where it stands in the log. */
export interface HistoryEntry {
  readonly statement: Uint8Array
  readonly salt: Uint8Array
  /** Undefined for a commit that has no number yet: then none after it has one. */
  readonly sequence: number | undefined
}

/** A wrap of somebody's root, sealed: nothing says whose, nor of what kind. */
export interface StoredWrap {
  /** Principal id of whoever stored it first: made for this wrap alone. */
  readonly writer: Uint8Array
  readonly version: number
  readonly bytes: Uint8Array
}

/** Of no vault, and in no log: whoever reads what is stored here learns how many there are, and nothing else. */
export interface Wraps {
  get(locator: Uint8Array): Promise<StoredWrap | undefined>
  /**
   * Durable when it resolves. Refused with `not-permitted` where another writer has the locator, and `already-exists`
   * where the version is not the next one; the same again is taken.
   */
  put(locator: Uint8Array, wrap: StoredWrap): Promise<Refusal | undefined>
}

/** A sign-out as it counts here: of one session, or of all that began before a time, in seconds. */
export type SessionEnd = Pick<SignOut, 'principal' | 'session' | 'before'>
export type SessionSeen = Pick<KnownSession, 'principal' | 'id' | 'notBefore'>

/**
 * What ended, beside its statement, which is a leaf of the log. An upper bound for each person, not a list: whoever
 * has a stolen session's key could make any list longer than anybody reads.
 */
export interface EndedSessions {
  /** Durable when it resolves; the same again, and an older one, change nothing. `at`: seconds, when it came. */
  end(signOut: SessionEnd, at: number): Promise<void>
  isEnded(session: SessionSeen): Promise<boolean>
  /** Drops what came before: such sessions are over by themselves. */
  forget(before: number): Promise<void>
}

export interface Store {
  readonly wraps: Wraps
  readonly signOuts: EndedSessions
  /** The same engine as the log's storage: leaf and effect are one transaction's. */
  readonly log: LogStore

  /** Each operation stands alone; those of one call are applied in order and share one durable write where possible. */
  apply(operations: readonly Operation[]): Promise<Outcome[]>

  /** Signed key records, genesis first; empty where the principal is not registered. */
  keyChain(principal: Uint8Array): Promise<Uint8Array[]>
  keyCount(principal: Uint8Array): Promise<number>

  /** The position of a statement stored before; `vault` is absent for key records, and a notice's is its signer. */
  position(statement: Uint8Array, vault?: Uint8Array): Promise<StoredPosition | undefined>

  genesis(vault: Uint8Array): Promise<Uint8Array | undefined>
  custodians(vault: Uint8Array): Promise<Uint8Array[]>
  manifests(vault: Uint8Array, custodian: Uint8Array): Promise<Uint8Array[]>
  categories(vault: Uint8Array, custodian: Uint8Array): Promise<CategoryState[]>

  grant(vault: Uint8Array, grant: Uint8Array): Promise<GrantEntry | undefined>
  /** Grants of one vault, oldest first; of one part or one grantee where named. */
  grants(vault: Uint8Array, only?: { custodian?: Uint8Array; grantee?: Uint8Array }): Promise<GrantEntry[]>
  /**
   * Grants to one principal over all vaults that have not expired at `at`, and were not revoked before `revokedSince`.
   * Each signer's newest come before anybody's second: one that gives many keeps no other out of the list.
   */
  grantsTo(query: GrantsToQuery): Promise<GrantEntry[]>
  /** Whether the principal is a custodian anywhere, or holds a write grant that is good at that time. */
  mayWriteSomewhere(principal: Uint8Array, at: number): Promise<boolean>

  /** Bytes by id; ids that are not stored are left out. Keys are `nameOf` the ids. */
  encapsulations(ids: readonly Uint8Array[]): Promise<Map<string, Uint8Array>>
  feed(query: FeedQuery): Promise<FeedPage>
  /** Whether a commit up to this sequence of the feed touches one of these categories. */
  anyCommit(query: { vault: Uint8Array; custodian: Uint8Array; mask: number; upTo: number }): Promise<boolean>
  /** Signed commits of one part, in order; of one author where named. */
  history(vault: Uint8Array, custodian: Uint8Array, author?: Uint8Array): Promise<HistoryEntry[]>
  /** Signed accesses to one part, in order; those that were refused are not among them. */
  accesses(vault: Uint8Array, custodian: Uint8Array): Promise<Uint8Array[]>
  /** Accesses to one part and refused ones, in the order of their positions, after a sequence number. */
  accessEntries(query: AccessQuery): Promise<AccessEntry[]>
  /** Statements of all vaults with a larger sequence, in its order. */
  statementsAfter(sequence: number, limit: number): Promise<{ sequence: number; statement: Uint8Array }[]>
  capsule(vault: Uint8Array, headerHash: Uint8Array): Promise<CapsuleState | undefined>
  /** Where a record names this blob: one line for each part and category. */
  blobPlaces(digest: Uint8Array): Promise<{ vault: Uint8Array; custodian: Uint8Array; mask: number }[]>

  /**
   * Resolves once everything that reads have shown by now is on the disk: to be awaited before any of it is told. A
   * reader that remembers a commit which a loss of power undid would call the index a liar.
   */
  durable(): Promise<void>
  /** Whether it can serve: false once a durable write ended uncertain. */
  ready(): Promise<boolean>
  close(): Promise<void>
}

/** Bodies above the inline limit, by the SHA-256 of their octets. Put once, never changed. */
export interface Blobs {
  /** Size, or undefined where it is not stored. */
  size(digest: Uint8Array): Promise<number | undefined>
  /** Stores durably before it resolves. Throws Problem `digest-mismatch` or `too-large`; then nothing is kept. */
  put(digest: Uint8Array, source: AsyncIterable<Uint8Array>): Promise<void>
  /** Octets `start` to `end`, both included. */
  read(digest: Uint8Array, start: number, end: number): AsyncIterable<Uint8Array>
}

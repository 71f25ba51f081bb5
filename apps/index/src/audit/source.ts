/** What an audit reads of an index, whatever engine holds it. Rows come as they are: nothing of them is believed. */
import type { StoredCheckpoint, StoredTile } from '../log-store.ts'

/** One engine answers at once, the other when its server has. */
export type Told<T> = T | Promise<T>
/** Read while they are walked through. */
export type Rows<T> = Iterable<T> | AsyncIterable<T>

export interface StatementRow {
  readonly sequence: number
  /** Id of its vault, `registry` for key records and notices; undefined where it names a vault that is not there. */
  readonly vault: Uint8Array | 'registry' | undefined
  readonly id: Uint8Array
  readonly time: number
  readonly keyVersion: number
  readonly signature: Uint8Array
  readonly statement: Uint8Array
  readonly salt: Uint8Array
  readonly subject: Uint8Array | undefined
  /** Its position is still to be signed: nobody was told of it. */
  readonly untold?: boolean
}

export interface KeyRecordRow {
  readonly principal: Uint8Array
  readonly version: number
  readonly sequence: number
}

/** `custodian` names the part. */
interface OfPart {
  readonly custodian: Uint8Array
}

export interface ManifestRow extends OfPart {
  readonly version: number
  readonly sequence: number
  readonly id: Uint8Array
}

export interface CategoryRow extends OfPart {
  readonly place: number
  readonly category: Uint8Array
  readonly epoch: number
  readonly strict: number
  readonly access_log: number
  readonly closed: number
}

export interface GrantRow extends OfPart {
  readonly sequence: number
  readonly id: Uint8Array
  readonly parent: Uint8Array | undefined
  readonly signer: Uint8Array | undefined
  readonly grantee: Uint8Array | undefined
  readonly mask: number
  readonly rights: number
  readonly purposes: number
  readonly not_before: number
  readonly expires: number
  readonly revoked: number
  readonly keys_sequence: number
  readonly keys_version: number
}

export interface CapsuleItemRow {
  /** What finds it. */
  readonly no: number | string
  readonly category: number
  readonly place: number
  readonly capsule: Uint8Array
}

export interface RecordItemRow {
  readonly no: number | string
  readonly category: number
  readonly place: number
  readonly header: Uint8Array
  readonly size: number
  readonly digest: Uint8Array | undefined
  readonly body: Uint8Array | undefined
}

export interface CommitRow extends OfPart {
  readonly sequence: number
  readonly author: Uint8Array | undefined
  readonly mask: number
  readonly leaves: Uint8Array
  /** How many the row says that there are. */
  readonly capsules: number
  readonly records: number
}

export interface CapsuleStateRow extends OfPart {
  readonly capsule: Uint8Array
  readonly writer: Uint8Array | undefined
  readonly category: number
  readonly epoch: number
  readonly opened: number
  readonly sequence: number
  readonly closed: number
  readonly records: number
}

export interface VersionRow extends OfPart {
  readonly category: number
  readonly author: Uint8Array | undefined
  readonly handle: Uint8Array
  readonly version: number
}

export interface AccessRow extends OfPart {
  readonly sequence: number
  readonly reader: Uint8Array | undefined
}

export interface DenialRow extends AccessRow {
  readonly access: Uint8Array
}

/** Everything that is stored about one vault beside its statements. */
export interface VaultRows {
  readonly sequence: number
  readonly parts: readonly Uint8Array[]
  readonly manifests: readonly ManifestRow[]
  readonly categories: readonly CategoryRow[]
  readonly grants: readonly GrantRow[]
  readonly capsuleStates: readonly CapsuleStateRow[]
  readonly capsuleHashes: readonly { readonly hash: Uint8Array; readonly capsule: Uint8Array }[]
  readonly accesses: readonly AccessRow[]
  readonly denials: readonly DenialRow[]
  readonly versions: () => Rows<VersionRow>
  readonly blobPlaces: () => Rows<OfPart & { readonly digest: Uint8Array; readonly category: number }>
}

/** The row, and walks over its items. */
export interface StoredCommit extends CommitRow {
  readonly items: {
    readonly capsules: () => Rows<CapsuleItemRow>
    readonly records: () => Rows<RecordItemRow>
  }
}

export interface AuditSource {
  statements(): Rows<StatementRow>
  keyRecords(): Rows<KeyRecordRow>
  /** Signed key records by their rows, genesis first. */
  keyChain(principal: Uint8Array): Told<Uint8Array[]>
  vaults(): Rows<Uint8Array>
  /** Sequences of one vault's statements, ascending. */
  sequences(vault: Uint8Array): Told<number[]>
  statement(sequence: number): Told<StatementRow | undefined>
  /** Entry of a leaf of a restored index that has no statement: it is still missing, or was given up. */
  bare(leaf: number): Told<Uint8Array | undefined>
  givenUp(): Told<number[]>
  /** Sequences of the statements by which trustees agreed to that. */
  losses(): Told<number[]>
  vault(vault: Uint8Array): Told<VaultRows>
  commit(sequence: number): Told<StoredCommit | undefined>
  /** Leaves after the last statement, which a restored index has without their statements. */
  lost(): Rows<{ readonly leaf: number; readonly entry: Uint8Array }>
  encapsulations(): Rows<{ readonly id: Uint8Array; readonly bytes: Uint8Array }>
  /** Rows of a table: those that nothing leads to are found by their number. */
  count(table: string): Told<number>
  checkpoint(): Told<StoredCheckpoint | undefined>
  cosigned(): Rows<{ readonly kind: string; readonly size: number; readonly note: Uint8Array }>
  tile(level: number, index: number): Told<Uint8Array | undefined>
  tiles(): Rows<Pick<StoredTile, 'level' | 'index'>>
  /** SHA-256 and size of a blob; undefined where there is none. */
  blob(digest: Uint8Array): Promise<{ readonly digest: Uint8Array; readonly size: number } | undefined>
  /** What this engine keeps beside that, against the rest. Throws AuditFault. */
  own?(): Promise<void>
  close(): Told<void>
}

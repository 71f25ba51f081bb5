/** What an audit reads of an index, whatever engine holds it. Rows come as they are: nothing of them is believed. */
import type { StoredTile } from '../log-store.ts'

export interface StatementRow {
  readonly sequence: number
  /** Id of its vault, `registry` for key records; undefined where the row names a vault that is not there. */
  readonly vault: Uint8Array | 'registry' | undefined
  readonly id: Uint8Array
  readonly time: number
  readonly keyVersion: number
  readonly signature: Uint8Array
  readonly statement: Uint8Array
  readonly salt: Uint8Array
  readonly subject: Uint8Array | undefined
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
  readonly no: number
  readonly category: number
  readonly place: number
  readonly capsule: Uint8Array
}

export interface RecordItemRow {
  readonly no: number
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
  readonly versions: () => Iterable<VersionRow>
  readonly blobPlaces: () => Iterable<OfPart & { readonly digest: Uint8Array; readonly category: number }>
}

/** The row, and walks over its items. */
export interface StoredCommit extends CommitRow {
  readonly items: {
    readonly capsules: () => Iterable<CapsuleItemRow>
    readonly records: () => Iterable<RecordItemRow>
  }
}

export interface AuditSource {
  statements(): Iterable<StatementRow>
  keyRecords(): Iterable<KeyRecordRow>
  /** Signed key records by their rows, genesis first. */
  keyChain(principal: Uint8Array): Uint8Array[]
  vaults(): Iterable<Uint8Array>
  /** Sequences of one vault's statements, ascending. */
  sequences(vault: Uint8Array): number[]
  statement(sequence: number): StatementRow | undefined
  /** Entry of a leaf of a restored index that has no statement: it is still missing, or was given up. */
  bare(leaf: number): Uint8Array | undefined
  givenUp(): number[]
  /** Sequences of the statements by which trustees agreed to that. */
  losses(): number[]
  vault(vault: Uint8Array): VaultRows
  commit(sequence: number): StoredCommit | undefined
  /** Leaves after the last statement, which a restored index has without their statements. */
  lost(): Iterable<{ readonly leaf: number; readonly entry: Uint8Array }>
  encapsulations(): Iterable<{ readonly id: Uint8Array; readonly bytes: Uint8Array }>
  /** Rows of a table: those that nothing leads to are found by their number. */
  count(table: string): number
  checkpoint(): { readonly size: number; readonly root: Uint8Array; readonly note: Uint8Array } | undefined
  cosigned(): Iterable<{ readonly kind: string; readonly size: number; readonly note: Uint8Array }>
  tile(level: number, index: number): Uint8Array | undefined
  tiles(): Iterable<Pick<StoredTile, 'level' | 'index'>>
  /** SHA-256 and size of a blob; undefined where there is none. */
  blob(digest: Uint8Array): Promise<{ readonly digest: Uint8Array; readonly size: number } | undefined>
  close(): void
}

/** A vault as one transaction loaded it, and what the operations of that transaction are going to write. */
import { followingSalt } from '@scelle/seal/verify'
import { nameOf } from '../names.ts'
import type { CapsuleState, CategoryState, GrantState, Refusal, StoredStatement } from '../store.ts'

export interface PartState {
  readonly part: number
  readonly custodian: Uint8Array
  categories: readonly CategoryState[]
  /** The newest manifest. */
  manifest: Uint8Array
  version: number
}

export interface GrantIn extends GrantState {
  readonly part: number
  readonly seq: number
  /** Of the revocation, 0 for none. */
  readonly revokedSeq: number
  readonly keysSeq: number
  readonly keysVersion: number
}

export interface CapsuleAt extends CapsuleState {
  readonly part: number
  readonly hash: Uint8Array
}

/** A statement that takes the vault's next `seq`. */
export interface NewStatement {
  readonly seq: number
  readonly statement: StoredStatement
  readonly salt: Uint8Array
  /** Of a commit: when it came. */
  readonly time: number | undefined
}

export interface CommitRow {
  readonly part: number; readonly seq: number; readonly author: Uint8Array; readonly mask: number
  readonly leaves: Uint8Array
}

export interface CapsuleRow {
  readonly seq: number; readonly place: number; readonly category: number; readonly bytes: Uint8Array
}

export interface RecordRow {
  readonly seq: number; readonly place: number; readonly category: number; readonly header: Uint8Array
  readonly size: number; readonly digest: Uint8Array | undefined; readonly body: Uint8Array | undefined
}

export interface VersionRow {
  readonly handle: Uint8Array; readonly version: number; readonly part: number; readonly category: number
  readonly author: Uint8Array
}

export interface AccessRow {
  readonly part: number; readonly seq: number; readonly reader: Uint8Array; readonly refused: Uint8Array | undefined
}

/** What the database held when the vault's row was locked. */
export interface Loaded {
  readonly vault: Uint8Array
  readonly counter: number
  readonly parts: number
  readonly genesis: number | undefined
  /** Sequence numbers within the vault of statements that are stored, by name of the id. */
  readonly known: Map<string, number>
  readonly partStates: Map<string, PartState>
  /** By name of the id, and by name of the header's hash. */
  readonly capsules: Map<string, CapsuleAt>
  readonly hashes: Map<string, string>
  readonly versions: Set<string>
  readonly grants: Map<string, GrantIn>
  readonly keyRecords: number
}

export type Applied = Refusal | { readonly seq: number }

export const versionName = ({ part, category, author, handle, version }: VersionRow): string =>
  `${part}/${category}/${version}/${nameOf(author)}/${nameOf(handle)}`

/** Operations read and change it as if each were stored at once; `write.ts` stores all of it together. */
export class Draft {
  readonly state: Loaded
  counter: number
  parts: number
  genesis: number | undefined
  keyRecords: number
  readonly statements: NewStatement[] = []
  readonly changedParts = new Set<PartState>()
  readonly manifests: { part: number; version: number; seq: number }[] = []
  readonly keyRows: { version: number; seq: number; id: Uint8Array }[] = []
  readonly changedGrants = new Set<string>()
  readonly commits: CommitRow[] = []
  readonly capsules: CapsuleRow[] = []
  readonly changedCapsules = new Set<string>()
  readonly records: RecordRow[] = []
  readonly versions: VersionRow[] = []
  readonly blobs: { part: number; category: number; digest: Uint8Array }[] = []
  readonly accesses: AccessRow[] = []
  readonly #salt: () => Uint8Array

  constructor(state: Loaded, salt: () => Uint8Array) {
    this.state = state
    this.counter = state.counter
    this.parts = state.parts
    this.genesis = state.genesis
    this.keyRecords = state.keyRecords
    this.#salt = salt
  }

  get isVault(): boolean {
    return this.genesis !== undefined
  }

  part(custodian: Uint8Array): PartState | undefined {
    return this.isVault ? this.state.partStates.get(nameOf(custodian)) : undefined
  }

  before({ id }: StoredStatement): Applied | undefined {
    const seq = this.state.known.get(nameOf(id))
    return seq === undefined ? undefined : { seq }
  }

  add(statement: StoredStatement, { time, follows }: { time?: number; follows?: number } = {}): number {
    const seq = ++this.counter
    const before = this.statements.find((one) => one.seq === follows)
    const salt = before === undefined ? this.#salt() : followingSalt(before.salt)
    this.statements.push({ seq, statement, salt, time })
    this.state.known.set(nameOf(statement.id), seq)
    return seq
  }

  setGrant(grant: GrantIn): void {
    const name = nameOf(grant.id)
    this.state.grants.set(name, grant)
    this.changedGrants.add(name)
  }

  setCapsule(capsule: CapsuleAt): void {
    const name = nameOf(capsule.capsule)
    this.state.capsules.set(name, capsule)
    this.state.hashes.set(nameOf(capsule.hash), name)
    this.changedCapsules.add(name)
  }
}

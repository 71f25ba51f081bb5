/** Operations with made-up statements: a store does not look into them. */
import type {
  AccessOperation,
  CapsuleIn,
  CommitOperation,
  GrantOperation,
  KeyRecordOperation,
  ManifestOperation,
  PositionSigner,
  RecordIn,
  RevocationOperation,
  StoredStatement,
  VaultOperation,
} from '../src/store.ts'

export type Random = (length: number) => Uint8Array

/** A signer whose signatures say what they are about, so that a mixed-up position is seen. */
export const plainSigner: PositionSigner = async (statement, sequence, salt) => ({
  sequence,
  salt,
  time: 1_768_464_000,
  keyVersion: 0,
  signature: new Uint8Array([...statement, ...statement]),
})

export const AT = 1_768_464_000

export const statement = (random: Random): StoredStatement => ({ id: random(32), bytes: random(40) })

export const keyRecord = (random: Random, principal: Uint8Array, version: number): KeyRecordOperation => ({
  kind: 'key-record',
  statement: statement(random),
  principal,
  version,
})

export const manifest = (
  random: Random,
  at: { vault: Uint8Array; custodian: Uint8Array },
  from: {
    version?: number
    previous?: Uint8Array
    categories: readonly { category: Uint8Array; epoch: number; accessLog?: boolean }[]
  },
): ManifestOperation => ({
  kind: 'manifest',
  statement: statement(random),
  ...at,
  version: from.version ?? 1,
  previous: from.previous,
  categories: from.categories.map((category) => ({ strict: false, accessLog: false, ...category })),
})

export const vault = (
  random: Random, custodian: Uint8Array, categories: readonly Uint8Array[], accessLog?: Uint8Array,
): VaultOperation => {
  const genesis = statement(random)
  return {
    kind: 'vault',
    statement: genesis,
    controller: custodian,
    mode: 'owner',
    manifest: manifest(
      random,
      { vault: genesis.id, custodian },
      { categories: categories.map((category) => ({ category, epoch: 0, accessLog: category === accessLog })) },
    ),
  }
}

export interface Part {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
}

export const grant = (
  random: Random,
  part: Part,
  fields: Partial<GrantOperation['grant']> & { grantee: Uint8Array; categories: Uint8Array[] },
  signer = part.custodian,
): GrantOperation => {
  const own = statement(random)
  return {
    kind: 'grant',
    statement: own,
    signer,
    grant: {
      suite: 1,
      ...part,
      rights: 7,
      purposes: ['treatment'],
      basis: 'consent',
      notBefore: AT - 10,
      expires: AT + 86_400,
      depth: 2,
      salt: random(16),
      ...fields,
    },
    at: AT,
    counted: 'in-all-vaults',
    keys: { kind: 'grant-keys', statement: statement(random), vault: part.vault, grant: own.id, manifestVersion: 1 },
  }
}

export const revocation = (random: Random, vaultId: Uint8Array, grantId: Uint8Array): RevocationOperation => ({
  kind: 'revocation',
  statement: statement(random),
  vault: vaultId,
  grant: grantId,
})

export const capsule = (random: Random, category: Uint8Array, fields: Partial<CapsuleIn> = {}): CapsuleIn => ({
  place: 0,
  bytes: random(60),
  capsule: random(16),
  headerHash: random(32),
  category,
  epoch: 0,
  opened: AT,
  ...fields,
})

export const record = (random: Random, capsuleId: Uint8Array, fields: Partial<RecordIn> = {}): RecordIn => ({
  place: 1,
  header: random(20),
  capsule: capsuleId,
  handle: random(16),
  version: 1,
  size: 30,
  body: random(30),
  digest: random(32),
  ...fields,
})

export const commit = (
  random: Random,
  part: Part & { author: Uint8Array },
  items: { capsules?: CapsuleIn[]; records?: RecordIn[] },
  fields: Partial<CommitOperation> = {},
): CommitOperation => ({
  kind: 'commit',
  statement: statement(random),
  ...part,
  at: AT,
  leaves: random(64),
  capsules: items.capsules ?? [],
  records: items.records ?? [],
  encapsulations: [],
  ...fields,
})

export const access = (
  random: Random,
  part: Part,
  reader: Uint8Array,
  fields: { capsules: Uint8Array[]; chain: Uint8Array[]; purpose?: 'treatment' | 'legal' },
): AccessOperation => ({
  kind: 'access',
  statement: statement(random),
  at: AT,
  access: {
    suite: 1,
    access: random(16),
    ...part,
    reader,
    purpose: 'treatment',
    oneTimeKey: new Uint8Array(1216),
    time: AT,
    ...fields,
  },
})

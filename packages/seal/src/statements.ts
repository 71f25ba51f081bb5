/**
 * Every object of the format, byte for byte. `spec/format.md` explains each field; this file is what runs.
 * Times are seconds since 1970 UTC. Ids are 32 bytes unless they say otherwise. Field numbers are never reused.
 */
import { bool, bytes, choice, field, list, optional, struct, text, uint, type Value } from './encoding/schema.ts'
import { LIMITS } from './limits.ts'

/** The one suite of this version: X-Wing, HKDF-SHA-256, AES-256-GCM, Cobblestone-256, Ed25519, SHA-256. */
export const SUITE = 1

const hash32 = bytes(32)
const id16 = bytes(16)
const time = uint()
const suite = uint(0xffff)
const xwingPublicKey = bytes(1216)
const xwingEncapsulation = bytes(1120)

export const KINDS = [
  'key-record',
  'vault-genesis',
  'manifest',
  'commit',
  'grant',
  'grant-keys',
  'revocation',
  'access',
  'position',
  'positions',
  'release',
  'denial',
  'head',
  'successor',
  'status',
  'fact',
  'confirmation',
  'order',
  'ticket',
  'envelope',
  'binding',
  'link',
  'report',
  'decoy',
  'dealing',
  'discovery-key',
  'identity-proof',
  'spent',
  'card',
  'card-opening',
  'notice',
  'session-request',
  'session',
  'sign-out',
  'withdrawal',
  'software',
  'recovery',
  'objection',
] as const
export type Kind = (typeof KINDS)[number]

/** What an authenticator and the browser before it add to a signature: WebAuthn level 3, sections 5.8.1 and 6.1. */
export const Assertion = struct({
  credential: field(0, bytes(1, LIMITS.credential)),
  /** `rpIdHash`, flags and counter, and nothing else: what an extension gave out is no server's business. */
  authenticatorData: field(1, bytes(37)),
  clientData: field(2, bytes(1, LIMITS.clientData)),
})
export type Assertion = Value<typeof Assertion>

/** What a signature covers: kind, signer, key version and body. The statement's id is the hash of these bytes. */
export const Signed = struct({
  kind: field(0, choice(KINDS)),
  body: field(1, bytes(0, LIMITS.statement)),
  signer: field(2, hash32),
  keyVersion: field(3, uint(LIMITS.keyChain)),
  signature: field(4, bytes(64)),
  /** By a passkey of the signer, instead of its key: see `verify/assertion.ts`. */
  assertion: optional(5, Assertion),
  /** In this session of the signer, by its key instead of the signer's own: the signed session. */
  session: optional(6, bytes(1, LIMITS.session)),
})
export type Signed = Value<typeof Signed>

export const PRINCIPAL_KINDS = ['person', 'organisation', 'vendor', 'machine', 'trustee', 'index'] as const

/** The two that every authenticator has one of. ES256: P-256, `x ‖ y`, 64 bytes. EdDSA: Ed25519, 32 bytes. */
export const PASSKEY_ALGORITHMS = ['ES256', 'EdDSA'] as const

/** An authenticator of a person's. Everything that is checked of its assertions stands here, and nowhere else. */
export const Passkey = struct({
  credential: field(0, bytes(16, LIMITS.credential)),
  algorithm: field(1, choice(PASSKEY_ALGORITHMS)),
  publicKey: field(2, bytes(32, 64)),
  /** The one origin whose assertions count, as browsers write it: `https://passkey.example`. */
  origin: field(3, text(LIMITS.origin)),
  rpId: field(4, text(LIMITS.origin)),
  /** It cannot leave its device (BE = 0). */
  deviceBound: field(5, bool),
})
export type Passkey = Value<typeof Passkey>

/** A principal's keys. Version 0 signs itself (signer = 32 zero bytes); each later one is signed by its predecessor. */
export const KeyRecord = struct({
  suite: field(0, suite),
  kind: field(1, choice(PRINCIPAL_KINDS)),
  version: field(2, uint(LIMITS.keyChain)),
  previous: optional(3, hash32),
  signingKey: field(4, bytes(32)),
  sealingKey: field(5, xwingPublicKey),
  time: field(6, time),
  salt: field(7, id16),
  /** Of a person: those that are good now. Whichever is lost is left out of the next record. */
  passkeys: optional(8, list(Passkey, LIMITS.passkeys)),
  /**
   * It passes on and writes; patients' charts open for its people alone, in their sessions. Once said, it stays so:
   * whoever steals the key could otherwise sign another record without it.
   */
  flowOnly: optional(9, bool),
})
export type KeyRecord = Value<typeof KeyRecord>

/** Who answers for the vault: its owner (the patient), or, until it is claimed, custodians each for their own part. */
export const VAULT_MODES = ['owner', 'custody'] as const

export const VaultGenesis = struct({
  suite: field(0, suite),
  controller: field(1, hash32),
  mode: field(2, choice(VAULT_MODES)),
  trustees: field(3, list(hash32, 3)),
  time: field(4, time),
  salt: field(5, id16),
})
export type VaultGenesis = Value<typeof VaultGenesis>

/**
 * A category's public side. `previous` is the former epoch's secret under this one's: readers reach back, not forward.
 */
export const CategoryEntry = struct({
  category: field(0, id16),
  epoch: field(1, uint(0xffff_ffff)),
  publicKey: field(2, xwingPublicKey),
  strict: field(3, bool),
  previous: optional(4, bytes(48)),
  /** Takes what readers write about their own accesses: whoever may read in the part may add to it. Public. */
  accessLog: optional(5, bool),
})
export type CategoryEntry = Value<typeof CategoryEntry>

export const Manifest = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  custodian: field(2, hash32),
  version: field(3, uint(0xffff_ffff)),
  previous: optional(4, hash32),
  time: field(5, time),
  categories: field(6, list(CategoryEntry, LIMITS.categories)),
  /** {@link CategorySecrets}, sealed to the custodian itself: a custodian that kept only its own keys loses nothing. */
  enc: field(7, xwingEncapsulation),
  sealed: field(8, bytes(16, 8_192)),
})
export type Manifest = Value<typeof Manifest>

/** What a sealed key delivery holds: names of categories and, for readers, the current epoch's 32-byte secret. */
export const CategorySecrets = list(
  struct({
    category: field(0, id16),
    code: field(1, text(LIMITS.categoryCode)),
    epoch: field(2, uint(0xffff_ffff)),
    secret: optional(3, bytes(32)),
  }),
  LIMITS.categories,
)
export type CategorySecrets = Value<typeof CategorySecrets>

/** One key encapsulation of a writer to a recipient's sealing key, used for a day and named by its hash. */
export const Encapsulation = struct({
  suite: field(0, suite),
  writer: field(1, hash32),
  recipient: field(2, hash32),
  recipientKeyVersion: field(3, uint(LIMITS.keyChain)),
  day: field(4, uint(0xffff_ffff)),
  enc: field(5, xwingEncapsulation),
})
export type Encapsulation = Value<typeof Encapsulation>

/** Retention classes: how long what the capsule holds must be kept at least. Clocks are the vault's. */
export const RETENTION_CLASSES = ['care', 'administrative', 'patient', 'access-log'] as const

export const CapsuleHeader = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  custodian: field(2, hash32),
  category: field(3, id16),
  epoch: field(4, uint(0xffff_ffff)),
  capsule: field(5, id16),
  writer: field(6, hash32),
  enc: field(7, xwingEncapsulation),
  releaseCommitment: field(8, hash32),
  shareCommitments: field(9, list(hash32, 3)),
  retention: field(10, choice(RETENTION_CLASSES)),
  opened: field(11, time),
})
export type CapsuleHeader = Value<typeof CapsuleHeader>

/** A sealed secret and the encapsulation whose shared secret sealed it. */
export const CourierSeal = struct({
  encapsulation: field(0, hash32),
  sealed: field(1, bytes(16, 128)),
})
export type CourierSeal = Value<typeof CourierSeal>

/**
 * A capsule as stored: header bytes (hashed as they are), one sealed share per trustee, `r` for the owner if claimed.
 */
export const Capsule = struct({
  header: field(0, bytes(1, LIMITS.capsuleHeader)),
  shares: field(1, list(CourierSeal, 3)),
  owner: optional(2, CourierSeal),
})
export type Capsule = Value<typeof Capsule>

/** What the body is once opened. A tombstone has an empty body: the resource was deleted in this version. */
export const CONTENT_TYPES = ['fhir+json', 'tombstone', 'octets'] as const

/**
 * Vault, category and author are the capsule's: the record's context binds the capsule header's hash, so they are
 * authenticated without being repeated. `dictionary` 0 means none; otherwise its place in the spec's table.
 */
export const RecordHeader = struct({
  suite: field(0, suite),
  capsule: field(1, id16),
  record: field(2, id16),
  handle: field(3, id16),
  version: field(4, uint(0xffff_ffff)),
  time: field(5, time),
  contentType: field(6, choice(CONTENT_TYPES)),
  dictionary: field(7, uint(0xff)),
})
export type RecordHeader = Value<typeof RecordHeader>

/** A writer's batch for one vault. `root` covers every record and capsule of it; see `spec/format.md`, Commit. */
export const Commit = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  author: field(2, hash32),
  root: field(3, hash32),
  /** log2 of the number of leaves, padding included. */
  depth: field(4, uint(14)),
  capsules: field(5, uint(LIMITS.commitLeaves)),
  time: field(6, time),
  link: field(7, hash32),
  linkSeal: field(8, CourierSeal),
  salt: field(9, id16),
  /** Whose categories the batch goes to: one commit, one custodian. */
  custodian: field(10, hash32),
})
export type Commit = Value<typeof Commit>

export const PURPOSES = ['treatment', 'emergency', 'administration', 'patient-request', 'legal', 'research'] as const
export const BASES = ['care-team', 'consent', 'vital-interest', 'legal-duty'] as const

/** Rights are bits; a child grant's are a subset of its parent's. */
export const RIGHTS = { relay: 1, write: 2, read: 4, shareOn: 8 } as const

export const Grant = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  custodian: field(2, hash32),
  grantee: field(3, hash32),
  parent: optional(4, hash32),
  categories: field(5, list(id16, LIMITS.categories)),
  rights: field(6, uint(15)),
  purposes: field(7, list(choice(PURPOSES), PURPOSES.length)),
  basis: field(8, choice(BASES)),
  notBefore: field(9, time),
  expires: field(10, time),
  /** How many further links may hang below this one. */
  depth: field(11, uint(LIMITS.grantChain)),
  /**
   * Distinct patients a day the grantor expects at most; trustees read it as a further bound, never as a permission.
   */
  patientsPerDay: optional(12, uint(1_000_000)),
  salt: field(13, id16),
  /**
   * Statement id of the {@link Ticket} that a grant to a vendor rests on. Each link below names the same one.
   */
  ticket: optional(14, hash32),
  /** A standing grant: good only together with a {@link Fact} about the vault and the grantee's organisation. */
  standing: optional(15, bool),
  /** Those of `categories` that are strict, by the custodian's manifest: a link below leaves none of its own out. */
  strict: optional(16, list(id16, LIMITS.categories)),
  /** Of a grant to the emergency key: those of `categories` that open without a colleague. */
  summary: optional(17, list(id16, LIMITS.categories)),
})
export type Grant = Value<typeof Grant>

/** Category secrets for a grantee, renewed after each epoch; signed by the grant's own signer. */
export const GrantKeys = struct({
  suite: field(0, suite),
  grant: field(1, hash32),
  vault: field(2, hash32),
  manifestVersion: field(3, uint(0xffff_ffff)),
  enc: field(4, xwingEncapsulation),
  sealed: field(5, bytes(16, 8_192)),
})
export type GrantKeys = Value<typeof GrantKeys>

export const Revocation = struct({
  suite: field(0, suite),
  vault: field(1, hash32),
  grant: field(2, hash32),
  time: field(3, time),
  salt: field(4, id16),
})
export type Revocation = Value<typeof Revocation>

/** A reader's statement of what it is about to open and why. `capsules` are capsule header hashes. */
export const Access = struct({
  suite: field(0, suite),
  access: field(1, id16),
  vault: field(2, hash32),
  custodian: field(3, hash32),
  reader: field(4, hash32),
  capsules: field(5, list(hash32, LIMITS.accessCapsules)),
  /** Ids of the grants from the custodian's to the reader's; empty where the custodian itself reads. */
  chain: field(6, list(hash32, LIMITS.grantChain)),
  purpose: field(7, choice(PURPOSES)),
  oneTimeKey: field(8, xwingPublicKey),
  time: field(9, time),
  /** Statement id of the session in which it is signed. */
  session: optional(10, hash32),
  /**
   * Made ahead of time: the reader opens until then, without a network. `oneTimeKey` is then the reader's own sealing
   * key, so that the answers may rest on its disk.
   */
  until: optional(11, time),
})
export type Access = Value<typeof Access>

/**
 * The index's signed word that it holds a statement durably, at this place: leaf `sequence - 1` of its log. With `salt`
 * the word can be held against the log: the leaf is then `logEntry` of that salt. Absent in words older than the log.
 */
export const Position = struct({
  suite: field(0, suite),
  index: field(1, hash32),
  statement: field(2, hash32),
  sequence: field(3, uint()),
  time: field(4, time),
  salt: optional(5, id16),
  /** Which of the index's logs; absent for its first one. */
  generation: optional(6, uint()),
})
export type Position = Value<typeof Position>

/** The same word about several statements that the index took together, in the order of its answer to them. */
export const Positions = struct({
  suite: field(0, suite),
  index: field(1, hash32),
  held: field(2, list(struct({
    statement: field(0, hash32), sequence: field(1, uint()), time: field(2, time), salt: optional(3, id16),
  }), LIMITS.positions)),
  /** As in {@link Position}. */
  generation: optional(3, uint()),
})
export type Positions = Value<typeof Positions>

/** A trustee's word that it released its shares of an access's capsules. It becomes a leaf of the log. */
export const Release = struct({
  suite: field(0, suite),
  trustee: field(1, hash32),
  vault: field(2, hash32),
  /** Statement id of the access. */
  access: field(3, hash32),
  capsules: field(4, uint(LIMITS.accessCapsules)),
  time: field(5, time),
  salt: field(6, id16),
  /**
   * What was charged for it, readable by this trustee alone: a meter that was restored from a backup gets its own
   * spending back from the log. Absent in words older than the meter.
   */
  charge: optional(7, bytes(16, LIMITS.charge)),
})
export type Release = Value<typeof Release>

/** A server's word that it refused an access, and by which rule. */
export const Denial = struct({
  suite: field(0, suite),
  /** Who refused: the index or a trustee. */
  server: field(1, hash32),
  vault: field(2, hash32),
  reader: field(3, hash32),
  /** Statement id of the access. */
  access: field(4, hash32),
  /** Code of the refusal. */
  problem: field(5, text(64)),
  time: field(6, time),
  salt: field(7, id16),
})
export type Denial = Value<typeof Denial>

/** The index's word what the newest checkpoint of its log was at a time: an old one is a lie that can be shown. */
export const Head = struct({
  suite: field(0, suite),
  index: field(1, hash32),
  /** The signed note. */
  checkpoint: field(2, bytes(1, LIMITS.note)),
  time: field(3, time),
})
export type Head = Value<typeof Head>

/**
 * Agreement of a trustee that statements of a log are lost, and which log goes on: the same one where all its leaves
 * are still there, without some of their statements. All three sign the same body. They become leaves of the log.
 */
export const Successor = struct({
  suite: field(0, suite),
  index: field(1, hash32),
  /** Origin of the log that ended, its last cosigned size and root. */
  ended: field(2, text(128)),
  size: field(3, uint()),
  root: field(4, hash32),
  /** Origin of the log that goes on, and how many leaves of the old one it begins with. */
  successor: field(5, text(128)),
  kept: field(6, uint()),
  /** Leaf indexes of the ended log whose statements are lost, ascending. */
  missing: field(7, list(uint(), LIMITS.missing)),
  time: field(8, time),
})
export type Successor = Value<typeof Successor>

/**
 * Bodies of requests and answers between parties: deterministic CBOR, `application/cbor`. `spec/protocol.md` says which
 * route takes which. Statements travel as the bytes that were signed: nobody re-encodes what another one hashed.
 */
import {
  bool, bytes, FORMAT_LIMITS, choice, CourierSeal, field, list, optional, struct, text, uint, type Value,
} from '@scelle/seal/verify'
import { PROBLEMS, type ProblemCode } from './errors.ts'
import { WIRE_LIMITS } from './limits.ts'

export * from './discovery-messages.ts'
export * from './recovery-messages.ts'
export * from './guard-messages.ts'

const hash32 = bytes(32)
const statement = bytes(1, FORMAT_LIMITS.statement)
const statements = (max: number) => list(statement, max)
const problemCodes = Object.keys(PROBLEMS) as ProblemCode[]

/** All key records of one principal, genesis first. */
export const KeyChain = statements(FORMAT_LIMITS.keyChain)
export type KeyChain = Value<typeof KeyChain>

export const NewVault = struct({ genesis: field(0, statement), manifest: field(1, statement) })
export type NewVault = Value<typeof NewVault>

/** A vault as one principal sees it: its genesis, and every manifest of each custodian it deals with, oldest first. */
export const VaultView = struct({
  genesis: field(0, statement),
  manifests: field(1, list(struct({ custodian: field(0, hash32), versions: field(1, statements(65_536)) }), 4_096)),
})
export type VaultView = Value<typeof VaultView>

export const NewGrant = struct({ grant: field(0, statement), keys: field(1, statement) })
export type NewGrant = Value<typeof NewGrant>

/** Grants given to or by the caller in one vault, with their ancestors, root first, and the newest keys. */
export const GrantList = list(
  struct({ chain: field(0, statements(8)), keys: optional(1, statement), revoked: field(2, bool) }),
  4_096,
)
export type GrantList = Value<typeof GrantList>

export const CommitSubmission = struct({
  commit: field(0, statement),
  /** All leaves in their places, 32 bytes each, padding included. */
  leaves: field(1, bytes(32, 32 * FORMAT_LIMITS.commitLeaves)),
  capsules: field(2, list(struct({
    place: field(0, uint()), capsule: field(1, bytes(1, 8_192)),
  }), FORMAT_LIMITS.commitLeaves)),
  records: field(3, list(struct({
    place: field(0, uint()),
    header: field(1, bytes(1, FORMAT_LIMITS.recordHeader)),
    digest: field(2, hash32),
    size: field(3, uint()),
    /** Absent where the body was uploaded as a blob under `digest`. */
    body: optional(4, bytes(0, WIRE_LIMITS.inlineBody)),
  }), FORMAT_LIMITS.commitLeaves)),
  /** Encapsulations that this commit's seals name and the index may not have yet. */
  encapsulations: field(4, list(bytes(1, 2_048), 64)),
})
export type CommitSubmission = Value<typeof CommitSubmission>

export const CommitBatch = list(CommitSubmission, WIRE_LIMITS.commitsPerRequest)

/**
 * One answer per commit, in order: nothing where it was accepted, or a code and, for conflicts, the places concerned.
 * `positions` is the index's signed word about all that were accepted, in the same order; absent where none was.
 */
export const CommitAnswers = struct({
  positions: optional(0, statement),
  answers: field(1, list(
    struct({
      problem: optional(0, choice(problemCodes)),
      places: optional(1, list(uint(), FORMAT_LIMITS.commitLeaves)),
    }),
    WIRE_LIMITS.commitsPerRequest,
  )),
})
export type CommitAnswers = Value<typeof CommitAnswers>

export const FeedCommit = struct({
  commit: field(0, statement),
  capsules: field(1, list(struct({
    place: field(0, uint()), capsule: field(1, bytes(1, 8_192)),
  }), FORMAT_LIMITS.commitLeaves)),
  records: field(2, list(struct({
    place: field(0, uint()),
    header: field(1, bytes(1, FORMAT_LIMITS.recordHeader)),
    digest: field(2, hash32),
    size: field(3, uint()),
    body: optional(4, bytes(0, WIRE_LIMITS.inlineBody)),
  }), FORMAT_LIMITS.commitLeaves)),
  /** What proves all of them together: see `verifyLeaves`. */
  siblings: field(3, list(hash32, FORMAT_LIMITS.commitLeaves)),
})
export type FeedCommit = Value<typeof FeedCommit>

/** A page of what one principal may read of one custodian's part of a vault, in the index's order. */
export const Feed = struct({
  commits: field(0, list(FeedCommit, WIRE_LIMITS.feedPage)),
  encapsulations: field(1, list(bytes(1, 2_048), 65_536)),
  /** Opaque: the index's own, sealed, so that it counts nothing for the reader. */
  cursor: field(2, bytes(0, 256)),
  more: field(3, bool),
})
export type Feed = Value<typeof Feed>

/** Signed commits of one custodian's part, for whoever may check the links: all for the custodian and the owner. */
export const CommitHistory = struct({
  commits: field(0, statements(65_536)),
  encapsulations: field(1, list(bytes(1, 2_048), 65_536)),
  /**
   * Where each commit stands in the log, in the same order: leaf `sequence - 1`, and its salt. The newest may have no
   * number yet, so there may be fewer places than commits. Not signed: only the leaf itself shows that they hold.
   */
  places: optional(2, list(struct({ sequence: field(0, uint()), salt: field(1, bytes(16)) }), 65_536)),
})
export type CommitHistory = Value<typeof CommitHistory>

/** A proof that stands by itself, c2sp.org/tlog-proof, whose `extra` is the leaf's salt: see `./log`. */
const logProof = bytes(1, WIRE_LIMITS.logProof)

/** A signed position in answer to one statement; of an access also the proof, once a quorum cosigned it. */
export const Receipt = struct({ position: field(0, statement), proof: optional(1, logProof) })
export type Receipt = Value<typeof Receipt>

/** A whole proof that a reader may read: everything a trustee needs to decide by itself, nothing looked up. */
export const ReleaseRequest = struct({
  access: field(0, statement),
  genesis: field(2, statement),
  /** Key chains of controller, custodian, every grantee of the chain, the reader, the trustees: each principal once. */
  keys: field(3, list(KeyChain, WIRE_LIMITS.shownKeys)),
  chain: field(4, statements(8)),
  capsules: field(5, list(struct({
    header: field(0, bytes(1, FORMAT_LIMITS.capsuleHeader)), share: field(1, CourierSeal),
  }), FORMAT_LIMITS.accessCapsules)),
  encapsulations: field(6, list(bytes(1, 2_048), FORMAT_LIMITS.accessCapsules)),
  /** The access's proof, under a checkpoint that this trustee cosigned and another one of the vault. */
  receipt: field(7, logProof),
  /** `status` of the reader, of its organisations, and of whoever signed the facts and confirmations below. */
  statuses: optional(8, statements(WIRE_LIMITS.shownStatuses)),
  /** Why this is care. */
  facts: optional(9, statements(WIRE_LIMITS.shownFacts)),
  confirmations: optional(10, statements(WIRE_LIMITS.shownConfirmations)),
  /** Of a vendor's access. */
  ticket: optional(11, statement),
})
export type ReleaseRequest = Value<typeof ReleaseRequest>

/** Where a reader stands at one trustee: patients counted, and how many there may be. */
export const Counter = struct({
  /** Distinct patients in the last 24 hours, and the bound of those that nobody but the reader's own house explains. */
  day: field(0, uint()),
  dayBound: field(1, uint()),
  /** Of those, without any explanation: how many, how many are free, and where no more are released. */
  unexplained: field(2, uint()),
  free: field(3, uint()),
  unexplainedBound: field(4, uint()),
  /** Distinct patients in 30 days that nobody outside the reader's own house explains, and their bound. */
  month: field(5, uint()),
  monthBound: field(6, uint()),
  /** Counted, and nothing is refused for it: asked for by the trustee's operator, and never the default. */
  shadow: field(7, bool),
})
export type Counter = Value<typeof Counter>

export const ReleaseAnswer = struct({
  trustee: field(0, hash32),
  access: field(1, hash32),
  enc: field(2, bytes(1_120)),
  /** One per capsule of the access, in its order. */
  sealed: field(3, list(bytes(49), FORMAT_LIMITS.accessCapsules)),
  /** The reader's own, after this release. Absent where nothing is counted: of a vault's own custodian's writing. */
  counter: optional(4, Counter),
})
export type ReleaseAnswer = Value<typeof ReleaseAnswer>

/** A revocation with what proves the revoker's right to it. */
export const RevocationNotice = struct({
  revocation: field(0, statement),
  genesis: field(1, statement),
  chain: field(2, statements(8)),
  keys: field(3, list(KeyChain, 16)),
})
export type RevocationNotice = Value<typeof RevocationNotice>

/** Told to a trustee alone: a vault is a decoy, by its custodian's word or a register's. */
export const DecoyNotice = struct({
  decoy: field(0, statement),
  genesis: field(1, statement),
  keys: field(2, list(KeyChain, WIRE_LIMITS.shownKeys)),
})
export type DecoyNotice = Value<typeof DecoyNotice>

/** Officers' order, signed by each of them alike, with their statuses and that of whom it is about. */
export const OrderNotice = struct({
  orders: field(0, statements(2)),
  statuses: field(1, statements(WIRE_LIMITS.shownStatuses)),
  keys: field(2, list(KeyChain, WIRE_LIMITS.shownKeys)),
})
export type OrderNotice = Value<typeof OrderNotice>

/** A register's withdrawal of what it said of somebody, with the register's keys and those of whoever brings it. */
export const WithdrawalNotice = struct({
  withdrawal: field(0, statement),
  keys: field(1, list(KeyChain, WIRE_LIMITS.shownKeys)),
})
export type WithdrawalNotice = Value<typeof WithdrawalNotice>

/** A reader asks where it stands, without opening anything. */
export const MeterRequest = struct({
  statuses: field(0, statements(WIRE_LIMITS.shownStatuses)),
  keys: field(1, list(KeyChain, WIRE_LIMITS.shownKeys)),
  /** In which the request is signed; the house's key chain is then among the keys. */
  session: optional(2, statement),
})
export type MeterRequest = Value<typeof MeterRequest>

/**
 * `locked`: why nothing is released to the reader now (a lock's cause, or `withdrawn`); whatever it has open is to be
 * closed.
 */
export const MeterAnswer = struct({ counter: field(0, Counter), locked: optional(1, text(16)) })
export type MeterAnswer = Value<typeof MeterAnswer>

/** Broken glass of an officer's organisation, newest first. */
export const EmergencyList = list(struct({
  /** Statement id of the access. */
  access: field(0, hash32),
  vault: field(1, hash32),
  time: field(2, uint()),
  /** The reader's signed confirmation, with the reason. */
  reason: field(3, statement),
  reviewed: optional(4, uint()),
}), WIRE_LIMITS.emergencyList)
export type EmergencyList = Value<typeof EmergencyList>

/**
 * A trustee's meter as everybody may know it. Distinct patients of all readers in 24 hours; the busiest of 30 days;
 * since when, in seconds, it has been more than is usual, if it was in the last 24 hours.
 */
export const MeterStatus = struct({
  shadow: field(0, bool), locks: field(1, uint()), day: field(2, uint()), usual: field(3, uint()),
  alarm: optional(4, uint()),
})
export type MeterStatus = Value<typeof MeterStatus>

/** A trustee's own `release` words after a leaf, in the order of the log; `next` is where to go on. */
export const ReleaseJournal = struct({
  words: field(0, statements(WIRE_LIMITS.releaseJournal)), next: field(1, uint()), end: field(2, bool),
})
export type ReleaseJournal = Value<typeof ReleaseJournal>

/** What `GET /v1/self` tells of a server: its principal's key chain and what it is. */
export const Self = struct({ role: field(0, text(32)), keys: field(1, KeyChain) })
export type Self = Value<typeof Self>

/** Leaves that the index hands to a trustee, from `from` on, and an `add-checkpoint` request over them. */
export const LogPush = struct({
  from: field(0, uint()),
  leaves: field(1, list(struct({
    entry: field(0, bytes(1, 256)),
    /** Of a control leaf, and of a denial by the index: the statement that it commits to, and its salt. */
    statement: optional(1, statement),
    salt: optional(2, bytes(16)),
    /** Of a denial: the access that was refused. Nobody else could give it back to an index that was restored. */
    access: optional(3, statement),
  }), WIRE_LIMITS.logPush)),
  /** c2sp.org/tlog-witness. Absent while more leaves follow. */
  request: optional(2, bytes(1, WIRE_LIMITS.logProof)),
  /** The index's own key chain: a trustee pins its id and looks nothing up. */
  keys: field(3, KeyChain),
})
export type LogPush = Value<typeof LogPush>

/**
 * What the trustee has now: the leaves that it mirrors, the size that it cosigned last, and its cosignature (note
 * signature lines) where it cosigned. A push that does not begin at `mirrored`, or whose `old` is not `cosigned`, is
 * answered with nothing but these numbers.
 */
export const LogPushed = struct({
  mirrored: field(0, uint()),
  cosigned: field(1, uint()),
  cosignature: optional(2, text(4_096)),
})
export type LogPushed = Value<typeof LogPushed>

/** Accesses to one part, as the index holds them: denied ones with its word that it refused them. */
export const AccessList = list(struct({
  access: field(0, statement),
  /** Signed position of the access, or of the denial. */
  position: field(1, statement),
  denial: optional(2, statement),
}), WIRE_LIMITS.accessList)
export type AccessList = Value<typeof AccessList>

/** What whoever asks a trustee for a part's releases shows of itself: the owner, or the part's custodian. */
export const ReleasesRequest = struct({
  genesis: field(0, statement),
  custodian: field(1, hash32),
  keys: field(2, list(KeyChain, 16)),
  /** Seconds since 1970 UTC. */
  since: field(3, uint()),
})
export type ReleasesRequest = Value<typeof ReleasesRequest>

/** A trustee's own list of what it released and refused, oldest first. */
export const ReleasesAnswer = struct({
  releases: field(0, list(struct({
    access: field(0, statement),
    /** The trustee's signed `release`, or `denial`. */
    word: field(1, statement),
  }), WIRE_LIMITS.accessList)),
  more: field(1, bool),
})
export type ReleasesAnswer = Value<typeof ReleasesAnswer>

/** Where the index's log holds each record of a principal's key chain: leaf `sequence - 1`, with this salt. */
export const KeyPlaces = list(
  struct({ sequence: field(0, uint()), salt: field(1, bytes(16)) }), FORMAT_LIMITS.keyChain,
)
export type KeyPlaces = Value<typeof KeyPlaces>

/** Of a restored index: leaves that it has to have, and those of them whose statements nobody has brought back. */
export const LogMissing = struct({
  size: field(0, uint()),
  /** How many. */
  count: field(1, uint()),
  /** The first runs of them: leaves from `from` up to but without `to`. */
  ranges: field(2, list(struct({ from: field(0, uint()), to: field(1, uint()) }), WIRE_LIMITS.missingRanges)),
})
export type LogMissing = Value<typeof LogMissing>

/**
 * Statements that a restored index lost, each with its signed word that it held it. `keys`: of whoever sends them, who
 * may have been registered in what was lost. Anybody may: only what the log says is taken.
 */
export const LogRestore = struct({
  keys: field(0, KeyChain),
  items: field(1, list(struct({
    /** The index's signed `position`, or `positions`. */
    word: field(0, statement),
    /** One of the two. */
    statement: optional(1, statement),
    submission: optional(2, CommitSubmission),
    /** What came with it: the first manifest of a new vault, the keys of a new grant. */
    along: optional(3, statement),
  }), WIRE_LIMITS.commitsPerRequest)),
})
export type LogRestore = Value<typeof LogRestore>

/** One answer an item, in order: nothing where it is held again, or why not. `count`: leaves that are still missing. */
export const LogRestored = struct({
  count: field(0, uint()),
  answers: field(1, list(struct({
    problem: optional(0, choice(problemCodes)),
    places: optional(1, list(uint(), FORMAT_LIMITS.commitLeaves)),
  }), WIRE_LIMITS.commitsPerRequest)),
})
export type LogRestored = Value<typeof LogRestored>

/** Agreements of trustees that statements of the log are lost, and the leaf of each: `sequence - 1`, with its salt. */
export const LogLosses = list(struct({
  statement: field(0, statement), sequence: field(1, uint()), salt: field(2, bytes(16)),
}), 4_096)
export type LogLosses = Value<typeof LogLosses>

/** A restored index asks a trustee for the statements that it knows of a run of leaves. `keys`: the index's own. */
export const LogStatementsRequest = struct({
  from: field(0, uint()), to: field(1, uint()), keys: field(2, KeyChain),
})
export type LogStatementsRequest = Value<typeof LogStatementsRequest>

/** In the order of their leaves. `next`: from where to go on; `to` where nothing follows. */
export const LogStatements = struct({
  leaves: field(0, list(struct({
    leaf: field(0, uint()),
    statement: field(1, statement),
    salt: field(2, bytes(16)),
    /** Of a denial: the access that was refused. */
    access: optional(3, statement),
  }), WIRE_LIMITS.logStatements)),
  next: field(1, uint()),
})
export type LogStatements = Value<typeof LogStatements>

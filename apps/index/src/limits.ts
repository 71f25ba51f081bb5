/** Limits of the index, beside those of the format and the protocol. Sizes are bytes, times are seconds. */
import { FORMAT_LIMITS } from '@scelle/seal/verify'

export const INDEX_LIMITS = {
  /** A statement may be dated this far ahead of the index's clock. */
  clockSkew: 60,
  /** Verified key chains, decoded geneses and encapsulations kept in memory, each by count. */
  cachedPrincipals: 4_096,
  cachedVaults: 8_192,
  cachedEncapsulations: 16_384,
  /** Numbers that stand for ids, on each SQLite connection. */
  cachedNumbers: 16_384,
  /** Grants in one list: the newest of each giver first. */
  grantList: 4_096,
  /** Grants in force from one principal to another: in all vaults, or in one vault for an admitted provider. */
  liveGrants: 256,
  /** A revoked grant is listed to its receiver for so long. */
  revokedListed: 30 * 86_400,
  /** Whoever may only read may write about its accesses for so long after its grant was revoked: they came before. */
  entryAfterRevocation: 3_600,
  /** And so many records in one commit: an access has one entry. */
  entriesPerCommit: 16,
  /** Accesses in one list: whoever wants more asks for those after the last. */
  accessList: 1_024,
  /** Commits in one history. */
  history: 65_536,
  /** Operations that share one durable transaction; later ones wait for the next. */
  groupOperations: 1_024,
  /** Operations waiting for their turn. Beyond, the index says that it is busy. */
  queuedOperations: 16_384,
  /** Connections to PostgreSQL that apply and read; the leader and notifications have their own. */
  connections: 16,
  connectTimeout: 5,
  /** A statement that runs longer is ended by the server, and so is a transaction whose process stands still. */
  statementTimeout: 30,
  idleTransaction: 5,
  /** How often the same transaction is run again after conflicts, and after lost connections. */
  conflictRetries: 8,
  lossRetries: 4,
  /** Leaves that get their numbers in one transaction. */
  sequenceBatch: 4_096,
  /** Milliseconds between two of them, at least, unless one was full. */
  sequenceEvery: 4,
  /** An operation waits so long for the number of its leaf. */
  sequenceWait: 10,
  /** The leader of several processes says so often that it is there; one silent for so long loses its term. */
  beat: 1,
  leaderSilence: 5,
  /** Milliseconds: leaves that wait so long for a checkpoint are a log that stands still. */
  publishSilence: 15_000,
  /** Milliseconds: how often to look although nothing was notified; a candidate's tries; after a lost connection. */
  lookInterval: 200,
  campaignInterval: 250,
  reconnectPause: 100,
  /** Page cache of each SQLite connection. */
  writerCache: 48 * 1024 * 1024,
  readerCache: 24 * 1024 * 1024,
  /** WAL pages after which SQLite copies them into the database. */
  checkpointPages: 4_000,
  /** A request of one or two statements. */
  statementsBody: 2 * FORMAT_LIMITS.statement + 1_024,
  /** What an item of a feed takes beside its header and body: a digest, numbers. */
  feedItem: 64,
  /** A node of the proof. */
  feedSibling: 34,
  /** An encapsulation of a feed. */
  feedEncapsulation: 1_228,
  /** The log's limits. Times of it are milliseconds. Between two checkpoints, at least. */
  publishEvery: 50,
  /** Between two checkpoints that trustees are asked to cosign, while nobody waits for one. */
  cosignEvery: 500,
  /** How long somebody who put an access on record waits for the quorum. */
  receiptWait: 5_000,
  /** One request to a trustee; the shortest pause before the next try, and the longest, which ends where one waits. */
  witnessTimeout: 5_000,
  witnessPause: 100,
  witnessPauseMax: 60_000,
  /** After a start: how long a request waits for trustees to tell how far they know the log; when that is reported. */
  standingWait: 5_000,
  standingReported: 10_000,
  /** Leaves that a restored index applies in one step. */
  restoredAtOnce: 256,
  /** Before a checkpoint that could not be stored is tried again. */
  publishPause: 1_000,
  /** An answer of a trustee, in bytes: its key chain is the largest. */
  witnessAnswer: 1024 * 1024,
  /** Statements of control leaves in one push end it when they reach this. */
  pushBytes: 4 * 1024 * 1024,
  /** Leaves kept in memory for trustees that keep up, and leaves that one step of the sequencer takes. */
  recentLeaves: 8_192,
  leavesAtOnce: 4_096,
  /** Leaves that one checkpoint adds, where many wait. */
  leavesPublished: 65_536,
  /** Newest leaves that are compared with their tiles at the start. */
  leavesChecked: 4_096,
  /** Full tiles kept in memory, 8 kB each. */
  cachedTiles: 256,
  /** Refusals of one principal in an hour that become leaves of the log; the further ones do not. */
  denialsPerHour: 60,
  /** Principals whose refusals are counted at once. */
  deniedPrincipals: 4_096,
  /** Notices of one principal in an hour, unless it is an admitted provider; principals that are counted at once. */
  noticesPerHour: 60,
  noticePrincipals: 4_096,
  /** Sessions of people that were shown, the least recent forgotten first; and the body that shows one. */
  sessions: 65_536,
  sessionBody: 8 * 1024,
  /** Wraps stored in an hour, whoever writes them: nobody is known who does, so all together are bounded. */
  wrapsPerHour: 20_000,
  wrapBody: 16 * 1024,
  /** A notice may be as old as this when it comes. Trustees go by its time. */
  noticeAge: 300,
  /** Where several processes share the blobs, what was left in the middle is nobody's after so long. */
  abandonedUpload: 86_400,
  /** Octets read at once from a blob's file. */
  blobChunk: 256 * 1024,
} as const

/** Every limit of this app. Sizes are bytes, times are milliseconds, unless the name says otherwise. */
import { FORMAT_LIMITS } from '@scelle/sdk'

export const EDGE_LIMITS = {
  /** One request body. A whole synthetic life as one transaction is about 30 MiB. */
  requestBody: 64 * 1024 * 1024,
  /** Characters of a request's path and query. */
  url: 32 * 1024,
  /** Commits that one submission to the index carries. Below the protocol's own limit, so that one unit always fits. */
  submitCommits: 128,
  /** Submissions under way at once: the next is sealed while the index writes the one before. */
  submissionsAtOnce: 2,
  /**
   * A submission waits for this share of the units that wrote lately, so that they share its flush and its journey; for
   * no more than so many records, and no longer than this.
   */
  gatherShare: 1,
  gatherRecords: 32,
  gatherTime: 3,
  /** Sealed bytes after which a submission takes no further unit. */
  submitBytes: 16 * 1024 * 1024,
  /** Records of one unit in one vault: they are one commit, which is atomic or not at all. */
  unitRecords: 8_000,
  /** Times that a unit is sealed anew because a capsule was closed or an epoch had ended. */
  sealAttempts: 4,
  /** A write that has not reached the outbox by then is refused; nothing of it was kept. */
  queueTime: 20_000,
  /** Units waiting for the outbox. Beyond, writes are refused as overloaded. */
  queueUnits: 4_096,
  /**
   * Submissions are held against the log so often while some are not final, rarely where nothing moves, so many at a
   * time. One that is not final for longer than the last is an alarm.
   */
  confirmEvery: 1_000,
  confirmRarely: 30_000,
  confirmRows: 512,
  confirmOverdue: 10 * 60_000,
  /** What is final is kept, sealed, for an index that comes back from a backup: for so long, and so many bytes. */
  keptForRestore: 48 * 3_600_000,
  keptBytes: 1024 * 1024 * 1024,
  /** Between two looks whether the index was restored and lacks something. */
  returnInterval: 60_000,
  /** Pause before the outbox is submitted again while the index does not answer. */
  retryDelay: 500,
  /** A request waits so long for a submission that is under way; after that its outcome is told as unknown. */
  submitTime: 60_000,
  /** Entries of one batch Bundle worked on at once. */
  batchParallel: 128,
  /** Bytes of what the entries of one batch answer together, or the reads of one transaction. */
  bundleAnswers: 128 * 1024 * 1024,
  /**
   * Transactions of this many bytes are prepared on a thread of its own: smaller ones cost less than the way there. So
   * many at once, and so many bytes of them; beyond, the edge's own thread does it.
   */
  asideFrom: 8 * 1024,
  asideJobs: 16,
  asideBytes: 64 * 1024 * 1024,
  /** Its memory, in MiB: what is parsed of one body takes about ten times its bytes. */
  asideMemory: 1_536,
  /** Keys of new vaults are drawn ahead on another one once so many vaults were made here, this many vaults' ahead. */
  keysAfter: 3,
  keysAhead: 16,
  /** Memory of that one, in MiB: its program takes most of it. */
  keysMemory: 128,
  /** Either ends when nobody needed it for so long, and what it has seen with it. */
  asideIdle: 60_000,
  /** Charts open at once; the least recently used one is closed first. */
  openCharts: 500,
  /** Charts open at once in one session. */
  sessionCharts: 500,
  /** Memory of all open charts of patients together: contents, index and what surrounds them, about. */
  chartBytes: 2.5 * 1024 * 1024 * 1024,
  /** A session without a request for so long is over, and its charts are closed. */
  sessionIdle: 30 * 60_000,
  /** A person's session: whoever leaves a workstation leaves nothing open on it for longer. */
  personIdle: 5 * 60_000,
  /** A request to the passkey page is answered within this; so many wait at once. */
  pageTime: 5 * 60_000,
  pageRequests: 1_024,
  /** What the register's desk answers is waited for this long: a sign-in goes on without it. Bytes of the answer. */
  deskTime: 3_000,
  deskAnswer: 64 * 1024,
  /** People of the house in one configuration. */
  staff: 5_000,
  /** How long facts last that follow from what is written, and what is around an appointment; milliseconds. */
  appointmentFact: 24 * 3_600_000,
  appointmentAround: 11 * 3_600_000,
  admissionFact: 96 * 3_600_000,
  referralFact: 30 * 24 * 3_600_000,
  /** Facts kept of one patient, and shown with one opening. */
  factsKept: 32,
  factsShown: 3,
  /** Confirmations held for one person and shown with one opening; trustees take them for so long, milliseconds. */
  confirmationsHeld: 16,
  confirmationsShown: 3,
  confirmationTime: 15 * 60_000,
  confirmationAhead: 2 * 60_000,
  /** A broken glass lets its person in for so long: trustees take four hours at most, from two minutes ago. */
  emergencyTime: 3.5 * 3_600_000,
  /**
   * Between two looks for patients who are expected; how long what is released for them rests here at most, and how
   * early: trustees take a day, by clocks that are not this one.
   */
  aheadInterval: 5 * 60_000,
  aheadTime: 24 * 3_600_000 - 5 * 60_000,
  /** Of an admission, from when it began. */
  aheadAdmission: 96 * 3_600_000,
  /** Released at one look, kept for one person, and tried for one fact: each try is an access on record. */
  aheadAtOnce: 20,
  aheadEach: 40,
  aheadTries: 3,
  /** An order to review ends after this. */
  orderTime: 10 * 60_000,
  /** A lost key is replaced for so long at most: a shift; and both officers sign within the time of an order. */
  replacementTime: 14 * 3_600_000,
  /** Orders that wait for a second officer. */
  ordersWaiting: 64,
  /** Characters of a reason. */
  reasonLength: 500,
  /** Between two questions to the trustees whether somebody whose session is open is locked. */
  standingInterval: 15_000,
  /** No session lasts longer, used or not. */
  sessionAbsolute: 10 * 3_600_000,
  /** Sessions that one application may have at once; the least recently used one ends first. */
  sessionsPerApplication: 1_000,
  /** An open chart nobody used for so long is closed. */
  chartIdle: 15 * 60_000,
  /** No chart stays open longer, used or not. */
  chartAbsolute: 8 * 3_600_000,
  /** An open chart older than this asks the index for news before it answers. */
  chartRefresh: 10_000,
  /** Vaults whose accesses, as the index lists them, are kept for a moment. */
  accessLists: 100,
  /** Entries of the organisation's register that move into its vault together. */
  registerBatch: 200,
  /** How often idle charts are looked for. */
  sweepInterval: 30_000,
  /** Of the directory's file: its page cache, and pages that its write-ahead log holds before they are moved. */
  databaseCache: 32 * 1024 * 1024,
  checkpointPages: 2_000,
  /** Rows of the directory that wait for the next durable write. */
  waitingRows: 8_192,
  /** Vaults kept ready for writing. */
  vaultHandles: 500,
  /** Locators kept in memory. */
  locatorCache: 20_000,
  /** A page cursor is good for so long, and never longer than its chart is open. */
  cursorTime: 10 * 60_000,
  /** Length of a cursor in a URL: servers and proxies take 16 KiB of request line and headers together. */
  cursorText: 12 * 1024,
  /** Largest page of a history or of `$everything`. */
  pageMax: 1_000,
  /** Page of a history where `_count` is absent. */
  pageDefault: 50,
  /** Operations of one JSON Patch. */
  patchOperations: 1_000,
  /** What the `copy` operations of one JSON Patch may copy together: characters, and eight for each value. */
  patchCopy: 1024 * 1024,
  /** Grants given to this organisation are looked for so often, and on a miss at most every `grantsPause`. */
  grantsInterval: 60_000,
  grantsPause: 2_000,
  /** Requests under way are given so long when the process is asked to stop. */
  drainTime: 10_000,
  /** Patients under one key of the patient index. A key that more share is of no use to find duplicates by. */
  personBlock: 200,
  /** Versions entered into the list of patients in memory until it is read anew: former ones are kept for pages. */
  personVersions: 20_000,
  /** Patients read from the disk at once while the list of them is loaded: some milliseconds. */
  personSlice: 200,
  /** One package of profiles: files, bytes without compression, and bytes of one file. HL7's terminology is 70 MB. */
  packageFiles: 20_000,
  packageBytes: 256 * 1024 * 1024,
  packageFile: 32 * 1024 * 1024,
  /** Octets of one Binary: the format's own limit. */
  attachment: FORMAT_LIMITS.attachment,
  /** Octets up to this are sealed beside other records; more get a capsule of their own, and travel by themselves. */
  octetsInline: 48 * 1024,
  /** Octets up to this are also served inside JSON, in base64. */
  binaryJson: 8 * 1024 * 1024,
  /** Octets of a spool file that are encrypted at once. */
  spoolFrame: 256 * 1024,
  /** Uploads under way: of the whole edge, of one application, their octets together, and how long one is kept. */
  uploads: 256,
  uploadsEach: 32,
  uploadOctets: 16 * 1024 * 1024 * 1024,
  uploadTime: 24 * 3_600_000,
  /** Uploads that are done and still told of, for whoever did not hear of it. */
  uploadsDone: 512,
  /** Bodies of Binaries received or sent at once; further ones are refused as overloaded. */
  attachmentStreams: 32,
  /** A body of which nothing came, or nothing was taken, for so long is given up. */
  streamStall: 30_000,
  /** Rows of the review queue in one answer. */
  reviewPage: 500,
  /** Applications that sign in by SMART App Launch; scopes of one request, and characters of one scope. */
  smartApplications: 200,
  scopes: 64,
  scopeText: 512,
  /** Seconds: an authorization code, a pushed request, the way over the passkey page, and an access token. */
  codeTime: 60,
  pushedTime: 60,
  signInTime: 300,
  /** Bytes of a person's name. */
  personName: 200,
  tokenTime: 300,
  /** Bytes of the passkey page's answer. */
  answerBody: 64 * 1024,
  /** What the authorization server holds at once: rows of all kinds, and of one application. */
  oauthRows: 50_000,
  oauthRowsEach: 10_000,
  /** Seconds that a DPoP proof may be away from this clock, and for which a nonce is given; twice that it is taken. */
  proofWindow: 60,
  nonceTime: 60,
  proofText: 4_096,
  /** Proofs remembered; beyond, requests under tokens are refused as overloaded. */
  proofsRemembered: 240_000,
  /** Launches that wait for their application, and seconds that one waits. */
  launches: 1_000,
  launchTime: 300,
  /**
   * Names that one sign-in tries, and names in an hour, by one application's sign-ins together, that nobody here has;
   * characters of what is typed.
   */
  namesEach: 5,
  namesMissed: 60,
  nameText: 100,
  /** Rows of one list of patients to choose from. */
  choiceRows: 20,
  /** Charts that one bulk export opens. */
  exportPatients: 10_000,
  /** Bytes that one bulk export may be. */
  exportBytes: 8 * 1024 * 1024 * 1024,
  /** A bulk export is given so long, and its files are kept so long once it is done. */
  exportTime: 4 * 3_600_000,
  exportKept: 3_600_000,
  /** Bulk exports under way or kept. */
  exportJobs: 16,
  /** An emergency card ends after this where nobody says otherwise, and after that at most: milliseconds. */
  cardLife: 90 * 24 * 3_600_000,
  cardLifeMost: 366 * 24 * 3_600_000,
  /** One file of the organisation's name on the web: readers take no longer log. */
  nameFile: 1024 * 1024,
} as const

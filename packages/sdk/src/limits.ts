/** Every limit of this room. Times are milliseconds, sizes bytes, unless the name says otherwise. */
export const SDK_LIMITS = {
  /** One try of one request, answer included. */
  requestTimeout: 15_000,
  /** One try of a request whose answer may be megabytes. */
  transferTimeout: 60_000,
  /** A body may take this much longer for each of its bytes: 256 kB/s. */
  bodyTimePerByte: 1 / 256,
  /** Tries of one request: all of them are idempotent. */
  attempts: 4,
  /** First pause between tries; doubles, plus or minus half of it at random. */
  retryPause: 150,
  /** An answer larger than this is refused unread: it comes from a server. */
  answerBytes: 96 * 1024 * 1024,
  problemBytes: 16 * 1024,
  /** A trustee that has not answered by then is joined by the third one. */
  hedgeAfter: 1_500,
  /** Times that the index is asked for an access's receipt: each waits some seconds for two cosignatures. */
  cosignAttempts: 2,
  /** Times that a newer receipt is asked for where a trustee has not cosigned yet, and the first pause between. */
  receiptAttempts: 5,
  receiptPause: 250,
  /** Looks at the log for a revocation that was just made, and the first pause between. */
  finalAttempts: 4,
  finalPause: 150,
  /** Principals whose verified keys are kept. */
  principals: 20_000,
  /** Open capsules whose keys are kept for further records; least recently used ones are forgotten first. */
  openCapsules: 10_000,
  /** How often capsules past their day are looked for and forgotten. */
  capsuleSweep: 600_000,
  /** Vaults whose last own commit is kept in memory. */
  lanes: 50_000,
  /** A commit waits this long for the one before it in the same vault to be settled. */
  laneWait: 60_000,
  /** Seals again after a capsule closed or an epoch ended under it. */
  writeAttempts: 5,
  /** Records sealed again in one commit, where restricting moves them. */
  resealedAtOnce: 8_000,
  /** Blobs in flight at once. */
  blobsAtOnce: 4,
  /** Capsule keys worked out before answers are looked at again: some milliseconds of work. */
  capsulesAtOnce: 64,
  /** Look-ups in flight at once. */
  lookupsAtOnce: 16,
  /** Records of one chart's feed. More is refused rather than filling the memory. */
  chartRecords: 500_000,
  /** Opened content of one chart. Records beyond it are named, and left out. */
  chartBytes: 256 * 1024 * 1024,
  /** Bodies, as sealed, that a feed may carry inline. */
  feedBytes: 1024 * 1024 * 1024,
  /** One body, as sealed: a little more than the largest content. */
  bodyBytes: 80 * 1024 * 1024,
  /** A part of a blob that is fetched at once, and how many parts of one blob are held. */
  blobPart: 512 * 1024,
  blobParts: 3,
  /** Tries of a part: a download outlasts a restart of the index. */
  partAttempts: 7,
  /** What the bodies that are opened in one go can become at worst. */
  sliceBytes: 256 * 1024 * 1024,
  /** A chart nobody looked at for this long closes itself. */
  chartIdle: 30 * 60_000,
  /** A chart closes after this whatever happens: no longer than a session may last. */
  chartLife: 10 * 3_600_000,
  /** Full tiles of the log that are kept: 8 kB each. */
  logTiles: 128,
  /** A tile, a bundle of 256 entries, or a checkpoint: an answer may not be longer. */
  logAnswer: 256 * 1024,
  /** Words of the index about single statements that no final checkpoint confirmed yet: in one entry, entries. */
  wordsPerEntry: 128,
  wordEntries: 512,
  /** What was given to the index is kept for one that is restored: the newest entries, of a size at most. */
  givenEntries: 16_384,
  givenBytes: 32 * 1024,
  /** The log is looked at unasked no more often than this while something waits, and than that while nothing does. */
  logLook: 1_000,
  logLookIdle: 60_000,
  /** Between two looks for key records that somebody else made for this client's principal. */
  ownKeysEvery: 60_000,
  /** Bundles of entries that are read by one reader, which keeps what it read. */
  logBundles: 64,
  /** Seconds by which a checkpoint may be younger than a position whose leaf it lacks: clocks, and a slow disk. */
  leafDelay: 120,
  /** An entry about an access may come so long after a trustee released: they go out together. */
  entryTime: 60_000,
  /**
   * QR codes of one card, and octets in each: base45 with its heading is 1,448 letters, and a code of version 25 takes
   * 1,451 at level M, which still reads where 15 % of it is damaged.
   */
  cardFrames: 32,
  cardFrameBytes: 950,
  /** Answers and accesses that are kept ahead of time of one patient, and the length of what was asked. */
  aheadAnswers: 65_536,
  aheadAccesses: 1_024,
  aheadPath: 2_048,
  /** Seconds by which a session may begin later than this clock says. */
  sessionSkew: 60,
  /** Milliseconds by which a clock may be behind the one that an access was made by. */
  aheadClock: 300_000,
  /** Release secrets of one record of a key ring, which is written in as many as it takes. */
  ringSecrets: 16_384,
  /** What was decided about one ward; hands below a guardian: a practice, and whoever works there. */
  guardianshipDecisions: 1_024,
  guardianshipDepth: 2,
  /** Hands that what was handed over to a patient may pass through. */
  handedOverDepth: 2,
  /** For how long a custodian hands over, and a patient leaves an author its keeper's right. */
  handedOverFor: 20 * 365 * 24 * 3_600_000,
  /** Revocations that wait for a trustee. */
  pendingRevocations: 1_024,
} as const

/** Limits and defaults of the command line. Sizes are bytes, times are milliseconds, unless the name says otherwise. */
export const CLI_LIMITS = {
  /** First of the loopback ports that `up` uses: index, three trustees, edge, sidecar. */
  firstPort: 8_700,
  /** A party that is not ready by then has failed to start. */
  startupTime: 30_000,
  /** How long the status that the demonstration register gives is valid: a new one at each start. */
  demoStatus: 366 * 24 * 3_600_000,
  /** Parties get this long to finish what they hold before they are killed. */
  shutdownTime: 10_000,
  /** One file to import, decompressed. */
  importFile: 512 * 1024 * 1024,
  /** One line of NDJSON: one resource. */
  importLine: 64 * 1024 * 1024,
  /** Resources in one request of an import, where the file does not say what belongs together. */
  importBatch: 200,
  /** Requests of an import under way at once. */
  importParallel: 4,
  /** Tries of one request before the import stops; the edge or index may be restarting. */
  importTries: 60,
  importRetryDelay: 500,
  /** Refusals listed one by one on the screen; all of them stand in the report file. */
  refusalsShown: 10,
  sidecarRequest: 64 * 1024 * 1024,
  /** The sidecar cuts octets into pieces of this size; each is asked after and sent again so often. */
  octetsPiece: 2 * 1024 * 1024,
  octetsTries: 40,
  octetsRetryDelay: 500,
  /** A request through the sidecar may take so long: gigabytes come slowly. */
  sidecarTime: 4 * 3_600_000,
  /** The edge is given so long to close what was open when the door closes. */
  logoutTime: 2_000,
  /** Of somebody whose key was pulled: asked again until the edge would have ended the session by itself. */
  logoutTries: 300,
  logoutPause: 1_000,
  /** Between two looks at which security keys are plugged in. */
  keyInterval: 250,
  /** A key that went so short a time before a sign-in came through may be the one that signed. */
  keyGrace: 2_000,
  /** A sign-in through the sidecar, and a token that it gives out; bytes of a form that comes to it. */
  signInTime: 300_000,
  smartToken: 3_600_000,
  smartForm: 16 * 1024,
  demoPatients: 200,
  /** A card that is read, or the text of its codes. */
  cardFile: 256 * 1024,
  /** Digits by which broken glass is named at least. */
  emergencyName: 8,
  /** The way that a site signs on for a report; what a report or an order is shown a status for. */
  emergencyWay: 3_600_000,
  orderTime: 600_000,
  /** One file of a release that an origin serves. */
  releaseFile: 16 * 1024 * 1024,
  /** A log: one answer (a bundle of 256 entries, a key chain), the time for it, bundles between two tile readers. */
  logAnswer: 1024 * 1024,
  logTime: 10_000,
  logBundles: 64,
  /** Seconds between two looks of `monitor`. */
  monitorEvery: 60,
  /** Times that a proof is asked for that is not final yet, and between two of them. */
  proofAttempts: 10,
  proofPause: 1_000,
  /** How long a status is valid that the home's register gives to an organisation's name. */
  vouchedFor: 30 * 24 * 3_600_000,
} as const

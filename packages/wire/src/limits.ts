/** Limits of the protocol between parties. Sizes are bytes, times are seconds, unless the name says otherwise. */
export const WIRE_LIMITS = {
  /** Bodies above this travel as blobs, below as part of the commit. */
  inlineBody: 64 * 1024,
  /** One request body, blobs aside. */
  requestBody: 32 * 1024 * 1024,
  /** One blob. */
  blob: 4 * 1024 * 1024 * 1024,
  /** Commits in one request. */
  commitsPerRequest: 256,
  /** Commits in one page of a feed. */
  feedPage: 256,
  /** A page of a feed ends early when its bodies reach this. */
  feedPageBytes: 8 * 1024 * 1024,
  /** A request signature is good for this long around the server's clock, and its nonce is remembered as long. */
  signatureWindow: 60,
  nonceBytes: 16,
  /** Nonces one server remembers; past this it answers `overloaded`. Two windows at 4,000 requests a second. */
  noncesRemembered: 480_000,
  /** A proof with its checkpoint, or an `add-checkpoint` request: at most 63 hashes and a dozen signatures. */
  logProof: 16 * 1024,
  /** Runs of leaves in one answer about what a restored index lacks; statements that a trustee hands it at once. */
  missingRanges: 4_096,
  logStatements: 256,
  /** Leaves in one push to a trustee. */
  logPush: 4_096,
  /** One push, encoded: whoever sends statements of this much leaves the next ones to another push. */
  logPushBytes: 8 * 1024 * 1024,
  /** Accesses or releases in one list. */
  accessList: 4_096,
  /** A final checkpoint older than this is an alarm. */
  finalAge: 3_600,
  /** Between two exchanges of checkpoints among trustees. */
  gossipEvery: 60,
  /** One piece of evidence, key chains and statements included. */
  evidence: 1024 * 1024,
  /** Words whose times differ by less contradict each other nowhere: clocks go wrong, and publishing takes time. */
  evidenceTolerance: 60,
  /** What one release request shows: key chains, statuses, facts, confirmations. */
  shownKeys: 32,
  shownStatuses: 8,
  shownFacts: 8,
  shownConfirmations: 4,
  /** Broken glass in one answer to an officer. */
  emergencyList: 500,
  /** Statements that the index looks through for one page of a trustee's own releases. */
  releaseJournal: 2_048,
  /** Other vaults that one vault is merged with. */
  links: 16,
  /** Recoveries of one owner in one list. */
  recoveries: 64,
  /** An access older than this is not released on. */
  accessWindow: 300,
} as const

/** What is read of a token: slots, its description, and a public key, in bytes. */
export const PKCS11_LIMITS = { slots: 1_024, tokenInfo: 1_024, point: 128 } as const

/** Limits of every server. Times are milliseconds. */
export const SERVER_LIMITS = {
  /** From the first byte of a request to the last one of its head, and of its body: a large blob takes minutes. */
  headersTime: 15_000,
  requestTime: 900_000,
  keepAliveTime: 72_000,
  /** Connections at once; further ones are closed. */
  connections: 4_096,
  /** Bodies under way whose signer is not known yet: how many, bytes of all together, and the time of one. */
  unsignedBodies: 512,
  unsignedBytes: 64 * 1024 * 1024,
  unsignedTime: 15_000,
  /** The unread rest of a refused body is received up to this, so that the answer arrives; beyond it, cut off. */
  unreadBody: 64 * 1024,
  /** What is still running this long after a stop was asked for is cut off. */
  closeTime: 10_000,
  /** One parameter of a path: an id is 64 digits. */
  parameter: 256,
} as const

/** Limits of what passes between a house and the passkey page. Sizes are bytes, times are seconds. */
export const PAGE_LIMITS = {
  /** A sealed wrap of a root secret, padding included, and how many there are of one person. */
  wrap: 10 * 1024,
  wraps: 24,
  returnTo: 2_048,
  /** One request, and its address behind the `#`: browsers take over a megabyte. */
  request: 384 * 1024,
  fragment: 768 * 1024,
  /** A request is taken up within this, and is dated ahead by no more. */
  requestSeconds: 900,
  /** A guardian's packet; a request to a trustee that the page signed, and what the trustee answers. */
  packet: 4_096,
  call: 16 * 1024,
  /** What a page has a house keep between two visits about a PIN. */
  pinState: 512,
  callAnswer: 8 * 1024,
} as const

/** Limits of what passes between a house and the desk of a register. */
export const REGISTER_LIMITS = {
  /** People in one question about statuses. */
  persons: 256,
} as const

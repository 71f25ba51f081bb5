/** Limits of a trustee. Sizes are bytes, times are seconds. */
import { FORMAT_LIMITS } from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'

export const TRUSTEE_LIMITS = {
  /** A release of as many capsules as an access may name, each with its own encapsulation, and the key chains. */
  releaseBody: FORMAT_LIMITS.accessCapsules * 4_096,
  revocationBody: 1024 * 1024,
  /** Leaves of the log, some with their statements. */
  pushBody: WIRE_LIMITS.logPushBytes,
  addCheckpointBody: WIRE_LIMITS.logProof,
  /** A request of the index for statements, and the statements of one answer, in bytes. */
  statementsBody: 1024 * 1024,
  statementsAnswer: 512 * 1024,
  /** Milliseconds until another server's answer counts as none, and its length. */
  askTimeout: 5_000,
  askAnswer: WIRE_LIMITS.evidence,
  /** Requests to cosign that wait for their turn. */
  witnessTurns: 64,
  /** Releases that wait to be charged and written down. */
  releaseTurns: 4_096,
  /** Signed checkpoints that are remembered until the mirror has their trees. */
  checkpointsAhead: 64,
  /** What a part's custodian shows of itself to get its list, and what one page of it holds at least. */
  listBody: 1024 * 1024,
  listBytes: 8 * 1024 * 1024,
  /** Words about accesses are kept for three years. */
  wordsKept: 3 * 366 * 24 * 3600,
  /** Denials kept in such a time: of one reader, and of all. */
  denialWindow: 3600,
  denialsOfReader: 16,
  denials: 4_096,
  /** Milliseconds between two tries to tell the index of a release: the first, and the longest. */
  sendPause: 500,
  sendPauseMax: 60_000,
  /** Opened encapsulations kept in memory: one a writer and day, so a hospital's chart needs some dozens. */
  openCouriers: 4_096,
  decoyBody: 1024 * 1024,
  orderBody: 1024 * 1024,
  /** Who broke the glass reads for this long. */
  emergencyTime: 4 * 3600,
  /** Milliseconds between two tries of a restored meter to get its spending back. */
  replayPause: 10_000,
  /** An order is carried out within this time of its beginning, and a surge lasts this long. */
  orderWindow: 900,
  surgeTime: 4 * 3600,
  /** A lost key is replaced for a shift, and within this time not for a second one by the same officers. */
  replacementTime: 14 * 3600,
  replacementRest: 30 * 24 * 3600,
  /** Whoever opened nothing for longer is asked for the second key before the next patient. */
  dormantAfter: 90 * 24 * 3600,
  withdrawalBody: 1024 * 1024,
  /** A notice that clears a lock, opens a surge or replaces a key may reach the log so long after the time it bears. */
  noticeDelay: WIRE_LIMITS.accessWindow,
  /** A vendor's ticket is valid for this long at most. */
  ticketTime: 4 * 3600,
  /** A confirmation is good for this long. */
  confirmationWindow: 900,
  /** How long each kind of fact explains at most. */
  factTimes: {
    presence: 12 * 3600,
    appointment: 24 * 3600,
    admission: 96 * 3600,
    referral: 30 * 24 * 3600,
    result: 30 * 24 * 3600,
    'on-call': 24 * 3600,
  },
  /** Ahead of time: how long a release lasts by each kind of fact, and how far ahead the fact may begin. */
  aheadTimes: { appointment: 24 * 3600, referral: 24 * 3600, admission: 96 * 3600 },
  factAhead: 24 * 3600,
  discoveryBody: 1024 * 1024,
  /** People that may be looked up for each patient that may be opened: see `discovery/evaluate.ts`. */
  lookupsPerPatient: 2,
  /** Shares that were renewed still answer for this long, and are renewed at a peer's wish this often at most. */
  discoveryOverlap: 600,
  discoveryRenewAfter: 24 * 3600,
  /** Between the notice of a change of somebody's vault, and the change. */
  bindingNotice: 72 * 3600,
  recoveryBody: 1024 * 1024,
  /** Between a recovery's leaf and the trustee's part, by this trustee's clock; and how long the part is given then. */
  recoveryNotice: 72 * 3600,
  recoveryOpen: 14 * 24 * 3600,
  recoveriesListed: WIRE_LIMITS.recoveries,
  /** Tries of one PIN at this trustee, until whoever knows it has them forgotten. */
  pinTries: 10,
  /** An access may be signed this far ahead of our clock, and is released on for this long. */
  accessAhead: WIRE_LIMITS.signatureWindow,
  accessWindow: WIRE_LIMITS.accessWindow,
  /** Clocks that are further apart are not one time. */
  clockApart: 60,
  /** One message between a node and its holder; milliseconds until it counts as unanswered. */
  nodeFrame: 16 * 1024 * 1024,
  nodeTimeout: 10_000,
  /** Withdrawn statuses and replaced keys of all whom one request names: a register withdraws each once. */
  knownChanges: 4_096,
  /** Logged revocations of the grants of one release, whoever made them. */
  loggedRevocations: 1_024,
} as const

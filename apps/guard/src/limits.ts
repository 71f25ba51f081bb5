/** Limits of a guard. Times are milliseconds, sizes are bytes. */
export const GUARD_LIMITS = {
  /** What is known of a session or a machine is asked for anew after this, and not relied on after that. */
  recheck: 10_000,
  stale: 60_000,
  /** Until another server's answer counts as none, and its length. */
  askTimeout: 5_000,
  askAnswer: 1024 * 1024,
  /** Sessions and machines that are known at once. */
  known: 4_096,
  /** A session with its statuses. */
  shownBody: 64 * 1024,
  /** By how many seconds clocks may differ. */
  clockSkew: 60,
  /** One request to the legacy system, kept whole until its digest is checked. */
  body: 8 * 1024 * 1024,
  /** Until the legacy system begins to answer, and ends: no answer outlives what is known of a session. */
  legacyTime: 30_000,
  answerTime: 60_000,
  /** One answer of the legacy system, and its head. */
  answer: 256 * 1024 * 1024,
  answerHead: 16 * 1024,
  /** Connections to the legacy system at once. */
  connections: 128,
  path: 2_048,
  rules: 1_024,
} as const

/** Every limit of this app. Times are milliseconds, unless the name says otherwise. */
export const DESK_LIMITS = {
  /** Between two looks at every status list. */
  lookEvery: 10_000,
  /** Seconds for which one fetched list is used: shorter than the time between two looks, so each look fetches. */
  listAge: 2,
  /**
   * A list that was read last so long ago says nothing any more: its people count as gone. A quarter of an hour where
   * the operator says nothing: whoever stops one web server must not end the care of a country, and whoever left and
   * keeps the list away gains no more. At least four looks, so that one that fails, or two, ends nobody's work: with
   * the 15 seconds after which an edge has asked trustees, that is less than a minute.
   */
  listGrace: 15 * 60_000,
  listGraceLeast: 35_000,
  listGraceMost: 24 * 3_600_000,
  /** Seconds that a status holds, and how many are left when it is prolonged: a desk may be down over a weekend. */
  status: 72 * 3600,
  statusLeft: 36 * 3600,
  /** Seconds for which a sign-in at the identity provider is taken for a credential: nobody takes one back. */
  signIn: 7 * 24 * 3600,
  /** Seconds by which a status begins before it is signed: clocks differ. */
  statusAhead: 60,
  /** One enrolment, from the house's request on; and how many are open at once. */
  enrolmentTime: 10 * 60_000,
  enrolments: 4_096,
  /** Of one house at once. */
  enrolmentsOfHouse: 256,
  /** Bytes of a form that a browser or a wallet sends. */
  form: 512 * 1024,
  /** Bytes of a request by a house. */
  body: 64 * 1024,
  houses: 10_000,
  /** Withdrawals told to trustees at once, and how many one round takes. */
  tellAtOnce: 16,
  tellRound: 1_024,
  /** Between two tries to tell one that did not reach everybody for minutes. */
  tellRarely: 10 * 60_000,
} as const

/** Every limit of the format, in one place. Sizes are bytes, times are seconds, unless the name says otherwise. */
export const LIMITS = {
  /** Records that one capsule may hold (a bulk import fills it; live writing closes it by time first). */
  capsuleRecords: 500,
  /** A capsule takes no record after this. */
  capsuleOpenSeconds: 24 * 3600,
  /** Leaves of one commit, padding included: a power of two. */
  commitLeaves: 16_384,
  /** Capsules that one access may name. */
  accessCapsules: 1_024,
  /** Key records in one principal's chain. */
  keyChain: 64,
  /** Grants from custodian to reader. */
  grantChain: 8,
  /** Categories of one manifest. */
  categories: 32,
  categoryCode: 64,
  /** Plaintext of one record after decompression. A larger payload is an attachment, streamed, not a record. */
  recordPlaintext: 64 * 1024 * 1024,
  /** Octets of one attachment: its length stands in 32 bits, padding included. */
  attachment: 3 * 1024 * 1024 * 1024,
  /** Padding of an attachment is made in pieces of this size. */
  streamPiece: 64 * 1024,
  /** Compressed input may not grow by more than this factor, and none is sealed that would. DEFLATE reaches 1,032. */
  inflateFactor: 128,
  /** A signed statement, encoded. Manifests are the largest. */
  statement: 128 * 1024,
  /** Statements that one signed word of the index tells the places of. */
  positions: 1_024,
  /** A checkpoint with its signatures, in a statement. */
  note: 16 * 1024,
  /** Lost leaves that one successor statement names. */
  missing: 12_000,
  /** What a notice tells trustees, sealed: an order with its officers' statuses and keys is the longest. */
  notice: 64 * 1024,
  /** What a trustee's word says of the charge, sealed. */
  charge: 1_024,
  /** Patients that one ticket of a vendor names. */
  ticketVaults: 25,
  /** A reason, a ticket's number: characters of UTF-8, in bytes. */
  reason: 500,
  name: 200,
  /** Accesses that one report of a vendor's session names. */
  reportAccesses: 1_024,
  /**
   * How long an author must keep what it wrote, in seconds, by retention class: the French medical file 20 years (CSP
   * R1112-7), what is only administrative 10, traces of access 3; nobody has to keep what patients write themselves.
   */
  retention: {
    care: 20 * 366 * 24 * 3600, administrative: 10 * 366 * 24 * 3600, patient: 0, 'access-log': 3 * 366 * 24 * 3600,
  },
  /** What a device keeps of one patient to open without a network. */
  ahead: 256 * 1024 * 1024,
  /** A record header, encoded. */
  recordHeader: 256,
  capsuleHeader: 4_096,
  /** A card as it is handed over, its summary before compression, its header. */
  card: 64 * 1024,
  cardPlaintext: 512 * 1024,
  cardHeader: 256,
  /** Emergency keys that one card is sealed to: each takes 1.2 kB. */
  cardRecipients: 4,
  /** A card opens for this long at most, and may be dated ahead of a site's clock by so much. */
  cardSeconds: 366 * 24 * 3600,
  cardAhead: 24 * 3600,
  /** Passkeys of one person at one organisation, and what names one. */
  passkeys: 8,
  credential: 255,
  /** Origin or relying party id of a passkey page. */
  origin: 255,
  /** What a browser says about an assertion. */
  clientData: 2_048,
  /** A person's session: how long it lasts at most, in seconds, and its signed statement. */
  sessionSeconds: 10 * 3600,
  session: 4_096,
  /** A release of software: files, and the path of one. */
  softwareFiles: 4_096,
  path: 255,
  /** A wrap before it is sealed: all are padded to this, so that none tells its kind. The guardians' takes 4.4 kB. */
  wrap: 8_192,
  /** Wraps of one person that their list names. */
  wraps: 24,
  /** A printed sheet's age file. */
  ageFile: 1_024,
  /** Characters of a PIN, at least and at most. */
  pinLeast: 6,
  pinMost: 64,
  /** Whoever guards for an owner, and how many of them, or of the trustees, it takes. */
  guardians: 3,
  guardiansNeeded: 2,
  /** A recovery may be dated so long before it is put on record: guardians are people, and are asked in turn. */
  recoveryAge: 7 * 24 * 3600,
} as const

/** Limits of what is read from others. Sizes are bytes or characters, times are seconds, unless the name says so. */
export const CREDENTIAL_LIMITS = {
  /** One token: header, payload and signature. */
  token: 64 * 1024,
  /** One presentation with everything that it discloses. */
  presentation: 128 * 1024,
  disclosures: 64,
  /** How deep claims may be nested: what walks them recurses. */
  depth: 16,
  /** Clocks of issuers and wallets may differ from ours by this. */
  skew: 60,
  /** A holder's signature is this old at most. The nonce is what makes it fresh; this bounds how long one is kept. */
  keyBindingAge: 300,
  /** A status list is fetched again after this at the latest, whatever its issuer allows: leavers are out by then. */
  statusAge: 60,
  /** A status list that claims to hold for longer could be replayed for longer. */
  statusLifetime: 24 * 3600,
  /** As sent, and as unpacked: 2^20 entries of 8 bits, and four times that. */
  statusToken: 2 * 1024 * 1024,
  statusList: 4 * 1024 * 1024,
  statusLists: 64,
  /** One identifier. */
  did: 512,
  /** One document or log of an organisation, and one line of it. */
  didDocument: 64 * 1024,
  didLog: 1024 * 1024,
  didEntries: 512,
  didWitnesses: 16,
  didProofs: 1024,
  /** Entries may be dated this far ahead. */
  didSkew: 300,
  fetchMilliseconds: 5_000,
  /** Open requests to wallets and sign-ins, and how long one stays open. */
  openRequests: 4_096,
  requestAge: 600,
  vpToken: 256 * 1024,
} as const

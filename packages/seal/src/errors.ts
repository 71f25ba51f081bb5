/** Everything that can be wrong with sealed material, by name. The union is closed: callers may switch over it. */
export type SealErrorCode =
  | 'encoding-not-canonical'
  | 'encoding-unknown-field'
  | 'encoding-missing-field'
  | 'encoding-wrong-type'
  | 'encoding-out-of-range'
  | 'encoding-trailing-bytes'
  | 'suite-unknown'
  | 'signature-invalid'
  | 'key-chain-broken'
  | 'assertion-invalid'
  | 'session-invalid'
  | 'session-expired'
  | 'principal-mismatch'
  | 'vault-mismatch'
  | 'manifest-invalid'
  | 'manifest-rolled-back'
  | 'category-unknown'
  | 'category-key-mismatch'
  | 'grant-chain-broken'
  | 'grant-not-subset'
  | 'grant-basis-invalid'
  | 'grant-expired'
  | 'grant-revoked'
  | 'grant-insufficient'
  | 'grant-seal-invalid'
  | 'capsule-mismatch'
  | 'capsule-full'
  | 'capsule-closed'
  | 'share-invalid'
  | 'shares-insufficient'
  | 'shares-disagree'
  | 'release-mismatch'
  | 'record-mismatch'
  | 'record-truncated'
  | 'record-tampered'
  | 'record-too-large'
  | 'dictionary-unknown'
  | 'padding-invalid'
  | 'commit-root-mismatch'
  | 'commit-proof-invalid'
  | 'commit-link-broken'
  | 'feed-replayed'
  | 'feed-reordered'
  | 'feed-rolled-back'
  | 'feed-withheld'
  | 'seal-invalid'
  | 'card-invalid'
  | 'card-expired'
  | 'card-too-large'
  | 'card-recipient-unknown'
  | 'discovery-point-invalid'
  | 'discovery-proof-invalid'
  | 'discovery-dealing-invalid'
  | 'discovery-key-invalid'
  | 'discovery-insufficient'
  | 'wrap-invalid'
  | 'root-mismatch'
  | 'printed-invalid'
  | 'pin-invalid'
  | 'recovery-invalid'

export interface SealErrorDetails extends ErrorOptions {
  /** Hex ids of the principals concerned: authors whose commits do not hold together. */
  readonly parties?: readonly string[]
  /** Place in a chain of grants of the one that fails: 0 is the root. */
  readonly link?: number
}

/**
 * Sealed material was refused. `code` says which rule it broke, `message` what to do about it; neither holds content.
 */
export class SealError extends Error {
  readonly code: SealErrorCode
  readonly parties: readonly string[]
  readonly link: number | undefined
  constructor(code: SealErrorCode, message: string, details: SealErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SealError'
    this.code = code
    this.parties = details.parties ?? []
    this.link = details.link
  }
}

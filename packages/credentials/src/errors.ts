/** Everything that can be wrong with what others say of a person or an organisation: the only such table. */
export const CREDENTIAL_PROBLEMS = {
  'encoding-invalid': 'This is no compact token, JSON object or base64url of the only accepted form.',
  'too-large': 'It is over the limit for its kind. Nothing of it was read.',
  'type-unexpected': 'The token is of another type than the one asked for.',
  'issuer-unknown': 'No listed issuer has this name.',
  'key-unknown': 'The issuer has no such key. Update the list of issuers if it changed its keys.',
  'algorithm-refused': 'The token names another algorithm than its key is for.',
  'signature-invalid': 'The signature does not verify.',
  'not-yet-valid': 'It is not valid yet. Check the clock.',
  'expired': 'It is no longer valid. Ask for a new one.',
  'claims-invalid': 'A claim that this kind must have is missing or has another form.',
  'disclosure-invalid': 'A disclosure is malformed, repeated, or belongs to nothing that the issuer signed.',
  'digest-repeated': 'One digest stands twice in what the issuer signed, so its disclosure has two meanings.',
  'over-disclosed': 'The presentation shows more than was asked for. Present it again without that.',
  'key-binding-missing': 'The presentation is not signed by its holder, so whoever copied it could show it.',
  'key-binding-invalid': 'The holder signed another presentation, for somebody else, or at another time.',
  'nonce-mismatch': 'The answer belongs to another request.',
  'audience-mismatch': 'The answer was made for somebody else.',
  'status-unavailable': 'The status list cannot be fetched, so nobody knows whether the credential still holds.',
  'status-stale': 'The status list is older than its issuer allows. Nothing is concluded from it.',
  'status-rolled-back': 'The status list is older than one seen before.',
  'status-index-outside': 'The status list has no such entry.',
  'revoked': 'The issuer took the credential back.',
  'suspended': 'The issuer suspended the credential.',
  'address-refused': 'This address is not fetched: HTTPS, and a public name, or what the operator listed.',
  'fetch-failed': 'The address did not answer in time with what was expected.',
  'did-invalid': 'This is no did:webvh or did:web of the accepted form.',
  'did-log-invalid': 'The log of the identifier does not follow did:webvh 1.0.',
  'did-scid-mismatch': 'The identifier is not the hash of its first entry.',
  'did-chain-broken': 'An entry does not follow from the one before it.',
  'did-key-unauthorised': 'An entry is signed by a key that was not authorised for it, or by none.',
  'did-prerotation-broken': 'An entry uses keys that the one before it did not commit to.',
  'did-witness-missing': 'Too few witnesses approved an entry.',
  'did-unprotected': 'The identifier commits to no next keys, so whoever steals its key takes it over.',
  'did-deactivated': 'The identifier was deactivated by its controller.',
  'did-rolled-back': 'The log is shorter than when it was last seen.',
  'did-forked': 'The log contradicts what was seen of it before.',
  'did-moved': 'The identifier moved more often than is followed.',
  'did-web-mismatch': 'The did:web document beside the log says something else than the log.',
  'principal-missing': 'The document does not name exactly one Scellé principal.',
  'request-unknown': 'There is no such open request: it was answered, it expired, or it never was.',
  'wallet-refused': 'The wallet declined to present anything.',
  'sign-in-failed': 'The identity provider did not confirm who this is.',
  'acr-refused': 'The identity provider was not as sure as eidas1 or eidas2.',
  'role-unmapped': 'The register lists no profession or function that has a role here.',
  'overloaded': 'Too many requests are open. Try again in a moment.',
} as const

export type CredentialErrorCode = keyof typeof CREDENTIAL_PROBLEMS

/** A refusal. The message says what to do; it never quotes a token, a claim or a name. */
export class CredentialError extends Error {
  readonly code: CredentialErrorCode
  constructor(code: CredentialErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? CREDENTIAL_PROBLEMS[code] : `${CREDENTIAL_PROBLEMS[code]} (${detail})`, options)
    this.name = 'CredentialError'
    this.code = code
  }
}

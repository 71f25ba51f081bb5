/** Every refusal that one party sends another, its HTTP status and what to do: the only such table. */
export const PROBLEMS = {
  'bad-encoding': [400, 'The body is not one canonical value of this message. Encode it as spec/format.md says.'],
  'bad-request': [400, 'The request does not fit this route. See spec/protocol.md.'],
  'bad-statement': [400, 'A statement in the request is not valid. Nothing was stored.'],
  'signature-missing': [401, 'Every request is signed (RFC 9421). Sign it with a registered key.'],
  'signature-invalid': [401, 'The request signature does not verify under the named key.'],
  'signature-expired': [401, 'The signature was made too long ago, or in the future. Check the clock and sign again.'],
  'signature-replayed': [401, 'This request was already received. Sign a new one.'],
  'principal-unknown': [401, 'The signing principal is not registered here. Register its key record first.'],
  'session-unknown': [401, 'This server has not seen the session that the request names. Show it first.'],
  'session-ended': [401, 'The session is over. Sign in again.'],
  'token-invalid': [401, 'The access token is not one of this server, is over, or is another key\'s. Sign in again.'],
  'token-proof-invalid': [401, 'The DPoP proof does not fit this request (RFC 9449). Make a new one for it.'],
  'token-proof-nonce': [401, 'The DPoP proof needs the nonce of this answer. Make a new one with it.'],
  'not-permitted': [403, 'No grant or role of this principal covers the request.'],
  'not-found': [404, 'There is nothing here that this principal may see.'],
  'version-exists': [409, 'This version of the resource exists already. Read the latest one and write the next.'],
  'capsule-closed': [409, 'The capsule takes no more records. Open a new one and commit again.'],
  'manifest-conflict': [409, 'The manifest is not the successor of the stored one. Read it and try again.'],
  'epoch-stale': [409, 'The category has a newer epoch. Read the manifest and seal to the new key.'],
  'already-exists': [409, 'This object exists with other content.'],
  'blob-missing': [409, 'A body named by digest was not uploaded. Upload it, then commit again.'],
  'grant-revoked': [403, 'A grant of the chain was revoked.'],
  'status-required': [403, 'No listed issuer says who this reader is. Show a valid status of it and its organisation.'],
  'session-required': [403, 'Patients\' charts open in a session that the reader\'s device-bound passkey began.'],
  'status-withdrawn': [403, 'A listed issuer took back what it said of this reader or its organisation.'],
  'fact-required': [403, 'A standing grant opens only with an admission, referral, appointment or presence.'],
  'officers-required': [403, 'An author opens what it must keep to two of its officers. Have a second one confirm.'],
  'step-up-required': [403, 'The free lot is spent, or this account slept for 90 days. Confirm with the second key.'],
  'colleague-required': [403, 'The budget is spent twice over. A colleague with another status confirms it.'],
  'budget-spent': [403, 'The budget of this reader or its organisation is spent. In an emergency, break the glass.'],
  'locked': [403, 'This device, person, organisation or vendor is locked. Two officers clear a lock.'],
  'ticket-required': [403, 'A vendor opens only what a ticket of its sponsor names, while it is valid.'],
  'emergency-refused': [403, 'An emergency opening takes a registered site, a reason and, after two, a colleague.'],
  'ahead-refused': [403, 'Ahead of time, a person opens for care, by its own key, whom others scheduled or admitted.'],
  'meter-recovering': [503, 'This trustee was restored and does not know what it has spent. Ask the others.'],
  'discovery-absent': [503, 'The trustees have made no key for finding vaults yet. Ask again later.'],
  'discovery-stale': [409, 'The key for finding vaults was renewed. Fetch it, and ask again.'],
  'already-bound': [409, 'This identity has another vault. Use that one, or let its owner or custodian change it.'],
  'proof-required': [403, 'An owner is bound to a vault with a proof of identity by a listed issuer. Get one.'],
  'pin-locked': [403, 'This PIN was tried too often. Recover by another way, and choose a new one.'],
  'recovery-ended': [403, 'The owner objected, a later recovery took its place, or it is over. Ask guardians again.'],
  'access-expired': [403, 'The access is too old. Sign a new one.'],
  'receipt-invalid': [403, 'The access is not proven to be in the log under a cosigned checkpoint. Fetch a receipt.'],
  'not-cosigned': [503, 'It is on record, but too few trustees have cosigned the log since. Ask again in a moment.'],
  'clock-skewed': [503, 'The clock of this trustee and those of its peers are over a minute apart. Ask the others.'],
  'log-stopped': [503, 'The log stopped: its last checkpoint is uncertain. Its operator restarts it.'],
  'log-recovering': [503, 'The index was restored and has not caught up with its log. Send what it asks for.'],
  'log-forked': [503, 'This trustee saw two histories of the log and serves neither; see its evidence.'],
  'too-large': [413, 'The body is over the limit of this route.'],
  'range-invalid': [416, 'The requested range lies outside the blob.'],
  'digest-mismatch': [400, 'The bytes do not match the digest they were sent under.'],
  'overloaded': [503, 'Busy. Try again in a moment.'],
  'view-stale': [503, 'This guard does not know whether the session still holds: too few servers answer. Try again.'],
  'legacy-failed': [502, 'The system behind this guard did not answer, or not as it may. Tell its operator.'],
  'internal': [500, 'The server failed. The request had no effect; try again, and tell the operator if it stays so.'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemCode = keyof typeof PROBLEMS

/** A refusal between parties. `detail` may add what was wrong, never content or identifiers of people. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly detail: string | undefined
  constructor(code: ProblemCode, detail?: string, options?: ErrorOptions) {
    super(detail ?? PROBLEMS[code][1], options)
    this.name = 'Problem'
    this.code = code
    this.detail = detail
  }
}

/** The RFC 9457 problem document of a code. */
export const problemDocument = (code: ProblemCode, detail?: string) => ({
  type: `https://scelle.health/problems/${code}`,
  title: PROBLEMS[code][1],
  status: PROBLEMS[code][0],
  code,
  ...(detail === undefined ? {} : { detail }),
})

export const isProblemCode = (code: unknown): code is ProblemCode =>
  typeof code === 'string' && Object.hasOwn(PROBLEMS, code)

import { EdgeError } from './errors.ts'
import type { Headers, Wishes } from './negotiation.ts'
import type { Right } from './rights.ts'
import type { Permit } from './smart/permit.ts'

export { RIGHTS, type Right } from './rights.ts'

/** One interaction, from a request or from an entry of a Bundle. */
export interface Call {
  readonly method: string
  /** Below the base, decoded, without slashes at its ends. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly wishes: Wishes
  readonly headers: Headers
  readonly body: Uint8Array
  /** The body of a Bundle's entry, parsed already. */
  readonly resource?: unknown
  /** Where the client reaches this server: `http://host:port/fhir`. */
  readonly base: string
  /** Hex id of the application that signed. */
  readonly principal: string
  /** Whose open charts it may see: opaque, and never shown to anybody. */
  readonly session: string
  readonly rights: ReadonlySet<Right>
  /** What its access token may ask; undefined for a request that is signed. */
  readonly permit?: Permit
}

/** Throws `forbidden`. */
export const requireRights = (call: Pick<Call, 'rights'>, ...rights: readonly Right[]): void => {
  for (const right of rights) if (!call.rights.has(right)) throw new EdgeError('forbidden')
}

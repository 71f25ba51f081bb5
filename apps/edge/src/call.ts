import { EdgeError } from './errors.ts'
import type { Headers, Wishes } from './negotiation.ts'

export const RIGHTS = ['read', 'write', 'search', 'share', 'export'] as const
/** What the configuration lets an application do at this edge. What the organisation may do is the grants' matter. */
export type Right = (typeof RIGHTS)[number]

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
}

/** Throws `forbidden`. */
export const requireRights = (call: Pick<Call, 'rights'>, ...rights: readonly Right[]): void => {
  for (const right of rights) if (!call.rights.has(right)) throw new EdgeError('forbidden')
}

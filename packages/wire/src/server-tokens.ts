/** How a server takes access tokens beside signed requests; what a token is, is that server's own. */
import type { Problem } from './errors.ts'

/** The head of a request with an `Authorization`. */
export interface TokenHead {
  readonly method: string
  /** As received, without the query: a proof is for a path (RFC 9449 section 4.3). */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Tokens {
  /**
   * Who holds the token and what it is good for: handed to the route as it is. Throws Problem `token-invalid`,
   * `token-proof-invalid`, `token-proof-nonce`.
   */
  readonly verify: (head: TokenHead) => Promise<object>
  /** Fields of a refusal with status 401 (RFC 9449 sections 7.1 and 9). */
  readonly challenge: (problem: Problem, headers: TokenHead['headers']) => Readonly<Record<string, string>>
}

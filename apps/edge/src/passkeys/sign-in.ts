/** How a person signs in at this edge: on the passkey page, and nowhere else. There is no password to ask for. */
import type { Purpose } from '@scelle/sdk'

export interface SignInWish {
  /** Hex id of the person who is expected, where the caller knows. */
  readonly person?: string
  /** RFC 7638 thumbprint of the application's DPoP key, 32 bytes: the session is of that device. */
  readonly device: Uint8Array
  readonly purposes: readonly Purpose[]
  /** Where the page posts its answer: one form field, `answer`. */
  readonly returnTo: string
  readonly language: string
}

export interface SignedIn {
  /** The edge session that is now this person's. */
  readonly session: string
  /** Hex id of the person. */
  readonly person: string
  readonly name: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

export interface SignIn {
  /** Where the browser goes; `state` comes back in the page's answer. */
  begin(wish: SignInWish): Promise<{ url: string; state: string }>
  /** The page's answer. Throws EdgeError. */
  finish(answer: string): Promise<SignedIn>
}

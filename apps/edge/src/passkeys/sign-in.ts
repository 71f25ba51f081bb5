/** How a person signs in at this edge: on the passkey page, and nowhere else. There is no password to ask for. */
import type { Purpose } from '@scelle/sdk'

export interface SignInWish {
  /** Hex id of the person who is expected. */
  readonly person?: string
  /** In its place: a name that somebody typed, for an application (`client_id`) that does not know who signs in. */
  readonly named?: { readonly name: string; readonly by: string }
  /** Name of the application: the page shows it as the house's word. */
  readonly application?: string
  /** RFC 7638 thumbprint of the application's DPoP key, 32 bytes: the session is of that device. */
  readonly device: Uint8Array
  readonly purposes: readonly Purpose[]
  /** Where the page posts its answer: one form field, `answer`. */
  readonly returnTo: string
  readonly language: string
  /** The edge session that becomes this person's; a new one where absent. */
  readonly session?: string
}

export interface ConfirmWish extends Pick<SignInWish, 'returnTo' | 'language'> {
  /** Whose passkey signs, hex. */
  readonly person: string
  readonly kind: 'confirmation' | 'order'
  /** Of the statement. */
  readonly body: Uint8Array
  /** The edge session that asks: the answer is good in no other one. */
  readonly session: string
}

export interface Begun {
  /** Where the browser goes; it holds no secret, and what is behind its `#` is sent to no server. */
  readonly url: string
  /** Comes back in the page's answer. */
  readonly state: string
}

export interface SignedIn {
  /** The edge session that is now this person's. */
  readonly session: string
  /** Of the request that the page answered: whoever began it sees whether it is theirs. */
  readonly state: string
  /** Hex id of the person. */
  readonly person: string
  readonly name: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

export interface SignIn {
  /**
   * Throws EdgeError `forbidden` for nobody of this house, but not for a name that nobody has; `too-many` names;
   * `conflict` where the session is somebody's.
   */
  readonly begin: (wish: SignInWish) => Promise<Begun>
  /** The page's answer; `session`: the caller's own, where it began in one. Throws EdgeError. */
  readonly finish: (answer: string, session?: string) => Promise<SignedIn>
  /** What a passkey is to sign beside sessions: a confirmation, an order. */
  readonly beginConfirm: (wish: ConfirmWish) => Promise<Begun>
  /** The statement as the passkey signed it; what it says is still to be looked at. Throws EdgeError. */
  readonly finishConfirm: (answer: string, session: string) => Uint8Array
}

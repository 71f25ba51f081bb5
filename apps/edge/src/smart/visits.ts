/**
 * Sign-ins that are under way: each from its authorization request to the code that ends it, or to nothing. In memory,
 * bounded, and no session outlives the one that it was for.
 */
import { EDGE_LIMITS } from '../limits.ts'
import type { SignedIn } from '../passkeys/sign-in.ts'
import type { Launch } from './launches.ts'

export interface Visit {
  /** Of the interaction: what its addresses and its cookie hold. */
  readonly uid: string
  /** Milliseconds since 1970. */
  readonly until: number
  launch: Launch | undefined
  /** State of what the passkey page was asked last: an answer to anything else is none. */
  asked: string | undefined
  /** Names that were tried. */
  tries: number
  /** What the next form brings: good once, and written into no other browser's page. */
  form: string
  signedIn: SignedIn | undefined
  /** What the browser shows that brought the passkey page's last answer. */
  secret: string | undefined
  /** `Patient/id` of the launch, or as the person chose it. */
  patient: string | undefined
  /** Patients of the lists that this person was shown: nobody else is chosen. */
  readonly shown: Set<string>
  /** The person confirmed by passkey, with a reason, beside signing in. */
  isConfirmed: boolean
  /** The application is told so when the browser comes for it. */
  isGivenUp: boolean
}

export interface VisitsOptions {
  readonly endSession: (session: string) => void
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

const SECRET = 32

export class Visits {
  readonly #options: VisitsOptions
  /** By uid; the oldest first. */
  readonly #known = new Map<string, Visit>()

  constructor(options: VisitsOptions) {
    this.#options = options
  }

  /** Begins, or begins again: whoever was signed in is not any more. A launch is taken once, and names are counted. */
  begin(uid: string): Visit {
    const { launch, tries = 0 } = this.of(uid) ?? {}
    this.drop(uid)
    this.#sweep()
    const visit: Visit = {
      uid, until: this.#options.now() + EDGE_LIMITS.signInTime * 1_000, launch, asked: undefined, tries,
      form: this.secret(), signedIn: undefined, secret: undefined, patient: launch?.patient, shown: new Set(),
      isConfirmed: false, isGivenUp: false,
    }
    this.#known.set(uid, visit)
    return visit
  }

  of(uid: string): Visit | undefined {
    const visit = this.#known.get(uid)
    if (visit === undefined || visit.until > this.#options.now()) return visit
    this.drop(uid)
    return undefined
  }

  /** Ends it, and the session of whoever signed in. */
  drop(uid: string): void {
    const { signedIn } = this.#known.get(uid) ?? {}
    this.#known.delete(uid)
    if (signedIn !== undefined) this.#options.endSession(signedIn.session)
  }

  /** It reached its end: the session is the application's from now on. */
  release(uid: string): void {
    this.#known.delete(uid)
  }

  secret(): string {
    return Buffer.from(this.#options.random(SECRET)).toString('base64url')
  }

  /** What nobody came back for is nobody's. Whoever begins and never ends pushes out the oldest. */
  #sweep(): void {
    const now = this.#options.now()
    for (const { uid, until } of this.#known.values()) {
      if (until > now && this.#known.size < EDGE_LIMITS.launches) break
      this.drop(uid)
    }
  }
}

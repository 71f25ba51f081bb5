/**
 * Sessions: whose open charts a request may see. One for each application that signs, and where an application serves
 * several people, one for each name that it signs with its requests. Kept here and nowhere else: this one server
 * decides which session a request belongs to. Whose of the house's people it is, by their passkey, `staff/` knows.
 */
import { Buffer } from 'node:buffer'

/** The session of this edge's own work, such as entering what others shared. No request has it. */
export const EDGE_ITSELF = ''

export interface SessionLimits {
  /** Milliseconds without a request after which a session is over. */
  readonly idle: number
  /** Milliseconds after which it is over in any case. */
  readonly absolute: number
  /** Sessions of one application at once: names are its own choice, and a faulty one makes a new one each time. */
  readonly perApplication: number
}

export interface SessionsOptions {
  readonly limits: SessionLimits
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** Told of a session that is over: whatever is open in it is closed. */
  readonly ended: (session: string) => void
}

interface Session {
  readonly id: string
  readonly principal: string
  readonly name: string
  readonly begunAt: number
  usedAt: number
}

const ID = 15

export class Sessions {
  readonly #options: SessionsOptions
  /** By principal, then by name, the least recently used first. */
  readonly #named = new Map<string, Map<string, Session>>()
  readonly #byId = new Map<string, Session>()

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#byId.size
  }

  /**
   * The session of a request, by its signer (hex id) and the name that the signature covers; begun now if there is none
   * or the last one is over. Opaque and random: nothing that was given out in one session is good in the next.
   */
  of(principal: string, name = ''): string {
    const now = this.#options.now()
    const own = this.#named.get(principal) ?? new Map<string, Session>()
    this.#named.set(principal, own)
    const known = own.get(name)
    if (known !== undefined && !this.#isOver(known, now)) {
      known.usedAt = now
      own.delete(name)
      own.set(name, known)
      return known.id
    }
    if (known !== undefined) this.end(known.id)
    const id = Buffer.from(this.#options.random(ID)).toString('base64url')
    const session: Session = { id, principal, name, begunAt: now, usedAt: now }
    own.set(name, session)
    this.#named.set(principal, own)
    this.#byId.set(id, session)
    for (const { id: oldest } of own.size > this.#options.limits.perApplication ? [...own.values()].slice(0, 1) : []) {
      this.end(oldest)
    }
    return id
  }

  /** Whose session it is: the application's hex id, and the name that it signs for a person; empty for itself. */
  whose(id: string): { readonly principal: string; readonly name: string } | undefined {
    return this.#byId.get(id)
  }

  /** A request of a session that is known by its id: true while it is not over, which this puts off. */
  touch(id: string): boolean {
    const session = this.#byId.get(id)
    if (session === undefined) return false
    const now = this.#options.now()
    if (this.#isOver(session, now)) {
      this.end(id)
      return false
    }
    session.usedAt = now
    return true
  }

  isLive(id: string): boolean {
    const session = this.#byId.get(id)
    return session !== undefined && !this.#isOver(session, this.#options.now())
  }

  /** Ends a session. Whatever its person asks next begins another one. */
  end(id: string): void {
    const session = this.#byId.get(id)
    if (session === undefined) return
    this.#byId.delete(id)
    const own = this.#named.get(session.principal)
    own?.delete(session.name)
    if (own?.size === 0) this.#named.delete(session.principal)
    this.#options.ended(id)
  }

  /** Ends those that are over their time. */
  sweep(): void {
    const now = this.#options.now()
    for (const session of this.#byId.values()) if (this.#isOver(session, now)) this.end(session.id)
  }

  #isOver({ begunAt, usedAt }: Session, now: number): boolean {
    const { idle, absolute } = this.#options.limits
    return now - usedAt > idle || now - begunAt > absolute
  }
}

/**
 * Signing in on the passkey page. The session's key is drawn here and stays in this process's memory: who copies every
 * file of this edge has no session, and cannot make one without the person's gesture for a key of theirs.
 */
import { type Client, SdkError, SealError, toHex } from '@scelle/sdk'
import { type PageAnswer, type PageRequest, readAnswer } from '@scelle/wire/passkey-page'
import { EdgeError, isUnreachable } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Sessions } from '../sessions.ts'
import type { KnownPerson, PeopleShelf } from '../staff/people.ts'
import type { Staff } from '../staff/staff.ts'
import type { PageAsks } from './page-asks.ts'
import { PageRequests } from './requests.ts'
import type { Begun, ConfirmWish, SignedIn, SignIn, SignInWish } from './sign-in.ts'

export interface PageSignInOptions {
  readonly client: Client
  readonly people: PeopleShelf
  readonly staff: Pick<Staff, 'enter' | 'of'>
  readonly sessions: () => Pick<Sessions, 'of' | 'isLive'>
  readonly asks: PageAsks
  /** Asks the register what it says of somebody now. */
  readonly refresh: (person: string) => Promise<void>
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

interface Asked {
  readonly person: KnownPerson
  /** Ed25519 seed of the session's key. */
  readonly key: Uint8Array
  readonly device: Uint8Array
  readonly until: number
}

const KEY = 32
const STATE = 32

export class PageSignIn implements SignIn {
  readonly #options: PageSignInOptions
  readonly #signIns: PageRequests<Asked>
  readonly #confirms: PageRequests<string>

  constructor(options: PageSignInOptions) {
    this.#options = options
    this.#signIns = new PageRequests(options.now)
    this.#confirms = new PageRequests(options.now)
  }

  readonly begin = async (wish: SignInWish): Promise<Begun> => {
    const { client, people, refresh, staff, now, random } = this.#options
    const { session, device } = wish
    if (session !== undefined && staff.of(session) !== undefined) {
      throw new EdgeError('conflict', 'this session is somebody\'s: log out first')
    }
    if (wish.person === undefined) throw new EdgeError('bad-value', 'say who signs in', 'person')
    await refresh(wish.person)
    const person = await people.current(wish.person)
    if (person === undefined) throw new EdgeError('forbidden', 'this edge knows no such person')
    const key = random(KEY)
    const until = Math.min(now() + EDGE_LIMITS.sessionAbsolute, person.standsFor?.until ?? Infinity)
    const { request } = await client.people.ask({
      chain: person.chain, key, device, purposes: [...wish.purposes], until,
    })
    const begun = await this.#sent(person, wish, { task: 'sign-in', body: request })
    this.#signIns.add(begun.state, { person, key, device, until }, session)
    return begun
  }

  readonly finish = async (answer: string, session?: string): Promise<SignedIn> => {
    const { client, sessions, staff, random } = this.#options
    const { signed, state } = answered(answer)
    const { person, key, device, until } = this.#signIns.take(state, session)
    const identity = await held(client.people.hold({ ...person, key, signed }))
    const own = session ?? sessions().of(toHex(device), Buffer.from(random(STATE)).toString('base64url'))
    await held(staff.enter(own, person, identity))
    return { session: own, state, person: person.id, name: person.name, expires: until }
  }

  readonly beginConfirm = async (wish: ConfirmWish): Promise<Begun> => {
    const { people } = this.#options
    const person = await people.current(wish.person)
    if (person === undefined) throw new EdgeError('forbidden', 'this edge knows no such person')
    const begun = await this.#sent(person, wish, { task: 'confirm', kind: wish.kind, body: wish.body })
    this.#confirms.add(begun.state, person.id, wish.session)
    return begun
  }

  readonly finishConfirm = (answer: string, session: string): Uint8Array => {
    const { signed, state } = answered(answer)
    this.#confirms.take(state, session)
    return signed
  }

  #sent(
    person: KnownPerson, { returnTo, language }: Pick<SignInWish, 'returnTo' | 'language'>,
    asks: Pick<PageRequest, 'task' | 'body' | 'kind'>,
  ): Promise<Begun> {
    return this.#options.asks.send({
      ...asks, returnTo, language, person: [...person.chain], personName: person.name,
    })
  }
}

/** The page's answer, and the state that it is to; nothing of it is verified. Throws `forbidden`, `bad-value`. */
const answered = (sent: string): { readonly signed: Uint8Array; readonly state: string } => {
  const { signed, state, problem } = decoded(sent)
  if (signed === undefined) throw new EdgeError('forbidden', `nothing was signed: ${problem ?? 'declined'}`)
  return { signed, state: Buffer.from(state).toString('base64url') }
}

const decoded = (sent: string): PageAnswer => {
  try {
    return readAnswer(sent)
  } catch (cause) {
    throw new EdgeError('bad-value', 'this is no answer of the passkey page', 'answer', { cause })
  }
}

/** Throws `forbidden` where what was signed is not what was asked for. */
const held = async <T>(holding: Promise<T>): Promise<T> => {
  try {
    return await holding
  } catch (cause) {
    if (isUnreachable(cause)) throw new EdgeError('index-unavailable', undefined, undefined, { cause })
    if (!(cause instanceof SealError) && !(cause instanceof SdkError)) throw cause
    throw new EdgeError('forbidden', 'a passkey of this person has to agree to this session', undefined, { cause })
  }
}

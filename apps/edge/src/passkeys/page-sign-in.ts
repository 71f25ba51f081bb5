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
import type { Named, Names } from './names.ts'
import type { PageAsks } from './page-asks.ts'
import { PageRequests } from './requests.ts'
import type { Begun, ConfirmWish, SignedIn, SignIn, SignInWish } from './sign-in.ts'

export interface PageSignInOptions {
  readonly client: Client
  readonly people: PeopleShelf
  readonly names: Pick<Names, 'find'>
  readonly staff: Pick<Staff, 'enter' | 'of'>
  readonly sessions: () => Pick<Sessions, 'of' | 'isLive'>
  readonly asks: PageAsks
  /** Asks the register what it says of somebody now. */
  readonly refresh: (person: string) => Promise<void>
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

interface Asked extends Named {
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
    const { client, staff, now, random } = this.#options
    const { session, device, application } = wish
    if (session !== undefined && staff.of(session) !== undefined) {
      throw new EdgeError('conflict', 'this session is somebody\'s: log out first')
    }
    const { person, isKnown } = await this.#who(wish)
    const key = random(KEY)
    const until = Math.min(now() + EDGE_LIMITS.sessionAbsolute, person.standsFor?.until ?? Infinity)
    const { request } = await client.people.ask({
      chain: person.chain, key, device, purposes: [...wish.purposes], until,
    })
    // A name is shown as it was typed, whoever has it.
    const begun = await this.#sent({ ...person, name: wish.named?.name ?? person.name }, wish, {
      task: 'sign-in', body: request, ...(application === undefined ? {} : { application }),
    })
    this.#signIns.add(begun.state, { person, isKnown, key, device, until }, session)
    return begun
  }

  readonly finish = async (answer: string, session?: string): Promise<SignedIn> => {
    const { client, refresh, sessions, staff, random } = this.#options
    const { signed, state } = answered(answer)
    const { person, isKnown, key, device, until } = this.#signIns.take(state, session)
    if (!isKnown) throw disagreed()
    const identity = await held(client.people.hold({ ...person, key, signed }))
    // After the gesture: who guesses names would see by the time which of them the register is asked about.
    await refresh(person.id)
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

  async #who({ person: id, named }: SignInWish): Promise<Named> {
    const { people, names } = this.#options
    if (named !== undefined) return names.find(named.name, named.by)
    if (id === undefined) throw new EdgeError('bad-value', 'say who signs in', 'person')
    const person = await people.current(id)
    if (person === undefined) throw new EdgeError('forbidden', 'this edge knows no such person')
    return { person, isKnown: true }
  }

  #sent(
    person: KnownPerson, { returnTo, language }: Pick<SignInWish, 'returnTo' | 'language'>,
    asks: Pick<PageRequest, 'task' | 'application' | 'body' | 'kind'>,
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

const disagreed = (cause?: unknown): EdgeError =>
  new EdgeError('forbidden', 'a passkey of this person has to agree to this session', undefined, { cause })

/** Throws `forbidden` where what was signed is not what was asked for. */
const held = async <T>(holding: Promise<T>): Promise<T> => {
  try {
    return await holding
  } catch (cause) {
    if (isUnreachable(cause)) throw new EdgeError('index-unavailable', undefined, undefined, { cause })
    if (!(cause instanceof SealError) && !(cause instanceof SdkError)) throw cause
    throw disagreed(cause)
  }
}

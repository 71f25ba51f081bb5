/**
 * People enrol on the passkey page, change their passkeys there, and recover there. What comes back is public but for
 * wraps that open nothing here; what it has to be is checked before anybody is let in by it.
 */
import { type Client, type PrincipalKeys, sealingKeyOf, toHex, verifyKeyChain } from '@scelle/sdk'
import { type GuardingAsked, type PageAnswer, readAnswer } from '@scelle/wire/passkey-page'
import { type FhirAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { parametersIn, told } from '../parameters-body.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Enrolled, EnrolledShelf } from '../staff/enrolled.ts'
import { pageIn, personIn, statementIn } from '../staff/given.ts'
import type { Staff } from '../staff/staff.ts'
import type { RegisterDesk } from './desk.ts'
import type { Asking, PageAsks } from './page-asks.ts'
import { pinHeard, pinIn } from './pin-visits.ts'
import { PageRequests } from './requests.ts'

export interface EnrolmentsOptions {
  readonly client: Client
  readonly asks: PageAsks
  readonly enrolled: EnrolledShelf
  readonly staff: Pick<Staff, 'need' | 'endAllOf' | 'checked' | 'confirmations'>
  /** Where its people enrol; undefined where officers bring what a register signed. */
  readonly desk: RegisterDesk | undefined
  /** Somebody is back, hex id: whatever recovery of theirs was under way is over. */
  readonly recovered: (person: string) => void
  /** Address of the passkey page: the one origin whose passkeys count. */
  readonly page: string
  /** Hex id of this organisation. */
  readonly self: string
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

const CHANGES = ['add-passkey', 'remove-passkey', 'recover'] as const
type Change = (typeof CHANGES)[number]

/** `sent`: what the page was asked, for a second visit where a PIN takes one. */
type Asked = { readonly sent: Asking } & (
  | { readonly task: 'enrol'; readonly name: string; readonly sealing: Uint8Array }
  | { readonly task: Change; readonly person: string }
)

const SEED = 32

export class Enrolments {
  readonly #options: EnrolmentsOptions
  readonly #asked: PageRequests<Asked>

  constructor(options: EnrolmentsOptions) {
    this.#options = options
    this.#asked = new PageRequests(options.now)
  }

  /**
   * `POST $scelle-enrol`, in an officer's session: `name`, `return`, `language` → `url` of the passkey page, where the
   * new person makes their passkey and their sheet. With `task` (`add-passkey`, `remove-passkey`, or an officer's
   * `recover`) and `person`: what somebody changes. Then `answer`, as the page posted it → `person` (hex id).
   */
  async enrol(call: Call): Promise<FhirAnswer> {
    const given = parametersIn(call, ['name', 'task', 'person', 'return', 'language', 'answer'])
    if (given.has('answer')) return told(await this.#finish(call.session, given.get('answer') ?? ''))
    const { url } = given.has('task') ? await this.#toChange(call.session, given) : await this.#toEnrol(call, given)
    return told({ url })
  }

  /**
   * `POST $scelle-status`, in an officer's session: `person`, `statement`, a status that a register signed of them.
   * With `return` and `language` instead → `url`, where the person's own browser goes, at the register's desk; with
   * `person` alone, what the desk has signed is fetched.
   */
  async status(call: Call): Promise<FhirAnswer> {
    this.#requireOfficer(call.session)
    const given = parametersIn(call, ['person', 'statement', 'return', 'language'])
    const person = personIn(given, 'person')
    if (this.#options.enrolled.get(person) === undefined) {
      throw new EdgeError('not-found', 'nobody of that id enrolled here')
    }
    if (given.has('return')) return told({ url: await this.#desk().begin(person, pageIn(given)) })
    if (given.has('statement')) await this.#keepStatus(person, statementIn(given))
    else await this.#fetch(person, this.#desk())
    return told({ person })
  }

  /**
   * Before somebody signs in: what the register says now. Whom it says nothing of any more is nobody; where its desk is
   * not reached, or answers what does not hold, it stays at what is known here.
   */
  async refresh(person: string): Promise<void> {
    const { client, desk, enrolled } = this.#options
    const known = enrolled.get(person)
    if (desk === undefined || known === undefined) return
    try {
      await this.#fetch(person, desk)
    } catch (error) {
      if (!(error instanceof EdgeError) || error.code !== 'not-found') return
      const said = await Promise.all(known.statuses.map((one) => client.statements.status(one)))
      const others = known.statuses.filter((_, place) => said[place]?.issuer !== desk.register)
      if (others.length < known.statuses.length) enrolled.keep(person, { ...known, statuses: others })
    }
  }

  /** Throws EdgeError `not-found`, `index-unavailable`, `bad-value`. */
  async #fetch(person: string, desk: RegisterDesk): Promise<void> {
    const statement = await desk.statusOf(person)
    if (statement === 'unreached') throw new EdgeError('index-unavailable', 'the register does not answer: try again')
    if (statement === undefined) {
      throw new EdgeError('not-found', 'the register says nothing of this person at this house')
    }
    await this.#keepStatus(person, statement, desk.register)
  }

  /** `issuer`: who has to have signed it, where it came from somebody in particular. Throws `bad-value`. */
  async #keepStatus(person: string, statement: Uint8Array, issuer?: string): Promise<void> {
    const { client, enrolled, staff, self, now } = this.#options
    const said = await staff.checked(() => client.statements.status(statement))
    const known = enrolled.get(person)
    const isOf = said.subject === person && said.organisation === self && said.until > now()
    if (known === undefined || !isOf || said.issuer !== (issuer ?? said.issuer)) {
      throw new EdgeError('bad-value', 'it says nothing of this person at this house now', 'statement')
    }
    const isKnown = known.statuses.some((one) => toHex(one) === toHex(statement))
    if (!isKnown) enrolled.keep(person, { ...known, statuses: [statement] })
  }

  #desk(): RegisterDesk {
    const { desk } = this.#options
    if (desk === undefined) {
      throw new EdgeError('not-supported', 'this house knows no desk of a register: see staff.register')
    }
    return desk
  }

  async #toEnrol({ session }: Call, given: ReadonlyMap<string, string>): Promise<{ readonly url: string }> {
    const { asks, client, random } = this.#options
    this.#requireOfficer(session)
    const name = (given.get('name') ?? '').trim()
    if (name === '' || Buffer.byteLength(name) > EDGE_LIMITS.personName) {
      throw new EdgeError('bad-value', 'expected a name', 'name')
    }
    const sealing = random(SEED)
    const sent: Asking = {
      ...pageIn(given), task: 'enrol', personName: name, sealingKey: sealingKeyOf(sealing),
      ...await pinIn(client.recoveries, undefined),
    }
    const begun = await asks.send(sent)
    this.#asked.add(begun.state, { task: 'enrol', name, sealing, sent }, session)
    return begun
  }

  /** Of one's own, or an officer for somebody who has lost every passkey. */
  async #toChange(session: string, given: ReadonlyMap<string, string>): Promise<{ readonly url: string }> {
    const { asks, client, enrolled, staff } = this.#options
    const task = CHANGES.find((one) => one === given.get('task'))
    if (task === undefined) throw new EdgeError('bad-value', `expected ${CHANGES.join(', ')}`, 'task')
    const person = personIn(given, 'person')
    if (task === 'recover' || staff.need(session).id !== person) this.#requireOfficer(session)
    const known = enrolled.get(person)
    if (known === undefined) throw new EdgeError('not-found', 'nobody of that id enrolled here')
    const { chain, name, wraps } = known
    const sent: Asking = {
      ...pageIn(given), task, person: [...chain], personName: name, wraps: [...wraps],
      ...await pinIn(client.recoveries, wraps),
    }
    const begun = await asks.send(sent)
    this.#asked.add(begun.state, { task, person, sent }, session)
    return begun
  }

  /**
   * The last visit of a recovery by guardians, for an officer's session. Its answer is one to `$scelle-enrol`, and
   * checked like that of every other change.
   */
  async toReturn(
    session: string, person: string, guarding: GuardingAsked, given: ReadonlyMap<string, string>,
  ): Promise<{ readonly url: string }> {
    const { asks, enrolled } = this.#options
    this.#requireOfficer(session)
    const known = enrolled.get(person)
    if (known === undefined) throw new EdgeError('not-found', 'nobody of that id enrolled here')
    const { chain, name, wraps } = known
    const sent: Asking = {
      ...pageIn(given), task: 'recover-by-guardians', person: [...chain], personName: name, wraps: [...wraps], guarding,
    }
    const { url, state } = await asks.send(sent)
    this.#asked.add(state, { task: 'recover', person, sent }, session)
    return { url }
  }

  /** The trustees are asked, and the page once more: nothing is kept of somebody whose PIN was not tried. */
  async #again(
    session: string, { state, pin, chain, wraps }: PageAnswer & { readonly pin: NonNullable<PageAnswer['pin']> },
  ): Promise<{ readonly url: string }> {
    const { asks, client } = this.#options
    const asked = this.#asked.take(Buffer.from(state).toString('base64url'), session)
    const made = asked.task !== 'enrol' || chain === undefined ? {} : { person: chain, ...(wraps && { wraps }) }
    const sent: Asking = { ...asked.sent, ...made, pin: await pinHeard(client.recoveries, pin) }
    const begun = await asks.send(sent)
    this.#asked.add(begun.state, { ...asked, sent }, session)
    return { url: begun.url }
  }

  async #finish(session: string, sent: string): Promise<Record<string, string>> {
    const { client, enrolled, staff } = this.#options
    const answer = decodedAnswer(sent)
    const { chain, wraps, state, problem, known = [], pin } = answer
    if (pin !== undefined) return this.#again(session, { ...answer, pin })
    if (chain === undefined || wraps === undefined) {
      throw new EdgeError('forbidden', `nothing was changed: ${problem ?? 'declined'}`)
    }
    const asked = this.#asked.take(Buffer.from(state).toString('base64url'), session)
    const keys = await staff.checked(() => verifyKeyChain(chain))
    const id = toHex(keys.id)
    const next = this.#next(asked, { chain, wraps, keys, id })
    await staff.checked(() => client.people.register(chain))
    enrolled.keep(id, next)
    staff.confirmations.forget(id)
    // A passkey that is gone carries nothing: what was begun with it is over here, as it is at index and trustees.
    if (asked.task === 'remove-passkey' || asked.task === 'recover') staff.endAllOf(id)
    if (asked.task === 'recover') this.#options.recovered(id)
    await client.recoveries.pinKnown(known)
    return { person: id }
  }

  /** Throws `forbidden` where the page, or who posed as it, made something else than was asked. */
  #next(
    asked: Asked,
    { chain, wraps, keys, id }: Required<Pick<PageAnswer, 'chain' | 'wraps'>> & {
      readonly keys: PrincipalKeys; readonly id: string
    },
  ): Enrolled {
    this.#requirePasskeys(keys)
    if (asked.task === 'enrol') {
      const { name, sealing } = asked
      const fits = chain.length === 1 && this.#options.enrolled.get(id) === undefined &&
        toHex(keys.current.sealingKey) === toHex(sealingKeyOf(sealing))
      if (!fits) throw new EdgeError('forbidden', 'this is another enrolment\'s answer')
      return { name, chain, sealing: [sealing], wraps, statuses: [] }
    }
    const known = this.#options.enrolled.get(asked.person)
    const follows = known !== undefined && asked.person === id && chain.length === known.chain.length + 1 &&
      known.chain.every((record, place) => toHex(record) === toHex(chain[place] ?? new Uint8Array()))
    const last = known?.sealing.at(-1)
    if (!follows || last === undefined || toHex(keys.current.sealingKey) !== toHex(sealingKeyOf(last))) {
      throw new EdgeError('forbidden', 'these key records do not follow those that this house has')
    }
    return { ...known, chain, wraps, sealing: [...known.sealing, last] }
  }

  /** Of the page's own origin, and bound to their devices: others open nothing, so they are not taken for anybody's. */
  #requirePasskeys({ kind, current: { passkeys = [] } }: PrincipalKeys): void {
    const { origin } = new URL(this.#options.page)
    const holds = kind === 'person' && passkeys.length > 0 &&
      passkeys.every((passkey) => passkey.deviceBound && passkey.origin === origin)
    if (!holds) throw new EdgeError('forbidden', 'a person has passkeys of this house\'s page, bound to their devices')
  }

  #requireOfficer(session: string): void {
    if (this.#options.staff.need(session).enrolment.role !== 'officer') {
      throw new EdgeError('forbidden', 'an officer of this house enrols its people')
    }
  }
}

/** The page's answer; nothing in it is verified. Throws `bad-value`. */
export const decodedAnswer = (sent: string): PageAnswer => {
  try {
    return readAnswer(sent)
  } catch (cause) {
    throw new EdgeError('bad-value', 'this is no answer of the passkey page', 'answer', { cause })
  }
}

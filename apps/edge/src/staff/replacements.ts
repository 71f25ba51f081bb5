/**
 * Somebody's key is lost in the middle of a shift: two officers order, each by their own passkey, that a spare key that
 * enrolled at this desk stands in its place. The house brings both words to the trustees and adds none: whether these
 * are two officers of that house, and whose meter counts on, they decide.
 */
import type { Parameters } from '@medplum/fhirtypes'
import { type Client, orderBody, toHex } from '@scelle/sdk'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Log } from '../log.ts'
import { parametersIn, requireNoQuery, told } from '../parameters-body.ts'
import type { SignIn } from '../passkeys/sign-in.ts'
import { faultOf } from '../writes/faults.ts'
import type { EnrolledShelf } from './enrolled.ts'
import { instantIn, pageIn, personIn, reasonIn } from './given.ts'
import type { Member } from './member.ts'
import type { PeopleShelf } from './people.ts'
import type { Staff } from './staff.ts'

export interface ReplacementsOptions {
  readonly client: Pick<Client, 'order' | 'statements'>
  readonly signIn: Pick<SignIn, 'beginConfirm' | 'finishConfirm'>
  readonly staff: Pick<Staff, 'need' | 'endAllOf' | 'checked'>
  readonly people: Pick<PeopleShelf, 'get'>
  readonly enrolled: Pick<EnrolledShelf, 'get' | 'keep'>
  readonly houseStatuses: () => readonly Uint8Array[]
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly log: Log
}

interface Word {
  readonly signed: Uint8Array
  readonly statuses: readonly Uint8Array[]
}

/** An order that was begun: what both officers sign, byte for byte. */
interface Waiting {
  readonly order: string
  readonly body: Uint8Array
  /** Hex ids of who lost a key, and of the key in its place. */
  readonly person: string
  readonly replacement: string
  readonly reason: string
  /** When the replacement ends, and when the order is too old to be signed: milliseconds since 1970. */
  readonly until: number
  readonly late: number
  /** By the officer's hex id. */
  readonly words: Map<string, Word>
}

const NAMES = ['person', 'replacement', 'reason', 'until', 'order', 'return', 'language', 'answer']
const ORDER = 16
const OFFICERS = 2

export class Replacements {
  readonly #options: ReplacementsOptions
  /** By id; the oldest first. */
  readonly #waiting = new Map<string, Waiting>()

  constructor(options: ReplacementsOptions) {
    this.#options = options
  }

  /**
   * `POST $scelle-replace-key`, in an officer's session: `person` whose key is lost, `replacement` that enrolled here
   * (hex ids), `reason`, `until` (an instant; a shift where absent), `return`, `language` → `order`, `url`, where the
   * officer's passkey signs it; then `answer` → `order`, `signed`. In another officer's session: `order`, `return`,
   * `language` → `url`, and `answer` likewise → `until`, `pending` (trustees that read it in the log). With both words
   * there, `order` alone tells the trustees again. Throws `forbidden` as trustees refuse, `conflict` for one officer
   * twice.
   */
  async replace(call: Call): Promise<FhirAnswer> {
    const given = parametersIn(call, NAMES)
    const officer = this.#officer(call)
    if (given.has('answer')) return this.#answered(call.session, officer, given.get('answer') ?? '')
    const waiting = given.has('order') ? this.#get(given.get('order') ?? '') : this.#begin(officer, given)
    if (waiting.words.size === OFFICERS) return this.#tell(waiting)
    if (waiting.words.has(officer.id)) throw new EdgeError('conflict', 'this takes another officer: you have signed it')
    const { url } = await this.#options.signIn.beginConfirm({
      person: officer.id, session: call.session, kind: 'order', body: waiting.body, ...pageIn(given),
    })
    this.#keep(waiting)
    return told({ order: waiting.order, url })
  }

  /** `GET $scelle-replace-key`, for an officer: each `waiting` order that a second one has not signed. */
  list(call: Call): FhirAnswer {
    requireNoQuery(call)
    this.#officer(call)
    this.#sweep()
    const parameter: Parameter[] = [...this.#waiting.values()].filter(({ words }) => words.size < OFFICERS)
      .map(({ order, person, replacement, reason, until, words }) => ({
        name: 'waiting',
        part: [
          { name: 'order', valueString: order },
          { name: 'person', valueString: person },
          { name: 'replacement', valueString: replacement },
          { name: 'reason', valueString: reason },
          { name: 'until', valueInstant: new Date(until).toISOString() },
          { name: 'signed', valueInteger: words.size },
        ],
      }))
    // FHIR knows no empty lists.
    return jsonAnswer(200, { resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) })
  }

  #begin(officer: Member, given: ReadonlyMap<string, string>): Waiting {
    const { now, random } = this.#options
    const [person, replacement] = [personIn(given, 'person'), personIn(given, 'replacement')]
    this.#requireFits(officer, person, replacement)
    const until = instantIn(given, 'until', now() + EDGE_LIMITS.replacementTime)
    if (until <= now() || until > now() + EDGE_LIMITS.replacementTime) {
      throw new EdgeError('bad-value', 'expected an end within fourteen hours', 'until')
    }
    const reason = reasonIn(given)
    const body = orderBody({
      action: 'replace', scope: 'device', target: person, replacement, reason, until,
    }, { now, random })
    const order = toHex(random(ORDER))
    return {
      order, body, person, replacement, reason, until, late: now() + EDGE_LIMITS.orderTime, words: new Map(),
    }
  }

  /** What trustees would refuse as well, before an officer's gesture is asked for. */
  #requireFits(officer: Member, person: string, replacement: string): void {
    const { people, enrolled } = this.#options
    const lost = people.get(person)
    const spare = enrolled.get(replacement)
    if (lost === undefined || spare === undefined || person === replacement) {
      throw new EdgeError('not-found', 'expected somebody of this house, and another key that enrolled here')
    }
    if (officer.id === person || officer.id === replacement) {
      throw new EdgeError('forbidden', 'no officer replaces their own key, or is the replacement')
    }
    if (lost.standsFor !== undefined) throw new EdgeError('forbidden', 'what stands for a lost key is not replaced')
    const standing = people.get(replacement)?.standsFor
    if (standing !== undefined && standing.person !== person) {
      throw new EdgeError('forbidden', 'this key stands for somebody else')
    }
  }

  async #answered(session: string, officer: Member, answer: string): Promise<FhirAnswer> {
    const { signIn, client, staff } = this.#options
    const signed = signIn.finishConfirm(answer, session)
    const { signer, body } = await staff.checked(() => client.statements.order(signed))
    this.#sweep()
    // What the page was asked for, and nothing that somebody else had this passkey sign.
    const waiting = [...this.#waiting.values()].find((each) => toHex(each.body) === toHex(body))
    if (waiting === undefined || signer !== officer.id) {
      throw new EdgeError('forbidden', 'this is no order that waits here for this officer: begin again')
    }
    if (waiting.words.size < OFFICERS) waiting.words.set(signer, { signed, statuses: officer.statuses() })
    if (waiting.words.size < OFFICERS) return told({ order: waiting.order, signed: String(waiting.words.size) })
    return this.#tell(waiting)
  }

  async #tell({ order, person, replacement, until, words }: Waiting): Promise<FhirAnswer> {
    const { client, enrolled, houseStatuses, people, staff, log } = this.#options
    const all = [
      ...[...words.values()].flatMap(({ statuses }) => statuses), ...people.get(person)?.statuses() ?? [],
      ...houseStatuses(),
    ]
    // Each once: a trustee takes two of one principal for a mistake.
    const statuses = [...new Map(all.map((each) => [toHex(each), each])).values()]
    try {
      const { pending } = await client.order([...words.values()].map(({ signed }) => signed), statuses)
      const spare = enrolled.get(replacement)
      if (spare !== undefined) enrolled.keep(replacement, { ...spare, standsFor: { person, until } })
      // Whoever found the key is shown nothing any more, nor what its own session had open.
      staff.endAllOf(person)
      log('key-replaced', { pending: pending.length })
      return told({ order, until: new Date(until).toISOString(), pending: String(pending.length) })
    } catch (error) {
      const fault = faultOf(error)
      // Refused, it is refused for good; where nobody answers, it is told again by its id.
      if (fault.code !== 'index-unavailable') this.#waiting.delete(order)
      throw fault
    }
  }

  #get(order: string): Waiting {
    this.#sweep()
    const waiting = this.#waiting.get(order)
    if (waiting === undefined) throw new EdgeError('not-found', 'no such order waits here: begin again')
    return waiting
  }

  #keep(waiting: Waiting): void {
    this.#sweep()
    for (const old of this.#waiting.keys()) {
      if (this.#waiting.size < EDGE_LIMITS.ordersWaiting) break
      if (old !== waiting.order) this.#waiting.delete(old)
    }
    this.#waiting.set(waiting.order, waiting)
  }

  #sweep(): void {
    const now = this.#options.now()
    for (const [old, { late }] of this.#waiting) if (late <= now) this.#waiting.delete(old)
  }

  /** Trustees decide who is one; whoever is none here needs no question to them. */
  #officer({ session }: Call): Member {
    const member = this.#options.staff.need(session)
    if (member.enrolment.role !== 'officer') throw new EdgeError('forbidden', 'two officers of the house replace a key')
    return member
  }
}

type Parameter = NonNullable<Parameters['parameter']>[number]

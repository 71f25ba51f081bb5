/**
 * Guardians of this house's people, each step on the passkey page. The house carries what the pages made: packets and
 * answers that it cannot open, digits that it does not see. Whom somebody names, and to whom a share goes, two people
 * settle by voice.
 */
import { type Client, fromHex, toHex, verifyKeyChain } from '@scelle/sdk'
import type { GuardianTask, GuardingAnswered, GuardingAsked, PageAnswer } from '@scelle/wire/passkey-page'
import type { FhirAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { parametersIn, told } from '../parameters-body.ts'
import type { Enrolled, EnrolledShelf } from '../staff/enrolled.ts'
import { pageIn, personIn } from '../staff/given.ts'
import type { GuardedSet, GuardedShelf, RecoveryUnderWay } from '../staff/guarded.ts'
import type { Staff } from '../staff/staff.ts'
import type { Log } from '../log.ts'
import { decodedAnswer, type Enrolments } from './enrolments.ts'
import type { Asking, PageAsks } from './page-asks.ts'
import { pinHeard, pinIn } from './pin-visits.ts'
import { PageRequests } from './requests.ts'

export interface GuardiansOptions {
  readonly client: Client
  readonly asks: PageAsks
  readonly enrolled: EnrolledShelf
  readonly guarded: GuardedShelf
  readonly enrolments: Pick<Enrolments, 'toReturn'>
  readonly staff: Pick<Staff, 'need' | 'checked'>
  readonly now: () => number
  readonly log: Log
}

type Given = ReadonlyMap<string, string>

/** `by`: who is at the page. `owner`: whom it is about. */
interface Asked {
  readonly task: GuardianTask
  readonly by: string
  readonly owner: string
  readonly guardians?: readonly string[]
  readonly ends?: boolean
  /** What the page was asked, for a second visit where a PIN takes one. */
  readonly sent?: Asking
}

/** An officer sits with whoever has no passkey left; everything else is one's own. */
const OFFICERS: ReadonlySet<GuardianTask> = new Set(['begin-recovery', 'recover-by-guardians'])
/** What a guardian does for somebody else. */
const GUARDIANS: ReadonlySet<GuardianTask> = new Set(['guard', 'release-share'])
const TASKS: readonly GuardianTask[] = [
  'guardian-key', 'name-guardians', 'guard', 'try-guardians', 'object', 'begin-recovery', 'release-share',
  'recover-by-guardians',
]
const NEEDED = 2

const conflict = (what: string): EdgeError => new EdgeError('conflict', what)

const needed = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw conflict(what)
  return value
}

export class Guardians {
  readonly #options: GuardiansOptions
  readonly #asked: PageRequests<Asked>

  constructor(options: GuardiansOptions) {
    this.#options = options
    this.#asked = new PageRequests(options.now)
  }

  /**
   * `POST $scelle-guardians`. With `task`, `person` (whom it is about), `return`, `language` → `url` of the passkey
   * page; then `answer`. With `person` alone: how things stand with that person's guardians.
   */
  async guardians(call: Call): Promise<FhirAnswer> {
    const given = parametersIn(call, ['task', 'person', 'guardians', 'end', 'return', 'language', 'answer'])
    if (given.has('answer')) return told(await this.#finish(call.session, given.get('answer') ?? '', given))
    return given.has('task') ? told(await this.#begin(call.session, given)) : this.#standing(call.session, given)
  }

  async #begin(session: string, given: Given): Promise<Record<string, string>> {
    const { asks, client, staff } = this.#options
    const task = TASKS.find((one) => one === given.get('task'))
    if (task === undefined) throw new EdgeError('bad-value', `expected ${TASKS.join(', ')}`, 'task')
    const owner = personIn(given, 'person')
    const me = staff.need(session)
    if (OFFICERS.has(task) && me.enrolment.role !== 'officer') {
      throw new EdgeError('forbidden', 'an officer begins and ends this, beside the person')
    }
    if (!OFFICERS.has(task) && !GUARDIANS.has(task) && me.id !== owner) {
      throw new EdgeError('forbidden', 'guardians are each person\'s own')
    }
    const by = OFFICERS.has(task) ? owner : me.id
    const guardians = task === 'name-guardians' ? this.#namedIn(given, owner) : undefined
    const asked: Asked = {
      task, by, owner, ends: given.get('end') === 'true', ...(guardians === undefined ? {} : { guardians }),
    }
    const guarding = await this.#guarding(asked)
    const known = this.#known(by)
    const sent: Asking = {
      ...pageIn(given), task, person: [...known.chain], personName: known.name, wraps: [...known.wraps], guarding,
      ...await pinIn(client.recoveries, known.wraps),
    }
    const begun = await asks.send(sent)
    this.#asked.add(begun.state, { ...asked, sent }, session)
    return { url: begun.url }
  }

  /** What the page is handed for a step. Throws `conflict` where it is not time for it. */
  async #guarding({ task, owner, by, guardians = [], ends = false }: Asked): Promise<GuardingAsked> {
    const { client, guarded } = this.#options
    if (task === 'guardian-key') return {}
    if (task === 'name-guardians') return { guardians: this.#keysOf(guardians), trustees: await this.#trustees() }
    const { by: set, recovery } = guarded.of(owner)
    const { set: encoded, packets, guardians: named, codes, held } = needed(set, 'this person has no guardians')
    const packet = packets[named.indexOf(by)]
    switch (task) {
      case 'guard': return { packet: needed(packet, 'you are not asked to guard for this person') }
      case 'try-guardians': {
        const said = named.flatMap((one) => codes[one] ?? [])
        if (said.length < named.length) throw conflict('not every guardian has opened their part yet')
        return { set: encoded, codes: said }
      }
      case 'object': {
        const { id } = recovery ?? {}
        if (!ends && id === undefined) throw conflict('no recovery is on record here; guardians are ended with `end`')
        return { set: encoded, ...(ends || id === undefined ? {} : { recovery: id }) }
      }
      case 'begin-recovery':
        if (!held) throw conflict('these guardians were never tried: they are no way back')
        return {}
      case 'release-share': return {
        packet: needed(packet, 'you do not guard for this person'),
        begun: needed(recovery, 'nobody asks for this').begun,
      }
      case 'recover-by-guardians':
    }
    const { begun, answers, since } = needed(recovery, 'no recovery was begun')
    needed(since, 'two guardians have to answer first')
    return { begun, answers: Object.values(answers), trustees: await client.recoveries.trustees() }
  }

  async #trustees(): Promise<NonNullable<GuardingAsked['trustees']>> {
    const trustees = await this.#options.client.recoveries.trustees()
    if (trustees.length !== 3) throw new EdgeError('index-unavailable', 'all three trustees have to be there')
    return trustees
  }

  #known(person: string): Enrolled {
    const known = this.#options.enrolled.get(person)
    if (known === undefined) throw new EdgeError('not-found', 'nobody of that id enrolled here')
    return known
  }

  #namedIn(given: Given, owner: string): string[] {
    const named = (given.get('guardians') ?? '').split(',')
    const fits = named.length === 3 && new Set(named).size === 3 &&
      named.every((id) => fromHex(id)?.length === 32 && id !== owner)
    if (!fits) throw new EdgeError('bad-value', 'expected three other people\'s ids, with commas', 'guardians')
    if (this.#options.guarded.of(owner).by?.held === true) {
      throw conflict('end the guardians that you have first: task object, with `end`')
    }
    return named
  }

  #keysOf(named: readonly string[]): NonNullable<GuardingAsked['guardians']> {
    const { guarded } = this.#options
    return named.map((id) => ({
      name: this.#known(id).name, chain: [...needed(guarded.of(id).key, 'a guardian shows their own digits first')],
    }))
  }

  async #finish(session: string, sentBack: string, given: Given): Promise<Record<string, string>> {
    const { asks, client } = this.#options
    const answer = decodedAnswer(sentBack)
    const asked = this.#asked.take(Buffer.from(answer.state).toString('base64url'), session)
    if (answer.problem !== undefined) throw new EdgeError('forbidden', `nothing was changed: ${answer.problem}`)
    const { guarding = {}, known = [] } = answer
    if (answer.pin !== undefined && asked.sent !== undefined) {
      const sent = { ...asked.sent, pin: await pinHeard(client.recoveries, answer.pin) }
      const begun = await asks.send(sent)
      this.#asked.add(begun.state, { ...asked, sent }, session)
      return { url: begun.url }
    }
    await client.recoveries.pinKnown(known)
    switch (asked.task) {
      case 'guardian-key': return this.#keyShown(asked, guarding)
      case 'name-guardians': return this.#named(asked, guarding, answer)
      case 'guard': return this.#guards(asked, guarding)
      case 'try-guardians': return this.#tried(asked, guarding)
      case 'object': return this.#objected(asked, answer)
      case 'begin-recovery': return this.#begins(asked, guarding)
      case 'release-share': return this.#releases(asked, guarding)
      case 'recover-by-guardians':
    }
    return this.#fetches(asked, guarding, session, given)
  }

  /** A principal of one's own: sealed to it, a packet is not for this house to open. */
  async #keyShown({ by }: Asked, { key }: GuardingAnswered): Promise<Record<string, string>> {
    const { client, guarded, staff } = this.#options
    const chain = this.#expected(key)
    const { kind } = await staff.checked(() => verifyKeyChain(chain))
    if (kind !== 'person') throw new EdgeError('forbidden', 'a guardian is a person')
    await staff.checked(() => client.people.register(chain))
    guarded.keep(by, { ...guarded.of(by), key: chain })
    return { person: by }
  }

  #named({ owner, guardians = [] }: Asked, { set, packets }: GuardingAnswered, { wraps }: PageAnswer) {
    const { enrolled, guarded } = this.#options
    const id = this.#expected(wraps?.find((one) => one.set !== undefined)?.set)
    if (packets?.length !== guardians.length) throw this.#unexpected()
    enrolled.keep(owner, { ...this.#known(owner), wraps: this.#expected(wraps) })
    guarded.keep(owner, {
      ...guarded.of(owner), by: { set: this.#expected(set), id, guardians, packets, codes: {}, held: false },
    })
    return { person: owner }
  }

  #guards({ by, owner }: Asked, { code }: GuardingAnswered) {
    this.#changeSet(owner, ({ codes }) => ({ codes: { ...codes, [by]: this.#expected(code) } }))
    return { person: owner }
  }

  #tried({ owner }: Asked, { held }: GuardingAnswered) {
    const found = this.#expected(held)
    this.#changeSet(owner, ({ id }) => {
      if (toHex(id) !== toHex(found)) throw this.#unexpected()
      return { held: true }
    })
    return { person: owner, held: 'true' }
  }

  async #objected({ owner, ends = false }: Asked, { signed }: PageAnswer): Promise<Record<string, string>> {
    const { client, enrolled, guarded, staff } = this.#options
    const objection = this.#expected(signed)
    const known = this.#known(owner)
    const stopped = await staff.checked(() => client.recoveries.object(objection, known.chain))
    guarded.endRecovery(owner)
    if (ends) {
      const { by: _, ...rest } = guarded.of(owner)
      guarded.keep(owner, rest)
      enrolled.keep(owner, { ...known, wraps: known.wraps.filter(({ set }) => set === undefined) })
    }
    this.#options.log('recovery-objected', { trustees: stopped })
    return { person: owner, stopped: String(stopped) }
  }

  #begins({ owner }: Asked, { begun }: GuardingAnswered) {
    const { guarded } = this.#options
    guarded.keep(owner, { ...guarded.of(owner), recovery: { begun: this.#expected(begun), answers: {} } })
    return { person: owner }
  }

  /** With the second answer it goes on record: the log shows it, and three days run. */
  async #releases({ by, owner }: Asked, { answer }: GuardingAnswered): Promise<Record<string, string>> {
    const { client, guarded, staff, log } = this.#options
    const given = this.#expected(answer)
    const { recovery, by: set } = guarded.of(owner)
    const before = needed(recovery, 'nobody asks for this any more')
    const { guardian } = await staff.checked(() => Promise.resolve(client.recoveries.caseOf(given)))
    const chain = needed(guarded.of(by).key, 'a guardian shows their own digits first')
    if (toHex((await verifyKeyChain(chain)).id) !== toHex(guardian)) throw this.#unexpected()
    const answers = { ...before.answers, [by]: given }
    let next: RecoveryUnderWay = { ...before, answers }
    if (next.since === undefined && Object.keys(answers).length >= NEEDED) {
      const { set: encoded } = needed(set, 'this person has no guardians')
      const chains = Object.keys(answers).map((one) => guarded.of(one).key ?? [])
      await staff.checked(() => client.recoveries.begin(Object.values(answers), encoded, chains))
      next = { ...next, id: client.recoveries.caseOf(given).id, since: this.#options.now() }
      log('recovery-begun', { guardians: Object.keys(answers).length })
    }
    guarded.keep(owner, { ...guarded.of(owner), recovery: next })
    return { person: owner, answers: String(Object.keys(answers).length) }
  }

  /** The new device's requests go to the trustees; with two parts the page is visited once more. */
  async #fetches(
    { owner }: Asked, { calls }: GuardingAnswered, session: string, given: Given,
  ): Promise<Record<string, string>> {
    const { client, enrolments, guarded, staff } = this.#options
    const { recovery } = guarded.of(owner)
    const { begun, answers } = needed(recovery, 'no recovery was begun')
    const asked = this.#expected(calls)
    const { parts, until, ended } = await staff.checked(() => client.recoveries.parts(asked))
    if (parts.length >= NEEDED) {
      const guarding = {
        begun, answers: Object.values(answers), heard: [...parts], trustees: await client.recoveries.trustees(),
      }
      return enrolments.toReturn(session, owner, guarding, given)
    }
    if (ended >= NEEDED) {
      guarded.endRecovery(owner)
      throw new EdgeError('forbidden', 'the recovery is over: its owner stopped it, or its time ran out')
    }
    if (until === undefined) throw new EdgeError('index-unavailable', 'too few trustees answer: ask again')
    return { until: new Date(until).toISOString() }
  }

  /** Of oneself, or of anybody for an officer. `noticed`: leaves that the log has about this person. */
  async #standing(session: string, given: Given): Promise<FhirAnswer> {
    const { client, guarded, staff } = this.#options
    const person = personIn(given, 'person')
    const me = staff.need(session)
    const { by, recovery } = guarded.of(person)
    const guards = by?.guardians.includes(me.id) === true
    if (me.id !== person && me.enrolment.role !== 'officer' && !guards) throw new EdgeError('forbidden')
    const { leaves } = await staff.checked(() => client.recoveries.logged(fromHex(person) ?? new Uint8Array()))
    return told({
      guardians: by === undefined ? 'none' : by.held ? 'held' : 'named',
      opened: String(Object.keys(by?.codes ?? {}).length),
      recovery: recovery === undefined ? 'none' : recovery.since === undefined ? 'asked' : 'waiting',
      noticed: String(leaves.length),
      ...(recovery?.since === undefined ? {} : { since: new Date(recovery.since).toISOString() }),
    })
  }

  #changeSet(owner: string, change: (set: GuardedSet) => Partial<GuardedSet>): void {
    const { guarded } = this.#options
    const now = guarded.of(owner)
    const set = needed(now.by, 'this person has no guardians any more')
    guarded.keep(owner, { ...now, by: { ...set, ...change(set) } })
  }

  #unexpected(): EdgeError {
    return new EdgeError('forbidden', 'the page answered something else than it was asked')
  }

  #expected<T>(value: T | undefined): T {
    if (value === undefined) throw this.#unexpected()
    return value
  }
}

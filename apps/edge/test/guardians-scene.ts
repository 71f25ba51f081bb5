/** People of a house with their roots, as the passkey page makes them: its own modules, without its screens. */
import type { Parameters } from '@medplum/fhirtypes'
import { type Unsigned, unsignedOf } from '@scelle/seal/persons'
import { encode, Objection, type PrincipalKeys, recoverySetId, SUITE } from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { type GuardingAnswered, type PageAnswer, type PageRequest, writeAnswer } from '@scelle/wire/passkey-page'
import { type Asked, readAsked } from '../../passkey/src/page/asked.ts'
import type { GuardianWish } from '../../passkey/src/page/asked-guardians.ts'
import {
  allOpened, begin, deal, digitsOfAsk, digitsOfGuardian, guardianIn, packetOpened, partCalls, released, rootThrough,
} from '../../passkey/src/page/guarding.ts'
import {
  enrolledChain, newSheet, renewedChain, rootUnderPasskey, wrapUnderPasskey,
} from '../../passkey/src/page/root.ts'
import { type Application, loggedIn, PAGE, parametersOf, type Reply, type StaffKeys, type World } from './harness.ts'

const RETURN = 'https://desk.example/back'
const HOUR = 3_600_000

export type Values = Readonly<Record<string, string>>

export const valuesOf = ({ status, body, text }: Reply<Parameters>): Values => {
  if (status !== 200) throw new Error(`refused: ${status} ${text.slice(0, 300)}`)
  return Object.fromEntries((body.parameter ?? []).map(({ name, valueString }) => [name, valueString ?? '']))
}

/** A security key with a PRF. */
export class Key extends SoftwareAuthenticator {
  readonly prf: Uint8Array
  constructor(random: (length: number) => Uint8Array) {
    super({ random })
    this.prf = random(32)
  }

  get output(): { credential: Uint8Array; output: Uint8Array } {
    return { credential: this.passkey.credential, output: this.prf }
  }
}

type Step<Task extends GuardianWish['task']> = Extract<GuardianWish, { readonly task: Task }>

export class Scene {
  readonly world: World
  readonly #seen: string[] = []
  #drawn = 0

  constructor(world: World) {
    this.world = world
  }

  /** All that passed between pages and house, as text. */
  get passed(): readonly string[] {
    return this.#seen
  }

  random = (length: number): Uint8Array => this.world.constellation.random(`scene ${this.#drawn++}`)(length)

  get context() {
    return { now: this.world.constellation.now, random: this.random }
  }

  newKey(): Key {
    return new Key(this.world.constellation.random(`key ${this.#drawn++}`))
  }

  /** What the page reads of an address, verified as it does. */
  async asked(url: string, trustees = this.world.constellation.trustees.map(({ id }) => id)): Promise<Asked> {
    const { index, register, now } = this.world.constellation
    this.#seen.push(url)
    return readAsked(url.slice(url.indexOf('#') + 1), {
      origin: new URL(PAGE).origin, rpId: new URL(PAGE).hostname, index: index.id, registers: [register.identity.id],
      trustees,
    }, Math.floor(now() / 1000))
  }

  async post(app: Application, operation: string, values: Values): Promise<Reply<Parameters>> {
    if (values['answer'] !== undefined) this.#seen.push(values['answer'])
    return this.world.patiently(app.post<Parameters>(operation, parametersOf(values)))
  }

  answerTo({ state }: Pick<PageRequest, 'state'>, answer: Omit<PageAnswer, 'suite' | 'state'>): string {
    return writeAnswer({ state, ...answer })
  }

  /** Enrolled on the page, by an officer, with a status; not signed in yet. */
  async enrolled(name: string, officer: Application): Promise<Member> {
    const { url = '' } = valuesOf(await this.post(officer, '$scelle-enrol', { name, return: RETURN, language: 'fr' }))
    const { request, house } = await this.asked(url)
    const [root, key] = [this.random(32), this.newKey()]
    const sheet = await newSheet(root, this.context)
    const wraps = [await wrapUnderPasskey(root, key.output, this.context), sheet.wrap]
    const at = { house: house.id, sealingKey: request.sealingKey ?? new Uint8Array() }
    const chain = await enrolledChain({ root, passkey: key.passkey, at }, this.context)
    const answer = this.answerTo(request, { chain, wraps })
    const { person = '' } = valuesOf(await this.post(officer, '$scelle-enrol', { answer }))
    const status = await this.world.constellation.register.enrol({
      subject: new Uint8Array(Buffer.from(person, 'hex')), role: 'gp', organisation: this.world.party.id, ownKey: false,
    })
    valuesOf(await this.post(officer, '$scelle-status', {
      person, statement: Buffer.from(status).toString('base64'),
    }))
    const member = new Member(this, { name, person, root, key, chain })
    member.employ(chain, key)
    await member.login()
    return member
  }

  /** What an owner's passkey signs. */
  objection({ person, set, recovery }: Step<'object'>): Unsigned {
    return unsignedOf('objection', encode(Objection, {
      suite: SUITE, owner: person.id, set: recoverySetId(set.encoded), ...(recovery === undefined ? {} : { recovery }),
      time: Math.floor(this.context.now() / 1000), nonce: this.random(16),
    }), person)
  }

  /** Days go by, others' records in the log, and trustees hear of each other. The house is closed, and opens again. */
  async daysGoBy(ms: number): Promise<void> {
    const { constellation, party } = this.world
    await party.kill()
    await constellation.clock.advance(ms)
    const client = await constellation.client('person', { standing: { show: () => ({}) } })
    await this.world.patiently(client.log.checkpoint('final'))
    await constellation.clock.advance(13 * HOUR)
    await this.world.patiently(party.restart())
  }
}

interface MemberKeys {
  readonly name: string
  /** Hex id at the house. */
  readonly person: string
  /** For tests to look for: the page forgets it with each visit. */
  readonly root: Uint8Array
  readonly key: Key
  readonly chain: readonly Uint8Array[]
}

/** Somebody of the house, before the page and before their workstation. */
export class Member {
  readonly #scene: Scene
  readonly name: string
  readonly person: string
  readonly root: Uint8Array
  key: Key
  app!: Application
  #logins = 0

  constructor(scene: Scene, { name, person, root, key }: MemberKeys) {
    this.#scene = scene
    this.name = name
    this.person = person
    this.root = root
    this.key = key
  }

  /** Known to the harness, as its own people are. */
  employ(chain: readonly Uint8Array[], key: Key): void {
    const staff = this.#scene.world.staff as Map<string, StaffKeys>
    const id = new Uint8Array(Buffer.from(this.person, 'hex'))
    const keys = { signing: new Uint8Array(32), sealingKey: new Uint8Array(), passkeys: [key.passkey] }
    staff.set(this.name, { identity: { id }, chain, sealing: new Uint8Array(), keys, statuses: [], passkey: key })
    this.key = key
  }

  async login(): Promise<void> {
    const session = `${this.name} ${this.#logins++}`
    this.app = await this.#scene.world.patiently(loggedIn(this.#scene.world, this.name, session))
  }

  /** The page's address for a step. */
  async to(task: string, about: string, more: Values = {}, app = this.app): Promise<Reply<Parameters>> {
    return this.#scene.post(app, '$scelle-guardians', {
      task, person: about, return: RETURN, language: 'fr', ...more,
    })
  }

  async asked<Task extends GuardianWish['task']>(
    _task: Task, reply: Reply<Parameters>,
  ): Promise<{ readonly asked: Asked; readonly step: Step<Task> }> {
    const asked = await this.#scene.asked(valuesOf(reply)['url'] ?? '')
    if (!('step' in asked.wish)) throw new Error('not about guardians')
    return { asked, step: asked.wish.step as Step<Task> }
  }

  answer(
    { request }: Asked, guarding: GuardingAnswered, more: Partial<PageAnswer> = {}, app = this.app,
  ): Promise<Reply<Parameters>> {
    const answer = this.#scene.answerTo(request, { ...more, guarding })
    return this.#scene.post(app, '$scelle-guardians', { answer, return: RETURN, language: 'fr' })
  }

  /** What the person's key opens of the wraps that the house handed on. */
  #unlocked({ request }: Asked): Promise<Uint8Array> {
    return rootUnderPasskey(request.wraps ?? [], this.key.output)
  }

  async #own(asked: Asked, person: PrincipalKeys) {
    return guardianIn(await this.#unlocked(asked), person, asked.request.person ?? [])
  }

  /** Shows the guardian's key; the digits that are read aloud. */
  async showsKey(): Promise<string> {
    const { asked, step } = await this.asked('guardian-key', await this.to('guardian-key', this.person))
    const own = await this.#own(asked, step.person)
    valuesOf(await this.answer(asked, { key: [...own.chain] }))
    return digitsOfGuardian(own.id)
  }

  /** Names three, having heard their digits. `false`: somebody's were others than the page expects. */
  async names(guardians: readonly Member[], heard: readonly string[]): Promise<boolean> {
    const { asked, step } = await this.asked('name-guardians', await this.to('name-guardians', this.person, {
      guardians: guardians.map(({ person }) => person).join(','),
    }))
    if (!step.guardians.every(({ keys }, place) => digitsOfGuardian(keys.id) === heard[place])) return false
    const { wrap, set, packets } = await deal({
      root: await this.#unlocked(asked), owner: step.person.id, guardians: step.guardians.map(({ keys }) => keys),
      trustees: step.trustees.map(({ keys }) => keys), name: asked.request.personName ?? '',
    }, this.#scene.context)
    const wraps = [...(asked.request.wraps ?? []).filter((one) => one.set === undefined), wrap]
    valuesOf(await this.answer(asked, { set, packets }, { wraps }))
    return true
  }

  /** Opens the packet; whom it is about. */
  async guards(owner: Member, code?: Uint8Array): Promise<string> {
    const { asked, step } = await this.asked('guard', await this.to('guard', owner.person))
    const opened = await packetOpened(step.packet, await this.#own(asked, step.person))
    valuesOf(await this.answer(asked, { code: code ?? opened.rehearsal }))
    return opened.name
  }

  /** Whether all three opened their packets, as the owner's page finds. */
  async tries(): Promise<boolean> {
    const { asked, step } = await this.asked('try-guardians', await this.to('try-guardians', this.person))
    if (!allOpened(await this.#unlocked(asked), step.set.encoded, step.codes)) return false
    valuesOf(await this.answer(asked, { held: recoverySetId(step.set.encoded) }))
    return true
  }

  /** Begins on a new key, an officer beside them; the digits that they write down. */
  async loses(key: Key, officer: Application): Promise<string> {
    const { asked } = await this.asked('begin-recovery', await this.to('begin-recovery', this.person, {}, officer))
    const begun = await begin(key.prf, key.passkey, this.#scene.context)
    valuesOf(await this.answer(asked, { begun }, {}, officer))
    return digitsOfAsk(begun.ask)
  }

  /** Gives the share, if the digits that the owner reads are those of the question. How many gave theirs by now. */
  async releases(owner: Member, heard: string): Promise<string | undefined> {
    const { asked, step } = await this.asked('release-share', await this.to('release-share', owner.person))
    if (digitsOfAsk(step.ask) !== heard) return undefined
    const answer = await released(step.packet, step.ask, await this.#own(asked, step.person))
    return valuesOf(await this.answer(asked, { answer }))['answers']
  }

  /** First visit of the way back. `until`, or the address of the second one. */
  async fetches(key: Key, officer: Application): Promise<Reply<Parameters>> {
    const { asked, step } = await this.asked('recover-by-guardians',
      await this.to('recover-by-guardians', this.person, {}, officer))
    const { begun, answers, trustees } = step
    const from = { prf: key.prf, begun, answers, wraps: asked.request.wraps ?? [] }
    const calls = await partCalls(from, trustees, this.#scene.context)
    return this.answer(asked, { calls }, {}, officer)
  }

  /** Second visit: the root that came back. */
  async returns(url: string, key: Key, officer: Application): Promise<Uint8Array> {
    const asked = await this.#scene.asked(url)
    if (!('step' in asked.wish)) throw new Error('not about guardians')
    const { begun, answers, heard = [], person } = asked.wish.step as Step<'recover-by-guardians'>
    const wraps = asked.request.wraps ?? []
    const root = await rootThrough({ prf: key.prf, begun, answers, wraps }, heard)
    const chain = await renewedChain({
      root, house: asked.house.id, person, chain: asked.request.person ?? [], passkeys: [begun.passkey],
    }, this.#scene.context)
    const sheet = await newSheet(root, this.#scene.context)
    const wrap = await wrapUnderPasskey(root, key.output, this.#scene.context)
    const kept = [wrap, sheet.wrap, ...wraps.filter(({ set }) => set !== undefined)]
    const answer = this.#scene.answerTo(asked.request, { chain, wraps: kept })
    valuesOf(await this.#scene.post(officer, '$scelle-enrol', { answer }))
    this.employ(chain, key)
    return root
  }

  /** By passkey. How many trustees had it in time. */
  async objects(more: Values = {}, by: Key = this.key): Promise<Reply<Parameters>> {
    const { asked, step } = await this.asked('object', await this.to('object', this.person, more))
    return this.answer(asked, {}, { signed: by.sign(this.#scene.objection(step)) })
  }

  async standing(): Promise<Values> {
    return valuesOf(await this.#scene.post(this.app, '$scelle-guardians', { person: this.person }))
  }
}

/** What people of the house ask of this edge beside records: who they are, why something is care, where they stand. */
import type { Parameters } from '@medplum/fhirtypes'
import { type Client, confirmationBody, type KnownConfirmation, type KnownFact, type NewFact, toHex } from '@scelle/sdk'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { parametersIn, requireNoQuery, told } from '../parameters-body.ts'
import type { SignIn } from '../passkeys/sign-in.ts'
import type { Repository } from '../repository.ts'
import type { VaultShelf } from '../vaults.ts'
import { isFresh } from './confirmations.ts'
import type { FactShelf } from './facts.ts'
import { instantIn, pageIn, personIn, reasonIn, statementIn, vaultIn } from './given.ts'
import type { Staff } from './staff.ts'

export interface StaffOperationsOptions {
  readonly staff: Staff
  readonly signIn: SignIn
  readonly facts: FactShelf
  readonly repository: Pick<Repository, 'vaultOf'>
  readonly vaults: Pick<VaultShelf, 'get'>
  readonly client: Pick<Client, 'statements'>
  /** Hex id of this organisation. */
  readonly self: string
  readonly houseStatuses: () => readonly Uint8Array[]
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

/** What people of a house open for; each opening names its own. */
const PURPOSES_OF_CARE = ['treatment', 'emergency', 'administration'] as const
const FACT_TYPES = ['presence', 'appointment', 'admission', 'referral', 'result', 'on-call'] as const

export class StaffOperations {
  readonly #options: StaffOperationsOptions

  constructor(options: StaffOperationsOptions) {
    this.#options = options
  }

  /**
   * `POST $scelle-login`: `person` (hex id), `return` (where the passkey page posts its answer), `language` → `url`,
   * where the person's browser goes. Then `answer`, as the page posted it, in the same session → `name`, `role`: the
   * session is theirs. The session of a person is of this very application: it signs every request.
   */
  async login(call: Call): Promise<FhirAnswer> {
    const { signIn, staff } = this.#options
    const given = parametersIn(call, ['person', 'return', 'language', 'answer'])
    const { session } = call
    if (given.has('answer')) {
      await signIn.finish(given.get('answer') ?? '', session)
      const { name, enrolment } = staff.need(session)
      return told({ name, role: enrolment.role })
    }
    const { url } = await signIn.begin({
      person: personIn(given, 'person'), device: Buffer.from(call.principal, 'hex'), purposes: PURPOSES_OF_CARE,
      session,
      ...pageIn(given),
    })
    return told({ url })
  }

  /**
   * `POST Patient/id/$scelle-fact`: `type`, `from`, `until` (instants), `reader` (hex id, one person alone): signed as
   * the session's person. Or `statement`, and the signer's `status`, of what somebody else signed.
   */
  async fact(call: Call, patient: string): Promise<FhirAnswer> {
    const given = parametersIn(call, ['type', 'from', 'until', 'reader', 'statement', 'status'])
    const vault = await this.#options.repository.vaultOf(patient)
    const signed = given.has('statement') ? statementIn(given) : await this.#signed(call, vault, given)
    const statuses = given.has('status') ? [statementIn(given, 'status')] : []
    const fact = await this.#options.staff.checked(() => this.#options.client.statements.fact(signed))
    await this.#requireFits(fact, vault, statuses)
    this.#options.facts.keep({
      ...fact, signed: Buffer.from(signed).toString('base64'),
      statuses: statuses.map((each) => Buffer.from(each).toString('base64')),
    })
    return told({ statement: Buffer.from(signed).toString('base64') })
  }

  /**
   * `POST Patient/id/$scelle-confirm`, or without a patient, with or without `vault` (hex) of one who is unknown here:
   * `reader` (hex id), `reason`, `return`, `language` → `url`, where the session's person confirms on the passkey page,
   * for a colleague or for themselves. Then `answer`, as the page posted it; or `statement`, signed elsewhere.
   */
  async confirm(call: Call, patient?: string): Promise<FhirAnswer> {
    const { staff, signIn, client, self, repository, now } = this.#options
    const given = parametersIn(call, ['reader', 'reason', 'return', 'language', 'answer', 'statement', 'vault'])
    const named = given.has('vault') ? vaultIn(given) : undefined
    const vault = patient === undefined ? named : await repository.vaultOf(patient)
    if (named !== undefined && named !== vault) {
      throw new EdgeError('bad-value', 'this is another patient\'s vault', 'vault')
    }
    if (given.has('reader')) return this.#toConfirm(call, vault, given)
    const signed = given.has('answer')
      ? signIn.finishConfirm(given.get('answer') ?? '', call.session) : statementIn(given)
    const confirmation = await staff.checked(() => client.statements.confirmation(signed))
    const isOurs = confirmation.organisation === self && this.#isOurs(confirmation)
    if (confirmation.type === 'session' || !isOurs || !isFresh(confirmation, now())) {
      throw new EdgeError('bad-value', 'it is for nobody here, or not of now', 'statement')
    }
    staff.confirmations.add({ ...confirmation, signed })
    return told({ statement: Buffer.from(signed).toString('base64') })
  }

  /** `GET $scelle-standing`: the person's own counter at each trustee that answers. */
  async standing(call: Call): Promise<FhirAnswer> {
    requireNoQuery(call)
    const member = this.#options.staff.need(call.session)
    const standing = await member.standing(this.#options.houseStatuses())
    const parameter: NonNullable<Parameters['parameter']> = standing.map(({ trustee, counter, locked }) => ({
      name: 'trustee',
      part: [
        { name: 'id', valueString: trustee },
        { name: 'day', valueInteger: counter.day },
        { name: 'day-bound', valueInteger: counter.dayBound },
        { name: 'unexplained', valueInteger: counter.unexplained },
        { name: 'free', valueInteger: counter.free },
        { name: 'unexplained-bound', valueInteger: counter.unexplainedBound },
        { name: 'month', valueInteger: counter.month },
        { name: 'month-bound', valueInteger: counter.monthBound },
        { name: 'shadow', valueBoolean: counter.shadow },
        ...(locked === undefined ? [] : [{ name: 'locked', valueCode: locked }]),
      ],
    }))
    return jsonAnswer(200, { resourceType: 'Parameters', parameter: [{ name: 'name', valueString: member.name },
      ...parameter] })
  }

  /** For somebody of the house, by its second key or a colleague: a stranger's would push out what trustees count. */
  #isOurs({ reader, signer }: KnownConfirmation): boolean {
    const { staff } = this.#options
    return staff.knows(reader) && (staff.knows(signer) || staff.member(reader)?.enrolment.stepUp === signer)
  }

  async #toConfirm(call: Call, vault: string | undefined, given: ReadonlyMap<string, string>): Promise<FhirAnswer> {
    const { staff, signIn, self, now, random } = this.#options
    const { id } = staff.need(call.session)
    const reader = personIn(given, 'reader')
    const { url } = await signIn.beginConfirm({
      person: id, session: call.session, ...pageIn(given),
      kind: 'confirmation',
      body: confirmationBody({
        type: reader === id ? 'step-up' : 'colleague', reader, organisation: self, reason: reasonIn(given),
        ...(vault === undefined ? {} : { vault }),
      }, { now, random }),
    })
    return told({ url })
  }

  /** The patient's own word, whose vault it is. */
  async #isOwners({ vault, signer }: KnownFact): Promise<boolean> {
    const { genesis } = await this.#options.vaults.get(vault)
    return genesis.mode === 'owner' && toHex(genesis.controller) === signer
  }

  #signed(call: Call, vault: string, given: ReadonlyMap<string, string>): Promise<Uint8Array> {
    const { staff, self, now } = this.#options
    const type = FACT_TYPES.find((each) => each === given.get('type'))
    if (type === undefined) throw new EdgeError('bad-value', `expected one of ${FACT_TYPES.join(', ')}`, 'type')
    const fact: NewFact = {
      type, vault, organisation: self, from: instantIn(given, 'from', now()), until: instantIn(given, 'until'),
      ...(given.has('reader') ? { reader: personIn(given, 'reader') } : {}),
    }
    if (fact.until <= fact.from || fact.until <= now()) {
      throw new EdgeError('bad-value', 'expected an end in the future', 'until')
    }
    return staff.need(call.session).client.fact(fact)
  }

  /**
   * A statement that trustees would refuse, kept here, would be shown with every opening of this patient and stop them
   * all: so what is not about this patient and this house, and statuses by other registers than its own, stay out.
   */
  async #requireFits(fact: KnownFact, vault: string, statuses: readonly Uint8Array[]): Promise<void> {
    const { self, client, houseStatuses, now, staff } = this.#options
    if (fact.vault !== vault || fact.organisation !== self || fact.until <= now()) {
      throw new EdgeError('bad-value', 'it is about another patient or house, or has ended', 'statement')
    }
    const { status } = client.statements
    const registers = await Promise.all(houseStatuses().map(async (each) => (await status(each)).issuer))
    if (statuses.length === 0) {
      // What explains nothing would push out what does: only so many are kept, and fewer shown.
      if (staff.knows(fact.signer) || registers.includes(fact.signer) || await this.#isOwners(fact)) return
      throw new EdgeError('bad-value', 'expected the status of whoever signed it', 'status')
    }
    for (const signed of statuses) {
      const known = await staff.checked(() => status(signed))
      if (known.subject !== fact.signer || !registers.includes(known.issuer) || known.until <= now()) {
        throw new EdgeError('bad-value', 'expected the signer\'s status, by a register that knows this house', 'status')
      }
    }
  }
}

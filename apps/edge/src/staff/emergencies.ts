/**
 * Breaking the glass: a person of the house reads a patient who is none of the house's, over the way that the patient
 * left open. What is opened goes to whoever asked, in one answer, and stays nowhere here: no list, search or export of
 * this house may hold somebody afterwards who was unconscious for a night. Trustees decide whether it is an emergency;
 * what is refused here first is what they would refuse as well, before an access of it is on record.
 */
import type { Parameters } from '@medplum/fhirtypes'
import { type BrokenGlass, type Chart, type Client, orderBody, SdkError, type Vault } from '@scelle/sdk'
import { isCategoryCode } from '@scelle/fhir/categories'
import type { aboutOf } from '../access-log/facts.ts'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Log } from '../log.ts'
import { openFault } from '../open-fault.ts'
import { parametersIn, requireNoQuery, told } from '../parameters-body.ts'
import type { SignIn } from '../passkeys/sign-in.ts'
import type { Repository } from '../repository.ts'
import { faultOf } from '../writes/faults.ts'
import type { EmergencyKey } from './assemble.ts'
import { isFresh } from './confirmations.ts'
import { emergencyBundle } from './emergency-bundle.ts'
import { pageIn, reasonIn, statementIn, vaultIn } from './given.ts'
import type { Member } from './member.ts'
import { EMERGENCY_SUMMARY } from './rights.ts'
import type { Staff } from './staff.ts'

export interface EmergenciesOptions {
  readonly staff: Staff
  readonly signIn: SignIn
  readonly emergencyKey: EmergencyKey
  readonly repository: Pick<Repository, 'vaultOf'>
  readonly client: Pick<Client, 'statements' | 'order'>
  readonly about: ReturnType<typeof aboutOf>
  /** Hex id of this organisation. */
  readonly self: string
  readonly houseStatuses: () => readonly Uint8Array[]
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly log: Log
}

/** What was signed on to somebody, of one custodian's part. */
interface Way {
  readonly until: number
  readonly categories: ReadonlySet<string>
}

/** What is opened of a patient, by custodian. */
type Parts = ReadonlyMap<string, readonly string[]>

export class Emergencies {
  readonly #options: EmergenciesOptions
  /** By person, vault and custodian: asked for once more, the glass is broken already. */
  readonly #ways = new Map<string, Way>()

  constructor(options: EmergenciesOptions) {
    this.#options = options
  }

  /**
   * `POST $scelle-break-glass`: `vault` (hex) or `patient` (a reference known here), `reason`, `statement` (the second
   * passkey's, or second key's, of type `step-up`, for this vault, with this reason), `categories` (codes,
   * comma-separated; what opens without a colleague where absent) → the chart, as a Bundle. Throws `emergency-
   * refused`, `forbidden` where the
   * patient left no way, and as every opening.
   */
  async breakGlass(call: Call): Promise<FhirAnswer> {
    const { staff, emergencyKey, now } = this.#options
    const given = parametersIn(call, ['vault', 'patient', 'reason', 'statement', 'categories'])
    const member = staff.need(call.session)
    if (emergencyKey === undefined) throw new EdgeError('not-supported', 'this is no emergency site (emergency)')
    const categories = categoriesIn(given)
    const vault = await this.#vaultIn(given)
    await this.#takeReason(member, vault, given)
    const until = now() + EDGE_LIMITS.emergencyTime
    try {
      const parts = await this.#signOn(member, await (await emergencyKey()).vault(vault), { categories, until })
      const charts = await this.#open(call.session, member, vault, parts)
      try {
        // Whoever was logged out meanwhile, or locked, is shown nothing.
        if (staff.of(call.session) !== member) throw new EdgeError('session-ended')
        return emergencyBundle(vault, charts, until, this.#options)
      } finally {
        for (const { chart } of charts) chart.close()
      }
    } catch (error) {
      throw openFault(error, this.#options.log)
    }
  }

  /** `GET $scelle-emergencies`, for an officer of the house: each `emergency`, the newest first, with its reason. */
  async list(call: Call): Promise<FhirAnswer> {
    requireNoQuery(call)
    const broken = await this.#broken(this.#officer(call))
    const parameter = await Promise.all(broken.slice(0, EDGE_LIMITS.reviewPage).map((each) => this.#told(each)))
    // FHIR knows no empty lists.
    return jsonAnswer(200, { resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) })
  }

  /**
   * `POST $scelle-review`, for an officer of the house: `access` (hex), `reason`: somebody looked at it, and why;
   * `return`, `language` → `url`, where the officer's passkey signs it. Then `access` and `answer`.
   */
  async review(call: Call): Promise<FhirAnswer> {
    const { client, houseStatuses, signIn } = this.#options
    const given = parametersIn(call, ['access', 'reason', 'return', 'language', 'answer'])
    const access = vaultIn(given, 'access')
    const officer = this.#officer(call)
    if (!(await this.#broken(officer)).some((each) => each.access === access)) {
      throw new EdgeError('not-found', 'this house broke no such glass')
    }
    const answer = given.get('answer')
    if (answer === undefined) return this.#toReview(call, officer, access, given)
    const order = signIn.finishConfirm(answer, call.session)
    const refused = await (async () => {
      // The passkey signed it; whoever brings it to the trustees adds nothing.
      await client.order([order], [...officer.statuses(), ...houseStatuses()])
    })().then(() => undefined, (error: unknown) => error)
    // A trustee that was not asked to release has nothing to review, and says so: what counts is that one has it.
    const reviewed = (await this.#broken(officer)).find((each) => each.access === access)?.reviewed
    if (reviewed === undefined) throw faultOf(refused)
    return told({ access, reviewed: new Date(reviewed).toISOString() })
  }

  async #toReview(
    { session }: Call, { id: person }: Member, access: string, given: ReadonlyMap<string, string>,
  ): Promise<FhirAnswer> {
    const { signIn, now, random } = this.#options
    const body = orderBody({
      action: 'review', scope: 'organisation', target: access, reason: reasonIn(given),
      until: now() + EDGE_LIMITS.orderTime,
    }, { now, random })
    const { url } = await signIn.beginConfirm({ person, session, kind: 'order', body, ...pageIn(given) })
    return told({ url })
  }

  async #vaultIn(given: ReadonlyMap<string, string>): Promise<string> {
    const patient = given.get('patient')
    if ((patient === undefined) === (given.get('vault') === undefined)) {
      throw new EdgeError('bad-value', 'expected vault or patient, one of them', 'vault')
    }
    return patient === undefined ? vaultIn(given) : this.#options.repository.vaultOf(patient)
  }

  /** For this patient and by nobody else: a reason that fits any would be signed once and used for all. */
  async #takeReason(member: Member, vault: string, given: ReadonlyMap<string, string>): Promise<void> {
    const { staff, client, self, now } = this.#options
    const reason = reasonIn(given)
    const signed = statementIn(given)
    const word = await staff.checked(() => client.statements.confirmation(signed))
    const isTheirs = word.reader === member.id && word.organisation === self
      && (word.signer === member.id || word.signer === member.enrolment.stepUp)
    if (word.type !== 'step-up' || word.vault !== vault || word.reason !== reason || !isTheirs
      || !isFresh(word, now())) {
      throw new EdgeError('emergency-refused', 'a passkey of this person signs this reason, for this patient, now')
    }
    staff.confirmations.add({ ...word, signed })
  }

  /** The site's key signs the way on to the person, for hours, for what is opened, to be passed on to nobody. */
  async #signOn(
    member: Member, way: Vault, { categories, until }: { categories: readonly string[] | undefined; until: number },
  ): Promise<Parts> {
    const parts = new Map<string, readonly string[]>()
    for (const custodian of way.custodians) {
      const open = [...await way.categories({ custodian })].flatMap(([code, { readable }]) => (readable ? [code] : []))
      const wanted = open.filter((code) => (categories ?? EMERGENCY_SUMMARY).includes(code))
      if (wanted.length > 0) parts.set(custodian, wanted)
    }
    const found = new Set([...parts.values()].flat())
    if (found.size === 0 || categories?.every((code) => found.has(code)) === false) {
      throw new EdgeError('forbidden', 'the patient left no way open here for an emergency, or closed it')
    }
    for (const [custodian, codes] of parts) {
      const name = `${member.id}/${Buffer.from(way.id).toString('hex')}/${custodian}`
      const known = this.#way(name)
      if (known !== undefined && codes.every((code) => known.categories.has(code))) continue
      await way.share({ custodian, to: member.id, categories: codes, purposes: ['emergency'], depth: 0, until })
      this.#ways.set(name, { until, categories: new Set(codes) })
    }
    return parts
  }

  #way(name: string): Way | undefined {
    const now = this.#options.now()
    for (const [old, { until }] of this.#ways) if (until <= now) this.#ways.delete(old)
    return this.#ways.get(name)
  }

  /** All of it or nothing: half of what is known of somebody would look whole. */
  async #open(
    session: string, member: Member, vault: string, parts: Parts,
  ): Promise<{ readonly chart: Chart; readonly custodian: string }[]> {
    const handle = await member.client.vault(vault)
    const charts: { chart: Chart; custodian: string }[] = []
    try {
      for (const [custodian, categories] of parts) {
        const about = this.#options.about(session, vault)
        charts.push({ custodian, chart: await handle.open({ purpose: 'emergency', custodian, categories, about }) })
      }
      return charts
    } catch (error) {
      for (const { chart } of charts) chart.close()
      throw error
    }
  }

  /** Trustees decide who is one; whoever is none here needs no question to them. */
  #officer(call: Call): Member {
    const member = this.#options.staff.need(call.session)
    if (member.enrolment.role !== 'officer') throw new EdgeError('forbidden', 'only an officer of the house reviews')
    return member
  }

  async #broken(officer: Member): Promise<BrokenGlass[]> {
    try {
      return await officer.client.brokenGlass([...officer.statuses(), ...this.#options.houseStatuses()])
    } catch (error) {
      throw error instanceof SdkError ? faultOf(error) : error
    }
  }

  async #told({ access, vault, time, reason, reviewed }: BrokenGlass): Promise<ParametersParameter> {
    const { client, staff } = this.#options
    // A reason that does not hold hides no opening.
    const word = await client.statements.confirmation(reason).catch(() => undefined)
    const name = word === undefined ? undefined : staff.nameOf(word.reader)
    return {
      name: 'emergency',
      part: [
        { name: 'access', valueString: access },
        { name: 'vault', valueString: vault },
        { name: 'time', valueInstant: new Date(time).toISOString() },
        ...(word === undefined
          ? [] : [{ name: 'reader', valueString: word.reader }, { name: 'reason', valueString: word.reason }]),
        ...(name === undefined ? [] : [{ name: 'person', valueString: name }]),
        { name: 'statement', valueString: Buffer.from(reason).toString('base64') },
        ...(reviewed === undefined ? [] : [{ name: 'reviewed', valueInstant: new Date(reviewed).toISOString() }]),
      ],
    }
  }
}

type ParametersParameter = NonNullable<Parameters['parameter']>[number]

const categoriesIn = (given: ReadonlyMap<string, string>): readonly string[] | undefined => {
  const codes = given.get('categories')?.split(',').map((code) => code.trim())
  if (codes?.every(isCategoryCode) === false) {
    throw new EdgeError('bad-value', 'expected codes of categories', 'categories')
  }
  return codes
}

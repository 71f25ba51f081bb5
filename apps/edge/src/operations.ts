/** Operations of this edge beside R4's own: sharing, revoking, and what waits for review. */
import type { Parameters } from '@medplum/fhirtypes'
import { fromHex, toHex } from '@scelle/sdk'
import { isCategoryCode } from '@scelle/fhir/categories'
import { type FhirAnswer, jsonAnswer } from './answers.ts'
import type { Call } from './call.ts'
import { EdgeError } from './errors.ts'
import type { Grants } from './grants.ts'
import { EDGE_LIMITS } from './limits.ts'
import { parametersIn, requireNoQuery, told } from './parameters-body.ts'
import type { Repository } from './repository.ts'
import { type Directory, UNCLASSIFIED } from './store/directory.ts'
import type { VaultShelf } from './vaults.ts'
import { faultOf } from './writes/faults.ts'

export interface OperationOptions {
  readonly directory: Directory
  readonly repository: Repository
  readonly vaults: VaultShelf
  readonly grants: Pick<Grants, 'offers' | 'accept' | 'lookOnMiss'>
  readonly endSession: (session: string) => void
  /** Throws EdgeError `person-required`, `index-unavailable`. */
  readonly signOutEverywhere: (session: string) => Promise<void>
  readonly forgetPersons: () => void
  readonly now: () => number
}

const SHARED_RIGHTS: ReadonlySet<string> = new Set(['read', 'write', 'relay', 'shareOn'])

type SharedRight = 'read' | 'write' | 'relay' | 'shareOn'

export class Operations {
  readonly #options: OperationOptions

  constructor(options: OperationOptions) {
    this.#options = options
  }

  /** `POST Patient/id/$scelle-vault` → `vault`, 64 hex digits. */
  async vault(id: string): Promise<FhirAnswer> {
    return told({ vault: await this.#options.repository.vaultOf(`Patient/${id}`) })
  }

  /**
   * `POST Patient/id/$scelle-share`: `with` (principal id, hex), `categories` (codes, comma-separated), `rights`
   * (read, write, relay, shareOn), `until` (instant), `basis` (`consent` where absent: whoever asks has the patient's;
   * or `care-team`, which opens with a fact alone) → `grant`, hex.
   */
  async share(call: Call, id: string): Promise<FhirAnswer> {
    const given = parametersIn(call, ['with', 'categories', 'rights', 'until', 'basis'])
    const to = given.get('with') ?? ''
    const categories = (given.get('categories') ?? '').split(',').map((code) => code.trim())
    const rights = (given.get('rights') ?? 'read').split(',').map((right) => right.trim())
    const until = Date.parse(given.get('until') ?? '')
    if (fromHex(to)?.length !== 32) {
      throw new EdgeError('bad-value', 'expected a principal\'s id, 64 hexadecimal digits', 'with')
    }
    if (!categories.every(isCategoryCode)) {
      throw new EdgeError('bad-value', 'expected codes of categories', 'categories')
    }
    if (categories.includes(UNCLASSIFIED)) {
      throw new EdgeError('business-rule', 'what is unclassified is shared with nobody: review it first', 'categories')
    }
    if (!rights.every((right) => SHARED_RIGHTS.has(right))) {
      throw new EdgeError('bad-value', 'expected read, write, relay or shareOn', 'rights')
    }
    if (Number.isNaN(until) || until <= this.#options.now()) {
      throw new EdgeError('bad-value', 'expected an instant in the future', 'until')
    }
    const basis = given.get('basis') ?? 'consent'
    if (basis !== 'consent' && basis !== 'care-team') {
      throw new EdgeError('bad-value', 'expected consent or care-team', 'basis')
    }
    const vault = await this.#options.repository.vaultOf(`Patient/${id}`)
    const handle = await this.#options.vaults.get(vault)
    this.#contested(vault, rights)
    try {
      const { grant } = await handle.share({ to, categories, rights: rights as SharedRight[], until, basis })
      this.#options.directory.addGiven(toHex(grant), vault)
      return told({ grant: toHex(grant) })
    } catch (error) {
      throw faultOf(error)
    }
  }

  /**
   * `POST Patient/id/$scelle-decoy`: this patient is nobody, with real keys. Trustees lock whoever of this house opens
   * it; from now on no list, search, export or number holds it, so that nobody in care comes across it.
   */
  async decoy(id: string): Promise<FhirAnswer> {
    const { directory, repository, vaults, forgetPersons } = this.#options
    const vault = await repository.vaultOf(`Patient/${id}`)
    const row = directory.vault(vault)
    if (row?.origin !== 'own') throw new EdgeError('business-rule', 'only what this house keeps itself is its decoy')
    try {
      await (await vaults.get(vault)).declareDecoy()
    } catch (error) {
      throw faultOf(error)
    }
    directory.markDecoy(row, `Patient/${id}`)
    forgetPersons()
    return { status: 204 }
  }

  /** `POST $scelle-revoke`: `grant`, hex → `pending`, trustees that have not confirmed; `logged`. */
  async revoke(call: Call): Promise<FhirAnswer> {
    const given = parametersIn(call, ['grant'])
    const grant = fromHex(given.get('grant') ?? '')
    if (grant?.length !== 32) throw new EdgeError('bad-value', 'expected a grant\'s id, 64 hexadecimal digits', 'grant')
    const vault = this.#options.directory.grantVault(toHex(grant))
    if (vault === undefined) throw new EdgeError('not-found', 'this edge gave no such grant')
    try {
      const { pending, logged } = await (await this.#options.vaults.get(vault)).revoke(grant)
      this.#options.vaults.stale(vault)
      const parameter = [{ name: 'pending', valueInteger: pending.length }, { name: 'logged', valueCode: logged }]
      return jsonAnswer(200, { resourceType: 'Parameters', parameter })
    } catch (error) {
      throw faultOf(error)
    }
  }

  /**
   * `GET $scelle-offers`: what principals that nobody here accepted share with this organisation, unopened: `total`,
   * and each `offer` with `custodian`, `from`, `vault` (hex), `categories` (their number) and `until`.
   */
  async offers(call: Call): Promise<FhirAnswer> {
    requireNoQuery(call)
    const { grants } = this.#options
    await grants.lookOnMiss(call.session)
    const offers = grants.offers.slice(0, EDGE_LIMITS.reviewPage).map((offer) => ({
      name: 'offer',
      part: [
        { name: 'custodian', valueString: toHex(offer.custodian) },
        { name: 'from', valueString: toHex(offer.from) },
        { name: 'vault', valueString: toHex(offer.vault) },
        { name: 'categories', valueInteger: offer.categories },
        { name: 'until', valueInstant: new Date(offer.until).toISOString() },
      ],
    }))
    const parameter = [{ name: 'total', valueInteger: grants.offers.length }, ...offers]
    return jsonAnswer(200, { resourceType: 'Parameters', parameter })
  }

  /** `POST $scelle-accept`: `custodian`, hex: what it shares, now and later, enters the directory. */
  async accept(call: Call): Promise<FhirAnswer> {
    const custodian = parametersIn(call, ['custodian']).get('custodian') ?? ''
    const id = fromHex(custodian)
    if (id?.length !== 32) {
      throw new EdgeError('bad-value', 'expected a principal\'s id, 64 hexadecimal digits', 'custodian')
    }
    await this.#options.grants.accept(toHex(id), call.session)
    return told({ custodian: toHex(id) })
  }

  /**
   * `POST $scelle-logout`: ends the session that the request belongs to, and closes what it has open. `everywhere` =
   * `true`: the person's other sessions too, at every house; on record when this answers.
   */
  async logout(call: Call): Promise<FhirAnswer> {
    requireNoQuery(call)
    const given = call.body.length > 0 ? parametersIn(call, ['everywhere']) : new Map<string, string>()
    if (given.get('everywhere') === 'true') await this.#options.signOutEverywhere(call.session)
    this.#options.endSession(call.session)
    return { status: 204 }
  }

  /**
   * `GET $unclassified`: what no rule of the category table fits, for a person to look at: `total`, and each
   * `resource`.
   */
  review(call: Call): FhirAnswer {
    requireNoQuery(call)
    const parameter: NonNullable<Parameters['parameter']> = [
      { name: 'total', valueInteger: this.#options.directory.unclassifiedCount() },
    ]
    for (const { type, id } of this.#options.directory.unclassified()) {
      if (parameter.length > EDGE_LIMITS.reviewPage) break
      parameter.push({ name: 'resource', valueReference: { reference: `${type}/${id}` } })
    }
    return jsonAnswer(200, { resourceType: 'Parameters', parameter })
  }

  /**
   * Before the grant exists: from then on somebody else may write there, and the index may refuse what was right
   * here.
   */
  #contested(vault: string, rights: readonly string[]): void {
    const row = this.#options.directory.vault(vault)
    if (row === undefined || row.contested === true || !rights.includes('write')) return
    this.#options.directory.addVault({ ...row, contested: true }, row.patient ?? '')
  }
}

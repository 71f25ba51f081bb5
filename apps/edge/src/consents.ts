/** What this organisation granted of its patients' records, as FHIR Consent, and a Consent that asks for a grant. */
import type { Consent } from '@medplum/fhirtypes'
import {
  consentOf, GRANT_BASES, GRANT_PURPOSES, GRANT_RIGHTS, grantTermsOf, type GrantTerms,
} from '@scelle/fhir/consent'
import { type CategoryInfo, type ChainedGrant, toHex, type Vault } from '@scelle/sdk'
import { bundleBytes, type FhirAnswer } from './answers.ts'
import type { Call } from './call.ts'
import { bytesOf } from './entry.ts'
import { EdgeError } from './errors.ts'
import { bodyOf } from './parameters.ts'
import { requireNoQuery } from './parameters-body.ts'
import type { Repository } from './repository.ts'
import { type Directory, UNCLASSIFIED } from './store/directory.ts'
import type { VaultShelf } from './vaults.ts'
import { faultOf } from './writes/faults.ts'

export interface ConsentsOptions {
  readonly repository: Pick<Repository, 'vaultOf'>
  readonly vaults: Pick<VaultShelf, 'get'>
  readonly directory: Pick<Directory, 'addGiven' | 'self' | 'vault' | 'addVault'>
  /** Of this organisation, as people know it. */
  readonly name: string
  readonly now: () => number
}

type Names = ReadonlyMap<string, { readonly code: string; readonly strict: boolean }>

/** Places of the bits of a grant's rights: `spec/format.md`. */
const rightsIn = (bits: number): GrantTerms['rights'] => GRANT_RIGHTS.filter((_, place) => (bits & (1 << place)) !== 0)

const codesIn = (ids: readonly Uint8Array[], names: Names): string[] =>
  ids.flatMap((id) => names.get(toHex(id))?.code ?? [])

const termsOf = ({ id, grant, signer }: ChainedGrant, names: Names): GrantTerms => ({
  grant: toHex(id),
  ...(grant.parent === undefined ? {} : { parent: toHex(grant.parent) }),
  vault: toHex(grant.vault), custodian: toHex(grant.custodian), signer: toHex(signer), grantee: toHex(grant.grantee),
  categories: codesIn(grant.categories, names), strict: codesIn(grant.strict ?? [], names),
  rights: rightsIn(grant.rights), purposes: GRANT_PURPOSES.filter((one) => grant.purposes.includes(one)),
  basis: GRANT_BASES.find((one) => one === grant.basis) ?? 'consent',
  notBefore: grant.notBefore, expires: grant.expires, depth: grant.depth,
  ...(grant.patientsPerDay === undefined ? {} : { patientsPerDay: grant.patientsPerDay }),
  ...(grant.ticket === undefined ? {} : { ticket: toHex(grant.ticket) }),
  ...(grant.standing === undefined ? {} : { standing: grant.standing }),
  ...(grant.summary === undefined ? {} : { summary: codesIn(grant.summary, names) }),
})

const namesOf = (categories: ReadonlyMap<string, CategoryInfo>): Names =>
  new Map([...categories].map(([code, { id, strict }]) => [toHex(id), { code, strict }]))

/** The body of a request, which is a Consent. Throws `bad-value`. */
export const consentIn = (call: Call): Consent => {
  const resource = bodyOf(call)
  if (resource.resourceType !== 'Consent') throw new EdgeError('bad-value', 'expected a Consent', 'resourceType')
  return resource
}

export class Consents {
  readonly #options: ConsentsOptions

  constructor(options: ConsentsOptions) {
    this.#options = options
  }

  /** `GET Patient/id/$scelle-grants`: all grants of this part of the record, ended ones too, each as a Consent. */
  async of(call: Call, patient: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    const consents = await this.#given(await this.#handle(patient), patient)
    return {
      status: 200,
      body: bundleBytes({ type: 'collection' }, consents.map((consent) => ({
        head: { fullUrl: `urn:scelle:grant:${consent.id}` }, resource: bytesOf(JSON.stringify(consent)),
      }))),
    }
  }

  async #given(handle: Vault, patient: string): Promise<Consent[]> {
    const { directory, name } = this.#options
    try {
      const given = await handle.grantsGiven()
      const names = namesOf(await handle.categories())
      return given.map((one) => consentOf(termsOf(one, names), {
        patient, names: new Map([[directory.self, name]]), ended: one.revoked || !one.inForce,
      }))
    } catch (error) {
      throw faultOf(error)
    }
  }

  /** The grant that a Consent asks this organisation for, as it would say it of itself. Answers with the Consent. */
  async give(consent: Consent, patient: string): Promise<FhirAnswer> {
    const terms = grantTermsOf(consent)
    const { directory } = this.#options
    const handle = await this.#handle(patient)
    const vault = toHex(handle.id)
    const strict = await this.#strictOf(handle, terms)
    const isOwn = terms.vault === vault && terms.signer === directory.self && terms.custodian === directory.self
    if (!isOwn || terms.grant !== undefined || terms.parent !== undefined || terms.ticket !== undefined) {
      throw new EdgeError('business-rule', 'it is not this organisation\'s to give: its own part of this patient\'s ' +
        'record, under no other grant')
    }
    if (terms.categories.includes(UNCLASSIFIED)) {
      throw new EdgeError('business-rule', 'what is unclassified is shared with nobody: review it first')
    }
    if (JSON.stringify(strict.toSorted()) !== JSON.stringify(terms.strict.toSorted())) {
      throw new EdgeError('business-rule', `its strict categories are: ${strict.join(', ') || 'none'}`)
    }
    // A grant is good from when it is made: one that said later would be wider than the Consent.
    if (terms.notBefore * 1000 > this.#options.now() || terms.expires * 1000 <= this.#options.now()) {
      throw new EdgeError('business-rule', 'it begins later, or has ended: ask when it begins')
    }
    this.#contested(vault, terms)
    try {
      const { grant } = await handle.share({
        to: terms.grantee, categories: terms.categories, rights: terms.rights, purposes: terms.purposes,
        until: terms.expires * 1000, basis: terms.basis, depth: terms.depth,
        ...(terms.standing === undefined ? {} : { standing: terms.standing }),
        ...(terms.patientsPerDay === undefined ? {} : { patientsPerDay: terms.patientsPerDay }),
        ...(terms.summary === undefined ? {} : { summary: terms.summary }),
      })
      directory.addGiven(toHex(grant), vault)
      const given = (await this.#given(handle, patient)).find(({ id }) => id === toHex(grant))
      return { status: 201, body: bytesOf(JSON.stringify(given)) }
    } catch (error) {
      throw faultOf(error)
    }
  }

  async #handle(patient: string): Promise<Vault> {
    const { repository, vaults } = this.#options
    return vaults.get(await repository.vaultOf(patient))
  }

  async #strictOf(handle: Vault, { categories }: GrantTerms): Promise<string[]> {
    const known = await handle.categories()
    return categories.filter((code) => known.get(code)?.strict === true)
  }

  /** Before the grant exists: from then on somebody else may write there. */
  #contested(vault: string, { rights }: GrantTerms): void {
    const row = this.#options.directory.vault(vault)
    if (row === undefined || row.contested === true || !rights.includes('write')) return
    this.#options.directory.addVault({ ...row, contested: true }, row.patient ?? '')
  }
}

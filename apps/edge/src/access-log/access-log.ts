/**
 * `AuditEvent`: who opened a patient's records. Written by this edge and by every other reader with each opening, never
 * by an application; it is opened by itself, since it grows with every opening, and to open it is an access too.
 */
import type { AuditEvent, Bundle } from '@medplum/fhirtypes'
import { withReceipt } from '@scelle/fhir/audit'
import { isId } from '@scelle/fhir/validate'
import { type FhirAnswer, versionHeaders } from '../answers.ts'
import type { Call } from '../call.ts'
import { bytesOf, copyOf, passing } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import { splitPair } from '../negotiation.ts'
import type { Repository } from '../repository.ts'
import type { Search } from '../search.ts'
import type { Directory } from '../store/directory.ts'
import { ORGANISATION } from '../vaults.ts'
import type { Receipts } from './receipts.ts'
import type { Register } from './register.ts'

export interface AccessLogOptions {
  /** Over access logs alone, as `search` is. */
  readonly repository: Repository
  readonly search: Search
  readonly receipts: Receipts
  readonly directory: Pick<Directory, 'vaultsBeside' | 'vaultOf'>
  readonly register: Pick<Register, 'move'>
}

const TYPE = 'AuditEvent'

export class AccessLog {
  readonly #options: AccessLogOptions

  constructor(options: AccessLogOptions) {
    this.#options = options
  }

  /**
   * `AuditEvent?patient=…`, and the same within the patient's compartment: all that is known of this patient's
   * openings, whatever else their events name. Without a patient: what this organisation itself opened, of everybody.
   */
  async search(call: Call, query: string, compartment?: string): Promise<FhirAnswer> {
    const { patients, rest } = patientsIn(query, call.base)
    const [patient = compartment ?? ORGANISATION, ...more] = [...patients]
    if (more.length > 0 || (compartment !== undefined && patient !== compartment)) {
      throw new EdgeError('too-costly', 'a search may name one patient; ask once for each')
    }
    const { directory, register, repository } = this.#options
    if (patient === ORGANISATION) {
      // The officer's: what waits on this disk is part of it.
      await register.move()
      return this.#options.search.search(call, TYPE, rest, ORGANISATION)
    }
    const answer = await this.#options.search.search(call, TYPE, rest, patient)
    return this.#proven(answer, [await repository.vaultOf(patient), ...directory.vaultsBeside(patient)])
  }

  async read(call: Call, id: string): Promise<FhirAnswer> {
    if (call.wishes.query !== '') throw new EdgeError('not-supported', 'this interaction takes no parameters')
    if (!isId(id)) throw new EdgeError('not-found')
    const entry = await this.#options.repository.read(call.session, TYPE, id)
    const body = copyOf(entry)
    const { vault } = await this.#options.repository.locate(TYPE, id)
    const proven = await this.#withReceipt(parsed(body), [vault])
    body.fill(0)
    return { status: 200, headers: versionHeaders(entry), body: passing(bytesOf(JSON.stringify(proven))), entry }
  }

  /** A page with the proof of each access that it tells of. */
  async #proven(answer: FhirAnswer, vaults: readonly string[]): Promise<FhirAnswer> {
    if (answer.body === undefined) return answer
    const bundle = parsed<Bundle<AuditEvent>>(answer.body)
    const entries = await Promise.all((bundle.entry ?? []).map(async (entry) =>
      entry.resource?.resourceType === TYPE
        ? { ...entry, resource: await this.#withReceipt(entry.resource, vaults) }
        : entry))
    const page = { ...bundle, ...(bundle.entry === undefined ? {} : { entry: entries }) }
    return { ...answer, body: passing(bytesOf(JSON.stringify(page))) }
  }

  /** Looked for in the vaults that the event was found in, whatever it claims to be about. */
  async #withReceipt(event: AuditEvent, vaults: readonly string[]): Promise<AuditEvent> {
    for (const vault of vaults) {
      const receipt = await this.#options.receipts.of(event, vault)
      if (receipt !== undefined) return withReceipt(event, receipt)
    }
    return withReceipt(event, undefined)
  }
}

const parsed = <T = AuditEvent>(body: Uint8Array): T => JSON.parse(new TextDecoder().decode(body)) as T

/** Whom a query names as `patient`, and the rest of it, still encoded. */
const patientsIn = (query: string, base: string): { patients: ReadonlySet<string>; rest: string } => {
  const patients = new Set<string>()
  const rest: string[] = []
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, value] = splitPair(pair)
    if (/^patient[:.]/.test(name) && name !== 'patient:Patient') {
      throw new EdgeError('too-costly', 'name the patient whose records were opened, as in patient=Patient/1')
    }
    if (name !== 'patient' && name !== 'patient:Patient') rest.push(pair)
    else patients.add(patientOf(value.startsWith(`${base}/`) ? value.slice(base.length + 1) : value))
  }
  return { patients, rest: rest.join('&') }
}

const patientOf = (value: string): string => {
  const id = value.startsWith('Patient/') ? value.slice('Patient/'.length) : value
  if (!isId(id)) throw new EdgeError('bad-value', 'expected one patient, as in patient=Patient/1', 'patient')
  return `Patient/${id}`
}

/** Bulk Data Access 2.0: kick-off, status, files. */
import { Readable } from 'node:stream'
import type { Group } from '@medplum/fhirtypes'
import { isId } from '@scelle/fhir/validate'
import type { Timers } from '@scelle/sdk'
import type { Answer } from '@scelle/wire/server'
import type { FhirAnswer } from '../answers.ts'
import { sentWithin } from '../attachments/streams.ts'
import { type Call, requireRights } from '../call.ts'
import { bytesOf, keyOf, textOf } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import type { Repository } from '../repository.ts'
import type { Exposure } from '../staff/exposure.ts'
import type { Directory } from '../store/directory.ts'
import { ORGANISATION } from '../vaults.ts'
import { exportAsked } from './asked.ts'
import { ERRORS, type ExportJob, type ExportJobs } from './jobs.ts'

export const EXPORT_STATUS = '$export-status'
export const EXPORT_FILE = '$export-file'

const NDJSON = 'application/fhir+ndjson'
const PATIENT = /^Patient\/([^/]+)$/

export interface ExportsOptions {
  readonly jobs: ExportJobs
  readonly directory: Directory
  readonly repository: Repository
  readonly timers: Timers
  readonly exposure: Pick<Exposure, 'exported'>
}

export class Exports {
  readonly #options: ExportsOptions

  constructor(options: ExportsOptions) {
    this.#options = options
  }

  /** `$export`: every patient in care, and the organisation's own records. */
  ofAll(call: Call): FhirAnswer {
    return this.#begin(call, () => [ORGANISATION, ...this.#patients()])
  }

  /** `Patient/$export`. */
  ofPatients(call: Call): FhirAnswer {
    return this.#begin(call, () => this.#patients())
  }

  /** `Group/id/$export`: the patients it lists by reference. */
  async ofGroup(call: Call, id: string): Promise<FhirAnswer> {
    if (!isId(id)) throw new EdgeError('not-found')
    const entry = await this.#options.repository.read(call.session, 'Group', id)
    const { member = [] } = JSON.parse(textOf(entry)) as Group
    const references = member.filter(({ inactive }) => inactive !== true).map(({ entity }) => entity.reference ?? '')
    return this.#begin(call, () => [...new Set(references.filter((each) => PATIENT.test(each)))])
  }

  /** `GET` of the status: 202 while it runs, then the manifest. */
  status(call: Call): FhirAnswer {
    const job = this.#options.jobs.of(call, call.params['job'] ?? '')
    if (job.state === 'running') {
      const progress = `${job.done} of ${job.total} charts`
      return { status: 202, headers: { 'x-progress': progress, 'retry-after': '1' } }
    }
    if (job.failure !== undefined) throw job.failure
    const headers = { 'content-type': 'application/json', 'expires': new Date(job.until).toUTCString() }
    return { status: 200, headers, body: bytesOf(JSON.stringify(manifestOf(job, call.base))) }
  }

  /** `DELETE` of the status: it stops, and what was made of it is gone. */
  async cancel(call: Call): Promise<FhirAnswer> {
    await this.#options.jobs.end(this.#options.jobs.of(call, call.params['job'] ?? ''))
    return { status: 202 }
  }

  /** One file, opened piece by piece as it is sent. */
  async file(call: Call, id: string, place: string): Promise<Answer> {
    requireRights(call, 'export', 'read')
    const job = this.#options.jobs.of(call, id)
    const lines = job.state === 'complete' && /^\d{1,3}$/.test(place) ? job.spool.read(Number(place)) : undefined
    if (lines === undefined) throw new EdgeError('not-found', 'this export has no such file')
    if (call.method === 'HEAD') return { status: 200, headers: { 'content-type': NDJSON } }
    const body = sentWithin(Readable.from(lines, { objectMode: false }), this.#options.timers, () => undefined)
    return { status: 200, headers: { 'content-type': NDJSON }, body }
  }

  #begin(call: Call, owners: () => readonly string[]): FhirAnswer {
    const asked = exportAsked(call)
    this.#options.exposure.exported(call.session)
    const job = this.#options.jobs.start(call, asked, owners())
    return { status: 202, headers: { 'content-location': `${call.base}/${EXPORT_STATUS}/${job.id}` } }
  }

  /** Whoever was taken over by another one is in the other one's chart. */
  #patients(): string[] {
    const { directory } = this.#options
    const inCare = [...directory.persons()].filter(({ deleted }) => !deleted).map(keyOf)
    return inCare.filter((patient) => directory.patients.merges.targetOf(patient) === undefined)
  }
}

const manifestOf = (job: ExportJob, base: string): object => {
  const files = job.spool.files.map(({ type, count }, place) =>
    ({ type, url: `${base}/${EXPORT_FILE}/${job.id}/${place}`, count }))
  return {
    transactionTime: new Date(job.begun).toISOString(),
    request: job.request,
    requiresAccessToken: true,
    output: files.filter(({ type }) => type !== ERRORS),
    error: files.filter(({ type }) => type === ERRORS),
  }
}

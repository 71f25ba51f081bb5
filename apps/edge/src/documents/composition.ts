/** `Composition/id/$document`: a document made of what is stored (R4 Composition-operation-document). */
import type { Composition, Resource } from '@medplum/fhirtypes'
import { assembleDocument } from '@scelle/fhir/documents'
import { validateResource } from '@scelle/fhir/validate'
import { type FhirAnswer, versionHeaders } from '../answers.ts'
import { type Call, requireRights } from '../call.ts'
import { exactJson } from '../decimals.ts'
import { bytesOf, copyOf, passing } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import type { Repository } from '../repository.ts'
import type { Writer } from '../writes/writer.ts'
import { type ChartReader, resourceOf } from './chart-reader.ts'
import type { DocumentDesk } from './desk.ts'
import { operationParameters } from './parameters.ts'

export interface CompositionOptions {
  readonly charts: ChartReader
  readonly repository: Repository
  readonly desk: DocumentDesk
  readonly writer: Writer
  readonly now: () => number
  readonly newId: () => string
}

export class Compositions {
  readonly #options: CompositionOptions

  constructor(options: CompositionOptions) {
    this.#options = options
  }

  /** `persist=true` keeps it as a Bundle too, which needs the right to write. */
  async document(call: Call, id: string): Promise<FhirAnswer> {
    const persist = booleanIn(operationParameters(call, ['persist']).get('persist'))
    if (persist) requireRights(call, 'write')
    const { charts, repository, now, newId } = this.#options
    const own = (await charts.own(call))?.records
    // Nothing is waited for from here to the end of the assembly: a chart that is closed meanwhile is wiped.
    const { records } = await repository.chartOf(call.session, 'Composition', id)
    const entry = records.latest(`Composition/${id}`)
    if (entry === undefined || entry.deleted) throw new EdgeError('gone')
    const source = (key: string): Resource | undefined => {
      const found = records.latest(key) ?? own?.latest(key)
      return found === undefined || found.deleted ? undefined : resourceOf(found)
    }
    const bundle = assembleDocument({
      composition: resourceOf(entry) as Composition, source, base: call.base, documentId: newId(), now: now(),
    })
    if (!persist) return { status: 200, body: passing(bytesOf(exactJson(bundle))) }
    return this.#keep(call, validateResource(bundle))
  }

  async #keep(call: Call, bundle: Resource): Promise<FhirAnswer> {
    const { desk, writer } = this.#options
    const owner = await desk.ownerOf(call, bundle)
    const { id = '' } = bundle
    const change = { type: 'Bundle', id, resource: bundle, ...(owner === undefined ? {} : { owner }) }
    const { entry } = await writer.change(change, [call.base])
    if (entry === undefined) throw new Error('a write leaves a version')
    const location = `${call.base}/Bundle/${id}/_history/${entry.version}`
    return { status: 200, headers: { ...versionHeaders(entry), location }, body: copyOf(entry), entry }
  }
}

const booleanIn = (text: string | undefined): boolean => {
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  throw new EdgeError('bad-value', 'expected true or false', 'persist')
}

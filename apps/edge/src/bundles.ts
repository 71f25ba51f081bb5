/** Bundles as requests: transactions whole or not at all, batches entry by entry (R4 http.html#transaction). */
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { type PlannedEntry, planTransaction, transactionLookups } from '@scelle/fhir/references'
import { LIMITS, parseJson } from '@scelle/fhir/validate'
import { bundleBytes, type BundlePart, type FhirAnswer } from './answers.ts'
import type { PreparedTransactions } from './aside/transactions.ts'
import { batchCall, checkRequests, type EntryRequest, getCall } from './bundle-calls.ts'
import { AnswerRoom, entryPart, partOf, writtenPart } from './bundle-parts.ts'
import { type Call, requireRights } from './call.ts'
import { withDecimals } from './decimals.ts'
import type { DocumentDesk } from './documents/desk.ts'
import { asSubmitted, subjectNaming } from './documents/submission.ts'
import { EdgeError, isOwnFault, refusalOf } from './errors.ts'
import type { Interactions } from './interactions.ts'
import { EDGE_LIMITS } from './limits.ts'
import { FHIR_TYPES, ifMatchOf, requireType, textOfBody } from './negotiation.ts'
import { PATCH_TYPE } from './patch.ts'
import type { Repository } from './repository.ts'
import type { Search } from './search.ts'
import type { Change, PlannedChange } from './writes/planner.ts'
import type { Writer } from './writes/writer.ts'

export interface BundleOptions {
  readonly prepared: PreparedTransactions
  readonly repository: Repository
  readonly search: Search
  readonly interactions: Interactions
  readonly writer: Writer
  readonly desk: Pick<DocumentDesk, 'ownerOf'>
  readonly newId: () => string
  /** Answers one interaction as if it had come by itself. */
  readonly dispatch: (call: Call) => Promise<FhirAnswer>
  /** Holds one interaction against an access token's scopes. */
  readonly permit: (call: Call) => void
  /** Told of failures that are the server's own, which an entry's outcome only hints at. */
  readonly fault: (error: unknown) => void
}

type Putting = Extract<PlannedEntry, { kind: 'create' | 'update' }>
type Writing = Exclude<PlannedEntry, { kind: 'get' | 'exists' | 'refused' }>

export class Bundles {
  readonly #options: BundleOptions

  constructor(options: BundleOptions) {
    this.#options = options
  }

  /** `POST [base]`. Throws FhirError `invalid-bundle` and what its entries throw. */
  async run(call: Call): Promise<FhirAnswer> {
    if (call.wishes.query !== '') {
      throw new EdgeError('not-supported', 'this interaction takes no parameters', 'http.query')
    }
    requireType(call.headers, FHIR_TYPES)
    // What is prepared elsewhere knows of no scopes.
    const prepared = call.permit === undefined ? await this.#options.prepared.run(call) : undefined
    if (prepared !== undefined) return { status: 200, body: bundleBytes({ type: 'transaction-response' }, prepared) }
    const text = textOfBody(call.body)
    const bundle = withDecimals(text, parseJson(text, LIMITS.bundleText) as Bundle | null)
    // A document is kept as one, not carried out (R4 documents.html).
    if (bundle?.resourceType === 'Bundle' && bundle.type === 'document') {
      requireRights(call, 'write')
      call.permit?.need('c', 'Bundle')
      if (text.length > LIMITS.resourceText) throw new EdgeError('too-large')
      return this.#options.interactions.create({ ...call, resource: bundle }, 'Bundle')
    }
    if (bundle?.resourceType !== 'Bundle' || (bundle.type !== 'transaction' && bundle.type !== 'batch')) {
      throw new EdgeError('bad-value', 'expected a Bundle of type transaction, batch or document', 'Bundle.type')
    }
    const submitted = asSubmitted(bundle, call.base)
    const parts = bundle.type === 'batch'
      ? await this.#batch(call, submitted)
      : await this.#transaction(call, submitted)
    return { status: 200, body: bundleBytes({ type: `${bundle.type}-response` }, parts) }
  }

  async #batch(call: Call, bundle: Bundle): Promise<BundlePart[]> {
    const entries: readonly EntryRequest[] = Array.isArray(bundle.entry) ? bundle.entry : []
    if (entries.length > LIMITS.bundleEntries) {
      throw new EdgeError('too-large', `a batch may have ${LIMITS.bundleEntries} entries`)
    }
    const parts: BundlePart[] = []
    const room = new AnswerRoom()
    let next = 0
    const work = async (): Promise<void> => {
      while (next < entries.length) {
        const place = next++
        parts[place] = await this.#alone(() => batchCall(call, entries[place], place), call, room)
      }
    }
    await Promise.all(Array.from({ length: Math.min(EDGE_LIMITS.batchParallel, entries.length) }, work))
    return parts
  }

  /** One entry of a batch: its failure is its own. */
  async #alone(asked: () => Call, call: Call, room: AnswerRoom): Promise<BundlePart> {
    try {
      room.require()
      const own = asked()
      const part = partOf(await this.#options.dispatch(own), call)
      return own.method === 'GET' ? room.read(part) : room.done(part)
    } catch (error) {
      if (isOwnFault(error)) this.#options.fault(error)
      const { status, outcome } = refusalOf(error)
      return { head: { response: { status: String(status), outcome } } }
    }
  }

  async #transaction(call: Call, bundle: Bundle): Promise<BundlePart[]> {
    const { search, writer, newId } = this.#options
    checkRequests(bundle.entry)
    if (call.permit !== undefined) {
      for (const [at, entry] of (bundle.entry ?? []).entries()) this.#options.permit(batchCall(call, entry, at))
    }
    const wanted = transactionLookups(bundle)
    if (wanted.length > 0) requireRights(call, 'search')
    return writer.underConditions(wanted.map(({ key }) => key), async () => {
      const lookups = new Map<string, readonly string[]>()
      for (const { key, type, query } of wanted) lookups.set(key, await search.matches(call, type, query))
      const { entries } = planTransaction(bundle, { assignId: () => newId(), lookups })
      const answers = new Map<number, BundlePart>()
      const room = new AnswerRoom()
      await this.#write(call, entries, answers)
      for (const entry of entries) {
        if (entry.kind === 'exists') answers.set(entry.index, await this.#existing(call, entry.type, entry.id))
        // Reads come last and see what was written. One that fails is told in its place: the writes stand.
        if (entry.kind === 'get') {
          answers.set(entry.index, await this.#alone(() => getCall(call, entry), call, room))
        }
      }
      return (bundle.entry ?? []).map((_, index) => answers.get(index) ?? { head: { response: { status: '204' } } })
    })
  }

  async #write(call: Call, entries: readonly PlannedEntry[], answers: Map<number, BundlePart>): Promise<void> {
    const writing = entries.filter((entry): entry is Writing =>
      entry.kind !== 'get' && entry.kind !== 'exists' && entry.kind !== 'refused' && entry.id !== undefined)
    if (writing.length === 0) return
    requireRights(call, 'write', ...(writing.some(({ kind }) => kind === 'patch') ? (['read'] as const) : []))
    const { writer } = this.#options
    const held = writing.filter(({ kind }) => kind !== 'create').map(({ type, id }) => `${type}/${id}`)
    await writer.holding(held, async () => {
      const changes: Change[] = []
      for (const entry of writing) changes.push(await this.#changeOf(call, entry, writing))
      const planned = await writer.apply(changes, [call.base])
      for (const [at, entry] of writing.entries()) {
        answers.set(entry.index, writtenPart(planned[at] as PlannedChange, call))
      }
    })
  }

  async #changeOf(call: Call, entry: Writing, beside: readonly Writing[]): Promise<Change> {
    const { kind, type } = entry
    const id = entry.id as string
    const expression = `Bundle.entry[${entry.index}]`
    if (kind === 'create') return { type, id, ...(await this.#placed(call, entry, beside)), expression }
    const ifMatch = ifMatchOf(entry.ifMatch)
    if (kind === 'patch') {
      const operations = operationsIn(entry.patch, expression)
      const change = await this.#options.interactions.patched(call, type, id, operations, ifMatch)
      return { ...change, expression }
    }
    const condition = ifMatch === undefined ? {} : { ifMatch }
    const change = { type, id, expression, ...condition }
    if (kind !== 'update') return change
    const placed = await this.#placed(call, entry, beside)
    return { ...change, ...placed, ...(entry.ifAbsent === true ? { ifAbsent: true } : {}) }
  }

  async #placed(
    call: Call, { type, id, resource }: Putting, beside: readonly Writing[],
  ): Promise<Pick<Change, 'resource' | 'owner'>> {
    const within = type === 'Bundle' ? subjectNaming(`Bundle/${id}`, beside) : undefined
    call.permit?.requireOwner(resource, call.base)
    const owner = await this.#options.desk.ownerOf(call, resource, within)
    return { resource, ...(owner === undefined ? {} : { owner }) }
  }

  async #existing(call: Call, type: string, id: string): Promise<BundlePart> {
    const entry = await this.#options.repository.read(call.session, type, id)
    return entryPart('200', entry, call, entry.bytes)
  }
}

/** A JSON Patch travels in a Bundle as a Binary (R4 http.html#patch). */
const operationsIn = (patch: Resource, expression: string): unknown => {
  if (patch.resourceType !== 'Binary' || patch.contentType !== PATCH_TYPE || patch.data === undefined) {
    throw new EdgeError('not-supported', `send a Binary of type ${PATCH_TYPE}`, `${expression}.resource`)
  }
  const text = textOfBody(new Uint8Array(Buffer.from(patch.data, 'base64')))
  return withDecimals(text, parseJson(text, LIMITS.resourceText))
}

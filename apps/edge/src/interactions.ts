/** R4's interactions with one resource: read, vread, create, update, patch, delete, and their conditional forms. */
import type { Resource } from '@medplum/fhirtypes'
import { isId, LIMITS, parseJson, validateResource } from '@scelle/fhir/validate'
import { createCondition } from '@scelle/fhir/references'
import { type FhirAnswer, versionHeaders, writtenAnswer } from './answers.ts'
import { type Call, requireRights } from './call.ts'
import { withDecimals } from './decimals.ts'
import type { DocumentDesk } from './documents/desk.ts'
import { copyOf, type Entry, textOf } from './entry.ts'
import { EdgeError } from './errors.ts'
import { FHIR_TYPES, header, ifMatchOf, isKnown, requireType, textOfBody } from './negotiation.ts'
import { applyPatch, PATCH_TYPE } from './patch.ts'
import type { Repository } from './repository.ts'
import type { Search } from './search.ts'
import type { MadeFacts } from './staff/made-facts.ts'
import type { Change, PlannedChange } from './writes/planner.ts'
import type { Writer } from './writes/writer.ts'

export interface InteractionOptions {
  readonly repository: Repository
  readonly search: Search
  readonly writer: Writer
  readonly desk: Pick<DocumentDesk, 'ownerOf'>
  /** A Binary with its octets inside; any other version as it is. */
  readonly whole: (session: string, entry: Entry) => Promise<Entry>
  /** What somebody writes may be why an opening is care. */
  readonly facts: Pick<MadeFacts, 'made'>
  /** A new resource id: random, so that it tells nothing and never repeats. */
  readonly newId: () => string
}

export class Interactions {
  readonly #options: InteractionOptions

  constructor(options: InteractionOptions) {
    this.#options = options
  }

  async read(call: Call, type: string, id: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    const entry = await this.#options.repository.read(call.session, type, id)
    if (call.permit !== undefined && !await this.#options.search.isShown(call, type, id)) {
      throw new EdgeError('not-found')
    }
    return this.#served(call, entry)
  }

  async vread(call: Call, type: string, id: string, version: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    return this.#served(call, await this.#options.repository.version(call.session, type, id, version))
  }

  async create(call: Call, type: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    const resource = resourceIn(call, type)
    const condition = header(call.headers, 'if-none-exist')
    const create = async (): Promise<FhirAnswer> => {
      const id = this.#options.newId()
      return this.#put(call, { type, id, resource: { ...resource, id } })
    }
    if (condition === undefined) return create()
    requireRights(call, 'search')
    return this.#underCondition(type, createCondition(condition, type, 'If-None-Exist'), call, async (match) => {
      if (match === undefined) return create()
      const there = await this.#options.repository.read(call.session, type, match)
      return writtenAnswer(200, there, call.base, call.wishes.returns)
    })
  }

  async update(call: Call, type: string, id: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    const resource = resourceIn(call, type)
    if (!isId(id)) throw new EdgeError('bad-value', 'an id is 1 to 64 of A-Z a-z 0-9 - .', 'http.path')
    if (resource.id !== id) throw new EdgeError('bad-value', 'the resource\'s id must be that of the URL', `${type}.id`)
    return this.#put(call, { type, id, resource, ...conditionsOf(call) })
  }

  /** `PUT Type?…` (R4 http.html#cond-update). */
  async conditionalUpdate(call: Call, type: string): Promise<FhirAnswer> {
    const resource = resourceIn(call, type)
    return this.#underCondition(type, call.wishes.query, call, async (match) => {
      if (match !== undefined && resource.id !== undefined && resource.id !== match) {
        throw new EdgeError('bad-value', 'the resource\'s id is not that of the match', `${type}.id`)
      }
      const id = match ?? resource.id ?? this.#options.newId()
      // The condition did not match the resource of that id, if there is one: it must not be overwritten.
      const absent = match === undefined ? { ifAbsent: true } : {}
      const change = { type, id, resource: { ...resource, id } as Resource, ...conditionsOf(call), ...absent }
      return this.#put(call, change)
    })
  }

  async patch(call: Call, type: string, id: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    return this.#patchOne(call, type, id)
  }

  async conditionalPatch(call: Call, type: string): Promise<FhirAnswer> {
    return this.#underCondition(type, call.wishes.query, call, async (match) => {
      if (match === undefined) throw new EdgeError('not-found', 'nothing matches the condition')
      return this.#patchOne(call, type, match)
    })
  }

  async delete(call: Call, type: string, id: string): Promise<FhirAnswer> {
    requireNoQuery(call)
    return this.#deleteOne(call, type, id)
  }

  /** `DELETE Type?…`: one match at most, or nothing is deleted. */
  async conditionalDelete(call: Call, type: string): Promise<FhirAnswer> {
    return this.#underCondition(type, call.wishes.query, call, async (match) =>
      match === undefined ? { status: 204 } : this.#deleteOne(call, type, match))
  }

  /** The change a patch makes, for a transaction; the caller holds the resource. */
  async patched(
    call: Call, type: string, id: string, operations: unknown, ifMatch: number | undefined,
  ): Promise<Change> {
    const entry = await this.#options.repository.read(call.session, type, id)
    if (ifMatch !== undefined && entry.version !== ifMatch) throw new EdgeError('precondition-failed')
    const text = textOf(entry)
    const resource = validateResource(applyPatch(withDecimals(text, JSON.parse(text) as unknown), operations))
    if (resource.resourceType !== type || resource.id !== id) {
      throw new EdgeError('bad-value', 'a patch may change neither type nor id', `${type}.id`)
    }
    call.permit?.requireOwner(resource, call.base)
    return { type, id, resource, ifMatch: entry.version }
  }

  async #put(call: Call, change: Change & { readonly resource: Resource }): Promise<FhirAnswer> {
    const { desk, writer } = this.#options
    call.permit?.requireOwner(change.resource, call.base)
    const owner = await desk.ownerOf(call, change.resource)
    const done = await writer.change({ ...change, ...(owner === undefined ? {} : { owner }) }, [call.base])
    await this.#options.facts.made(call, change.resource)
    return written(call, done)
  }

  async #patchOne(call: Call, type: string, id: string): Promise<FhirAnswer> {
    requireType(call.headers, [PATCH_TYPE])
    const body = textOfBody(call.body)
    const operations = withDecimals(body, parseJson(body, LIMITS.resourceText))
    const { writer } = this.#options
    return writer.holding([`${type}/${id}`], async () => {
      const ifMatch = ifMatchOf(header(call.headers, 'if-match'))
      const change = await this.patched(call, type, id, operations, ifMatch)
      return written(call, (await writer.apply([change], [call.base]))[0] as PlannedChange)
    })
  }

  async #deleteOne(call: Call, type: string, id: string): Promise<FhirAnswer> {
    const { entry } = await this.#options.writer.change({ type, id, ...conditionsOf(call) }, [call.base])
    return { status: 204, ...(entry === undefined ? {} : { headers: { etag: `W/"${entry.version}"` }, entry }) }
  }

  async #served(call: Call, entry: Entry): Promise<FhirAnswer> {
    const headers = versionHeaders(entry)
    const conditions = {
      ifNoneMatch: header(call.headers, 'if-none-match'), ifModifiedSince: header(call.headers, 'if-modified-since'),
    }
    if (isKnown(conditions, entry)) return { status: 304, headers }
    return { status: 200, headers, body: copyOf(await this.#options.whole(call.session, entry)), entry }
  }

  /** Runs `work` with the one match of a condition, or none; nobody with the same condition runs meanwhile. */
  #underCondition(
    type: string, query: string, call: Call, work: (match: string | undefined) => Promise<FhirAnswer>,
  ): Promise<FhirAnswer> {
    if (query === '') throw new EdgeError('bad-request', 'name a resource, or a condition')
    return this.#options.writer.underConditions([`${type}?${query}`], async () => {
      const matches = await this.#options.search.matches(call, type, query)
      if (matches.length > 1) throw new EdgeError('multiple-matches')
      const [match] = matches
      return work(match?.slice(match.indexOf('/') + 1))
    })
  }
}

const conditionsOf = (call: Call): Pick<Change, 'ifMatch' | 'ifAbsent'> => {
  const ifMatch = ifMatchOf(header(call.headers, 'if-match'))
  const ifNoneMatch = header(call.headers, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new EdgeError('bad-request', 'If-None-Match of a write can only be *', 'If-None-Match')
  }
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifAbsent: true }) }
}

/** An interaction that takes no parameters is not given any: what is not understood is not ignored. */
const requireNoQuery = (call: Call): void => {
  if (call.wishes.query !== '') {
    throw new EdgeError('not-supported', 'this interaction takes no parameters', 'http.query')
  }
}

const resourceIn = (call: Call, type: string): Resource => {
  const resource = validateResource(call.resource ?? parsedBody(call))
  if (resource.resourceType !== type) {
    throw new EdgeError('bad-value', `expected a ${type}, as the URL says`, 'resourceType')
  }
  return resource
}

const parsedBody = (call: Call): unknown => {
  requireType(call.headers, FHIR_TYPES)
  const text = textOfBody(call.body)
  return withDecimals(text, parseJson(text, LIMITS.resourceText))
}

const written = (call: Call, { status, entry }: PlannedChange): FhirAnswer => {
  if (entry === undefined) throw new Error('a write leaves a version')
  return writtenAnswer(status, entry, call.base, call.wishes.returns)
}

/** Random searches over what a model holds, as a query and as conditions: the same thing said twice. */
import type { Resource } from '@medplum/fhirtypes'
import { type Definition, definitionsOf } from '../../../packages/fhir/test/oracle/definitions.ts'
import { nodesIn } from '../../../packages/fhir/test/oracle/extract.ts'
import { type Condition, conditionOf } from '../../../packages/fhir/test/oracle/oracle.ts'
import { type Draw, type Question, Questions } from '../../../packages/fhir/test/oracle/questions.ts'
import type { Include } from '../../../packages/fhir/test/oracle/related.ts'
import { type Model, ORGANISATION, PERSONS, type Place } from './differential-model.ts'

export interface RandomSearch {
  readonly path: string
  readonly type: string
  readonly place: Place
  readonly conditions: readonly Condition[]
  readonly sort: readonly string[]
  readonly includes: readonly Include[]
  readonly count: number
  readonly kinds: readonly string[]
}

/** Of all patients or of none: their charts may be closed, so nothing is looked for backwards from them. */
const isListed = (place: Place): boolean => place === ORGANISATION || place === PERSONS

const SORTED: ReadonlySet<string> = new Set(['token', 'string', 'date', 'number', 'quantity'])
const UNSORTED: ReadonlySet<string> = new Set(['_query', '_text', '_content', '_security', '_tag'])

export class Searches {
  readonly #model: Model
  readonly #draw: Draw
  readonly #questions: Questions

  constructor(model: Model, draw: Draw) {
    this.#model = model
    this.#draw = draw
    this.#questions = new Questions(draw)
  }

  next(): RandomSearch {
    const place = this.#place()
    const type = this.#one(place === PERSONS ? ['Patient'] : this.#model.typesIn(place)) ?? 'Patient'
    const sample = this.#one(this.#model.in(place, type))
    const asked: Question[] = []
    const named = isListed(place) ? [] : this.#patientOf(place, type)
    for (let count = this.#draw(4); count > 0; count--) {
      const question = sample && this.#condition(place, sample, new Set(['patient', 'subject']))
      if (question !== undefined) asked.push(question)
    }
    const conditions = [...named, ...asked]
    const includes = this.#includes(place, type)
    const sort = this.#sort(type)
    const count = this.#one([1, 2, 5, 20, 50, 1000]) ?? 50
    const pairs = [
      ...conditions.map(({ key, value }) => [key, value]),
      ...includes.map(({ reverse, iterate, value }) =>
        [`_${reverse ? 'rev' : ''}include${iterate ? ':iterate' : ''}`, value]),
      ...(sort.length === 0 ? [] : [['_sort', sort.join(',')]]),
      ['_count', String(count)],
    ]
    const query = pairs.map((pair) => pair.map((text) => encodeURIComponent(text ?? '')).join('=')).join('&')
    const within = isListed(place) || named.length > 0 ? type : `${place}/${type}`
    return { path: `${within}?${query}`, type, place, conditions, sort, includes, count,
      kinds: [...asked.flatMap(({ kinds }) => kinds), ...kindsOf(sort, includes)] }
  }

  #place(): Place {
    if (this.#chance(8)) return PERSONS
    return this.#chance(8) ? ORGANISATION : this.#one([...this.#model.open]) ?? PERSONS
  }

  /** By a condition, or by the compartment in the path. */
  #patientOf(place: Place, type: string): Question[] {
    if (type === 'Patient' || this.#chance(3)) return []
    const value = this.#one([place, place.replace('Patient/', '')]) ?? place
    return [{ ...conditionOf('patient', value), key: 'patient', kinds: [] }]
  }

  #condition(place: Place, sample: Resource, except: ReadonlySet<string>): Question | undefined {
    if (this.#chance(5)) return this.#chain(place, sample)
    if (this.#chance(6) && !isListed(place)) return this.#has(place, sample)
    return this.#questions.on(sample, except)
  }

  #references(resource: Resource): Definition[] {
    return definitionsOf(resource.resourceType).filter(({ kind, expression }) =>
      kind === 'reference' && expression !== '')
  }

  /** What a reference of the resource names, if it is here. */
  #targetOf(resource: Resource, { expression }: Definition): Resource | undefined {
    const keys = nodesIn(resource, expression).flatMap(({ data }) => (data as { reference?: string }).reference ?? [])
    const key = this.#one(keys)
    return key === undefined ? undefined : this.#model.at(key, this.#model.state)
  }

  #chain(place: Place, sample: Resource): Question | undefined {
    const definition = this.#one(this.#references(sample)
      .filter(({ expression }) => nodesIn(sample, expression).length > 0))
    const target = definition && this.#targetOf(sample, definition)
    if (definition === undefined || target === undefined) return undefined
    const { resourceType: type } = target
    if (definition.targets.length > 0 && !definition.targets.includes(type)) return undefined
    const inner = this.#chance(4) ? this.#chain(place, target) : this.#questions.on(target)
    if (inner === undefined) return undefined
    const typed = definition.targets.length === 1 && this.#chance(2) ? '' : `:${type}`
    const key = `${definition.code}${typed}.${inner.key}`
    const kinds = ['chain', ...inner.kinds.map((kind) => (kind === 'chain' ? 'chain of two' : `chain to ${kind}`))]
    return { ...conditionOf(key, inner.value), key, kinds }
  }

  #has(place: Place, sample: Resource): Question | undefined {
    const own = `${sample.resourceType}/${sample.id}`
    const sources = this.#model.typesIn(place).flatMap((type) => {
      const source = this.#one(this.#model.in(place, type))
      return source === undefined ? [] : this.#references(source)
        .filter(({ expression }) => nodesIn(source, expression).some(({ data }) =>
          (data as { reference?: string }).reference?.startsWith(`${sample.resourceType}/`)))
        .map((definition) => ({ source, definition }))
    })
    const found = this.#one(sources)
    if (found === undefined || own === '') return undefined
    const { source, definition } = found
    const inner = this.#chance(5) ? this.#has(place, source) : this.#questions.on(source)
    if (inner === undefined) return undefined
    const key = `_has:${source.resourceType}:${definition.code}:${inner.key}`
    return { ...conditionOf(key, inner.value), key, kinds: ['_has', ...(inner.kinds.includes('_has') ? ['_has of two']
      : [])] }
  }

  #includes(place: Place, type: string): Include[] {
    const includes: Include[] = []
    if (this.#chance(4)) {
      const code = this.#chance(4) ? '*' : this.#one(this.#codesOf(type))
      if (code !== undefined) includes.push({ reverse: false, iterate: false, value: `${type}:${code}` })
    }
    if (includes.length > 0 && this.#chance(3)) {
      const from = this.#one(['Encounter', 'Claim', 'Condition', 'Observation', 'DiagnosticReport'])
      const code = from && this.#one(this.#codesOf(from))
      if (code !== undefined) includes.push({ reverse: false, iterate: true, value: `${from}:${code}` })
    }
    if (!isListed(place) && this.#chance(8)) {
      const source = this.#one(this.#model.typesIn(place))
      const code = source && this.#one(this.#codesOf(source, type))
      if (code !== undefined) includes.push({ reverse: true, iterate: this.#chance(3), value: `${source}:${code}` })
    }
    return includes
  }

  #codesOf(type: string, target?: string): string[] {
    return definitionsOf(type).filter(({ kind, expression, targets, code }) => kind === 'reference'
      && expression !== '' && !['composition', 'message'].includes(code)
      && (target === undefined || targets.includes(target))).map(({ code }) => code)
  }

  #sort(type: string): string[] {
    if (!this.#chance(3)) return []
    const codes = definitionsOf(type).filter(({ kind, code, expression }) =>
      SORTED.has(kind) && !UNSORTED.has(code) && expression !== '').map(({ code }) => code)
    return Array.from({ length: 1 + this.#draw(2) }, () => `${this.#chance(2) ? '-' : ''}${this.#one(codes)}`)
  }

  #one<T>(values: readonly T[]): T | undefined {
    return this.#questions.one(values)
  }

  #chance(of: number): boolean {
    return this.#questions.chance(of)
  }
}

const kindsOf = (sort: readonly string[], includes: readonly Include[]): string[] => [
  ...(sort.length === 0 ? [] : [sort.length === 1 ? '_sort' : '_sort by two']),
  ...includes.map(({ reverse, iterate, value }) =>
    `_${reverse ? 'rev' : ''}include${iterate ? ':iterate' : ''}${value.endsWith('*') ? ' *' : ''}`),
]

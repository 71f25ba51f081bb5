/**
 * What the token of one request may ask. Decided before any chart is opened: an answer that is narrowed afterwards has
 * told by its order, its total or its time already.
 */
import type { Resource } from '@medplum/fhirtypes'
import { patientOf } from '@scelle/fhir/references'
import { type Criterion, type ParsedSearch, parseSearch } from '@scelle/fhir/search'
import { EdgeError } from '../errors.ts'
import { isOfPatients } from '../search-scope.ts'
import type { Letter, Scope } from './scopes.ts'

const refuse = (what: string): EdgeError => new EdgeError('scope', what)

export class Permit {
  readonly scopes: readonly Scope[]
  /** `Patient/id`: the one patient that scopes of a patient are about; undefined for a person's or a system's. */
  readonly patient: string | undefined

  constructor(scopes: readonly Scope[], patient: string | undefined) {
    this.scopes = scopes
    this.patient = patient
  }

  /** Throws `scope`. */
  need(letter: Letter, type: string): void {
    if (this.#of(letter, type).length === 0) throw refuse(`no scope of this token gives ${letter} on ${type}`)
  }

  /** For what cannot be narrowed, such as former versions, or what another search rests on. Throws `scope`. */
  needWhole(letter: Letter, type: string): void {
    if (this.#of(letter, type).some(({ query }) => query === undefined)) return
    throw refuse(`no scope of this token gives ${letter} on every ${type}`)
  }

  /** Searches, one of which has to find what is shown; undefined where everything of the type may be. */
  narrowing(letter: Letter, type: string): readonly ParsedSearch[] | undefined {
    const queries = this.#of(letter, type).map(({ query }) => query)
    return queries.includes(undefined) ? undefined : queries.map((query) => parseSearch(type, query ?? ''))
  }

  /**
   * The compartment in which a search takes place, `Patient/id`; `compartment` where its path names one. Throws `scope`
   * for what it may not ask.
   */
  within(parsed: ParsedSearch, compartment: string | undefined): string | undefined {
    this.need('s', parsed.type)
    for (const type of typesBeside(parsed)) {
      this.needWhole('s', type)
      this.needWhole('r', type)
    }
    const { patient } = this
    if (patient === undefined) return compartment
    if (compartment !== undefined && compartment !== patient) throw this.#another()
    for (const criterion of parsed.criteria) this.#requireOwn(criterion, parsed.type)
    return isOfPatients(parsed.type) && parsed.type !== 'Patient' ? patient : undefined
  }

  /** Conditions of a write look for what is not named: within one patient's scopes they may not. Throws `scope`. */
  condition(parsed: ParsedSearch): void {
    if (this.patient !== undefined) throw refuse('scopes of one patient allow no conditional writes or references')
    for (const letter of ['s', 'r'] as const) this.needWhole(letter, parsed.type)
    this.within(parsed, undefined)
  }

  /** What is written within scopes of one patient is that patient's. Throws `scope`. */
  requireOwner(resource: Resource, base: string): void {
    if (this.patient === undefined) return
    const owner = resource.resourceType === 'Bundle' ? undefined : patientOf(resource, { bases: [base] })
    if (owner?.kind !== 'patient' || owner.reference !== this.patient) {
      throw refuse('scopes of one patient write what is that patient\'s, and nothing else')
    }
  }

  #of(letter: Letter, type: string): readonly Scope[] {
    return this.scopes.filter((scope) => (scope.type === '*' || scope.type === type) && scope.letters.has(letter))
  }

  /** Who names another patient asks about another patient, whatever is answered. */
  #requireOwn(criterion: Criterion, type: string): void {
    const { parameter: { name, targets } } = criterion
    if (criterion.test === 'token' && name === '_id' && type === 'Patient') {
      const own = !criterion.negated && criterion.tokens.every(({ code }) => `Patient/${code ?? ''}` === this.patient)
      if (!own) throw this.#another()
    }
    const mayBePatient = targets.length === 0 || targets.includes('Patient')
    if (!mayBePatient) return
    if (criterion.test === 'chain' && criterion.branches.some((branch) => branch.type === 'Patient')) {
      throw refuse('scopes of one patient do not ask for patients by what they are')
    }
    if (criterion.test !== 'reference') return
    for (const { type: named = name === 'patient' ? 'Patient' : undefined, id, text } of criterion.references) {
      const isOther = text === undefined ? named === 'Patient' && `Patient/${id ?? ''}` !== this.patient
        : /\/Patient\//.test(text)
      if (isOther) throw this.#another()
    }
  }

  #another(): EdgeError {
    return refuse('the scopes of this token are of another patient')
  }
}

/** Types of other resources that a search rests on, or shows beside what it finds. */
const typesBeside = ({ criteria, includes }: ParsedSearch): Set<string> => new Set([
  ...criteria.flatMap(typesIn),
  ...includes.flatMap(({ reverse, source, target, parameters }) => {
    if (reverse) return [source]
    const all = parameters.flatMap(({ targets }) => (targets.length === 0 ? ['*'] : targets))
    return target === undefined ? all : [target]
  }),
])

const typesIn = (criterion: Criterion): string[] => {
  if (criterion.test === 'has') return [criterion.source, ...typesIn(criterion.criterion)]
  if (criterion.test === 'composite') return criterion.tuples.flat().flatMap(typesIn)
  if (criterion.test !== 'chain') return []
  return criterion.branches.flatMap((branch) => [branch.type, ...typesIn(branch.criterion)])
}

/**
 * Merging two patients (HL7 v2 A40; FHIR's Patient-merge operation) and taking it back. Two Patient resources change,
 * in one unit over their two vaults; every record stays in the vault it was sealed into, under the grants that vault
 * has, so nobody reads more than before but this organisation's readers of the one who remains.
 */
import type { Identifier, Patient, Reference } from '@medplum/fhirtypes'
import { planMerge, withoutMerge } from '@scelle/fhir/persons'
import { parseReference } from '@scelle/fhir/references'
import type { FhirAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { exactJson, withDecimals } from '../decimals.ts'
import { bytesOf, type Entry, textOf } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import { parametersOf } from '../parameters.ts'
import type { Directory } from '../store/directory.ts'
import type { Change, PlannedChange } from '../writes/planner.ts'
import type { Writer } from '../writes/writer.ts'
import type { Merge } from './merges.ts'

export interface MergingOptions {
  readonly directory: Directory
  readonly writer: Writer
}

interface Known { readonly entry: Entry; readonly patient: Patient }

const SIDES = ['source', 'target'] as const

export class Merging {
  readonly #options: MergingOptions

  constructor(options: MergingOptions) {
    this.#options = options
  }

  /**
   * `POST Patient/$merge`: `source-patient` or `source-patient-identifier`, the same for `target`, `result-patient`,
   * `preview` → `outcome`, `result`.
   */
  async merge(call: Call): Promise<FhirAnswer> {
    const given = parametersOf(call, {
      'source-patient': { member: 'valueReference' },
      'source-patient-identifier': { member: 'valueIdentifier', many: true },
      'target-patient': { member: 'valueReference' },
      'target-patient-identifier': { member: 'valueIdentifier', many: true },
      'result-patient': { member: 'resource' },
      'preview': { member: 'valueBoolean' },
    })
    const [source = '', target = ''] = SIDES.map((side) => this.#resolve(call, side,
      given.get(`${side}-patient`)?.[0]?.valueReference,
      (given.get(`${side}-patient-identifier`) ?? []).flatMap(({ valueIdentifier }) => valueIdentifier ?? [])))
    if (source === target) throw new EdgeError('business-rule', 'a patient is not merged with itself', 'target-patient')
    const result = resultIn(given.get('result-patient')?.[0]?.resource, target)
    const preview = given.get('preview')?.[0]?.valueBoolean === true
    return this.#options.writer.holding([source, target], async () => {
      const [from, into] = [this.#unmerged(source, 'source-patient'), this.#unmerged(target, 'target-patient')]
      const plan = planMerge(from.patient, into.patient, result)
      if (preview) return told(plan.target, 'this is what the merge would leave; nothing was written')
      const merge: Merge = {
        source, target, added: plan.added, sourceBefore: plainOf(from.patient), targetBefore: plainOf(into.patient),
        targetAfter: plainOf(plan.target),
      }
      return told(await this.#write(call, [into, plan.target], [from, plan.source], merge), 'the patients are merged')
    })
  }

  /** `POST Patient/$scelle-unmerge`: `source-patient` → `outcome`, `result`: the source as it was before. */
  async unmerge(call: Call): Promise<FhirAnswer> {
    const given = parametersOf(call, { 'source-patient': { member: 'valueReference' } })
    const source = this.#resolve(call, 'source', given.get('source-patient')?.[0]?.valueReference, [])
    const { merges } = this.#options.directory.patients
    const into = merges.targetOf(source) ?? notMerged()
    return this.#options.writer.holding([source, into], async () => {
      const merge = merges.of(source) ?? notMerged()
      if (merge.target !== into || merges.targetOf(merge.target) !== undefined) {
        throw new EdgeError('business-rule', 'the one that remains was merged itself since: undo that first')
      }
      const [from, kept] = [this.#known(source, 'source-patient'), this.#known(merge.target, 'source-patient')]
      const before = withDecimals(merge.sourceBefore, JSON.parse(merge.sourceBefore) as Patient)
      const restored = plainOf(kept.patient) === merge.targetAfter
        ? withDecimals(merge.targetBefore, JSON.parse(merge.targetBefore) as Patient)
        : withoutMerge(kept.patient, from.patient, merge.added)
      const written = await this.#write(call, [kept, restored], [from, before], 'undone')
      return told(written, 'the patients are two again')
    })
  }

  /** Writes both in one unit; the target's new version is answered, or the source's where a merge ends. */
  async #write(
    call: Call, [target, targetNow]: readonly [Known, Patient], [source, sourceNow]: readonly [Known, Patient],
    merge: Merge | 'undone',
  ): Promise<Patient> {
    const changes: Change[] = [
      { ...changeOf(target, targetNow), expression: 'target-patient' },
      { ...changeOf(source, sourceNow), merge, expression: 'source-patient' },
    ]
    const planned = await this.#options.writer.apply(changes, [call.base])
    const { entry } = planned[merge === 'undone' ? 1 : 0] as PlannedChange
    if (entry === undefined) throw new Error('a merge leaves both patients')
    const text = textOf(entry)
    return withDecimals(text, JSON.parse(text) as Patient)
  }

  /** `Patient/id` of whom a side names. */
  #resolve(
    call: Call, side: string, reference: Reference | undefined, identifiers: readonly Identifier[],
  ): string {
    const name = `${side}-patient`
    const byReference = reference === undefined ? undefined : patientIn(call, reference, name)
    const byNumber = identifiers.length === 0 ? undefined : this.#withAll(identifiers, `${name}-identifier`)
    if (byReference !== undefined && byNumber !== undefined && byReference !== byNumber) {
      throw new EdgeError('business-rule', 'reference and identifiers name two patients', name)
    }
    const found = byReference ?? byNumber
    if (found === undefined) throw new EdgeError('bad-value', `expected ${name} or ${name}-identifier`, name)
    return found
  }

  /**
   * The one patient of this organisation's own with all of these: what another one claims as a number of theirs stops
   * no merge here. Who was merged away is found as the one who took them over.
   */
  #withAll(identifiers: readonly Identifier[], name: string): string {
    const { directory } = this.#options
    const { merges } = directory.patients
    const isMeant = (each: string, system: string, value: string): boolean =>
      directory.locator(each)?.author === directory.self && merges.targetOf(each) === undefined
        && hasIdentifier(directory.person(each), system, value)
    const found = identifiers.map(({ system, value }) => {
      if (system === undefined || value === undefined) {
        throw new EdgeError('bad-value', 'expected system and value', name)
      }
      return (directory.patients.mayHave(system, value) ?? []).filter((each) => isMeant(each, system, value))
    })
    const [first = [], ...rest] = found
    const [only, ...more] = first.filter((each) => rest.every((others) => others.includes(each)))
    if (only === undefined || more.length > 0) {
      throw new EdgeError('business-rule', 'the identifiers do not name one patient', name)
    }
    return only
  }

  #unmerged(reference: string, name: string): Known {
    const known = this.#known(reference, name)
    if (this.#options.directory.patients.merges.targetOf(reference) !== undefined) {
      throw new EdgeError('business-rule', 'this patient was merged into another one, whom its link names', name)
    }
    return known
  }

  /** A patient of this organisation's own, as it is now. Another organisation's is linked to, not merged. */
  #known(reference: string, name: string): Known {
    const { directory } = this.#options
    const locator = directory.locator(reference)
    if (locator === undefined) throw new EdgeError('not-found', undefined, name)
    if (locator.deleted) throw new EdgeError('gone', undefined, name)
    const isOwn = locator.author === directory.self && directory.vault(locator.vault)?.origin === 'own'
    if (!isOwn) throw new EdgeError('not-author', undefined, name)
    const entry = directory.person(reference)
    if (entry === undefined) throw new EdgeError('not-found', undefined, name)
    const text = textOf(entry)
    return { entry, patient: withDecimals(text, JSON.parse(text) as Patient) }
  }
}

/** To the letter: whom a merge means must not depend on how letters are compared. */
const hasIdentifier = (entry: Entry | undefined, system: string, value: string): boolean => entry !== undefined
  && ((JSON.parse(textOf(entry)) as Patient).identifier ?? []).some((each) =>
    each.system === system && each.value === value)

const notMerged = (): never => {
  throw new EdgeError('business-rule', 'this patient is not merged into another one', 'source-patient')
}

const changeOf = ({ entry }: Known, resource: Patient): Change =>
  ({ type: 'Patient', id: entry.id, resource, ifMatch: entry.version })

const patientIn = (call: Call, { reference }: Reference, name: string): string => {
  const text = reference?.startsWith(`${call.base}/`) === true ? reference.slice(call.base.length + 1) : reference ?? ''
  const parsed = parseReference(text)
  if (parsed.kind !== 'literal' || parsed.type !== 'Patient' || text !== `Patient/${parsed.id}`) {
    throw new EdgeError('bad-value', 'expected a reference such as Patient/1', name)
  }
  return text
}

const resultIn = (resource: unknown, target: string): Patient | undefined => {
  if (resource === undefined) return undefined
  const patient = resource as Patient
  if (patient.resourceType !== 'Patient' || `Patient/${patient.id}` !== target) {
    throw new EdgeError('bad-value', 'expected the target Patient, with its id', 'result-patient')
  }
  return patient
}

/** Its JSON text without version and time, which every write sets anew. */
const plainOf = (patient: Patient): string => {
  const { meta, ...rest } = patient
  const { versionId: _version, lastUpdated: _updated, ...kept } = meta ?? {}
  return exactJson({ ...rest, ...(Object.keys(kept).length > 0 ? { meta: kept } : {}) })
}

const told = (result: Patient, diagnostics: string): FhirAnswer => ({
  status: 200,
  body: bytesOf(exactJson({
    resourceType: 'Parameters',
    parameter: [
      { name: 'outcome', resource: { resourceType: 'OperationOutcome',
        issue: [{ severity: 'information', code: 'informational', diagnostics }] } },
      { name: 'result', resource: result },
    ],
  })),
})

import type { Bundle, Identifier, Patient, Resource } from '@medplum/fhirtypes'
import { parseDate } from './population/calendar.ts'
import { Chart } from './population/chart.ts'
import { administrativeComments, messages } from './population/documents.ts'
import { PopulationError } from './population/errors.ts'
import { bloodTests, consultations, stays, treatments } from './population/history.ts'
import { drawPerson } from './population/identity.ts'
import { Levels } from './population/laboratory.ts'
import { patientResource } from './population/patient.ts'
import { allergies, coverage, immunisations } from './population/prevention.ts'
import { Prng, type SeedState, seedState } from './population/prng.ts'
import { drawProblems, problemCondition } from './population/problem-list.ts'
import { drawStaff, type Staff } from './population/staff.ts'
import { drawBuild } from './population/vital-signs.ts'

export { PopulationError, type PopulationErrorCode } from './population/errors.ts'

/** The date a population ends at where none is given: a constant, so that a seed means the same for ever. */
export const DEFAULT_AS_OF = '2026-01-15'

export interface PopulationOptions {
  /** Any non-empty text. Other seed, other people. */
  readonly seed: string
  /** How many patients; 0 to 2^32. Patient n is the same in every size. */
  readonly patients: number
  /** `YYYY-MM-DD`; nothing in the records happened later. */
  readonly asOf?: string
}

/** One invented patient and everything recorded about them. */
export interface DemoPatient {
  readonly patient: Patient
  /** The Patient first, then its records. Equal parts may be one object: read, or clone before changing them. */
  readonly resources: readonly Resource[]
  /** Texts that occur literally in the JSON of `resources`: names, INS, identifiers, telephone, address, notes. */
  readonly canaries: readonly string[]
  /** A transaction that puts every resource under its own id; references inside it go by `urn:uuid`. */
  bundle(): Bundle
}

/**
 * An invented French population, one patient at a time in constant memory. Same options, same bytes.
 * References to organisations and practitioners point to what `organisations(seed)` holds: load that first.
 * @throws {PopulationError} `seed-empty`, `size-invalid`, `date-invalid`, before the first patient is drawn
 */
export function population(options: PopulationOptions): Iterable<DemoPatient> {
  const seed = checkedSeed(options.seed)
  const today = parseDate(options.asOf ?? DEFAULT_AS_OF)
  if (today === undefined) {
    throw new PopulationError('date-invalid', `asOf must be a calendar date like ${DEFAULT_AS_OF}`)
  }
  const { patients } = options
  if (!Number.isInteger(patients) || patients < 0 || patients > 2 ** 32) {
    throw new PopulationError('size-invalid', 'patients must be a whole number from 0 to 4294967296')
  }
  const staff = drawStaff(seed)
  return {
    * [Symbol.iterator](): Generator<DemoPatient> {
      for (let index = 0; index < patients; index++) yield drawPatient(seed, index, staff, today)
    },
  }
}

/**
 * The hospital, practice, laboratory and insurers of a seed, with their practitioners and locations.
 * @throws {PopulationError} `seed-empty`
 */
export function organisations(seed: string): readonly Resource[] {
  return drawStaff(checkedSeed(seed)).resources
}

/** Newline-delimited JSON, one resource a line, from resources or from whole patients. */
export function* toNdjson(items: Iterable<Resource | DemoPatient>): Generator<string> {
  for (const item of items) {
    if ('resourceType' in item) yield `${JSON.stringify(item)}\n`
    else for (const resource of item.resources) yield `${JSON.stringify(resource)}\n`
  }
}

function checkedSeed(seed: string): SeedState {
  if (seed.length === 0) throw new PopulationError('seed-empty', 'give a seed of at least one character')
  return seedState(seed)
}

function drawPatient(seed: SeedState, index: number, staff: Staff, today: number): DemoPatient {
  const rng = new Prng(seed, index)
  const chart = new Chart(rng, drawPerson(rng, seed, index, today), staff, today)
  drawProblems(chart)
  const patient = patientResource(chart, administrativeComments(chart))
  chart.resources.push(patient)
  coverage(chart)
  for (const suffered of chart.suffered) chart.resources.push(problemCondition(chart, suffered))
  allergies(chart)
  immunisations(chart)
  const levels = new Levels(chart)
  consultations(chart, drawBuild(chart))
  treatments(chart)
  bloodTests(chart, levels)
  stays(chart, levels)
  messages(chart)
  const { resources } = chart
  return {
    patient,
    resources,
    canaries: canaries(chart, patient),
    bundle: () => transaction(resources),
  }
}

/** Texts short enough to occur anywhere by chance prove nothing, so names under this length are left out. */
const SHORTEST_CANARY = 6

/** Characters of a letter's base64 that hold the patient's name and birth date, behind the fixed heading. */
const NAMING_SLICE = [160, 240] as const

function canaries({ person, resources, notes }: Chart, patient: Patient): string[] {
  const letters = resources.filter((resource) => resource.resourceType === 'DocumentReference')
    .flatMap(({ content }) => content.map(({ attachment }) => attachment.data ?? ''))
  const found = [
    person.birthFamily, person.usedFamily, ...person.given,
    ...(patient.name ?? []).map(({ text }) => text ?? ''),
    ...resources.flatMap((resource) => ('identifier' in resource ? identifierValues(resource.identifier) : [])),
    ...(patient.telecom ?? []).map(({ value }) => value ?? ''),
    ...(patient.address ?? []).map(({ text }) => text ?? ''),
    ...notes,
    ...letters.map((data) => data.slice(...NAMING_SLICE)),
  ]
  return [...new Set(found.filter((text) => text.length >= SHORTEST_CANARY))]
}

function identifierValues(identifier: Identifier | readonly Identifier[] | undefined): string[] {
  return [identifier ?? []].flat().map(({ value }) => value ?? '')
}

function transaction(resources: readonly Resource[]): Bundle {
  const inside = new Set(resources.map(({ id }) => id))
  const rewritten = (resource: Resource): Resource => JSON.parse(JSON.stringify(resource), (key, value: unknown) => {
    if (key !== 'reference' || typeof value !== 'string') return value
    const id = value.slice(value.indexOf('/') + 1)
    return inside.has(id) ? `urn:uuid:${id}` : value
  }) as Resource
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: resources.map((resource) => ({
      fullUrl: `urn:uuid:${resource.id ?? ''}`,
      resource: rewritten(resource),
      request: { method: 'PUT', url: `${resource.resourceType}/${resource.id ?? ''}` },
    })),
  }
}

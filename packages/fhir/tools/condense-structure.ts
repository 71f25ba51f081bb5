import type { Bundle, CodeSystem, ElementDefinition, StructureDefinition, ValueSet } from '@medplum/fhirtypes'
import type { ElementRow, StructureTable, TypeRow } from '../src/r4/tables.ts'

const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type'
const BASE = 'http://hl7.org/fhir/StructureDefinition/'

/** ele-1 (an element has a value or children) is on every element; `walk.ts` checks it as structure. */
const STRUCTURAL = new Set(['ele-1'])

class Interner {
  readonly values: string[] = []
  readonly #places = new Map<string, number>()

  place(value: string): number {
    const known = this.#places.get(value)
    if (known !== undefined) return known
    this.#places.set(value, this.values.length)
    return this.values.push(value) - 1
  }
}

/** Condenses StructureDefinitions and the code lists of their required bindings. */
export function condenseStructure(profiles: Bundle[], terminology: Bundle[]): StructureTable {
  const constraints = new Interner()
  const sets = new Interner()
  const types: Record<string, TypeRow> = {}
  for (const definition of profiles.flatMap(structures)) {
    for (const [name, row] of condenseType(definition, constraints, sets)) types[name] = row
  }
  const codes = codeLists(terminology)
  return {
    fhirVersion: '4.0.1',
    constraints: constraints.values.map((text) => JSON.parse(text) as [string, string, string]),
    valueSets: sets.values.map((url) => codes(url)),
    types,
  }
}

function structures(bundle: Bundle): StructureDefinition[] {
  return (bundle.entry ?? [])
    .map((entry) => entry.resource)
    .filter((resource): resource is StructureDefinition => resource?.resourceType === 'StructureDefinition')
    .filter((sd) => sd.kind !== 'logical' && sd.url === BASE + sd.name && sd.kind !== 'primitive-type')
    .filter((sd) => sd.name !== 'SubscriptionStatus') // R4B's: the bundle has it, R4 has not
}

function* condenseType(sd: StructureDefinition, constraints: Interner, sets: Interner): Generator<[string, TypeRow]> {
  const elements = sd.snapshot?.element ?? []
  const rows = new Map<string, TypeRow>()
  const parents = new Set(elements.map((element) => parentOf(element.path ?? '')))
  for (const element of elements) {
    const path = element.path ?? ''
    const isRoot = !path.includes('.')
    if (isRoot || (parents.has(path) && isBackbone(element))) {
      const kind = isRoot ? (sd.kind === 'resource' ? 'resource' : 'datatype') : 'backbone'
      const row: TypeRow = { kind, elements: {} }
      if (isRoot && sd.abstract) row.abstract = true
      const own = constraintPlaces(element, constraints)
      if (own.length > 0) row.constraints = own
      rows.set(path, row)
    }
    const parent = rows.get(parentOf(path))
    if (parent) parent.elements[path.slice(parentOf(path).length + 1)] = elementRow(element, rows, constraints, sets)
  }
  for (const [path, row] of rows) yield [path.includes('.') ? path : sd.name ?? path, row]
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')))

function isBackbone(element: ElementDefinition): boolean {
  return element.type?.some((type) => type.code === 'BackboneElement' || type.code === 'Element') ?? false
}

function elementRow(
  element: ElementDefinition,
  rows: Map<string, TypeRow>,
  constraints: Interner,
  sets: Interner,
): ElementRow {
  const row: ElementRow = { types: typeNames(element, rows) }
  if (element.min) row.min = element.min
  const isArray = (element.base?.max ?? element.max) !== '1' && element.base?.max !== '0'
  if (isArray) row.array = true
  if (element.max !== '*' && element.max !== '1') row.max = Number(element.max)
  if (isArray && element.max === '1') row.max = 1
  const targets = element.type?.find((type) => type.code === 'Reference')?.targetProfile
  if (targets && !targets.includes(`${BASE}Resource`)) row.targets = targets.map((url) => url.replace(BASE, ''))
  const isCode = element.type?.some((type) => type.code === 'code')
  if (isCode && element.binding?.strength === 'required' && element.binding.valueSet) {
    row.codes = sets.place(element.binding.valueSet.split('|')[0] ?? '')
  }
  // A backbone's own invariants stand on its type row; a contentReference repeats none of its own.
  const own = constraintPlaces(element, constraints)
  if (own.length > 0 && !rows.has(element.path ?? '')) row.constraints = own
  return row
}

function typeNames(element: ElementDefinition, rows: Map<string, TypeRow>): string[] {
  if (element.contentReference) return [element.contentReference.slice(1)]
  const path = element.path ?? ''
  return (element.type ?? []).map((type) => {
    if (rows.has(path)) return path
    const declared = type.extension?.find((extension) => extension.url === FHIR_TYPE)?.valueUrl
    return (declared ?? type.code ?? '').replace('http://hl7.org/fhirpath/System.String', 'string')
  })
}

/** The element's invariants; those inherited from the element's data type are on that type's own row. */
function constraintPlaces(element: ElementDefinition, constraints: Interner): number[] {
  const typeNamesHere = new Set(element.type?.map((type) => type.code))
  return (element.constraint ?? [])
    .filter((c) => c.severity === 'error' && c.expression && !STRUCTURAL.has(c.key ?? ''))
    .filter((c) => !element.path?.includes('.') || !typeNamesHere.has((c.source ?? '').replace(BASE, '')))
    .map((c) => constraints.place(JSON.stringify([c.key, c.expression, c.human])))
}

/** Answers a value set's codes, or null where it cannot be listed (filters, external systems). */
function codeLists(bundles: Bundle[]): (url: string) => string[] | null {
  const sets = new Map<string, ValueSet>()
  const systems = new Map<string, CodeSystem>()
  for (const entry of bundles.flatMap((bundle) => bundle.entry ?? [])) {
    const resource = entry.resource
    if (resource?.resourceType === 'ValueSet' && resource.url) sets.set(resource.url, resource)
    if (resource?.resourceType === 'CodeSystem' && resource.url) systems.set(resource.url, resource)
  }
  const expand = (url: string): string[] | null => {
    const set = sets.get(url)
    if (!set || set.compose?.exclude) return null
    const codes = new Set<string>()
    for (const include of set.compose?.include ?? []) {
      const part = includedCodes(include, systems, expand)
      if (!part) return null
      for (const code of part) codes.add(code)
    }
    return codes.size > 0 ? [...codes].toSorted() : null
  }
  return expand
}

type Include = NonNullable<NonNullable<ValueSet['compose']>['include']>[number]

function includedCodes(
  include: Include,
  systems: Map<string, CodeSystem>,
  expand: (url: string) => string[] | null,
): string[] | null {
  if (include.filter) return null
  if (include.valueSet) {
    const parts = include.valueSet.map((url) => expand(url))
    return !include.system && parts.length === 1 ? parts[0] ?? null : null
  }
  if (include.concept) return include.concept.map((concept) => concept.code ?? '')
  const system = systems.get(include.system ?? '')
  if (system?.content !== 'complete' || !system.concept) return null
  return allCodes(system.concept)
}

function allCodes(concepts: NonNullable<CodeSystem['concept']>): string[] {
  return concepts.flatMap((concept) => [concept.code ?? '', ...allCodes(concept.concept ?? [])])
}

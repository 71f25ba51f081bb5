/** Shapes of the tables that `tools/build-r4.ts` condenses from the R4 definitions. */

/** One element of a type. Absent `min` is 0; absent `max` is 1, or unbounded where `array` is set. */
export interface ElementRow {
  /** Data types (several for a choice `[x]`); a backbone's type is its own path, such as `Patient.contact`. */
  types: string[]
  min?: number
  max?: number
  array?: true
  /** Resource types that a reference may name; absent: any. */
  targets?: string[]
  /** Place in `valueSets` of the required binding of a `code`. */
  codes?: number
  /** Places in `constraints`. */
  constraints?: number[]
}

/** A resource, a data type or a backbone element. */
export interface TypeRow {
  kind: 'resource' | 'datatype' | 'backbone'
  abstract?: true
  elements: Record<string, ElementRow>
  constraints?: number[]
}

export interface StructureTable {
  fhirVersion: string
  /** [key, FHIRPath expression, what it demands] */
  constraints: [string, string, string][]
  /** The codes of each required value set; null where it cannot be listed. */
  valueSets: (string[] | null)[]
  types: Record<string, TypeRow>
}

export interface SearchParameterRow {
  type: string
  expression?: string
  target?: string[]
  /** Parts of a composite; their expressions start at an element of the composite's own. */
  components?: SearchParameterRow[]
}

/** Type, data type or backbone path → its elements that R4 marks as part of a summary, with spaces between. */
export type SummaryTable = Record<string, string>

export type SearchTable = Record<string, Record<string, SearchParameterRow>>

import type { Criterion } from './criterion.ts'
import type { Parameter } from './parameters.ts'

/** A search that was understood in full. */
export interface ParsedSearch {
  type: string
  /** All must hold. */
  criteria: readonly Criterion[]
  sort: readonly SortKey[]
  /** Resources per page, at most `LIMITS.pageMax`; 0 asks for the total alone. */
  count: number
  /** `_summary=count` or `_count=0`: no resources, only the total. */
  totalOnly: boolean
  /** False for `_total=none`: the Bundle should carry no total. */
  withTotal: boolean
  total: 'none' | 'estimate' | 'accurate'
  includes: readonly Include[]
  summary: 'false' | 'true' | 'text' | 'data' | 'count'
  /** Top-level elements asked for by `_elements`. */
  elements: readonly string[] | undefined
  /** What `lenient` skipped, by name; never a value. */
  ignored: readonly Ignored[]
  /** Base URLs of this server: absolute references under them mean its own resources. */
  bases: readonly string[]
  /** The raw query without what was ignored or handled by the caller: what the self link states. */
  understood: string
}

export interface SortKey {
  parameter: Parameter
  descending: boolean
}

export interface Ignored {
  name: string
  diagnostics: string
}

/** One `_include` or `_revinclude`. */
export interface Include {
  reverse: boolean
  /** Applies to what was included as well, until nothing new comes. */
  iterate: boolean
  /** The type whose references are followed. */
  source: string
  /** The parameters followed: one, or all of the type for the wildcard. */
  parameters: readonly Parameter[]
  /** Only references to this type. */
  target: string | undefined
}

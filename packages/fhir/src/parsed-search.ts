import type { Criterion } from './criteria.ts'
import type { Parameter } from './search-parameters.ts'

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
  /** `_total=none`: the Bundle should carry no total. */
  withTotal: boolean
}

export interface SortKey {
  parameter: Parameter
  descending: boolean
}

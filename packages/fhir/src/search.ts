/**
 * R4 search over resources in memory: strict parsing, exact evaluation.
 * @module
 */
export { intervalOf } from './periods.ts'
export type { Interval } from './periods.ts'
export { ChartIndex } from './search/chart-index.ts'
export type { Branch, Criterion } from './search/criterion.ts'
export { findMatches } from './search/evaluate.ts'
export { findIncluded } from './search/include.ts'
export type { ParameterKind } from './search/kinds.ts'
export type { CanonicalUnit, Coded, ParseOptions, Units, ValueSets } from './search/options.ts'
export { comparesUnits } from './search/needs.ts'
export { includesOf, parametersOf, revIncludesOf } from './search/parameters.ts'
export type { Parameter } from './search/parameters.ts'
export { parseSearch } from './search/parse.ts'
export type { Ignored, Include, ParsedSearch, SortKey } from './search/parsed.ts'
export { project } from './search/project.ts'
export type { SearchSpace } from './search/space.ts'

/** A search about a patient is also about those who were merged into them: their records name them as they did. */
import type { ParsedSearch } from '@scelle/fhir/search'
import type { Merges } from './merges.ts'

type Criterion = ParsedSearch['criteria'][number]

/** Patients that a search meant, without those whom another one of them took over: those are asked about in theirs. */
export const withoutMerged = (found: readonly string[], merges: Pick<Merges, 'targetsOf'>): string[] =>
  [...new Set(found.map((each) => merges.targetsOf(each).at(-1) ?? each))]

/**
 * The search with every reference to a patient who took others over widened to those others. Each record keeps its own
 * subject; which of the records are within reach is not decided here.
 */
export const withMerged = (parsed: ParsedSearch, merges: Pick<Merges, 'sourcesOf'>): ParsedSearch => {
  const criteria = parsed.criteria.map((criterion) => widened(criterion, merges))
  return criteria.every((criterion, at) => criterion === parsed.criteria[at]) ? parsed : { ...parsed, criteria }
}

const widened = (criterion: Criterion, merges: Pick<Merges, 'sourcesOf'>): Criterion => {
  if (criterion.test === 'has') {
    const inner = widened(criterion.criterion, merges)
    return inner === criterion.criterion ? criterion : { ...criterion, criterion: inner }
  }
  if (criterion.test === 'chain') {
    const branches = criterion.branches.map((branch) => ({ ...branch, criterion: widened(branch.criterion, merges) }))
    const isSame = branches.every((branch, at) => branch.criterion === criterion.branches[at]?.criterion)
    return isSame ? criterion : { ...criterion, branches }
  }
  if (criterion.test !== 'reference') return criterion
  const others = criterion.references.flatMap(({ type, id, version, text }) => {
    const named = id !== undefined && version === undefined && text === undefined && (type ?? 'Patient') === 'Patient'
    return named ? merges.sourcesOf(`Patient/${id}`) : []
  })
  if (others.length === 0) return criterion
  const more = [...new Set(others)].map((reference) => ({ type: 'Patient', id: reference.slice('Patient/'.length) }))
  return { ...criterion, references: [...criterion.references, ...more] }
}

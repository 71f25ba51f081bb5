/** What the index's refusals mean for one unit of writes. */
import { SdkError, type PreparedCommit, type SubmitResult } from '@scelle/sdk'
import type { ProblemCode } from '@scelle/wire/errors'
import { EdgeError } from '../errors.ts'
import type { Part } from './unit.ts'

/** The same submission may succeed later: nobody answered, or the index said that it was busy. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof SdkError && (error.code === 'network' || problemOf(error) === 'overloaded' || problemOf(error) === 'internal')

const problemOf = (error: SdkError): ProblemCode | undefined => (error as { problem?: ProblemCode }).problem

/** Refusals that a commit sealed anew does not get again. */
const SEAL_ANEW: ReadonlySet<string> = new Set(['capsule-closed', 'epoch-stale', 'manifest-conflict', 'blob-missing'])

/**
 * Why a unit must be refused; undefined where it was not its own fault, or where sealing it anew may help.
 * `places` of a conflict name leaves of the commit: only units with a record there are concerned.
 */
export function submitFault(error: unknown): EdgeError
export function submitFault(answer: SubmitResult | Error, commit: PreparedCommit | undefined, part: Part): EdgeError | undefined
export function submitFault(answer: unknown, commit?: PreparedCommit, part?: Part): EdgeError | undefined {
  if (answer instanceof EdgeError) return answer
  const problem = answer instanceof SdkError ? problemOf(answer) : (answer as SubmitResult).problem
  if (part !== undefined && problem !== undefined && SEAL_ANEW.has(problem)) return undefined
  if (problem === 'version-exists') {
    const places = (answer as SubmitResult).places
    return part === undefined || commit === undefined || places === undefined || concerns(places, commit, part)
      ? new EdgeError('conflict')
      : undefined
  }
  if (problem === 'not-permitted' || problem === 'grant-revoked') return new EdgeError('forbidden')
  if (problem === 'too-large') return new EdgeError('too-large')
  return new EdgeError(answer instanceof SdkError && isUnreachable(answer) ? 'index-unavailable' : 'internal')
}

const concerns = (places: readonly number[], commit: PreparedCommit, part: Part): boolean => {
  const names = new Set(part.writes.map(({ locator }) => `${locator.handle} ${locator.version} ${locator.category}`))
  return commit.items.some((item) => places.includes(item.place)
    && names.has(`${Buffer.from(item.handle).toString('hex')} ${item.version} ${item.category}`))
}

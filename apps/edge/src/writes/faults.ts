/** What the index's refusals mean for one unit of writes. */
import { type PreparedCommit, SdkError, type SubmitResult, toHex } from '@scelle/sdk'
import { EdgeError, isUnreachable } from '../errors.ts'
import type { Part } from './unit.ts'

/** Refusals that a commit sealed anew does not get again. */
const SEAL_ANEW: ReadonlySet<string> = new Set(['capsule-closed', 'epoch-stale', 'manifest-conflict', 'blob-missing'])

/** What was thrown while sealing or submitting, as the request that wanted it is told. */
export const faultOf = (error: unknown): EdgeError => {
  if (error instanceof EdgeError) return error
  if (!(error instanceof SdkError)) return new EdgeError('internal', undefined, undefined, { cause: error })
  if (isUnreachable(error)) return new EdgeError('index-unavailable', undefined, undefined, { cause: error })
  if (error.code === 'no-grant' || error.code === 'category-unknown' || error.problem === 'not-permitted') {
    return new EdgeError('forbidden', undefined, undefined, { cause: error })
  }
  if (error.problem === 'too-large' || error.code === 'bad-input') {
    return new EdgeError('too-large', undefined, undefined, { cause: error })
  }
  return new EdgeError('internal', undefined, undefined, { cause: error })
}

export type Refused = Extract<SubmitResult, { readonly accepted: false }>

/**
 * Why a part must be refused, given what the index said of its commit; undefined where it was not its own fault, or
 * where sealing it anew may help.
 */
export const refusalOf = (answer: Refused, commit: PreparedCommit, part: Part): EdgeError | undefined => {
  const { problem } = answer
  if (SEAL_ANEW.has(problem)) return undefined
  if (problem === 'version-exists') return concerns(answer, commit, part) ? new EdgeError('conflict') : undefined
  if (problem === 'not-permitted' || problem === 'grant-revoked') return new EdgeError('forbidden')
  return new EdgeError(problem === 'too-large' ? 'too-large' : 'internal')
}

/** A conflict that names no item concerns all of them. */
const concerns = ({ items }: Refused, commit: PreparedCommit, part: Part): boolean => {
  const names = new Set(part.writes.map(({ locator }) => `${locator.handle} ${locator.version} ${locator.category}`))
  return items.length === 0 || items.some((place) => {
    const item = commit.items[place]
    return item !== undefined && names.has(`${toHex(item.handle)} ${item.version} ${item.category}`)
  })
}

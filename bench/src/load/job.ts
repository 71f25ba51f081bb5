/** What the load generator is told, and what it tells. */
import type { Request } from './requests.ts'

export type Job =
  /** From now on these are sent, one after the other and from the start again. */
  | { readonly kind: 'use'; readonly requests: readonly Request[] }
  | { readonly kind: 'timed'; readonly url: string; readonly clients: number; readonly milliseconds: number }
  /** Each of them once. */
  | { readonly kind: 'all'; readonly url: string; readonly clients: number }

export interface Outcome {
  /** Milliseconds for all. */
  readonly took: number
  /** Of each answer, milliseconds. */
  readonly times: readonly number[]
  readonly resources: number
  /** Of the answers' bodies. */
  readonly bytes: number
}

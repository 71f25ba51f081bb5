/** Principals that a request shows, and what is remembered of them. */
import type { PrincipalKeys } from '@scelle/seal/verify'

/** The newest key record of a principal that was relied on. */
export interface KeyHead {
  readonly principal: Uint8Array
  readonly version: number
  /** Statement id of that record. */
  readonly record: Uint8Array
}

export interface ShownPrincipals {
  /** Verified keys, or undefined where the request does not show them. */
  readonly find: (id: Uint8Array) => PrincipalKeys | undefined
  /** As `find`; throws `bad-statement`, naming what is missing. */
  readonly need: (id: Uint8Array, who: string) => PrincipalKeys
  /** Ids of all whose keys are shown. */
  readonly all: readonly Uint8Array[]
  /** What to remember once the request is granted. */
  readonly heads: readonly KeyHead[]
}

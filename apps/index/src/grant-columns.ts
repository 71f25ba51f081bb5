/** How engines store what of a grant is no number. */
import { PURPOSES } from '@scelle/seal/verify'
import type { GrantState } from './store.ts'

const PURPOSE_BITS = PURPOSES.map((purpose, place) => [purpose, 1 << place] as const)

export const purposeMask = (purposes: readonly string[]): number =>
  PURPOSE_BITS.reduce((mask, [purpose, bit]) => (purposes.includes(purpose) ? mask | bit : mask), 0)

export const purposesOf = (mask: number): GrantState['purposes'] =>
  PURPOSE_BITS.flatMap(([purpose, bit]) => ((mask & bit) === 0 ? [] : [purpose]))

/** `revocation`: 0 for none. One whose time is not stored yet is of now, beyond any time. */
export const revokedAt = (revocation: number, time: number | null): number | undefined =>
  revocation === 0 ? undefined : (time ?? Number.MAX_SAFE_INTEGER)

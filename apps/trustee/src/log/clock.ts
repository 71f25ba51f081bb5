/**
 * Whether this trustee's clock may be relied on. Windows slide by it: whoever moves it a day on has every budget filled
 * again, and one that a thief runs beside a busy week has it for months. Peers' cosignatures are dated by their clocks,
 * so they are what this one is held against.
 */
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../limits.ts'

/** All in seconds. */
export interface Clocks {
  readonly now: number
  /** When this trustee cosigned the checkpoint of the receipt, and when each peer did that cosigned it too. */
  readonly own: number
  readonly peers: readonly number[]
  /** The newest cosignature of each peer that this trustee ever verified. */
  readonly newest: readonly number[]
}

/**
 * Throws `clock-skewed`. One peer that agrees is enough, so that one that lies, or that cosigned late because it was
 * down, stops nobody: of three clocks two are together. The time that goes by between the cosignature and now is held
 * against what an access lives at most, or a clock that is moved after cosigning would not be noticed.
 */
export const requireClock = ({ now, own, peers, newest }: Clocks): void => {
  const { clockApart: apart, accessWindow, accessAhead } = TRUSTEE_LIMITS
  const agrees = peers.some((time) => Math.abs(time - own) <= apart)
  const sinceOwn = now - own
  const stands = sinceOwn >= -apart && sinceOwn <= accessWindow + accessAhead + apart
  const behind = newest.length > 0 && newest.every((time) => now < time - apart)
  if (!agrees || !stands || behind) throw new Problem('clock-skewed')
}

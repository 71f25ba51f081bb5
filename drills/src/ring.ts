/**
 * Stolen practices that explain each other's openings. Were a referral from another practice a fact from outside, the
 * person's bounds would not see it, and 99 patients a day and 2,178 in 28 days would leave: it was so once.
 */
import { BUDGETS, type Standing } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { PATIENTS_EACH } from './stolen.ts'
import { Trio } from './trio.ts'
import { byHouse } from './workloads.ts'

const START = 1_800_000_000
const HOUR = 3_600
const ALL_MEANS = { stepUp: true, colleague: true }

/**
 * Patients that one account of a ring gets in so many days, each neighbour vouching for the next. The release charges
 * the voucher too, as `withVoucher` does in production.
 */
export const ring = (days: number, { seed, houses = 2 }: { seed: string; houses?: number }): number => {
  const draw = new Draw(`ring/${seed}`)
  const trio = new Trio(draw)
  const practices = Array.from({ length: houses }, () => {
    const key = draw.bytes(32)
    return { key, scope: 'organisation' as const, budget: BUDGETS.practice, circle: [key] }
  })
  const taken = practices.map(() => 0)
  const readers = practices.map((house, place): [Standing, Uint8Array] => {
    const voucher = practices[(place + 1) % houses] as (typeof practices)[number]
    const own = { key: draw.bytes(32), scope: 'person' as const, budget: BUDGETS.gp, circle: [house.key] }
    return [{
      reader: draw.bytes(32), role: 'gp', own, meters: [own, house, voucher], houses: [house.key],
      stepUp: draw.bytes(32),
    }, voucher.key]
  })
  for (let hour = 0; hour < days * 24; hour++) {
    for (const [place, [standing, voucher]] of readers.entries()) {
      const opening = { standing, source: byHouse(voucher), now: START + hour * HOUR, means: ALL_MEANS }
      while ((taken[place] ?? 0) < PATIENTS_EACH && trio.openUnseen({ ...opening, vault: draw.bytes(32) })) {
        taken[place] = (taken[place] ?? 0) + 1
      }
    }
  }
  return Math.max(...taken)
}

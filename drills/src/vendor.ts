/** All practices on one vendor's servers: its meter, and what locking it costs. */
import { BUDGETS, type Standing } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { Trio } from './trio.ts'
import { BY_NOBODY, byHouse } from './workloads.ts'

export interface VendorDrill {
  /** Patients lost from all accounts before the vendor was locked, or the day was over. */
  readonly lost: number
  readonly locked: boolean
  /** Patients of a usual day that nobody outside the vendor explains. */
  readonly usual: number
}

const DAY = 86_400
const START = 1_800_000_000

/** So many doctors of one vendor, each with so many openings a day that no patient and no other house explains. */
export const vendorDrill = (
  { seed, accounts, usual, progress }: {
    seed: string; accounts: number; usual: number; progress?: (done: number, total: number) => void
  },
): VendorDrill => {
  const draw = new Draw(seed)
  const trio = new Trio(draw)
  const key = draw.bytes(32)
  const vendor = {
    key, scope: 'vendor' as const, budget: BUDGETS.vendor, circle: [key], patientsPerDay: accounts * 100,
  }
  const doctors = Array.from({ length: accounts }, (): Standing => {
    const own = { key: draw.bytes(32), scope: 'person' as const, budget: BUDGETS.gp, circle: [key] }
    return { reader: draw.bytes(32), role: 'gp', own, meters: [own, vendor], houses: [key], stepUp: draw.bytes(32) }
  })
  const open = (standing: Standing, now: number, source = BY_NOBODY): boolean =>
    trio.open({ standing, vault: draw.bytes(32), source, now, means: { stepUp: true, colleague: true } }).opened
  for (let day = 0; day < 8; day++) {
    const openings = doctors.flatMap((doctor) => Array.from({ length: draw.count(usual, 1.6) }, () => ({
      doctor, now: START + day * DAY + Math.floor((8 + 10 * draw.uniform()) * 3_600),
    })))
    for (const { doctor, now } of openings.toSorted((a, b) => a.now - b.now)) open(doctor, now)
    progress?.(day + 1, 9)
  }
  let lost = 0
  const agenda = byHouse(key)
  for (let round = 0; round < 100; round++) {
    for (const doctor of doctors) if (open(doctor, START + 8 * DAY + 3 * 3_600 + round, agenda)) lost++
    if (trio.meters.filter((meter) => meter.locks.of('vendor', key) !== undefined).length >= 2) break
  }
  progress?.(9, 9)
  const locked = trio.meters.some((meter) => meter.locks.of('vendor', key) !== undefined)
  return { lost, locked, usual: usual * accounts }
}

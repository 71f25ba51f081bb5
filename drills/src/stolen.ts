/**
 * The breach of 2025 again: valid accounts of 1,500 doctors, their devices and keys, 10,000 patients each. What leaves
 * before a lock, from whoever knows exactly how the meters stand and asks whichever two trustees help most.
 */
import { type Budget, BUDGETS, type Standing } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { type Means, Trio } from './trio.ts'
import { BY_NOBODY, BY_PATIENT, byHouse, Panel, sourceFrom, type Workload, WORKLOADS } from './workloads.ts'

export const ACCOUNTS = 1_500
export const PATIENTS_EACH = 10_000
/** Files that were read in 2025. */
export const PATIENTS = ACCOUNTS * PATIENTS_EACH

export interface Theft {
  /** Days: 1 or 28. */
  readonly days: number
  readonly means: Means
  /** The thief writes the practice's agenda too: appointments by its key, or by a secretary's. */
  readonly agenda: boolean
  /** The doctor goes on working on the same meter. */
  readonly works: boolean
  /** Whether it stays below every bound, or takes what it gets until it is locked. */
  readonly unseen: boolean
  readonly budget?: Budget
}

export interface Loss {
  /** Of one account: the most, and the mean. */
  readonly most: number
  readonly mean: number
  /** Days until the doctor was first stopped by what the thief had spent; undefined where it never was. */
  readonly noticed: number | undefined
  readonly accounts: number
}

const START = 1_800_000_000
const HOUR = 3_600

/** A GP of a practice, both counted. */
const doctorOf = (draw: Draw, budget: Budget): Standing => {
  const practice = draw.bytes(32)
  const own = { key: draw.bytes(32), scope: 'person' as const, budget, circle: [practice] }
  const house = { key: practice, scope: 'organisation' as const, budget: BUDGETS.practice, circle: [practice] }
  return { reader: draw.bytes(32), role: 'gp', own, meters: [own, house], houses: [practice], stepUp: draw.bytes(32) }
}

interface Account {
  readonly trio: Trio
  readonly draw: Draw
  readonly standing: Standing
  readonly other: Uint8Array
  readonly panel: Panel
}

const solo = WORKLOADS.find(({ name }) => name === 'gp-solo') as Workload

/** The doctor's hours of a day. True where it was stopped. */
const workHour = ({ trio, draw, standing, other, panel }: Account, now: number): boolean => {
  const openings = draw.poisson(solo.mean / solo.hours)
  let stopped = false
  for (let one = 0; one < openings; one++) {
    const source = sourceFrom(solo.mix, standing, other, draw)
    const means = { stepUp: true, colleague: true }
    const { opened } = trio.open({ standing, vault: panel.any(), source, now, means })
    if (!opened && source !== BY_PATIENT) stopped = true
  }
  return stopped
}

const steal = (
  { trio, standing, draw }: Account, { means, agenda, unseen }: Theft, taken: Set<number>, now: number,
): void => {
  const source = agenda ? byHouse(standing.houses[0] as Uint8Array) : BY_NOBODY
  for (let refused = 0; refused < 2 && taken.size < PATIENTS_EACH;) {
    const opening = { standing, vault: draw.bytes(32), source, now, means }
    const got = unseen ? trio.openUnseen(opening) : trio.open(opening).opened
    if (got) taken.add(taken.size)
    else refused++
    // Once the small lane is full, the agenda is all that is left, and the other way round.
    const other = { ...opening, vault: draw.bytes(32), source: BY_NOBODY }
    if (!got && agenda && trio.openUnseen(other)) taken.add(taken.size)
  }
}

const replay = (theft: Theft, draw: Draw): { taken: number; noticed: number | undefined } => {
  const standing = doctorOf(draw, theft.budget ?? BUDGETS.gp)
  const account = { trio: new Trio(draw), draw, standing, other: draw.bytes(32), panel: new Panel(solo.panel, draw) }
  const taken = new Set<number>()
  let noticed: number | undefined
  for (let hour = 0; hour < theft.days * 24; hour++) {
    const now = START + hour * HOUR
    const day = Math.floor(hour / 24)
    const working = theft.works && day % 7 < 5 && hour % 24 >= 8 && hour % 24 < 8 + solo.hours
    if (working && workHour(account, now)) noticed ??= day + 1
    steal(account, theft, taken, now + 60)
  }
  return { taken: taken.size, noticed }
}

/** Accounts are independent: as many are replayed as it takes to see the most that one loses. */
export const stolen = (
  theft: Theft, { seed, accounts, progress }: {
    seed: string; accounts: number; progress?: (done: number, total: number) => void
  },
): Loss => {
  const losses: { taken: number; noticed: number | undefined }[] = []
  for (let account = 0; account < accounts; account++) {
    losses.push(replay(theft, new Draw(`${seed}/${account}`)))
    progress?.(account + 1, accounts)
  }
  const noticed = losses.flatMap(({ noticed: day }) => day ?? [])
  return {
    most: Math.max(...losses.map(({ taken }) => taken)),
    mean: losses.reduce((sum, { taken }) => sum + taken, 0) / accounts,
    noticed: noticed.length === 0 ? undefined : noticed.toSorted((a, b) => a - b)[Math.floor(noticed.length / 2)],
    accounts,
  }
}

/** What the arithmetic says: of each window at most three halves of one trustee's bound. */
export const boundOf = ({ bounds }: Budget, days: number): number => {
  const { day = 0, month = 0 } = bounds.own ?? {}
  return Math.floor((3 * Math.min(day * days, month)) / 2)
}

import { civilDate, dayNumber, daysInMonth } from './calendar.ts'
import { BIRTHPLACES, birthplaceCode, type Place } from './communes.ts'
import { FAMILY_NAMES } from './family-names.ts'
import { givenNames } from './given-names.ts'
import { nir } from './nir.ts'
import { type Prng, type SeedState, Weighted } from './prng.ts'

/** Who a demonstration patient is, before FHIR. */
export interface Person {
  readonly id: string
  readonly sex: 'male' | 'female'
  readonly birthDay: number
  readonly age: number
  readonly birthFamily: string
  readonly usedFamily: string
  readonly given: readonly string[]
  readonly birthplace: Place
  readonly birthplaceCode: string
  /** Matricule INS (NIR with key); its system is the test OID. */
  readonly matricule: string
  /** A qualified identity may carry its matricule; a provisional one must not. */
  readonly qualified: boolean
  /** Name as a letter writes it. */
  readonly display: string
}

/** Decades of age, weighted for men and women: patients of a hospital's region, a little older than the country. */
const AGES: Readonly<Record<'male' | 'female', Weighted<number>>> = {
  male: new Weighted([[0, 11], [10, 11], [20, 11], [30, 12], [40, 12], [50, 13], [60, 13], [70, 11], [80, 5], [90, 1]]),
  female: new Weighted([[0, 10], [10, 10], [20, 11], [30, 12], [40, 12], [50, 13], [60, 13], [70, 12], [80, 8],
    [90, 3]]),
}

const ORDERS = 999
const MONTHS = 12

/** Matricules stay distinct up to this many patients of one population; above, two may share one. */
export const DISTINCT_MATRICULES = BIRTHPLACES.length * ORDERS * MONTHS * 2

/** What makes a matricule, apart from the year: sex, month, birthplace and order in the register. */
interface Slot {
  readonly sex: 'male' | 'female'
  readonly month: number
  readonly place: Place
  readonly order: number
}

/**
 * Gives each index another slot by walking all of them in steps coprime to their number: no two patients share a
 * matricule although none is remembered.
 */
function slotOf(seed: SeedState, index: number): Slot {
  let step = 1_000_003 + (seed[0] % 1_000_000)
  while (greatestDivisor(step, DISTINCT_MATRICULES) !== 1) step++
  const slot = ((index % DISTINCT_MATRICULES) * step + (seed[1] % DISTINCT_MATRICULES)) % DISTINCT_MATRICULES
  const place = BIRTHPLACES[slot % BIRTHPLACES.length]
  if (!place) throw new RangeError('the birthplace table is empty')
  const rest = Math.floor(slot / BIRTHPLACES.length)
  const registers = Math.floor(rest / ORDERS)
  return {
    place,
    order: (rest % ORDERS) + 1,
    month: (registers % MONTHS) + 1,
    sex: registers < MONTHS ? 'male' : 'female',
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

/** Draws one person. The same seed, index and date always give the same one. */
export function drawPerson(rng: Prng, seed: SeedState, index: number, today: number): Person {
  const slot = slotOf(seed, index)
  const id = rng.uuid()
  const now = civilDate(today)
  const wanted = AGES[slot.sex].draw(rng) + rng.int(0, 9)
  const year = now.year - wanted - (slot.month > now.month ? 1 : 0)
  const drawn = dayNumber(year, slot.month, rng.int(1, daysInMonth(year, slot.month)))
  const birthDay = Math.min(drawn, today)
  const age = Math.floor((today - birthDay) / 365.25)
  const birthFamily = FAMILY_NAMES.draw(rng)
  const married = slot.sex === 'female' && age >= 25 && rng.chance(age > 55 ? 0.7 : 0.35)
  const usedFamily = married ? marriedName(rng, birthFamily) : birthFamily
  const names = givenNames(slot.sex, year)
  const given = [...new Set(Array.from({ length: rng.int(1, 3) }, () => names.draw(rng)))]
  const code = birthplaceCode(slot.place, year)
  return {
    id, sex: slot.sex, birthDay, age, birthFamily, usedFamily, given,
    birthplace: slot.place,
    birthplaceCode: code,
    matricule: nir({ sex: slot.sex, year, month: slot.month, birthplace: code, order: slot.order }),
    qualified: rng.chance(0.97),
    display: `${given[0] ?? ''} ${usedFamily.toUpperCase()}`,
  }
}

function marriedName(rng: Prng, birthFamily: string): string {
  const spouse = FAMILY_NAMES.draw(rng)
  return rng.chance(0.15) ? `${birthFamily}-${spouse}` : spouse
}

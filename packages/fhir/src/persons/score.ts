/**
 * Whether two patients may be one person: points for every field that agrees or not, added up, each told. Nobody is
 * merged by it: whoever looks at the pair must see why it is there.
 */
import type { Features, LocalNumber } from './features.ts'
import { isKeyRight } from './ins.ts'
import { compareNames } from './names.ts'
import type { FoldedName, NameMatch } from './names.ts'

export type ReasonField =
  | 'ins' | 'number' | 'birth-name' | 'given-name' | 'birth-date' | 'sex' | 'birth-place' | 'phone' | 'multiple-birth'

export type ReasonFinding =
  | 'same' | 'equal' | 'similar' | 'partial' | 'crossed' | 'day-month-exchanged' | 'different'

/** A field, how it compares, and its points. Never the values. */
export interface Reason { field: ReasonField, finding: ReasonFinding, points: number }

export interface Comparison {
  /** 0 to 100. */
  score: number
  reasons: readonly Reason[]
  /** Goes to the work list. */
  listed: boolean
}

/** From here on a pair goes to the work list. */
export const LISTED_FROM = 65

const POINTS: Readonly<Record<ReasonField, Partial<Record<ReasonFinding, number>>>> = {
  'ins': { same: 60, different: -100 },
  'number': { same: 50 },
  'birth-name': { equal: 25, similar: 15, partial: 15, crossed: 18, different: -20 },
  'given-name': { equal: 20, similar: 10, partial: 8, crossed: 20, different: -30 },
  'birth-date': { equal: 25, 'day-month-exchanged': 15, similar: 10, different: -40 },
  'sex': { equal: 5, different: -15 },
  'birth-place': { equal: 10, different: -12 },
  'phone': { same: 10 },
  'multiple-birth': { different: -30 },
}

/**
 * Compares two patients. The same INS or the same local number always goes to the work list: one of the two is a
 * collision, and that is worse than a duplicate.
 */
export function comparePatients(left: Features, right: Features): Comparison {
  const reasons: Reason[] = []
  const say = (field: ReasonField, finding: ReasonFinding | undefined): void => {
    if (finding !== undefined) reasons.push({ field, finding, points: POINTS[field][finding] ?? 0 })
  }
  const names = crossedNames(left, right) ?? plainNames(left, right)
  say('ins', insFinding(left, right))
  say('number', sharesNumber(left.numbers, right.numbers) ? 'same' : undefined)
  say('birth-name', names.family)
  say('given-name', names.given)
  say('birth-date', dateFinding(left.birthDate, right.birthDate))
  say('sex', both(left.sex, right.sex))
  say('birth-place', both(left.birthPlace, right.birthPlace))
  say('phone', left.phones.some((phone) => right.phones.includes(phone)) ? 'same' : undefined)
  say('multiple-birth', (left.multiple || right.multiple) && names.given !== 'equal' ? 'different' : undefined)
  const sum = reasons.reduce((total, { points }) => total + points, 0)
  const sure = reasons.some(({ field, finding }) => (field === 'ins' || field === 'number') && finding === 'same')
  const score = Math.max(sure ? LISTED_FROM : 0, Math.min(100, sum))
  return { score, reasons, listed: score >= LISTED_FROM }
}

type NameFindings = { family: ReasonFinding | undefined, given: ReasonFinding | undefined }

/** Family name written where the given name belongs, on one side. */
function crossedNames(left: Features, right: Features): NameFindings | undefined {
  const [leftNames, rightNames] = [familiesOf(left), familiesOf(right)]
  if (best(leftNames, rightNames) === 'equal') return undefined
  const crossed = best(leftNames, right.given) === 'equal' && best(left.given, rightNames) === 'equal'
  return crossed ? { family: 'crossed', given: 'crossed' } : undefined
}

function plainNames(left: Features, right: Features): NameFindings {
  return { family: familyFinding(left, right), given: best(left.given, right.given) }
}

/** Birth names speak first; a birth name that is the other's used name is told as crossed. */
function familyFinding(left: Features, right: Features): ReasonFinding | undefined {
  const births = best(left.birthNames, right.birthNames)
  if (births !== undefined && births !== 'different') return births
  const across = best(familiesOf(left), familiesOf(right))
  if (across === undefined || across === 'different') return across
  return births === undefined ? across : 'crossed'
}

function familiesOf({ birthNames, usedNames }: Features): FoldedName[] {
  return [...birthNames, ...usedNames]
}

const ORDER: readonly NameMatch[] = ['equal', 'similar', 'partial', 'different']

function best(left: readonly FoldedName[], right: readonly FoldedName[]): NameMatch | undefined {
  let found: NameMatch | undefined
  for (const one of left) {
    for (const other of right) {
      const match = compareNames(one, other)
      if (found === undefined || ORDER.indexOf(match) < ORDER.indexOf(found)) found = match
    }
  }
  return found
}

/** Two numbers of one OID differ for certain only if both keys are right: a slip is no other person. */
function insFinding(left: Features, right: Features): ReasonFinding | undefined {
  const [mine, theirs] = [left.identity.ins, right.identity.ins]
  const same = mine.some((one) => theirs.some((other) => one.oid === other.oid && one.matricule === other.matricule))
  if (same) return 'same'
  const opposed = mine.some((one) => theirs.some((other) => one.oid === other.oid
    && isKeyRight(one.matricule) && isKeyRight(other.matricule)))
  return opposed ? 'different' : undefined
}

function sharesNumber(left: readonly LocalNumber[], right: readonly LocalNumber[]): boolean {
  return left.some((one) => right.some((other) => one.system === other.system && one.value === other.value))
}

function both(left: string | undefined, right: string | undefined): 'equal' | 'different' | undefined {
  if (left === undefined || right === undefined) return undefined
  return left === right ? 'equal' : 'different'
}

/** A year that differs by over ten is a generation, not a slip: father and son share a name, and may share a day. */
const YEARS_OF_A_SLIP = 10

function dateFinding(left: string | undefined, right: string | undefined): ReasonFinding | undefined {
  if (left === undefined || right === undefined) return undefined
  if (left === right) return left.length === 10 ? 'equal' : undefined
  const [year, month, day] = left.split('-')
  const [otherYear, otherMonth, otherDay] = right.split('-')
  if (day === undefined || otherDay === undefined) {
    const fits = left.startsWith(right) || right.startsWith(left)
    return fits ? undefined : 'different'
  }
  if (year === otherYear && month === otherDay && day === otherMonth) return 'day-month-exchanged'
  if (year === otherYear) return month === otherMonth || day === otherDay ? 'similar' : 'different'
  const years = Math.abs(Number(year) - Number(otherYear))
  return month === otherMonth && day === otherDay && years <= YEARS_OF_A_SLIP ? 'similar' : 'different'
}

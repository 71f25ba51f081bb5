/** Civil dates as day numbers since 1970-01-01, in integer arithmetic: no clock, no time zone of the machine. */

/** Day number of a proleptic Gregorian date (month 1 to 12). */
export function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146097 + dayOfEra - 719468
}

export interface CivilDate { readonly year: number; readonly month: number; readonly day: number }

/** The date of a day number. */
export function civilDate(dayNo: number): CivilDate {
  const z = dayNo + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = z - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** Days of a month, leap years included. */
export function daysInMonth(year: number, month: number): number {
  return month === 12 ? 31 : dayNumber(year, month + 1, 1) - dayNumber(year, month, 1)
}

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`)

/** `YYYY-MM-DD`. */
export function isoDate(dayNo: number): string {
  const { year, month, day } = civilDate(dayNo)
  return `${year}-${two(month)}-${two(day)}`
}

/** `JJ/MM/AAAA`, as a French letter writes it. */
export function frenchDate(dayNo: number): string {
  const { year, month, day } = civilDate(dayNo)
  return `${two(day)}/${two(month)}/${year}`
}

/** FHIR dateTime with the offset of metropolitan France on that day (summer time: EU rule, whole days). */
export function instant(dayNo: number, minuteOfDay: number): string {
  const { year } = civilDate(dayNo)
  const summer = dayNo >= lastSunday(year, 3) && dayNo < lastSunday(year, 10)
  const hours = two(Math.floor(minuteOfDay / 60))
  return `${isoDate(dayNo)}T${hours}:${two(minuteOfDay % 60)}:00${summer ? '+02:00' : '+01:00'}`
}

function lastSunday(year: number, month: number): number {
  const last = dayNumber(year, month, 31)
  return last - ((last + 4) % 7)
}

/** That day, or the Friday before a week-end: practices and laboratories are closed then. */
export function workingDay(dayNo: number): number {
  const weekday = (((dayNo + 4) % 7) + 7) % 7
  return weekday === 0 ? dayNo - 2 : weekday === 6 ? dayNo - 1 : dayNo
}

/** Day number of `YYYY-MM-DD`, or undefined where it is no real date. */
export function parseDate(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!match) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const dayNo = dayNumber(year, month, day)
  return month >= 1 && month <= 12 && isoDate(dayNo) === text ? dayNo : undefined
}

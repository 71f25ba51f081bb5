import { LIMITS } from './limits.ts'

/**
 * R4 primitive types (datatypes.html#primitive). Each answers undefined for a good value, else what was expected,
 * in words that never repeat the value.
 */
type Check = (value: unknown) => string | undefined

const YEAR = '([1-9]\\d{3}|0\\d{2}[1-9]|0\\d[1-9]0|0[1-9]00)'
const MONTH = '(0[1-9]|1[0-2])'
const DAY = '(0[1-9]|[12]\\d|3[01])'
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d{1,9})?'
const ZONE = '(Z|[+-]((0\\d|1[0-3]):[0-5]\\d|14:00))'

const DATE = new RegExp(`^${YEAR}(-${MONTH}(-${DAY})?)?$`)
const DATE_TIME = new RegExp(`^${YEAR}(-${MONTH}(-${DAY}(T${TIME}${ZONE})?)?)?$`)
const INSTANT = new RegExp(`^${YEAR}-${MONTH}-${DAY}T${TIME}${ZONE}$`)
const TIME_OF_DAY = new RegExp(`^${TIME}$`)
const ID = /^[A-Za-z0-9\-.]{1,64}$/
const CODE = /^[^\s]+( [^\s]+)*$/
const URI = /^\S+$/
const OID = /^urn:oid:[0-2](\.(0|[1-9]\d*))+$/
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/
// eslint-disable-next-line no-control-regex -- FHIR forbids exactly these: below U+0020 save tab, LF and CR
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/
const NOT_BLANK = /\S/

function text(pattern: RegExp | undefined, expected: string): Check {
  return (value) => {
    if (typeof value !== 'string') return `expected a JSON string (${expected})`
    if (value.length > LIMITS.stringLength) return 'longer than the 1 MB that FHIR allows a string'
    if (pattern) return pattern.test(value) ? undefined : `expected ${expected}`
    if (!NOT_BLANK.test(value)) return 'empty or blank string'
    return CONTROL.test(value) ? 'control characters are not allowed' : undefined
  }
}

function calendar(pattern: RegExp, expected: string): Check {
  const format = text(pattern, expected)
  return (value) => format(value) ?? (dayExists(value as string) ? undefined : 'this day does not exist')
}

/** Days 1..28 exist in every month, so only the rest costs arithmetic. */
function dayExists(value: string): boolean {
  if (value.length < 10) return true
  const day = Number(value.slice(8, 10))
  if (day <= 28) return true
  return day <= daysInMonth(Number(value.slice(0, 4)), Number(value.slice(5, 7)))
}

/** Days of a month in the proleptic Gregorian calendar; month 1..12. */
export function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
}

function integer(least: number, expected: string): Check {
  return (value) => {
    if (typeof value !== 'number') return `expected a JSON number (${expected})`
    return Number.isInteger(value) && value >= least && value <= 2_147_483_647 ? undefined : `expected ${expected}`
  }
}

const base64: Check = (value) => {
  if (typeof value !== 'string') return 'expected a JSON string (base64Binary)'
  return BASE64.test(value) && unspaced(value) % 4 === 0 ? undefined : 'expected base64 with padding'
}

function unspaced(value: string): number {
  return /\s/.test(value) ? value.replace(/\s/g, '').length : value.length
}

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['boolean', (value) => (typeof value === 'boolean' ? undefined : 'expected true or false')],
  ['decimal', (value) => (Number.isFinite(value) ? undefined : 'expected a finite JSON number (decimal)')],
  ['integer', integer(-2_147_483_648, 'a 32-bit integer')],
  ['unsignedInt', integer(0, 'an integer of 0 or more')],
  ['positiveInt', integer(1, 'an integer of 1 or more')],
  ['string', text(undefined, 'string')],
  ['markdown', text(undefined, 'markdown')],
  ['xhtml', text(undefined, 'xhtml')],
  ['code', text(CODE, 'a code: no leading, trailing or double spaces')],
  ['id', text(ID, 'an id: 1 to 64 of A-Z a-z 0-9 - .')],
  ['uri', text(URI, 'a URI without spaces')],
  ['url', text(URI, 'a URL without spaces')],
  ['canonical', text(URI, 'a canonical URL without spaces')],
  ['oid', text(OID, 'urn:oid:…')],
  ['uuid', text(UUID, 'urn:uuid:…')],
  ['base64Binary', base64],
  ['date', calendar(DATE, 'a date: YYYY, YYYY-MM or YYYY-MM-DD')],
  ['dateTime', calendar(DATE_TIME, 'a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone')],
  ['instant', calendar(INSTANT, 'an instant: YYYY-MM-DDThh:mm:ss with a time zone')],
  ['time', text(TIME_OF_DAY, 'a time: hh:mm:ss')],
])

/** What is wrong with a JSON value as this primitive type; undefined if nothing. */
export function primitiveFault(type: string, value: unknown): string | undefined {
  const check = CHECKS.get(type)
  return check ? check(value) : `unknown primitive type ${type}`
}

/** `isId` for what is known to be text. */
export function isIdText(candidate: string): boolean {
  return ID.test(candidate)
}

/** True for an R4 resource id: 1 to 64 of `A-Z a-z 0-9 - .`. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}
